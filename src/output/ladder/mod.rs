//! A connection as a sequence diagram: two lifelines, an arrow for each message, times at the left.

mod steps;

use std::io::{self, Write};
use std::ops::ControlFlow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use steps::{Step, Steps};

use super::charset::Charset;
use super::clock::{TimeDisplay, TimeFormat};
use super::follow::{Conversation, FollowSink, Followed};
use super::tee::OutputError;
use crate::packet::Endpoint;
use crate::session::{FrameRecord, Remainder, Sink};
use crate::stream::Role;

/// Which stream is drawn, and how.
#[derive(Debug, Clone, Copy)]
pub struct LadderOptions {
    /// The stream's number.
    pub stream: u32,
    /// Total width in columns.
    pub width: u16,
    /// The characters of lines and arrows.
    pub charset: Charset,
    /// The format of times.
    pub time: TimeFormat,
    /// Whether arrows are coloured by outcome.
    pub color: bool,
    /// Whether rows are written as soon as no further frame is ready. A message that is recognised late then comes after
    /// rows that were already written.
    pub at_once: bool,
}

/// The minimum distance of the lifelines in columns, even in a narrow terminal.
const LEAST: usize = 24;
/// Rows that are held back at most, so that a message that is recognised late is put where it was sent.
const MOST_ROWS: usize = 4096;

/// Draws one stream.
pub struct Ladder<W> {
    out: W,
    options: LadderOptions,
    begun: bool,
    steps: Steps,
}

impl<W: Write> Ladder<W> {
    /// Draws to `out`.
    pub fn new(out: W, options: LadderOptions) -> Self {
        Self {
            out,
            options,
            begun: false,
            steps: Steps::new(options.stream, options.time),
        }
    }

    const fn signs(&self) -> [&'static str; 5] {
        match self.options.charset {
            Charset::Unicode => ["│", "─", "▶", "◀", "·"],
            Charset::Ascii => ["|", "-", ">", "<", "."],
        }
    }

    fn time_width(&self) -> usize {
        usize::from(self.steps.clock.width())
    }

    /// Columns between the lifelines.
    fn span(&self) -> usize {
        let taken = self.time_width() + 4;
        usize::from(self.options.width)
            .saturating_sub(taken)
            .max(LEAST)
    }

    /// Columns for the text on an arrow.
    fn room(&self) -> usize {
        self.span() - 6
    }

    fn head(&mut self, [client, server]: [Endpoint; 2]) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let (client, server) = (client.to_string(), server.to_string());
        let margin = self.time_width() + 2;
        let room = self.span() + 2;
        for [left, right] in [["client", "server"], [client.as_str(), server.as_str()]] {
            let between = room.saturating_sub(left.len() + right.len()).max(1);
            let gap = " ".repeat(between);
            writeln!(self.out, "{:margin$}{left}{gap}{right}", "")?;
        }
        Ok(())
    }

    /// A step as a row: an arrow from the sender, or a dotted line if it is about both sides.
    fn row(&self, step: &Step) -> String {
        let [life, dash, right, left, dot] = self.signs();
        let (fill, start, end) = match step.sender {
            Some(Role::Client) => (dash, dash, right),
            Some(Role::Server) => (dash, left, dash),
            None => (dot, dot, dot),
        };
        let span = self.span();
        let room = self.room();
        let charset = self.options.charset;
        let text = fit(&step.text, room.saturating_sub(step.suffix.len()), charset);
        let text = fit(&(text + &step.suffix), room, charset);
        let free = span - 4 - text.width();
        let (before, after) = match step.sender {
            None => (free / 2, free - free / 2),
            Some(_) => (1, free - 1),
        };
        let highlight = step.highlight;
        let (color, plain) = match highlight.color() {
            Some(_) if self.options.color => (
                highlight.style().render().to_string(),
                highlight.style().render_reset().to_string(),
            ),
            _ => (String::new(), String::new()),
        };
        let (shown, width) = (&step.shown, self.time_width());
        format!(
            "{shown:>width$}  {life}{color}{start}{} {text} {}{end}{plain}{life}",
            fill.repeat(before),
            fill.repeat(after),
        )
    }

    /// Writes steps until at most `kept` are held back.
    fn write_rows(&mut self, kept: usize) -> io::Result<()> {
        if let Some(ends) = self.steps.ends {
            self.head(ends)?;
        }
        while self.steps.all.len() > kept
            && let Some(step) = self.steps.all.pop_front()
        {
            let row = self.row(&step);
            writeln!(self.out, "{row}")?;
        }
        Ok(())
    }
}

impl Conversation for Ladder<Vec<u8>> {
    fn set_clock(&mut self, clock: &TimeDisplay) {
        self.steps.clock.clone_from(clock);
    }

    fn text(&self) -> &[u8] {
        &self.out
    }
}

impl<W: Write> FollowSink for Ladder<W> {
    fn followed(&self) -> Followed {
        self.steps.followed
    }
}

/// The text in at most `columns` columns: a longer one is cut and ends in an ellipsis.
#[must_use]
pub fn fit(text: &str, columns: usize, charset: Charset) -> String {
    let text = match charset {
        Charset::Unicode => text.to_owned(),
        Charset::Ascii => {
            let text = text.replace('→', "->").replace('…', "...");
            text.replace(|character: char| !character.is_ascii(), "?")
        }
    };
    if text.width() <= columns {
        return text;
    }
    let more = match charset {
        Charset::Unicode => "…",
        Charset::Ascii => "...",
    };
    let mut room = columns.saturating_sub(more.width());
    let mut cut = String::new();
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if width > room {
            break;
        }
        room -= width;
        cut.push(character);
    }
    cut.push_str(more);
    cut
}

impl<W: Write> Sink for Ladder<W> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.steps.record(record);
        self.write_rows(MOST_ROWS)?;
        Ok(ControlFlow::Continue(()))
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        if self.options.at_once {
            self.write_rows(0)?;
        }
        self.out.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.steps.end(remainder);
        self.write_rows(0)?;
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_drawn_with_what_there_is() {
        let text = "40420 → 8888, 张三";
        assert_eq!(fit(text, 18, Charset::Unicode), text);
        assert_eq!(fit(text, 16, Charset::Unicode), "40420 → 8888, …");
        assert_eq!(fit(text, 17, Charset::Ascii), "40420 -> 8888, ??");
        assert_eq!(fit(text, 12, Charset::Ascii), "40420 -> ...");
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(fit("login", 5, Charset::Unicode), "login");
        assert_eq!(fit("login of bob", 8, Charset::Unicode), "login o…");
        assert_eq!(fit("login of bob", 8, Charset::Ascii), "login...");
        assert_eq!(fit("日本語の名前", 8, Charset::Unicode), "日本語…");
        assert_eq!(fit("é", 8, Charset::Ascii), "?");
    }
}
