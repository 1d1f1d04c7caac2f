//! The columns of the packet list and of exchanges: their widths, and rows written in them, within a terminal's width.

#![expect(clippy::cast_possible_truncation, reason = "columns of a terminal")]

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::charset::Charset;
use super::fold::at_blanks;
use super::highlight::Highlight;
use crate::text::put;

/// The columns of a table. The last one has no fixed width.
#[derive(Debug)]
pub(super) struct Shape {
    /// Their headings, in order.
    headings: &'static [&'static str],
    /// Columns that are aligned to the right.
    right: &'static [usize],
    /// Initial widths of all columns but the last. They fit usual values, so that rows stay aligned although later rows are
    /// not known. A longer value widens its column from then on.
    typical: &'static [u16],
    /// The initial widths after a column with the capture's name. The rows of each capture are laid out separately.
    typical_of_files: &'static [u16],
    /// Columns with addresses. In a narrow terminal the middle of an address is left out.
    addresses: &'static [usize],
    /// A time has at most the terminal's width divided by this number.
    times: u16,
    /// Columns that may be left out in a narrow terminal, the least important first.
    dispensable: &'static [usize],
    /// At most so many of these are left out to keep a row in one line; one more if there is a column with the capture's
    /// name.
    spare: usize,
    /// The last cell is in the same line if at least so many columns are left for it, otherwise in the next line.
    least: u16,
}

/// Frames and messages. The widths fit numbers of five digits, IPv4 addresses, and frames of Ethernet.
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
    typical: &[5, 11, 15, 15, 8, 6],
    typical_of_files: &[5, 15, 15, 15, 8, 6],
    addresses: &[SOURCE, DESTINATION],
    times: 2,
    dispensable: &[LENGTH, PROTOCOL, DESTINATION, SOURCE],
    spare: 2,
    least: 22,
};

/// Exchanges, with all columns.
pub(super) static OF_EXCHANGES: Shape = Shape {
    headings: &[
        "Time", "Client", "Server", "Action", "User", "ms", "Stream", "Frames", "Outcome",
    ],
    right: &[0, 5, 6],
    typical: &[11, 17, 15, 6, 8, 7, 6, 6],
    typical_of_files: &[15, 17, 15, 12, 12, 8, 6, 7],
    addresses: &[1, 2],
    times: 3,
    dispensable: &[6, 7, 2],
    spare: 0,
    least: 12,
};

/// Exchanges in a terminal of 80 columns.
pub(super) static OF_EXCHANGES_NARROW: Shape = Shape {
    headings: &["Time", "Client", "Action", "User", "ms", "Outcome"],
    right: &[0, 4],
    typical: &[9, 11, 5, 6, 6],
    typical_of_files: &[],
    addresses: &[1],
    times: 3,
    dispensable: &[1, 4],
    spare: 0,
    least: 12,
};

/// Exchanges in a narrow terminal, with the capture's name instead of the client.
pub(super) static OF_EXCHANGES_OF_FILES: Shape = Shape {
    headings: &["Time", "Action", "User", "ms", "Outcome"],
    right: &[0, 3],
    typical: &[11, 12, 8, 7],
    typical_of_files: &[11, 12, 8, 7],
    addresses: &[],
    times: 3,
    dispensable: &[3, 0],
    spare: 0,
    least: 12,
};

/// Index of the column with a frame's number.
pub(super) const NUMBER: usize = 0;
/// Index of the column with a time.
pub(super) const TIME: usize = 1;
/// Index of the column with a sender's address.
pub(super) const SOURCE: usize = 2;
/// Index of the column with a receiver's address.
pub(super) const DESTINATION: usize = 3;
/// Index of the column with a protocol.
pub(super) const PROTOCOL: usize = 4;
/// Index of the column with a frame's length.
pub(super) const LENGTH: usize = 5;
/// Index of the last column, which has no fixed width.
pub(super) const INFO: usize = 6;

