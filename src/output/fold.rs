//! Wraps lines at the width of a terminal. A continuation is indented to where the text begins; words are not broken.

use std::io::{self, Write};

use textwrap::core::display_width;
use textwrap::{Options, WordSplitter};

/// A line has at least so many columns of text, however far it is indented.
const LEAST: usize = 24;

/// Options that wrap text at blanks. Hyphens are parts of names (`D-Bus`, `authscope-server`).
#[must_use]
pub fn at_blanks<'a>(columns: usize) -> Options<'a> {
    Options::new(columns).word_splitter(WordSplitter::NoHyphenation)
}

/// A writer that wraps lines.
#[derive(Debug)]
pub struct Folding<W> {
    out: W,
    /// Columns of the terminal; `None`: lines are not wrapped.
    width: Option<usize>,
    /// An incomplete line.
    line: Vec<u8>,
}

impl<W: Write> Folding<W> {
    /// Wraps lines that are longer than `width` columns.
    pub fn new(out: W, width: Option<u16>) -> Self {
        Self {
            out,
            width: width.map(usize::from),
            line: Vec::new(),
        }
    }
}

/// The length of what comes before a line's text: a byte range, and blanks.
fn before(line: &str) -> usize {
    let blanks = |text: &str| text.len() - text.trim_start_matches(' ').len();
    let own = blanks(line);
    let places = line.trim_start_matches(|one: char| one.is_ascii_digit() || one == '-');
    let gutter = line.len() - places.len();
    match blanks(places) {
        gap @ 2.. if own == 0 && gutter > 0 => gutter + gap,
        _ => own,
    }
}

/// Appends a line, wrapped.
fn fold(out: &mut String, line: &str, width: usize) {
    if display_width(line) <= width {
        out.push_str(line);
        return;
    }
    let (start, text) = line.split_at(before(line).min(width.saturating_sub(LEAST)));
    let further = " ".repeat(start.len() + 2);
    let options = at_blanks(width)
        .initial_indent(start)
        .subsequent_indent(&further);
    out.push_str(&textwrap::fill(text, options));
}

impl<W: Write> Write for Folding<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let Some(width) = self.width else {
            return self.out.write(octets);
        };
        self.line.extend_from_slice(octets);
        let Some(end) = self.line.iter().rposition(|octet| *octet == b'\n') else {
            return Ok(octets.len());
        };
        let rest = self.line.split_off(end + 1);
        let whole = std::mem::replace(&mut self.line, rest);
        let mut text = String::with_capacity(whole.len());
        for line in String::from_utf8_lossy(&whole).lines() {
            fold(&mut text, line, width);
            text.push('\n');
        }
        self.out.write_all(text.as_bytes())?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = Vec::new();
        let mut folding = Folding::new(&mut out, Some(40));
        for part in text.as_bytes().chunks(7) {
            folding.write_all(part).expect("memory takes it");
        }
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_long_line_goes_on_where_its_text_begins() {
        assert_eq!(folded("short\n\n"), "short\n\n");
        assert_eq!(
            folded("54-57       Note: a line that does not fit in so few columns\n"),
            "54-57       Note: a line that does not\n              fit in so few columns\n"
        );
        assert_eq!(
            folded("    Note  a line that does not fit in so few columns\n"),
            "    Note  a line that does not fit in so\n      few columns\n"
        );
    }
}
