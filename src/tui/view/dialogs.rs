//! Draws the dialogs in front of a view.

use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::symbols::border;
use ratatui::widgets::{Block, Clear, Widget as _};
use unicode_width::UnicodeWidthStr;

use super::pen::{Line, Pen, row};
use crate::output::Charset;
use crate::tui::answer::SaveForm;
use crate::tui::columns::Column as _;
use crate::tui::dialog::{Dialog, FilterDialog, SaveDialog, WHAT};
use crate::tui::input::Input;
use crate::tui::keys::{self, Action, Binding, TABLE};
use crate::tui::layout;
use crate::tui::theme::Part;

/// Draws the dialog; returns the cursor's position.
pub fn draw(pen: &mut Pen<'_>) -> Option<Position> {
    let state = pen.state;
    match state.dialog.as_ref()? {
        Dialog::Filter(filter) => Some(filter_line(pen, filter)),
        Dialog::GoTo(input) => {
            let rows = state.size.1;
            Clear.render(Rect::new(0, rows - 1, state.size.0, 1), pen.buffer);
            Some(typed(pen, (0, rows - 1), "Go to frame: ", input))
        }
        Dialog::Passwords => {
            let lines = [
                "Show passwords in clear on this screen?",
                "They are in what is copied and in text that is saved then, too.",
                "",
                "y  show them    any other key  leave them hidden",
            ];
            let lines = lines.map(|line| Line::of(line, Style::new()));
            window(pen, "Passwords", &lines, None);
            None
        }
        Dialog::Save(save) => Some(save_window(pen, save)),
        Dialog::Columns(columns) => {
            let widest = columns.all.iter().map(|one| one.name.len()).max();
            let widest = widest.unwrap_or_default();
            let all = columns.all.iter().map(|one| {
                let mark = if one.shown { "[x]" } else { "[ ]" };
                let text = format!("{mark} {:<widest$}  {}", one.name, one.title);
                Line::of(text, Style::new())
            });
            let mut lines: Vec<Line> = all.collect();
            let faint = state.settings.theme.faint();
            lines.push(if columns.is_wide(state) {
                let note = state.settings.theme.of(Part::Note);
                Line::of("too wide together: left, right move rows", note)
            } else {
                Line::default()
            });
            lines.push(Line::of("Space  show or hide", faint));
            lines.push(Line::of("left, right  move", faint));
            lines.push(Line::of("Enter  take and save    Esc  leave", faint));
            let title = format!("Columns: {}", columns.pane.name());
            window(pen, &title, &lines, Some(columns.at));
            None
        }
        Dialog::Sort(at) => {
            let mut lines = vec![Line::of("as they came", Style::new())];
            for column in state.settings.exchanges.shown(layout::list_width(state)) {
                let way = match state.sort {
                    Some((by, true)) if by == *column => "  largest first",
                    Some((by, false)) if by == *column => "  smallest first; again: largest",
                    _ => "",
                };
                lines.push(Line::of(
                    format!("{}{way}", column.about().title),
                    Style::new(),
                ));
            }
            window(pen, "Sort by", &lines, Some(*at));
            None
        }
        Dialog::Help(input, top) => Some(help(pen, input, *top)),
    }
}

/// Draws an input line; returns the cursor's position.
fn typed(pen: &mut Pen<'_>, (x, y): (u16, u16), label: &str, input: &Input) -> Position {
    let state = pen.state;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let x = x + pen.put((x, y), state.size.0 - x, label, bold);
    let before = u16::try_from(input.text()[..input.at()].width()).unwrap_or(u16::MAX);
    let room = state.size.0.saturating_sub(x + 1);
    // The text around the cursor is visible.
    let left = before.saturating_sub(room);
    let text = super::pen::without(input.text(), left.into());
    pen.buffer
        .set_stringn(x, y, text, room.into(), Style::new());
    Position::new(x + before - left, y)
}

