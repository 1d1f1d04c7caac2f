//! The columns of the packet list: how wide they are, and rows laid out in them.

#![expect(clippy::cast_possible_truncation, reason = "columns of a terminal")]

use std::io::Write;

use comfy_table::{Cell, CellAlignment, Color, ColumnConstraint, TableStyle, Width};
use unicode_width::UnicodeWidthStr;

use super::tone::Tone;

/// What columns a table has. The last one is as wide as it has to be.
#[derive(Debug)]
pub(super) struct Shape {
    /// Their headings, in order.
    headings: &'static [&'static str],
    /// Columns whose cells end alike.
    right: &'static [usize],
    /// Widths of all but the last that fit usual values, so that rows stay lined up though later ones
    /// are not known yet. A longer value widens its column from then on.
    usual: &'static [u16],
    /// The same where a capture's name stands before them, for rows of captures that are laid out one by one.
    usual_of_files: &'static [u16],
    /// Columns that a terminal has no room for beside a capture's name, the least wanted first.
    dispensable: &'static [usize],
    /// The last one is wrapped within the terminal's width only where at least this much is left for it.
    least: u16,
}

/// Of frames and messages: five-digit numbers, IPv4 addresses, Ethernet frames are usual.
pub(super) static OF_FRAMES: Shape = Shape {
    headings: &[
        "No.",
        "Time",
        "Source",
        "Destination",
        "Protocol",
        "Length",
        "Info",
    ],
    right: &[NUMBER, TIME, LENGTH],
    usual: &[5, 11, 15, 15, 8, 6],
    usual_of_files: &[5, 15, 15, 15, 8, 6],
    dispensable: &[LENGTH, PROTOCOL, DESTINATION],
    least: 24,
};

/// Of exchanges, where there is room for all.
pub(super) static OF_EXCHANGES: Shape = Shape {
    headings: &[
        "Time", "Client", "Server", "Action", "User", "ms", "Stream", "Frames", "Outcome",
    ],
    right: &[0, 5, 6],
    usual: &[11, 17, 15, 6, 8, 7, 6, 6],
    usual_of_files: &[15, 17, 15, 12, 12, 8, 6, 7],
    dispensable: &[],
    least: 12,
};

/// Of exchanges in a terminal of 80 columns.
pub(super) static OF_EXCHANGES_NARROW: Shape = Shape {
    headings: &["Time", "Client", "Action", "User", "ms", "Outcome"],
    right: &[0, 4],
    usual: &[9, 11, 5, 6, 6],
    usual_of_files: &[],
    dispensable: &[],
    least: 12,
};

/// The same where a capture's name stands before them in place of the client.
pub(super) static OF_EXCHANGES_OF_FILES: Shape = Shape {
    headings: &["Time", "Action", "User", "ms", "Outcome"],
    right: &[0, 3],
    usual: &[11, 12, 8, 7],
    usual_of_files: &[11, 12, 8, 7],
    dispensable: &[],
    least: 12,
};

/// Place of a frame's number.
pub(super) const NUMBER: usize = 0;
/// Place of a time.
pub(super) const TIME: usize = 1;
/// Place of a sender's address.
pub(super) const SOURCE: usize = 2;
/// Place of a receiver's address.
pub(super) const DESTINATION: usize = 3;
/// Place of a protocol.
pub(super) const PROTOCOL: usize = 4;
/// Place of a frame's length.
pub(super) const LENGTH: usize = 5;
/// Place of what else there is to say: the last column, as wide as it has to be.
pub(super) const INFO: usize = 6;

/// The heading over captures' names.
const FILE: &str = "File";

/// Columns of the terminal between two columns of the table.
const GAP: u16 = 2;

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    /// The capture that it is of, where rows tell it.
    pub file: String,
    pub cells: Vec<String>,
    pub tone: Tone,
}

