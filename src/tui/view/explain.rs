//! What messages are, and beside it what Wireshark says of them without the plugin, and why.

use ratatui::style::{Modifier, Style};

use super::pen::{Line, Pen};
use crate::output::fit;
use crate::tui::answer::Explained;
use crate::tui::state::State;

/// Draws the view.
pub fn draw(pen: &mut Pen<'_>) {
    let state = pen.state;
    let title = |explained: &Explained| {
        format!(
            "Stream {}: what it is, and what Wireshark says without the plugin",
            explained.stream
        )
    };
    let bordered = pen.bordered(&state.explained, "Explain", title);
    let Some((explained, inner)) = bordered else {
        return;
    };
    if explained.messages.is_empty() {
        let line = Line::of(
            "there is no message that Wireshark could mistake",
            Style::new(),
        );
        return pen.put_lines(inner, &[line], state.explained_at);
    }
    pen.put_lines(inner, &lines(state), state.explained_at);
}

/// Its lines: both readings side by side, or one below the other on a narrow screen.
#[must_use]
pub fn lines(state: &State) -> Vec<Line> {
    let Some(explained) = state.explained.ready() else {
        return Vec::new();
    };
    let theme = &state.settings.theme;
    let width = usize::from(state.size.0);
    let ours = (width * 2 / 5).min(60);
    let mut lines = Vec::new();
    for message in &explained.messages {
        let about = |line: Line| Line {
            frame: Some(message.frame),
            ..line
        };
        let title = format!("Frame {}: {}", message.frame, message.title);
        let style = theme
            .highlight(message.highlight)
            .add_modifier(Modifier::BOLD);
        lines.push(about(Line::of(title, style)));
        let room = width.saturating_sub(ours + 4).max(20);
        let theirs: Vec<String> = message
            .theirs
            .iter()
            .flat_map(|line| textwrap::wrap(line, room))
            .map(std::borrow::Cow::into_owned)
            .collect();
        for at in 0..message.ours.len().max(theirs.len()) {
            let left = message.ours.get(at).map_or("", String::as_str);
            let left = fit(left, ours, state.charset);
            let columns = unicode_width::UnicodeWidthStr::width(left.as_str());
            let gap = " ".repeat(ours.saturating_sub(columns));
            let right = theirs.get(at).map_or("", String::as_str);
            let line = Line::of(format!(" {left}{gap} "), Style::new());
            let line = line.and(format!("{} ", state.sign("│", "|")), theme.faint());
            lines.push(about(line.and(right, Style::new())));
        }
        lines.push(about(Line::default()));
    }
    lines
}
