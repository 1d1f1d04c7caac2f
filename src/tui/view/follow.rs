//! A conversation as text, or its bytes.

use ratatui::style::Style;

use super::pen::{Line, Pen};
use crate::stream::Role;
use crate::tui::answer::FollowText;
use crate::tui::state::Scroll;
use crate::tui::theme::Part;

/// Draws the view.
pub fn draw(pen: &mut Pen<'_>) {
    let state = pen.state;
    let title = |follow: &FollowText| {
        let what = if follow.as_bytes {
            "bytes; f shows messages"
        } else {
            "messages; f shows bytes"
        };
        format!("Stream {}: {what}", follow.stream)
    };
    let Some((follow, inner)) = pen.bordered(&state.follow, "Follow", title) else {
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
    pen.put_lines(inner, &lines, scroll);
}
