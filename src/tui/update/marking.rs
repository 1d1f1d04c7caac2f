//! Rows are marked.

use crate::tui::keys::Pane;
use crate::tui::state::State;

pub(super) fn mark(state: &mut State) {
    match state.pane() {
        Pane::Exchanges => {
            let (Some(number), Some(stream)) = (
                state.exchanges.chosen(),
                state.exchange().map(|entry| entry.stream),
            ) else {
                return;
            };
            if state.marked.remove(&number) {
                state.marked_streams.remove(&number);
            } else {
                state.marked.insert(number);
                state.marked_streams.insert(number, stream);
            }
            state.exchanges.step(1);
        }
        Pane::Frames => {
            let Some(number) = state.frames.chosen() else {
                return;
            };
            if !state.marked_frames.remove(&number) {
                state.marked_frames.insert(number);
            }
            state.frames.step(1);
        }
        _ => {}
    }
}

/// Rows marked at once at most: a diagram of more cannot be read.
const MOST_MARKED: usize = 100_000;

pub(super) fn mark_all(state: &mut State) {
    let (list, marked) = match state.pane() {
        Pane::Frames => (&state.frames, &mut state.marked_frames),
        _ => (&state.exchanges, &mut state.marked),
    };
    if !marked.is_empty() {
        marked.clear();
        if state.pane() == Pane::Exchanges {
            state.marked_streams.clear();
        }
        return;
    }
    let count = list.shown.len();
    if count > MOST_MARKED {
        state.complain(format!(
            "{count} are too many to mark; filter first, or save what is shown"
        ));
        return;
    }
    marked.extend((0..count).filter_map(|at| list.shown.get(at)));
    state.wants_marked_streams = state.pane() == Pane::Exchanges;
}
