//! A list of rows, in the columns that were chosen for it.

use std::borrow::Cow;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::pen::{Pen, row, without};
use super::times::time_width;
use crate::tui::columns::{About, CellKind, Column, Columns, SIGNS};
use crate::tui::state::State;
use crate::tui::theme::Part;

/// The position of a column before rows are scrolled to the left.
struct Placed<C: 'static> {
    about: &'static About<C>,
    x: u16,
    width: u16,
}

/// The columns of a list, placed in its area; its first row has their titles.
pub struct Table<'s, C: 'static> {
    state: &'s State,
    area: Rect,
    placed: Vec<Placed<C>>,
    /// How far rows are scrolled to the left.
    left: usize,
}

/// How a row is highlighted.
pub struct Looks {
    /// Whether it is marked.
    pub marked: bool,
    /// Its style, if it is the selected row.
    pub chosen: Option<Style>,
}

impl<'s, C: Column> Table<'s, C> {
    /// Lays out the columns. Text in the last one continues to the end of the row.
    pub fn new(state: &'s State, area: Rect, columns: &Columns<C>, left: usize) -> Self {
        let shown = columns.shown(area.width);
        let widths = widths(state, shown, area.width);
        let mut x = area.x + SIGNS;
        let mut placed = Vec::new();
        for (at, (column, width)) in shown.iter().zip(widths).enumerate() {
            let about = column.about();
            let goes_on = at + 1 == shown.len() && about.kind.is_text();
            placed.push(Placed {
                about,
                x,
                width: if goes_on { u16::MAX } else { width },
            });
            x += width + 1;
        }
        Self {
            state,
            area,
            placed,
            left,
        }
    }

    /// The column whose title is at this position of the first row.
    pub fn column_at(&self, x: u16) -> Option<C> {
        let x = usize::from(x) + self.left;
        let all = self.placed.iter();
        let found = all.rev().find(|placed| usize::from(placed.x) <= x);
        found.map(|placed| placed.about.column)
    }

    /// Writes the titles, each followed by a sign.
    pub fn titles(&self, pen: &mut Pen<'_>, sign: impl Fn(C) -> &'static str) {
        let style = self.state.settings.theme.title();
        for placed in &self.placed {
            let title = format!("{}{}", placed.about.title, sign(placed.about.column));
            self.cell(pen, self.area.y, placed, &title, style);
        }
    }

    /// Writes a text instead of rows.
    pub fn nothing(&self, pen: &mut Pen<'_>, text: &str) {
        let y = self.area.y + (self.area.height / 3).max(1);
        let room = self.area.width.saturating_sub(4);
        let style = self.state.settings.theme.faint();
        pen.put((self.area.x + 3, y), room, text, style);
    }

    /// Writes a row.
    pub fn row(
        &self,
        pen: &mut Pen<'_>,
        y: u16,
        looks: &Looks,
        cell: impl Fn(C) -> (String, Style),
    ) {
        for placed in &self.placed {
            let (text, style) = cell(placed.about.column);
            self.cell(pen, y, placed, &text, style);
        }
        if looks.marked {
            let style = self.state.settings.theme.of(Part::Marked);
            let style = style.add_modifier(Modifier::BOLD);
            pen.put((self.area.x + 1, y), 1, "*", style);
        }
        if let Some(style) = looks.chosen {
            pen.put((self.area.x, y), 1, ">", Style::new());
            let row = row(self.area, y);
            pen.buffer.set_style(row, style);
        }
    }

    fn cell(&self, pen: &mut Pen<'_>, y: u16, placed: &Placed<C>, text: &str, style: Style) {
        let mut width = placed.width;
        let mut text = match placed.about.kind {
            CellKind::Text | CellKind::Name(_) => Cow::Borrowed(text),
            CellKind::Address => self.state.charset.shortened(text, width.into()),
            CellKind::Number | CellKind::Time => {
                let free = usize::from(width).saturating_sub(text.width());
                Cow::Owned(format!("{:free$}{text}", ""))
            }
        };
        let start = self.area.x + SIGNS;
        // Text that is scrolled past the signs is not shown.
        let gone = (usize::from(start) + self.left).saturating_sub(placed.x.into());
        let x = usize::from(placed.x) + gone - self.left;
        if gone > 0 {
            width = width.saturating_sub(u16::try_from(gone).unwrap_or(u16::MAX));
            text = Cow::Owned(without(&text, gone).to_owned());
        }
        let Ok(x) = u16::try_from(x) else { return };
        match self.area.right().saturating_sub(x).min(width) {
            0 => {}
            // Its first character says more than the sign of what is cut, as that of a note does.
            1 if y == self.area.y => {}
            1 if placed.about.kind.is_text() => {
                let end = text.char_indices().nth(1).map_or(text.len(), |(at, _)| at);
                pen.put((x, y), 1, &text[..end], style);
            }
            room => {
                pen.put((x, y), room, &text, style);
            }
        }
    }
}

