//! Moving the selection and scrolling.

use crate::tui::keys::{Action, Pane};
use crate::tui::shown::List;
use crate::tui::state::{Part, Scroll, State};
use crate::tui::{layout, view};

/// Columns by which text scrolls sideways.
const SIDEWAYS: usize = 8;
/// How far rows of a list can be scrolled sideways.
const MOST_SIDEWAYS: usize = 400;

/// Executes an action that moves; returns whether it was one.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = layout::height(state);
    let page = isize::try_from(height.max(2)).unwrap_or(isize::MAX) - 1;
    let rows = match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::HalfUp => -(page / 2).max(1),
        Action::HalfDown => (page / 2).max(1),
        Action::First => isize::MIN,
        Action::Last => isize::MAX,
        Action::Left => {
            sideways(state, -1);
            return true;
        }
        Action::Right => {
            sideways(state, 1);
            return true;
        }
        Action::NextPart => {
            next_part(state, 1);
            return true;
        }
        Action::PreviousPart => {
            next_part(state, 2);
            return true;
        }
        _ => return false,
    };
    step(state, rows);
    true
}

/// Moves in the part with the focus by this many rows.
pub fn step(state: &mut State, rows: isize) {
    let live = state.is_live();
    let list = |list: &mut List| {
        if rows == isize::MAX && live {
            list.newest();
        } else {
            list.step(rows);
        }
    };
    match state.pane() {
        Pane::Exchanges => list(&mut state.exchanges),
        Pane::Frames => match state.part {
            Part::List => {
                list(&mut state.frames);
            }
            Part::Details => {
                let len = view::frames::visible(state).len();
                let height = layout::frames(state)
                    .details
                    .height
                    .saturating_sub(1)
                    .into();
                state.tree.step(rows, len, height);
                view::frames::line_chosen(state);
            }
            Part::Bytes => {
                let per_line = isize::try_from(layout::bytes_per_line(state)).unwrap_or(16);
                view::frames::step_byte(state, rows.saturating_mul(per_line));
            }
        },
        _ => {
            let (len, height) = (view::lines(state), layout::height(state));
            if let Some(scroll) = scroll(state) {
                scroll.step(rows, len, height);
            }
        }
    }
}

/// The scroll position of the view in front.
fn scroll(state: &mut State) -> Option<&mut Scroll> {
    Some(match state.pane() {
        Pane::Ladder => &mut state.step,
        Pane::Follow => &mut state.follow_at,
        Pane::Statistics => &mut state.statistics_at,
        Pane::Explain => &mut state.explained_at,
        Pane::Difference => &mut state.differences_at,
        Pane::Exchanges | Pane::Frames => return None,
    })
}

fn sideways(state: &mut State, step: isize) {
    let moved = |left: usize| left.saturating_add_signed(step * SIDEWAYS.cast_signed());
    match (state.pane(), state.part) {
        (Pane::Exchanges, _) => {
            state.exchanges.left = moved(state.exchanges.left).min(MOST_SIDEWAYS);
        }
        (Pane::Frames, Part::Details) if step > 0 => unfold(state),
        (Pane::Frames, Part::Details) => fold(state),
        (Pane::Frames, Part::Bytes) => view::frames::step_byte(state, step),
        (Pane::Frames, Part::List) => {
            state.frames.left = moved(state.frames.left).min(MOST_SIDEWAYS);
        }
        _ => {
            if let Some(scroll) = scroll(state) {
                scroll.left = moved(scroll.left).min(1000);
            }
        }
    }
}

/// Folds or unfolds the selected line of the details; returns whether anything changed.
fn fold_or_unfold(state: &mut State, unfolds: bool) -> bool {
    let visible = view::frames::visible(state);
    let Some(line) = visible.get(state.tree.at) else {
        return true;
    };
    let path = line.path.clone();
    if !line.has_children || state.folded.contains(&path) != unfolds {
        return false;
    }
    if unfolds {
        state.folded.remove(&path);
    } else {
        state.folded.insert(path);
    }
    true
}

/// Folds the selected line of the details if it is unfolded, and vice versa.
pub fn turn(state: &mut State) {
    if !fold_or_unfold(state, true) {
        fold_or_unfold(state, false);
    }
}

/// Folds the selected line, or goes to its parent.
fn fold(state: &mut State) {
    if fold_or_unfold(state, false) {
        return;
    }
    let visible = view::frames::visible(state);
    let at = state.tree.at;
    let depth = visible[at].depth;
    let above = visible[..at].iter().rposition(|line| line.depth < depth);
    if let Some(above) = above {
        step(state, -isize::try_from(at - above).unwrap_or(0));
    }
}

/// Unfolds the selected line, or goes to its first child.
fn unfold(state: &mut State) {
    if fold_or_unfold(state, true) {
        return;
    }
    let visible = view::frames::visible(state);
    if visible[state.tree.at].has_children {
        step(state, 1);
    }
}

fn next_part(state: &mut State, step: usize) {
    if state.pane() == Pane::Frames {
        let all = [Part::List, Part::Details, Part::Bytes];
        let at = all
            .iter()
            .position(|part| *part == state.part)
            .unwrap_or_default();
        state.part = all[(at + step) % all.len()];
    }
}

/// Shows a frame among its neighbours.
pub fn go_to_frame(state: &mut State, frame: u64) {
    let shown = &state.frames.shown;
    let (Some(first), Some(last)) = (shown.get(0), shown.get(shown.len().saturating_sub(1))) else {
        state.complain("there are no frames here");
        return;
    };
    super::opening::open(state, Pane::Frames);
    state.part = Part::List;
    super::super::layout::fit(state);
    if state.frames.go_to(frame) {
        return;
    }
    let nearest = (0..state.frames.shown.len())
        .filter_map(|at| state.frames.shown.get(at))
        .min_by_key(|number| number.abs_diff(frame));
    if let Some(nearest) = nearest {
        state.frames.go_to(nearest);
        let why = if state.filter.is_some() || state.tab != crate::tui::state::Tab::All {
            "frame is hidden by the filter"
        } else {
            "frame is not kept"
        };
        state.complain(format!(
            "{why}: {frame}. This is the nearest of {first} to {last}"
        ));
    }
}