impl Row {
    /// An empty one.
    pub fn of(shape: &Shape) -> Self {
        Self {
            file: String::new(),
            cells: vec![String::new(); shape.headings.len()],
            tone: Tone::default(),
        }
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.file.clear();
        self.cells.iter_mut().for_each(String::clear);
        self.tone = Tone::default();
    }
}

/// The table's columns.
#[derive(Debug)]
pub(super) struct TableColumns {
    shape: &'static Shape,
    widths: Vec<u16>,
    /// Columns of a capture's name, before all others; 0 where there is none.
    file: u16,
    color: bool,
    /// Whether rows, and so the headings, were written.
    begun: bool,
    line: String,
}

/// Columns of a terminal that a text takes.
fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

fn blanks(line: &mut String, mut count: usize) {
    const BLANKS: &str = "                                ";
    while count > BLANKS.len() {
        line.push_str(BLANKS);
        count -= BLANKS.len();
    }
    line.push_str(&BLANKS[..count]);
}

impl TableColumns {
    /// Columns without rows yet; `color` says whether rows are coloured. A column for the captures' names stands before all
    /// others, of the width `file`; of width 0 there is none. `is_narrow` says that a terminal has little room.
    pub fn new(shape: &'static Shape, color: bool, file: usize, is_narrow: bool) -> Self {
        Self {
            shape,
            widths: if file == 0 || is_narrow {
                shape.usual.to_vec()
            } else {
                shape.usual_of_files.to_vec()
            },
            file: if file == 0 {
                0
            } else {
                file.max(FILE.len()) as u16
            },
            color,
            begun: false,
            line: String::new(),
        }
    }

    /// Writes no headings: they were written for others.
    pub const fn without_headings(&mut self) {
        self.begun = true;
    }

    /// Writes rows within the width of a terminal, where there is one. Times take `time` columns as
    /// a rule.
    pub fn write(&mut self, out: &mut Vec<u8>, rows: &[Row], time: u16, terminal: Option<u16>) {
        let with_headings = !std::mem::replace(&mut self.begun, true);
        let headings = self.shape.headings;
        let at = headings.iter().position(|heading| *heading == "Time");
        if let Some(own) = at.and_then(|at| self.widths.get_mut(at)) {
            *own = time.max(*own);
        }
        self.widen(headings);
        for row in rows {
            self.widen(&row.cells);
        }
        if self.color || terminal.is_some() {
            return self.write_wrapped(out, rows, with_headings, terminal);
        }
        if with_headings {
            self.write_line(out, FILE, headings);
        }
        for row in rows {
            self.write_line(out, &row.file, &row.cells);
        }
    }

    fn widen(&mut self, cells: &[impl AsRef<str>]) {
        for (own, cell) in self.widths.iter_mut().zip(cells) {
            *own = width(cell.as_ref()).max(usize::from(*own)) as u16;
        }
    }

