//! Two messages side by side, field by field and byte by byte.

use ratatui::style::{Modifier, Style};

use super::pen::{Line, Pen};
use crate::output::fit;
use crate::text::escape::HexOctet;
use crate::tui::answer::Differences;
use crate::tui::state::State;
use crate::tui::theme::Part;

/// Draws the view.
pub fn draw(pen: &mut Pen<'_>) {
    let state = pen.state;
    let title = |differences: &Differences| {
        let [one, other] = &differences.titles;
        format!("{one} and {other}: what differs stands out")
    };
    if let Some((_, inner)) = pen.bordered(&state.differences, "Difference", title) {
        pen.put_lines(inner, &lines(state), state.differences_at);
    }
}

/// Its lines.
#[must_use]
pub fn lines(state: &State) -> Vec<Line> {
    let Some(differences) = state.differences.ready() else {
        return Vec::new();
    };
    let theme = &state.settings.theme;
    let stands_out = theme.of(Part::Note).add_modifier(Modifier::BOLD);
    let half = (usize::from(state.size.0).saturating_sub(16) / 2).max(10);
    let cell = |text: &str| {
        let text = fit(text, half, state.charset);
        let columns = unicode_width::UnicodeWidthStr::width(text.as_str());
        format!("{text}{} ", " ".repeat(half - columns.min(half)))
    };
    let mut lines = Vec::new();
    for part in &differences.parts {
        let [one, other] = &part.titles;
        let title = theme.title();
        let head = Line::of(format!("{:14}", ""), title);
        lines.push(head.and(cell(one), title).and(cell(other), title));
        for (label, [one, other], differs) in &part.fields {
            let style = if *differs { stands_out } else { Style::new() };
            let sign = if *differs {
                state.sign("≠", "!")
            } else {
                " "
            };
            let line = Line::of(
                format!("{sign} {:12}", fit(label, 12, state.charset)),
                theme.faint(),
            );
            lines.push(line.and(cell(one), style).and(cell(other), style));
        }
        lines.push(Line::default());
        // As many bytes a line as both sides have room for.
        let per_line = if half >= 48 { 16 } else { 8 };
        for start in (0..part.differs.len()).step_by(per_line) {
            let mut line = Line::of(format!("{start:>10}    "), theme.faint());
            for bytes in &part.bytes {
                let mut columns = 0;
                for at in start..start + per_line {
                    let text = match bytes.get(at) {
                        Some(byte) => HexOctet(*byte).to_string(),
                        None => "  ".to_owned(),
                    };
                    let differs = part.differs.get(at).copied().unwrap_or_default();
                    let style = if differs { stands_out } else { Style::new() };
                    line = line.and(text, style).and(" ", Style::new());
                    columns += 3;
                }
                line = line.and(" ".repeat((half + 1).saturating_sub(columns)), Style::new());
            }
            lines.push(line);
        }
        lines.push(Line::default());
    }
    lines
}
