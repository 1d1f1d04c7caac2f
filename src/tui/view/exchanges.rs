//! The first view: a row for each exchange.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::near;
use super::pen::put;
use crate::capture::Timestamp;
use crate::output::{Clock, TimeFormat};
use crate::tui::layout;
use crate::tui::recording::{ExchangeEntry, Result};
use crate::tui::state::{Column, State};
use crate::tui::theme::Part;

/// Draws the view.
pub fn draw(buffer: &mut Buffer, state: &State) {
    let areas = layout::exchanges(state);
    list(buffer, areas.list, state);
    if let Some(area) = areas.near {
        near::draw(buffer, area, areas.beside, state);
    }
}

/// A time as rows have it: `before` is the time of the row above.
#[must_use]
pub fn time_text(state: &State, time: Timestamp, before: Option<Timestamp>) -> String {
    let mut clock = Clock::new(state.time);
    for seen in state.start.into_iter().chain(before).chain([time]) {
        clock.see(seen);
    }
    let mut text = String::new();
    clock.write(&mut text, time);
    if hides_date(state) {
        text.drain(..DATE);
    }
    text
}

/// Columns of a date and the space behind it.
const DATE: usize = 11;

/// Whether there is no room for dates, which are those of the rows around as a rule.
fn hides_date(state: &State) -> bool {
    let has_date = matches!(state.time, TimeFormat::Absolute | TimeFormat::Utc);
    has_date && state.size.0 < 120
}

/// Columns of a time.
#[must_use]
pub fn time_width(state: &State) -> u16 {
    let mut clock = Clock::new(state.time);
    if let Some(start) = state.start {
        clock.see(start);
    }
    let width = clock.width().max(11);
    if hides_date(state) {
        width - u16::try_from(DATE).unwrap_or_default()
    } else {
        width
    }
}

/// Columns that a column needs, and how many more it takes where there is room.
const fn width(column: Column) -> (u16, u16) {
    match column {
        Column::Number | Column::Stream => (6, 0),
        Column::Time => (11, 0),
        Column::User => (10, 10),
        Column::Action => (8, 5),
        Column::Result => (18, 30),
        Column::Milliseconds => (8, 0),
        Column::Client | Column::Server => (21, 10),
        Column::Frames => (12, 0),
        Column::Note => (7, 40),
    }
}

const fn is_number(column: Column) -> bool {
    matches!(
        column,
        Column::Number | Column::Time | Column::Milliseconds | Column::Stream
    )
}

/// The columns that are shown, each with its place and width.
fn columns(state: &State, area: Rect) -> Vec<(Column, u16, u16)> {
    let own = |column: Column| {
        let (least, more) = width(column);
        let time = match column {
            Column::Time => time_width(state),
            _ => least,
        };
        (time, more)
    };
    let chosen = &state.settings.columns;
    let needed: u16 = chosen.iter().map(|column| own(*column).0 + 1).sum();
    let wants: u16 = chosen.iter().map(|column| own(*column).1).sum();
    let free = area.width.saturating_sub(needed + 2);
    let mut x = area.x + 2;
    let mut placed = Vec::new();
    for column in chosen {
        let (least, more) = own(*column);
        let extra = u32::from(free.min(wants)) * u32::from(more) / u32::from(wants.max(1));
        let width = least + u16::try_from(extra).unwrap_or_default();
        placed.push((*column, x, width));
        x += width + 1;
    }
    placed
}

