//! Drawing: from the state alone, one file a view.

mod bars;
mod dialogs;
pub mod difference;
pub mod exchanges;
pub mod explain;
pub mod follow;
pub mod frames;
pub mod ladder;
pub mod pen;
mod preview;
pub mod statistics;
mod table;
mod times;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::keys::Pane;
use super::state::State;
use pen::Pen;

/// The least columns and rows; a smaller screen only shows a message.
pub const LEAST: (u16, u16) = (40, 8);

/// Draws the state; returns the cursor's position, if there is one.
pub fn draw(buffer: &mut Buffer, state: &State) -> Option<Position> {
    let pen = &mut Pen { buffer, state };
    let (columns, rows) = state.size;
    if columns < LEAST.0 || rows < LEAST.1 {
        let text = format!("{} x {} is needed", LEAST.0, LEAST.1);
        pen.buffer
            .set_stringn(0, 0, text, columns.into(), ratatui::style::Style::new());
        return None;
    }
    match state.pane() {
        Pane::Exchanges => exchanges::draw(pen),
        Pane::Frames => frames::draw(pen),
        Pane::Ladder => ladder::draw(pen),
        Pane::Follow => follow::draw(pen),
        Pane::Statistics => statistics::draw(pen),
        Pane::Explain => explain::draw(pen),
        Pane::Difference => difference::draw(pen),
    }
    bars::draw(pen);
    dialogs::draw(pen)
}

/// Number of lines of the view in front that can be selected.
#[must_use]
pub fn lines(state: &State) -> usize {
    match state.pane() {
        Pane::Exchanges => state.exchanges.shown.len(),
        Pane::Frames => state.frames.shown.len(),
        Pane::Ladder => state.flow.ready().map_or(0, |flow| flow.steps.len()),
        Pane::Follow => state.follow.ready().map_or(0, |follow| follow.lines.len()),
        Pane::Statistics => state
            .statistics
            .ready()
            .map_or(0, |all| all.findings.len() + all.lines.len()),
        Pane::Explain => explain::lines(state).len(),
        Pane::Difference => difference::lines(state).len(),
    }
}

/// The text that the copy key takes.
#[must_use]
pub fn text_to_copy(state: &State) -> Option<String> {
    match state.pane() {
        Pane::Exchanges => Some(exchanges::row_text(state, state.exchange()?)),
        Pane::Frames => frames::text_to_copy(state),
        Pane::Ladder => {
            let flow = state.flow.ready()?;
            let step = flow.steps.get(state.step.at)?;
            Some(format!(
                "{} {}{}",
                step.shown.trim(),
                step.text,
                step.suffix
            ))
        }
        Pane::Follow => {
            let follow = state.follow.ready()?;
            let lines: Vec<&str> = follow.lines.iter().map(|(_, line)| line.as_str()).collect();
            Some(lines.join("\n"))
        }
        Pane::Statistics => {
            let all = state.statistics.ready()?;
            match all.findings.get(state.statistics_at.at) {
                Some((_, text, _)) => Some(text.clone()),
                None => Some(all.lines.join("\n")),
            }
        }
        Pane::Explain => Some(join(&explain::lines(state))),
        Pane::Difference => Some(join(&difference::lines(state))),
    }
}

fn join(lines: &[pen::Line]) -> String {
    let lines: Vec<String> = lines.iter().map(pen::Line::text).collect();
    lines.join("\n")
}