/// The heading of the column with captures' names.
const FILE: &str = "File";

/// Blanks between two columns of the table.
const GAP: u16 = 2;

/// In a terminal with fewer columns a row has two lines.
const ONE_LINE: u16 = 80;

/// In a terminal with more columns addresses may be longer.
const ROOMY: u16 = 100;

/// The indentation of a row's second line.
const INDENT: &str = "        ";

/// A row of the table.
#[derive(Debug)]
pub(super) struct Row {
    /// The name of its capture, if rows have one.
    pub file: String,
    pub cells: Vec<String>,
    pub highlight: Highlight,
}

impl Row {
    /// An empty row.
    pub fn of(shape: &Shape) -> Self {
        Self {
            file: String::new(),
            cells: vec![String::new(); shape.headings.len()],
            highlight: Highlight::default(),
        }
    }

    /// Clears the row but keeps its memory.
    pub fn clear(&mut self) {
        self.file.clear();
        self.cells.iter_mut().for_each(String::clear);
        self.highlight = Highlight::default();
    }
}

/// Writes rows in columns.
#[derive(Debug)]
pub(super) struct TableColumns {
    shape: &'static Shape,
    widths: Vec<u16>,
    /// Width of the column with the capture's name; 0 if there is none.
    file: u16,
    color: bool,
    charset: Charset,
    /// How many of the dispensable columns are left out.
    hidden: usize,
    /// The value of `hidden` when the headings were written.
    headed: usize,
    /// Whether the headings were written.
    begun: bool,
    line: String,
}

/// The width of a text in a terminal.
fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

impl TableColumns {
    /// Columns without rows. `color`: rows are coloured. `file`: the width of the column with the captures' names, which
    /// comes first; 0 for none. `is_narrow`: the shape is one for narrow terminals.
    pub fn new(shape: &'static Shape, color: bool, file: usize, is_narrow: bool) -> Self {
        Self {
            shape,
            widths: if file == 0 || is_narrow {
                shape.typical.to_vec()
            } else {
                shape.typical_of_files.to_vec()
            },
            file: if file == 0 {
                0
            } else {
                file.max(FILE.len()) as u16
            },
            color,
            charset: Charset::of_locale(),
            hidden: 0,
            headed: 0,
            begun: false,
            line: String::new(),
        }
    }

    /// Leaves out the headings, because another table has written them.
    pub const fn without_headings(&mut self) {
        self.begun = true;
    }

    /// Writes rows, within the width of the terminal if there is one. `time`: the usual width of a time.
    pub fn write(&mut self, out: &mut Vec<u8>, rows: &[Row], time: u16, terminal: Option<u16>) {
        let with_headings = !std::mem::replace(&mut self.begun, true);
        let headings = self.shape.headings;
        if let Some(own) = self.time().and_then(|at| self.widths.get_mut(at)) {
            *own = time.max(*own);
        }
        self.widen(headings);
        if self.color || terminal.is_some() {
            return self.write_fitted(out, rows, with_headings, terminal);
        }
        for row in rows {
            self.widen(&row.cells);
        }
        if with_headings {
            self.write_line(out, FILE, headings);
        }
        for row in rows {
            self.write_line(out, &row.file, &row.cells);
        }
    }

    /// Index of the column with times.
    fn time(&self) -> Option<usize> {
        let mut headings = self.shape.headings.iter();
        headings.position(|heading| *heading == "Time")
    }

    fn widen(&mut self, cells: &[impl AsRef<str>]) {
        for (own, cell) in self.widths.iter_mut().zip(cells) {
            *own = width(cell.as_ref()).max(usize::from(*own)) as u16;
        }
    }