fn list(buffer: &mut Buffer, area: Rect, state: &State) {
    let theme = &state.settings.theme;
    let columns = columns(state, area);
    let head = Rect { height: 1, ..area };
    let shifted = |x: u16| i32::from(x) - i32::try_from(state.exchange_left).unwrap_or_default();
    let cell = |buffer: &mut Buffer,
                y: u16,
                (x, width): (u16, u16),
                text: &str,
                right: bool,
                style: Style| {
        let mut text = Cow::Borrowed(text);
        let mut x = shifted(x);
        if right {
            let free = usize::from(width)
                .saturating_sub(unicode_width::UnicodeWidthStr::width(text.as_ref()));
            text = Cow::Owned(format!("{:free$}{text}", ""));
        }
        let mut width = width;
        if x < 2 {
            let gone = usize::try_from(2 - x).unwrap_or_default();
            width = width.saturating_sub(u16::try_from(gone).unwrap_or(u16::MAX));
            text = Cow::Owned(super::pen::without(&text, gone).to_owned());
            x = 2;
        }
        let Ok(x) = u16::try_from(x) else { return };
        let room = area.right().saturating_sub(x).min(width);
        if x < area.right() {
            put(buffer, (x, y), room, &text, style, state.charset);
        }
    };
    for (column, x, width) in &columns {
        let sign = match state.sort {
            Some((by, largest)) if by == *column => {
                if largest {
                    state.sign("▼", "v")
                } else {
                    state.sign("▲", "^")
                }
            }
            _ => "",
        };
        let title = format!("{}{sign}", column.title());
        cell(
            buffer,
            head.y,
            (*x, *width),
            &title,
            is_number(*column),
            theme.title(),
        );
    }
    if state.exchanges.shown.is_empty() {
        empty(buffer, area, state);
        return;
    }
    let mut before = None;
    for (y, (number, entry)) in (area.y + 1..area.bottom()).zip(&state.exchange_rows) {
        let is_chosen = state.exchanges.chosen() == Some(*number);
        let is_marked = state.marked.contains(number);
        for (column, x, width) in &columns {
            let text = cell_text(state, *column, *number, entry, before);
            let style = match column {
                Column::Result => theme.tone(entry.tone()),
                Column::Note if entry.note.is_some() => theme.of(Part::Note),
                _ => Style::new(),
            };
            cell(buffer, y, (*x, *width), &text, is_number(*column), style);
        }
        if is_marked {
            put(
                buffer,
                (area.x + 1, y),
                1,
                "*",
                theme.of(Part::Marked).add_modifier(Modifier::BOLD),
                state.charset,
            );
        }
        if is_chosen {
            put(buffer, (area.x, y), 1, ">", Style::new(), state.charset);
            buffer.set_style(
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                theme.chosen(),
            );
        }
        before = Some(entry.time);
    }
}

/// What is said where there are no rows.
fn empty(buffer: &mut Buffer, area: Rect, state: &State) {
    let progress = &state.progress;
    let text = if state
        .filter
        .as_ref()
        .is_some_and(|filter| filter.progress.is_some())
    {
        "filtering; nothing matches so far"
    } else if state.filter.is_some() || state.tab != crate::tui::state::Tab::All {
        "nothing matches: / changes the filter, 1 shows all"
    } else if state.is_live() {
        "nothing has come yet: rows appear as soon as it does"
    } else if progress.ended {
        "there is no exchange in this capture: v shows its frames"
    } else {
        "reading"
    };
    let y = area.y + (area.height / 3).max(1);
    put(
        buffer,
        (area.x + 3, y),
        area.width.saturating_sub(4),
        text,
        state.settings.theme.faint(),
        state.charset,
    );
}

fn cell_text(
    state: &State,
    column: Column,
    number: u64,
    entry: &ExchangeEntry,
    before: Option<Timestamp>,
) -> String {
    match column {
        Column::Number => (number + 1).to_string(),
        Column::Time => time_text(state, entry.time, before),
        Column::User => entry.user.as_deref().unwrap_or_default().to_owned(),
        Column::Action => match entry.action {
            "registration" => "register".to_owned(),
            other => other.to_owned(),
        },
        Column::Result => {
            let mut text = entry.result.word().to_owned();
            if let Some(description) = entry
                .description
                .as_ref()
                .filter(|_| entry.result != Result::Ok)
            {
                text.push(' ');
                text.push_str(description);
            }
            if entry.frames[0].is_none() {
                text.push_str(" [no request]");
            }
            text
        }
        Column::Milliseconds => entry.elapsed.map_or_else(String::new, |elapsed| {
            let milliseconds = elapsed as f64 / 1e6;
            match milliseconds.abs() {
                size if size >= 100.0 => format!("{milliseconds:.0}"),
                size if size >= 1.0 => format!("{milliseconds:.1}"),
                _ => format!("{milliseconds:.3}"),
            }
        }),
        Column::Stream => entry.stream.to_string(),
        Column::Client => entry.ends[0].to_string(),
        Column::Server => entry.ends[1].to_string(),
        Column::Frames => {
            let of = |frame: Option<u64>| {
                frame.map_or_else(|| "?".to_owned(), |frame| frame.to_string())
            };
            format!("{}-{}", of(entry.frames[0]), of(entry.frames[1]))
        }
        Column::Note => entry
            .note
            .as_ref()
            .map_or_else(String::new, |(_, note)| format!("! {note}")),
    }
}

/// A row as text.
#[must_use]
pub fn row_text(state: &State, entry: &ExchangeEntry) -> String {
    let number = state.exchanges.chosen().unwrap_or_default();
    let cells = state
        .settings
        .columns
        .iter()
        .map(|column| cell_text(state, *column, number, entry, None));
    let cells: Vec<String> = cells.filter(|cell| !cell.is_empty()).collect();
    cells.join("  ")
}