fn filter_line(pen: &mut Pen<'_>, filter: &FilterDialog) -> Position {
    let state = pen.state;
    let (columns, rows) = state.size;
    let theme = &state.settings.theme;
    Clear.render(Rect::new(0, rows - 1, columns, 1), pen.buffer);
    let cursor = typed(pen, (0, rows - 1), "Filter: ", &filter.input);
    let mut above = rows - 1;
    if let Some(error) = &filter.error {
        above -= 1;
        Clear.render(Rect::new(0, above, columns, 1), pen.buffer);
        let style = theme.of(Part::Failure);
        pen.put((1, above), columns - 1, error.message(), style);
        // Marks the position of the error, below the visible part of the line.
        let text = filter.input.text();
        let place = error.place();
        let part =
            |to: usize| u16::try_from(text.get(..to).unwrap_or(text).width()).unwrap_or(u16::MAX);
        let before = part(filter.input.at());
        let start = cursor
            .x
            .saturating_add(part(place.start))
            .saturating_sub(before);
        let len = part(place.end).saturating_sub(part(place.start)).max(1);
        let marked = Rect::new(start, rows - 1, len, 1).intersection(Rect::new(
            8,
            rows - 1,
            columns.saturating_sub(8),
            1,
        ));
        pen.buffer
            .set_style(marked, style.add_modifier(Modifier::UNDERLINED));
    }
    let candidates = &filter.completion.candidates;
    if candidates.is_empty() {
        return cursor;
    }
    let most = usize::from(above.saturating_sub(2)).min(8);
    let first = filter
        .taken
        .map_or(0, |taken| taken.saturating_sub(most.saturating_sub(1)));
    let seen = &candidates[first..(first + most).min(candidates.len())];
    let width = seen.iter().map(|one| one.width()).max().unwrap_or_default();
    let width = u16::try_from(width + 2).unwrap_or(columns).min(columns);
    let part = filter
        .input
        .text()
        .get(..filter.completion.place.start)
        .unwrap_or_default();
    let x = u16::try_from(8 + part.width())
        .unwrap_or(0)
        .min(columns.saturating_sub(width));
    let height = u16::try_from(seen.len()).unwrap_or_default();
    let area = Rect::new(x, above - height, width, height);
    Clear.render(area, pen.buffer);
    pen.buffer.set_style(area, theme.bar());
    for (y, (at, candidate)) in (area.y..).zip(seen.iter().enumerate()) {
        let style = if filter.taken == Some(first + at) {
            Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        } else {
            Style::new()
        };
        pen.put((x + 1, y), width - 1, candidate, theme.bar().patch(style));
    }
    cursor
}

/// Draws a window in the middle; returns its inner area.
fn window(pen: &mut Pen<'_>, title: &str, lines: &[Line], chosen: Option<usize>) -> Rect {
    let state = pen.state;
    let (columns, rows) = state.size;
    let widest = lines
        .iter()
        .map(|line| line.text().width())
        .max()
        .unwrap_or_default()
        .max(title.width() + 2);
    let width = u16::try_from(widest + 4).unwrap_or(columns).min(columns);
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(rows)
        .min(rows.saturating_sub(2));
    let area = Rect::new((columns - width) / 2, (rows - height) / 2, width, height);
    frame(pen, area, title);
    let inner = Rect::new(
        area.x + 2,
        area.y + 1,
        width.saturating_sub(4),
        height.saturating_sub(2),
    );
    let skip = chosen.map_or(0, |at| (at + 1).saturating_sub(inner.height.into()));
    for (y, (at, line)) in (inner.y..inner.bottom()).zip(lines.iter().enumerate().skip(skip)) {
        let row = row(inner, y);
        pen.put_line(row, line, 0);
        if chosen == Some(at) {
            pen.buffer.set_style(row, state.settings.theme.chosen());
        }
    }
    inner
}

/// The border of a window where there are ASCII characters only.
const ASCII: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

fn frame(pen: &mut Pen<'_>, area: Rect, title: &str) {
    let set = match pen.state.charset {
        Charset::Unicode => border::PLAIN,
        Charset::Ascii => ASCII,
    };
    Clear.render(area, pen.buffer);
    let block = Block::bordered().border_set(set);
    block.render(area, pen.buffer);
    let (room, style) = (
        area.width.saturating_sub(4),
        pen.state.settings.theme.title(),
    );
    pen.put((area.x + 2, area.y), room, &format!(" {title} "), style);
}