    /// Writes a row that is neither wrapped nor coloured.
    fn write_line(&mut self, out: &mut Vec<u8>, file: &str, cells: &[impl AsRef<str>]) {
        let line = &mut self.line;
        line.clear();
        let mut blanks = 0;
        if self.file > 0 {
            pad(line, &mut blanks, file, self.file, false);
        }
        for (index, (cell, own)) in cells.iter().zip(&self.widths).enumerate() {
            let is_right = self.shape.right.contains(&index);
            pad(line, &mut blanks, cell.as_ref(), *own, is_right);
        }
        put::spaces(line, blanks);
        if let Some(last) = cells.last() {
            line.push_str(last.as_ref());
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        out.extend_from_slice(line.as_bytes());
    }

    /// Writes rows with colours, and within the terminal's width if there is one.
    fn write_fitted(
        &mut self,
        out: &mut Vec<u8>,
        rows: &[Row],
        with_headings: bool,
        terminal: Option<u16>,
    ) {
        if let Some(terminal) = terminal {
            self.file = self.file.min(terminal / 3);
        }
        let shown: Vec<Vec<Cow<'_, str>>> = rows
            .iter()
            .map(|row| self.shortened(&row.cells, terminal))
            .collect();
        for cells in &shown {
            self.widen(cells);
        }
        let left = self.fit(terminal);
        // Headings are repeated if further columns are left out.
        if with_headings || self.headed != self.hidden && !rows.is_empty() {
            self.headed = self.hidden;
            let headings = self.shape.headings.iter().map(|one| Cow::Borrowed(*one));
            let headings: Vec<Cow<'_, str>> = headings.collect();
            self.write_row(out, FILE, &headings, left, terminal, Highlight::Plain);
        }
        for (row, cells) in rows.iter().zip(&shown) {
            let file = self.charset.shortened(&row.file, self.file.into());
            self.write_row(out, &file, cells, left, terminal, row.highlight);
        }
    }

    /// Cells shortened to what the terminal has room for; the last one is not shortened.
    fn shortened<'a>(&self, cells: &'a [String], terminal: Option<u16>) -> Vec<Cow<'a, str>> {
        let last = self.widths.len();
        let short = |(index, cell): (usize, &'a String)| {
            let Some(terminal) = terminal.filter(|_| index < last) else {
                return Cow::Borrowed(cell.as_str());
            };
            if Some(index) == self.time() {
                // Leaving out the date loses less than leaving out the middle.
                let most = usize::from(terminal / self.shape.times);
                let clock = cell
                    .split_once(' ')
                    .map_or(cell.as_str(), |(_, clock)| clock);
                let whole = width(cell) <= most;
                let cell = if whole { cell.as_str() } else { clock };
                return self.charset.shortened(cell, most);
            }
            let most = if self.shape.addresses.contains(&index) {
                self.shape.typical[index].max(ADDRESS) + terminal.saturating_sub(ROOMY) / 4
            } else {
                terminal / 3
            };
            self.charset.shortened(cell, most.into())
        };
        cells.iter().enumerate().map(short).collect()
    }

    /// Decides which columns are left out. Returns the columns that are left for the last cell, or `None` if it
    /// has a line of its own.
    fn fit(&mut self, terminal: Option<u16>) -> Option<u16> {
        let Some(terminal) = terminal else {
            return Some(u16::MAX);
        };
        let order = self.shape.dispensable;
        let sum = |widths: &[u16], hidden: usize| {
            let shown = widths.iter().enumerate();
            let shown = shown.filter(|(index, _)| !order[..hidden].contains(index));
            let file = if self.file > 0 { self.file + GAP } else { 0 };
            shown.fold(file, |sum, (_, own)| {
                sum.saturating_add(own.saturating_add(GAP))
            })
        };
        // Usual widths decide, and the chosen format of times, so that usual rows stay in one line.
        let mut typical = self.shape.typical.to_vec();
        if let Some(time) = self.time() {
            typical[time] = self.widths[time];
        }
        let least = self.shape.least;
        let spare = self.shape.spare + usize::from(self.file > 0);
        let in_line = |hidden: &usize| sum(&typical, *hidden).saturating_add(least) <= terminal;
        let one_line = terminal >= ONE_LINE;
        let one_line = one_line.then(|| (0..=spare).find(in_line)).flatten();
        // The last gap may be outside: nothing follows it.
        let fits = |hidden: &usize| sum(&self.widths, *hidden) <= terminal.saturating_add(GAP);
        let two_lines = (0..order.len()).find(fits).unwrap_or(order.len());
        // A column that was left out once is left out of all later rows.
        self.hidden = self.hidden.max(one_line.unwrap_or(0)).max(two_lines);
        let left = terminal.saturating_sub(sum(&self.widths, self.hidden));
        one_line.and((left >= least).then_some(left))
    }

    fn write_row(
        &mut self,
        out: &mut Vec<u8>,
        file: &str,
        cells: &[Cow<'_, str>],
        left: Option<u16>,
        terminal: Option<u16>,
        highlight: Highlight,
    ) {
        let hidden = &self.shape.dispensable[..self.hidden];
        let line = &mut self.line;
        line.clear();
        let mut blanks = 0;
        if self.file > 0 {
            pad(line, &mut blanks, file, self.file, false);
        }
        for (index, (cell, own)) in cells.iter().zip(&self.widths).enumerate() {
            if !hidden.contains(&index) {
                let is_right = self.shape.right.contains(&index);
                pad(line, &mut blanks, cell, *own, is_right);
            }
        }
        put::spaces(line, blanks);
        let last = cells.last().map_or("", |cell| &**cell);
        let longest = || last.split(' ').map(width).max().unwrap_or(0);
        let mut lines = vec![std::mem::take(line)];
        match left.map(usize::from) {
            Some(left) if width(last) <= left => lines[0].push_str(last),
            // A word is not broken if it fits into a line.
            Some(left) if longest() <= left => {
                let before = " ".repeat(width(&lines[0]));
                let options = at_blanks(left).break_words(false);
                let wrapped = textwrap::wrap(last, options);
                for (index, part) in wrapped.iter().enumerate() {
                    match index {
                        0 => lines[0].push_str(part),
                        _ => lines.push(format!("{before}{part}")),
                    }
                }
            }
            _ if last.is_empty() => {}
            _ => {
                let options = at_blanks(terminal.map_or(usize::MAX, usize::from))
                    .initial_indent(INDENT)
                    .subsequent_indent(INDENT);
                lines.extend(
                    textwrap::wrap(last, options)
                        .into_iter()
                        .map(Cow::into_owned),
                );
            }
        }
        let style = highlight.style();
        for one in &lines {
            let text = one.trim_end();
            let blank = text.len() - text.trim_start().len();
            if self.color && highlight.color().is_some() && blank < text.len() {
                let (blanks, text) = text.split_at(blank);
                out.extend_from_slice(format!("{blanks}{style}{text}{style:#}\n").as_bytes());
            } else {
                out.extend_from_slice(text.as_bytes());
                out.push(b'\n');
            }
        }
        self.line = lines.swap_remove(0);
    }
}

/// Appends `blanks` blanks and a cell; `blanks` is then the number of blanks before the next cell.
fn pad(line: &mut String, blanks: &mut usize, cell: &str, own: u16, is_right: bool) {
    let room = usize::from(own).saturating_sub(width(cell));
    let (before, behind) = if is_right { (room, 0) } else { (0, room) };
    put::spaces(line, *blanks + before);
    line.push_str(cell);
    *blanks = behind + usize::from(GAP);
}

/// The minimum width of a column with addresses: that of an IPv4 address.
const ADDRESS: u16 = 15;

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
                        .map(|cells| Row { file: String::new(), cells: cells.clone(), highlight: Highlight::default() })
                        .collect();
                    columns.write(&mut out, &rows, 11, terminal);
                }
                String::from_utf8(out).unwrap()
            };
            prop_assert_eq!(written(None), written(Some(u16::MAX)));
        }
    }
}
