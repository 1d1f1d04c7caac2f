//! The layout of the screen, for drawing and for the mouse.

use ratatui::layout::{Constraint, Layout, Rect};

use super::keys::Pane;
use super::state::{Part, State};

/// Width from which parts are side by side.
const WIDE: u16 = 120;
/// Height from which there is a lower part.
const TALL: u16 = 16;

/// Everything except the first line and the last.
#[must_use]
pub fn body(state: &State) -> Rect {
    let (columns, rows) = state.size;
    Rect::new(0, 1, columns, rows.saturating_sub(2))
}

/// Rows of the lower part, including its border; 0 if there is no room.
fn lower(state: &State) -> u16 {
    let body = body(state);
    if body.height + 2 < TALL {
        return 0;
    }
    let usual = (body.height / 2).saturating_sub(1);
    state.split.unwrap_or(usual).min(body.height - 4)
}

/// Columns of the part at the right, including its border; `usual` if the user has not moved the border.
fn right(state: &State, usual: u16) -> u16 {
    let most = state.size.0.saturating_sub(LEAST_SIDE).max(LEAST_SIDE);
    state.side.unwrap_or(usual).clamp(LEAST_SIDE, most)
}

/// Least width of a part beside another.
pub const LEAST_SIDE: u16 = 24;

/// Width that a list of exchanges needs, and that of the details of one exchange beside it.
const LIST: u16 = 80;
const NEAR: [u16; 2] = [40, 72];

/// Columns of eight bytes a line, and of sixteen.
const BYTES: [u16; 2] = [44, 76];

/// An area in two: what is left at the left, and this many columns at the right.
fn split_right(area: Rect, columns: u16) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(1), Constraint::Length(columns)]).areas(area)
}

/// An area in two: what is left above, and this many rows below.
fn split_below(area: Rect, rows: u16) -> [Rect; 2] {
    Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(area)
}

/// The parts of the first view.
#[derive(Debug, Clone, Copy)]
pub struct Exchanges {
    /// The list, with titles above it.
    pub list: Rect,
    /// The details of the selected exchange; its first row, or first column if it is at the side, is the border.
    pub preview: Option<Rect>,
    /// Whether they are at the side.
    pub beside: bool,
}

/// The layout of the first view.
#[must_use]
pub fn exchanges(state: &State) -> Exchanges {
    let body = body(state);
    let beside = body.width >= WIDE;
    let ([list, preview], is_shown) = if beside {
        let [least, most] = NEAR;
        let columns = right(state, (body.width - LIST).clamp(least, most));
        (split_right(body, columns), true)
    } else {
        let lower = lower(state);
        (split_below(body, lower), lower > 1)
    };
    Exchanges {
        list,
        preview: is_shown.then_some(preview),
        beside,
    }
}

/// The parts of the frames view; the first row of each is its title.
#[derive(Debug, Clone, Copy)]
pub struct Frames {
    /// The list.
    pub list: Rect,
    /// The details.
    pub details: Rect,
    /// The bytes.
    pub bytes: Rect,
}

/// The layout of the frames view.
#[must_use]
pub fn frames(state: &State) -> Frames {
    let body = body(state);
    let usual = (body.height * 3 / 5).max(4);
    let lower = state
        .split
        .unwrap_or(usual)
        .min(body.height.saturating_sub(3));
    let [list, below] = split_below(body, lower);
    let [details, bytes] = if body.width >= WIDE {
        // Sixteen bytes per line if the details have as much room, otherwise eight.
        let usual = BYTES[usize::from(body.width >= 2 * BYTES[1])];
        split_right(below, right(state, usual))
    } else {
        split_below(below, (lower * 2 / 5).max(2).min(lower))
    };
    Frames {
        list,
        details,
        bytes,
    }
}

/// The parts of the ladder.
#[derive(Debug, Clone, Copy)]
pub struct Ladder {
    /// The steps; the first two rows are the ends' names.
    pub steps: Rect,
    /// The message of the selected step; its first row, or first column if it is at the side, is the border.
    pub message: Option<Rect>,
    /// Whether the message is at the side.
    pub beside: bool,
}

/// The layout of the ladder.
#[must_use]
pub fn ladder(state: &State) -> Ladder {
    let body = body(state);
    let beside = body.width >= WIDE;
    let ([mut steps, message], is_shown) = if beside {
        let columns = right(state, 64.min(body.width * 2 / 5));
        (split_right(body, columns), true)
    } else {
        let lower = lower(state);
        (split_below(body, lower), lower > 1)
    };
    // A lifeline and a border next to each other look like one thing.
    steps.width -= u16::from(beside);
    Ladder {
        steps,
        message: is_shown.then_some(message),
        beside,
    }
}

/// Width of the list of the view in front.
#[must_use]
pub fn list_width(state: &State) -> u16 {
    match state.pane() {
        Pane::Exchanges => exchanges(state).list.width,
        _ => body(state).width,
    }
}

/// Bytes in a line of the bytes.
#[must_use]
pub fn bytes_per_line(state: &State) -> usize {
    if frames(state).bytes.width >= 73 {
        16
    } else {
        8
    }
}

/// Rows of a page in the part with the focus.
#[must_use]
pub fn height(state: &State) -> usize {
    let rows = match (state.pane(), state.part) {
        (Pane::Exchanges, _) => exchanges(state).list.height.saturating_sub(1),
        (Pane::Frames, Part::List) => frames(state).list.height.saturating_sub(1),
        (Pane::Frames, Part::Details) => frames(state).details.height.saturating_sub(1),
        (Pane::Frames, Part::Bytes) => frames(state).bytes.height.saturating_sub(1),
        (Pane::Ladder, _) => ladder(state).steps.height.saturating_sub(2),
        _ => body(state).height.saturating_sub(1),
    };
    rows.into()
}

/// Fits lists to the screen.
pub fn fit(state: &mut State) {
    let rows = exchanges(state).list.height.saturating_sub(1);
    state.exchanges.fit(rows.into());
    let rows = frames(state).list.height.saturating_sub(1);
    state.frames.fit(rows.into());
}
