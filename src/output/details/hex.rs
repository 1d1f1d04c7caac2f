//! A hex dump: bytes as hexadecimal and as text, with messages marked and passwords masked.

#![expect(
    clippy::cast_possible_truncation,
    reason = "halves of an offset below 2^16"
)]

use std::ops::Range;

use anstyle::{AnsiColor, Style};

use crate::text::put;

/// Bytes per line: usually, and in a narrow terminal.
const LINES: [usize; 2] = [16, 8];
/// Columns of a line with 16 bytes.
const COLUMNS: u16 = 72;
/// The colour of bytes that are part of a message.
const MARKED: Style = AnsiColor::Cyan.on_default();

/// The dump of a run of bytes.
pub(super) struct Dump<'a> {
    /// The bytes.
    pub octets: &'a [u8],
    /// The ranges that belong to messages, in order and without overlaps. Each is put in brackets.
    pub marked: Vec<Range<usize>>,
    /// Whether marked bytes are also coloured.
    pub color: bool,
    /// Bytes per line.
    pub line: usize,
}

/// The bytes per line for a terminal with so many columns; `None`: no terminal.
pub(super) fn octets_a_line(terminal: Option<u16>) -> usize {
    let [usual, few] = LINES;
    match terminal {
        Some(columns) if columns < COLUMNS => few,
        _ => usual,
    }
}

/// The marks of a line's bytes: one bit per byte, the lowest for the first.
#[derive(Default)]
struct Marks {
    /// Bytes that are part of a message.
    inside: u32,
    /// First bytes of messages.
    begins: u32,
    /// Bytes after the last byte of a message; this can be the one after the line's last.
    ends: u32,
}

impl Marks {
    fn has(these: u32, column: usize) -> bool {
        these >> column & 1 == 1
    }

    /// The character before the byte in this column. A range that ended with the previous line was closed there.
    fn separator(&self, column: usize) -> char {
        let ends = column > 0 && Self::has(self.ends, column);
        match (Self::has(self.begins, column), ends) {
            (true, true) => '|',
            (true, false) => '[',
            (false, true) => ']',
            (false, false) => ' ',
        }
    }
}

impl Dump<'_> {
    /// The marks of the line `start..end`.
    fn marks(&self, start: usize, end: usize) -> Marks {
        let mut marks = Marks::default();
        let bit = |at: usize| 1 << (at - start);
        for range in &self.marked {
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                marks.inside |= bit(to) - bit(from);
            }
            if (start..end).contains(&range.start) {
                marks.begins |= bit(range.start);
            }
            if (start..=end).contains(&range.end) {
                marks.ends |= bit(range.end);
            }
        }
        marks
    }

    /// Appends the lines. A byte at an index for which `hides` is true is written as `**`.
    pub fn write(&self, out: &mut String, hides: impl Fn(usize) -> bool) {
        for (index, line) in self.octets.chunks(self.line).enumerate() {
            let start = index * self.line;
            let marks = self.marks(start, start + line.len());
            if start <= 0xffff {
                put::hex_octet(out, (start >> 8) as u8);
                put::hex_octet(out, start as u8);
            } else {
                put::formatted(out, format_args!("{start:x}"));
            }
            out.push(' ');
            let mut colored = false;
            let mut color = |out: &mut String, wanted: bool| {
                if self.color && wanted != colored {
                    colored = wanted;
                    if wanted {
                        put::formatted(out, format_args!("{MARKED}"));
                    } else {
                        put::formatted(out, format_args!("{MARKED:#}"));
                    }
                }
            };
            for (column, octet) in line.iter().enumerate() {
                let separator = marks.separator(column);
                let is_marked = Marks::has(marks.inside, column);
                color(out, is_marked && separator == ' ');
                out.push(separator);
                color(out, is_marked);
                if hides(start + column) {
                    out.push_str("**");
                } else {
                    put::hex_octet(out, *octet);
                }
            }
            color(out, false);
            // A range that continues in the next line is closed there.
            let ends = Marks::has(marks.ends, line.len());
            out.push(if ends { ']' } else { ' ' });
            put::spaces(out, 3 * (self.line - line.len()) + 2);
            for (column, octet) in line.iter().enumerate() {
                color(out, Marks::has(marks.inside, column));
                out.push(match octet {
                    _ if hides(start + column) => '*',
                    0x20..=0x7e => char::from(*octet),
                    _ => '.',
                });
            }
            color(out, false);
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_in_brackets_and_hidden_octets_are_not_shown() {
        let octets: Vec<u8> = (0x38..0x38 + 20).collect();
        let dump = Dump {
            octets: &octets,
            marked: vec![2..4, 4..18],
            color: false,
            line: octets_a_line(None),
        };
        let mut out = String::new();
        dump.write(&mut out, |at| at == 5 || at == 17);
        let expected = "\
0000  38 39[3a 3b|3c ** 3e 3f 40 41 42 43 44 45 46 47   89:;<*>?@ABCDEFG
0010  48 **]4a 4b                                       H*JK
";
        assert_eq!(out, expected);
    }

    #[test]
    fn a_run_that_ends_with_its_line_is_closed_there() {
        let dump = Dump {
            octets: &[0; 16],
            marked: std::iter::once(8..16).collect(),
            color: true,
            line: octets_a_line(Some(COLUMNS)),
        };
        let mut out = String::new();
        dump.write(&mut out, |_| false);
        let plain: String = out.replace("\u{1b}[36m", "").replace("\u{1b}[0m", "");
        assert_eq!(
            plain,
            "0000  00 00 00 00 00 00 00 00[00 00 00 00 00 00 00 00]  ................\n"
        );
        assert_ne!(plain, out);
    }

    #[test]
    fn lines_fit_a_narrow_terminal() {
        let dump = Dump {
            octets: b"0123456789",
            marked: Vec::new(),
            color: false,
            line: octets_a_line(Some(60)),
        };
        let mut out = String::new();
        dump.write(&mut out, |_| false);
        let expected = "\
0000  30 31 32 33 34 35 36 37   01234567
0008  38 39                     89
";
        assert_eq!(out, expected);
    }
}
