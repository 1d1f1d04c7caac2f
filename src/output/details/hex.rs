//! Bytes as hexadecimal and text side by side, with messages marked and passwords masked.

use std::fmt::Write as _;
use std::ops::Range;

use anstyle::{AnsiColor, Style};

/// Bytes a line, as a rule and where there is little room.
const LINES: [usize; 2] = [16, 8];
/// Columns that a line of the first takes.
const COLUMNS: u16 = 72;
/// The colour of bytes that are part of a message.
const MARKED: Style = AnsiColor::Cyan.on_default();

/// Bytes to be shown.
pub(super) struct Dump<'a> {
    /// All of them.
    pub octets: &'a [u8],
    /// Which of them are a message's, in order and apart from each other: each run is put in
    /// brackets.
    pub marked: Vec<Range<usize>>,
    /// Whether marked bytes have a colour too.
    pub color: bool,
    /// Bytes a line.
    pub line: usize,
}

/// How many bytes a line of a terminal has room for; `None` is no terminal.
pub(super) fn octets_a_line(terminal: Option<u16>) -> usize {
    let [usual, few] = LINES;
    match terminal {
        Some(columns) if columns < COLUMNS => few,
        _ => usual,
    }
}

impl Dump<'_> {
    fn is_marked(&self, at: usize) -> bool {
        self.marked.iter().any(|range| range.contains(&at))
    }

    /// What stands between byte `at - 1` and byte `at`.
    fn separator(&self, at: usize) -> char {
        let begins = self.marked.iter().any(|range| range.start == at);
        // A run that ended with the line before was closed there.
        let ends = !at.is_multiple_of(self.line) && self.marked.iter().any(|range| range.end == at);
        match (begins, ends) {
            (true, true) => '|',
            (true, false) => '[',
            (false, true) => ']',
            (false, false) => ' ',
        }
    }

    /// Appends the lines; bytes that `hides` says so of are `**`.
    pub fn write(&self, out: &mut String, hides: impl Fn(usize) -> bool) {
        for (index, line) in self.octets.chunks(self.line).enumerate() {
            let start = index * self.line;
            let _ = write!(out, "{start:04x} ");
            let mut colored = false;
            let mut color = |out: &mut String, wanted: bool| {
                if self.color && wanted != colored {
                    colored = wanted;
                    let _ = if wanted {
                        write!(out, "{MARKED}")
                    } else {
                        write!(out, "{MARKED:#}")
                    };
                }
            };
            for (column, octet) in line.iter().enumerate() {
                let at = start + column;
                color(out, self.is_marked(at) && self.separator(at) == ' ');
                out.push(self.separator(at));
                color(out, self.is_marked(at));
                if hides(at) {
                    out.push_str("**");
                } else {
                    let _ = write!(out, "{octet:02x}");
                }
            }
            color(out, false);
            let end = start + line.len();
            // A run that goes on in the next line ends there.
            let ends = self.marked.iter().any(|range| range.end == end);
            out.push(if ends { ']' } else { ' ' });
            for _ in line.len()..self.line {
                out.push_str("   ");
            }
            out.push_str("  ");
            for (column, octet) in line.iter().enumerate() {
                let at = start + column;
                color(out, self.is_marked(at));
                out.push(match octet {
                    _ if hides(at) => '*',
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