/// How wide columns are on a list of this width: those that can be wider are so as far as there is room.
fn widths<C: Column>(state: &State, columns: &[C], width: u16) -> Vec<u16> {
    let all = columns.iter().map(|column| {
        let About { kind, widths, .. } = column.about();
        match kind {
            CellKind::Time => [time_width(state); 3],
            CellKind::Name(most) => {
                let wide = |at: usize| state.widest_name.min(most[at]).max(widths[at]);
                [wide(0), wide(1), wide(2)]
            }
            _ => *widths,
        }
    });
    let all: Vec<[u16; 3]> = all.collect();
    let mut widths: Vec<u16> = all.iter().map(|[least, ..]| *least).collect();
    let mut free = width.saturating_sub(widths.iter().map(|width| width + 1).sum::<u16>() + SIGNS);
    for round in [1, 2] {
        let more = |widths: &[u16; 3]| widths[round] - widths[round - 1];
        let wanted: u16 = all.iter().map(more).sum();
        let given = free.min(wanted);
        for (width, one) in widths.iter_mut().zip(&all) {
            let part = u32::from(given) * u32::from(more(one)) / u32::from(wanted.max(1));
            *width += u16::try_from(part).unwrap_or_default();
        }
        free -= given;
    }
    widths
}

/// A row as text: what stands in each column.
pub fn row_text<C: Column>(columns: &Columns<C>, width: u16, cell: impl Fn(C) -> String) -> String {
    let cells = columns.shown(width).iter().map(|column| cell(*column));
    let cells: Vec<String> = cells.filter(|cell| !cell.is_empty()).collect();
    cells.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::columns::{ExchangeColumn, FrameColumn};
    use ratatui::buffer::Buffer;

    #[test]
    fn names_of_described_messages_have_room_within_bounds() {
        let columns = Columns::<ExchangeColumn>::default();
        for (widest_name, width, action) in [
            (0, 80, 8),
            (10, 80, 10),
            (40, 80, 11),
            (0, 120, 10),
            (16, 120, 16),
            (40, 120, 22),
            (40, 250, 28),
        ] {
            let state = State {
                widest_name,
                size: (width, 24),
                ..State::default()
            };
            let widths = widths(&state, columns.shown(width), width);
            assert_eq!(widths[3], action, "{widest_name} on {width}");
            // The sign of a note is on the narrowest list too.
            let before: u16 = widths[..7].iter().map(|width| width + 1).sum();
            assert!(SIGNS + before < width, "{widest_name} on {width}");
        }
    }

    #[test]
    fn text_is_cut_at_its_end_and_addresses_in_their_middle() {
        let mut state = State {
            size: (80, 24),
            ..State::default()
        };
        let area = Rect::new(0, 0, 80, 2);
        let mut shown = |left: usize| {
            state.frames.left = left;
            let table = Table::new(&state, area, &state.settings.frames, left);
            let mut buffer = Buffer::empty(area);
            let pen = &mut Pen {
                buffer: &mut buffer,
                state: &state,
            };
            table.titles(pen, |_| "");
            let looks = Looks {
                marked: true,
                chosen: Some(Style::new()),
            };
            table.row(pen, 1, &looks, |column| {
                let text = match column {
                    FrameColumn::Number => "1234567",
                    FrameColumn::Source => "2001:db8:1:2:3:4:5:678",
                    FrameColumn::Info => "what is said in more places than there are",
                    _ => "",
                };
                (text.to_owned(), Style::new())
            });
            let row = (0..80).map(|x| buffer[(x, 1)].symbol());
            (row.collect::<String>(), table.column_at(24))
        };
        let (row, column) = shown(0);
        let expected =
            ">*1234567             2001:db…:5:678                         what is said in mo…";
        assert_eq!(
            (row.as_str(), column),
            (expected, Some(FrameColumn::Source))
        );
        let (row, column) = shown(8);
        let expected =
            ">*            2001:db…:5:678                         what is said in more place…";
        assert_eq!(
            (row.trim_end(), column),
            (expected, Some(FrameColumn::Source))
        );
    }
}