/// What becomes of passwords in what is saved.
const REDACTED: [&str; 2] = ["as asterisks", "as they are"];

fn save_window(pen: &mut Pen<'_>, save: &SaveDialog) -> Position {
    let state = pen.state;
    let choice = |all: &[&str], at: usize| {
        let each = all.iter().enumerate().map(|(index, one)| {
            if index == at {
                format!("[{one}]")
            } else {
                format!(" {one} ")
            }
        });
        each.collect::<Vec<_>>().join(" ")
    };
    let forms = SaveForm::ALL.map(|form| match form {
        SaveForm::Pcapng => "pcapng",
        SaveForm::Text => "text",
        SaveForm::JsonLines => "JSON lines",
        SaveForm::Svg => "SVG of the flow",
    });
    let form = save.form as usize;
    let redact = usize::from(!save.redact);
    let plain = Style::new();
    let faint = state.settings.theme.faint();
    let hint = match &save.replaces {
        Some(_) => Line::of(
            "This file exists: Enter replaces it, Esc leaves it",
            state.settings.theme.of(Part::Failure),
        ),
        None => Line::of("arrows  choose    Enter  save    Esc  leave", faint),
    };
    let lines = [
        Line::of(format!("What       {}", choice(&WHAT, save.chosen)), plain),
        Line::of(format!("As         {}", choice(&forms, form)), plain),
        Line::of(format!("Passwords  {}", choice(&REDACTED, redact)), plain),
        Line::of(format!("File       {:<40}", save.path.text()), plain),
        Line::default(),
        hint,
    ];
    let inner = window(pen, "Save", &lines, Some(save.line));
    let before = u16::try_from(save.path.text()[..save.path.at()].width()).unwrap_or_default();
    Position::new((inner.x + 11 + before).min(inner.right()), inner.y + 3)
}

fn help(pen: &mut Pen<'_>, input: &Input, top: usize) -> Position {
    let state = pen.state;
    let (columns, rows) = state.size;
    let pane = state.pane();
    let theme = &state.settings.theme;
    let area = Rect::new(0, 1, columns, rows - 2);
    frame(pen, area, &format!("Keys: {}", pane.name()));
    let cursor = typed(pen, (2, 2), "search: ", input);
    let word = input.text().to_lowercase();
    let rest = usize::from(columns.saturating_sub(20 + 4)).max(10);
    let mut lines = Vec::new();
    let mut add = |action: Action, meaning: &str, styles: [Style; 2]| {
        let keys = state.settings.keys.of(action).join(" ");
        for (at, part) in textwrap::wrap(meaning, rest).into_iter().enumerate() {
            let keys = if at == 0 { keys.as_str() } else { "" };
            let line = Line::of(format!("{keys:<18}  "), styles[0]);
            lines.push(line.and(part.into_owned(), styles[1]));
        }
    };
    let is_meant = |binding: &&Binding| {
        let keys = state.settings.keys.of(binding.action).join(" ");
        let all = format!("{keys} {} {}", binding.name, binding.meaning);
        all.to_lowercase().contains(&word)
    };
    for binding in TABLE.iter().filter(is_meant) {
        if binding.is_of(pane) {
            let styles = [theme.title(), Style::new()];
            add(binding.action, binding.meaning, styles);
        }
    }
    // A match may be a key of another view.
    for binding in TABLE.iter().filter(|_| !word.is_empty()).filter(is_meant) {
        if let Some(elsewhere) = keys::elsewhere(binding.action, pane) {
            add(binding.action, &elsewhere, [theme.faint(); 2]);
        }
    }
    if lines.is_empty() {
        lines.push(Line::of("no key does that", theme.faint()));
    }
    let inner = Rect::new(
        2,
        4,
        columns.saturating_sub(4),
        area.bottom().saturating_sub(5),
    );
    let top = top.min(lines.len().saturating_sub(inner.height.into()));
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(top)) {
        pen.put_line(row(inner, y), line, 0);
    }
    let shown = inner.height as usize + top;
    if shown < lines.len() {
        let text = format!(" {} more below: down, pgdn ", lines.len() - shown);
        pen.put((2, area.bottom() - 1), columns - 4, &text, theme.faint());
    }
    cursor
}
