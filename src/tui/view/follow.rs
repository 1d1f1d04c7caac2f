//! A conversation as text, or its bytes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pen::{Line, border, put_lines, working};
use crate::stream::Role;
use crate::tui::layout;
use crate::tui::state::{Scroll, State, Waiting};
use crate::tui::theme::Part;

/// Draws the view.
pub fn draw(buffer: &mut Buffer, state: &State) {
    let area = layout::body(state);
    let inner = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    let Waiting::Here(follow) = &state.follow else {
        border(buffer, area, "Follow", true, state);
        return working(buffer, inner, state);
    };
    let what = if follow.as_bytes {
        "bytes; f shows messages"
    } else {
        "messages; f shows bytes"
    };
    border(
        buffer,
        area,
        &format!("Stream {}: {what}", follow.stream),
        true,
        state,
    );
    let theme = &state.settings.theme;
    let height = usize::from(inner.height);
    let seen = follow.lines.iter().skip(state.follow_at.top).take(height);
    let lines: Vec<Line> = seen
        .map(|(side, line)| {
            let style = match side {
                Some(Role::Client) => theme.of(Part::Title),
                Some(Role::Server) => theme.of(Part::Bytes),
                None => Style::new(),
            };
            Line::of(line.as_str(), style)
        })
        .collect();
    let scroll = Scroll {
        at: state.follow_at.at - state.follow_at.top.min(state.follow_at.at),
        top: 0,
        left: state.follow_at.left,
    };
    put_lines(buffer, inner, &lines, scroll, state);
}
