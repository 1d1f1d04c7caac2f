//! A conversation as text, or its bytes.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::pen::{Line, bordered, put_lines};
use crate::stream::Role;
use crate::tui::answer::FollowText;
use crate::tui::state::{Scroll, State};
use crate::tui::theme::Part;

/// Draws the view.
pub fn draw(buffer: &mut Buffer, state: &State) {
    let title = |follow: &FollowText| {
        let what = if follow.as_bytes {
            "bytes; f shows messages"
        } else {
            "messages; f shows bytes"
        };
        format!("Stream {}: {what}", follow.stream)
    };
    let Some((follow, inner)) = bordered(buffer, state, &state.follow, "Follow", title) else {
        return;
    };
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