    /// Writes a row that is neither wrapped nor coloured: cells and blanks.
    fn write_line(&mut self, out: &mut Vec<u8>, file: &str, cells: &[impl AsRef<str>]) {
        let line = &mut self.line;
        line.clear();
        if self.file > 0 {
            line.push_str(file);
            let room = usize::from(self.file + GAP).saturating_sub(width(file));
            blanks(line, room);
        }
        for (index, (cell, own)) in cells.iter().zip(&self.widths).enumerate() {
            let cell = cell.as_ref();
            let room = usize::from(*own).saturating_sub(width(cell));
            if self.shape.right.contains(&index) {
                blanks(line, room);
                line.push_str(cell);
                blanks(line, usize::from(GAP));
            } else {
                line.push_str(cell);
                blanks(line, room + usize::from(GAP));
            }
        }
        if let Some(last) = cells.last() {
            line.push_str(last.as_ref());
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        out.extend_from_slice(line.as_bytes());
    }

    /// Has rows wrapped and coloured where they are to be.
    fn write_wrapped(
        &self,
        out: &mut Vec<u8>,
        rows: &[Row],
        with_headings: bool,
        terminal: Option<u16>,
    ) {
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new());
        if self.color {
            table.enforce_styling();
            table.style_text_only();
        } else {
            table.force_no_tty();
        }
        let before = usize::from(self.file > 0);
        if with_headings {
            let headings = self.shape.headings.iter().copied();
            table.set_header(std::iter::repeat_n(FILE, before).chain(headings));
        }
        table.add_rows(rows.iter().map(|row| self.cells(row)));
        let last = self.widths.len();
        let gaps = (GAP + self.file) * before as u16 + GAP * last as u16;
        let taken = self
            .widths
            .iter()
            .fold(gaps, |sum, own| sum.saturating_add(*own));
        let hidden = self.hidden(terminal);
        let spared = hidden.iter().map(|index| self.widths[*index] + GAP);
        let taken = taken.saturating_sub(spared.sum());
        let left = terminal.unwrap_or(u16::MAX).saturating_sub(taken);
        for (index, column) in table.column_iter_mut().enumerate() {
            let Some(index) = index.checked_sub(before) else {
                column.set_padding((0, GAP));
                let own = Width::Fixed(self.file + GAP);
                column.set_constraint(ColumnConstraint::LowerBoundary(own));
                continue;
            };
            column.set_padding((0, if index == last { 0 } else { GAP }));
            match self.widths.get(index) {
                Some(_) if hidden.contains(&index) => {
                    column.set_constraint(ColumnConstraint::Hidden);
                }
                Some(own) => {
                    let own = Width::Fixed(own.saturating_add(GAP));
                    column.set_constraint(ColumnConstraint::LowerBoundary(own));
                }
                None if left >= self.shape.least => {
                    column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(left)));
                }
                None => {}
            }
            if self.shape.right.contains(&index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            // Writing to memory does not fail.
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }

    /// The columns that are left out beside a capture's name. Told by usual widths, so that all rows have the same.
    fn hidden(&self, terminal: Option<u16>) -> &'static [usize] {
        let Some(terminal) = terminal.filter(|_| self.file > 0) else {
            return &[];
        };
        let usual = self.shape.usual;
        let widths = usual.iter().chain([&self.file, &self.shape.least]);
        let mut taken: u16 = widths.map(|width| width + GAP).sum();
        let mut count = 0;
        for index in self.shape.dispensable {
            if taken <= terminal {
                break;
            }
            taken -= usual[*index] + GAP;
            count += 1;
        }
        &self.shape.dispensable[..count]
    }

    fn cells(&self, row: &Row) -> Vec<Cell> {
        let color = row.tone.color().filter(|_| self.color);
        let file = (self.file > 0).then_some(&row.file);
        let cells = file.into_iter().chain(&row.cells).map(|text| {
            let cell = Cell::new(text);
            match color {
                Some(color) => cell.fg(Color::AnsiValue(color as u8)),
                None => cell,
            }
        });
        cells.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = Vec<String>> {
        let short = "[0-9a-f:.é日]{0,20}";
        let info = "[ -~é日\u{301}]{0,40}";
        (short, short, short, short, short, short, info)
            .prop_map(|(a, b, c, d, e, f, info)| vec![a, b, c, d, e, f, info])
    }

    proptest! {
        #[test]
        fn rows_without_a_terminal_are_as_those_that_fit_one(
            batches in proptest::collection::vec(proptest::collection::vec(row(), 1..4), 1..4),
        ) {
            let written = |terminal| {
                let (mut columns, mut out) = (TableColumns::new(&OF_FRAMES, false, 0, false), Vec::new());
                for batch in &batches {
                    let rows: Vec<Row> = batch
                        .iter()
                        .map(|cells| Row { file: String::new(), cells: cells.clone(), tone: Tone::default() })
                        .collect();
                    columns.write(&mut out, &rows, 11, terminal);
                }
                String::from_utf8(out).unwrap()
            };
            prop_assert_eq!(written(None), written(Some(u16::MAX)));
        }
    }
}
