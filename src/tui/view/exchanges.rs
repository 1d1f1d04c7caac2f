//! The first view: a row for each exchange.

#![expect(
    clippy::cast_precision_loss,
    reason = "milliseconds, shown with few digits"
)]

use std::borrow::Cow;

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pen::Pen;
use super::preview;
use super::table::{Looks, Table};
use super::times::time_text;
use crate::capture::Timestamp;
use crate::text::number::counted;
use crate::tui::columns::ExchangeColumn;
use crate::tui::layout;
use crate::tui::recording::{ExchangeEntry, Result};
use crate::tui::state::{State, Tab};
use crate::tui::theme::Part;

/// Draws the view.
pub fn draw(pen: &mut Pen<'_>) {
    let state = pen.state;
    let areas = layout::exchanges(state);
    list(pen, areas.list);
    if let Some(area) = areas.preview {
        preview::draw(pen, area, areas.beside);
    }
}

/// The table of exchanges, with its columns laid out.
fn table(state: &State, area: Rect) -> Table<'_, ExchangeColumn> {
    Table::new(state, area, &state.settings.exchanges, state.exchanges.left)
}

/// The column whose title is at this column of the screen.
#[must_use]
pub fn column_at(state: &State, x: u16) -> Option<ExchangeColumn> {
    table(state, layout::exchanges(state).list).column_at(x)
}

fn list(pen: &mut Pen<'_>, area: Rect) {
    let state = pen.state;
    let theme = &state.settings.theme;
    let list = &state.exchanges;
    let table = table(state, area);
    table.titles(pen, |column| match state.sort {
        Some((by, true)) if by == column => state.sign("▼", "v"),
        Some((by, false)) if by == column => state.sign("▲", "^"),
        _ => "",
    });
    if list.shown.is_empty() {
        table.nothing(pen, &nothing(state));
        return;
    }
    let mut before = state.exchange_above;
    for (y, (number, entry)) in (area.y + 1..area.bottom()).zip(&state.exchange_rows) {
        let looks = Looks {
            marked: state.marked.contains(number),
            chosen: (list.chosen() == Some(*number)).then(|| theme.chosen()),
        };
        table.row(pen, y, &looks, |column| {
            let style = match column {
                ExchangeColumn::Result => theme.highlight(entry.highlight()),
                ExchangeColumn::Note if entry.note.is_some() => theme.of(Part::Note),
                _ => Style::new(),
            };
            (cell_text(state, column, *number, entry, before), style)
        });
        before = Some(entry.time);
    }
}

/// The text if there are no rows.
fn nothing(state: &State) -> Cow<'static, str> {
    let filter = state.filter.as_ref();
    let frames = state.progress.frames - state.progress.discarded;
    let text = if filter.is_some_and(|filter| filter.progress.is_some()) {
        "filtering; nothing matches so far"
    } else if filter.is_some() || state.tab != Tab::All {
        "nothing matches: / changes the filter, 1 shows all"
    } else if state.is_live() && frames > 0 {
        return format!(
            "no exchange yet in {}: v shows them",
            counted(frames, "frame")
        )
        .into();
    } else if state.is_live() {
        "nothing has come yet: rows appear as soon as it does"
    } else if state.progress.ended {
        "there is no exchange in this capture: v shows its frames"
    } else {
        "reading"
    };
    text.into()
}

/// An action as its column has it. That a request is one need not be said.
#[must_use]
pub fn short_action(action: &str) -> &str {
    match action.strip_suffix(" request").unwrap_or(action) {
        "registration" => "register",
        other => other,
    }
}

fn cell_text(
    state: &State,
    column: ExchangeColumn,
    number: u64,
    entry: &ExchangeEntry,
    before: Option<Timestamp>,
) -> String {
    match column {
        ExchangeColumn::Number => (number + 1).to_string(),
        ExchangeColumn::Time => time_text(state, entry.time, before),
        ExchangeColumn::User => entry.user.as_deref().unwrap_or_default().to_owned(),
        ExchangeColumn::Action => short_action(entry.action).to_owned(),
        ExchangeColumn::Result => {
            let mut text = entry.result.word().to_owned();
            if entry.frames[0].is_none() {
                text.push_str(" [no request]");
            }
            let description = entry.description.as_ref();
            if let Some(description) = description.filter(|_| entry.result != Result::Ok) {
                text.push(' ');
                text.push_str(description);
            }
            text
        }
        ExchangeColumn::Milliseconds => entry.elapsed.map_or_else(String::new, |elapsed| {
            let milliseconds = elapsed as f64 / 1e6;
            match milliseconds.abs() {
                size if size >= 100.0 => format!("{milliseconds:.0}"),
                size if size >= 1.0 => format!("{milliseconds:.1}"),
                _ => format!("{milliseconds:.3}"),
            }
        }),
        ExchangeColumn::Stream => entry.stream.to_string(),
        ExchangeColumn::Client => entry.ends[0].to_string(),
        ExchangeColumn::Server => entry.ends[1].to_string(),
        ExchangeColumn::Frames => {
            let of = |frame: Option<u64>| {
                frame.map_or_else(|| "?".to_owned(), |frame| frame.to_string())
            };
            format!("{}-{}", of(entry.frames[0]), of(entry.frames[1]))
        }
        ExchangeColumn::Note => entry
            .note
            .as_ref()
            .map_or_else(String::new, |(_, note)| format!("! {note}")),
    }
}

/// A row as text.
#[must_use]
pub fn row_text(state: &State, entry: &ExchangeEntry) -> String {
    let number = state.exchanges.chosen().unwrap_or_default();
    let width = layout::list_width(state);
    super::table::row_text(&state.settings.exchanges, width, |column| {
        cell_text(state, column, number, entry, None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_short() {
        for (action, short) in [
            ("registration", "register"),
            ("registration request", "register"),
            ("login request", "login"),
            ("request", "request"),
            ("open session", "open session"),
        ] {
            assert_eq!(short_action(action), short);
        }
    }
}
