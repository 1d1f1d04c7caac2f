//! One connection as a sequence diagram: two lifelines, an arrow a message, times at the left.

mod steps;

use std::io::{self, Write};
use std::ops::ControlFlow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use steps::{Step, Steps};

use super::charset::Charset;
use super::clock::{TimeDisplay, TimeFormat};
use super::follow::{Conversation, Followed};
use super::tee::OutputError;
use crate::packet::Endpoint;
use crate::session::{FrameRecord, Remainder, Sink};
use crate::stream::Role;

/// How a ladder is drawn.
#[derive(Debug, Clone, Copy)]
pub struct LadderOptions {
    /// The stream's number.
    pub stream: u32,
    /// Columns in all.
    pub width: u16,
    /// What it is drawn with.
    pub charset: Charset,
    /// What times are shown as.
    pub time: TimeFormat,
    /// Whether arrows are coloured by outcome.
    pub color: bool,
    /// Whether somebody waits for the rows while frames still come. A message that is told late
    /// then stands behind rows that are written already.
    pub at_once: bool,
}

/// Columns between the lifelines at least, however narrow the terminal is.
const LEAST: usize = 24;
/// Rows kept back at most, so that a message that is told late still stands where it was sent.
const MOST_ROWS: usize = 4096;

/// Draws one stream.
pub struct Ladder<W> {
    out: W,
    options: LadderOptions,
    begun: bool,
    steps: Steps,
}

impl<W: Write> Ladder<W> {
    /// Nothing drawn yet.
    pub fn new(out: W, options: LadderOptions) -> Self {
        Self {
            out,
            options,
            begun: false,
            steps: Steps::new(options.stream, options.time),
        }
    }

    /// What there is to be said when the run is over.
    pub const fn followed(&self) -> Followed {
        self.steps.followed
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

    /// Columns for text on an arrow.
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

    /// A step as a row: an arrow from the sender, or something about both.
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

    /// Writes steps until no more than so many are kept back.
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

    fn followed(&self) -> Followed {
        self.steps.followed
    }
}

/// The text, cut where it has more columns than there are.
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
