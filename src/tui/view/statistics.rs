//! Findings, which lead to their frames, and the statistics of the capture.

use ratatui::style::Style;

use super::pen::{Line, Pen};
use crate::tui::answer::Statistics;
use crate::tui::state::State;

/// Draws the view.
pub fn draw(pen: &mut Pen<'_>) {
    let state = pen.state;
    let title = |statistics: &Statistics| match statistics.findings.len() {
        0 => "Statistics; nothing remarkable was found".to_owned(),
        1 => "Statistics; 1 finding: Enter goes to its frame".to_owned(),
        count => format!("Statistics; {count} findings: Enter goes to the first frame of one"),
    };
    let bordered = pen.bordered(&state.statistics, "Statistics", title);
    if let Some((statistics, inner)) = bordered {
        let lines = lines(statistics, state);
        pen.put_lines(inner, &lines, state.statistics_at);
    }
}

/// Its lines, the findings first.
fn lines(statistics: &Statistics, state: &State) -> Vec<Line> {
    let theme = &state.settings.theme;
    let findings = statistics.findings.iter().map(|(highlight, text, frames)| {
        let mark = Line::of(
            format!("{} ", state.sign("●", "*")),
            theme.highlight(*highlight),
        );
        let frame = frames
            .first()
            .map_or_else(String::new, |frame| format!("  [frame {frame}]"));
        mark.and(text.as_str(), Style::new())
            .and(frame, theme.faint())
    });
    let mut is_head = true;
    let text = statistics.lines.iter().map(|line| {
        let style = if std::mem::replace(&mut is_head, line.is_empty()) && !line.is_empty() {
            theme.title()
        } else {
            Style::new()
        };
        Line::of(line.as_str(), style)
    });
    findings.chain(text).collect()
}
