//! One connection as a sequence diagram: two lifelines, an arrow a message, times at the left.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::ops::ControlFlow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::charset::Charset;
use super::clock::{Clock, TimeFormat};
use super::follow::{Conversation, Followed};
use super::info;
use super::rows::{late_messages, messages_of};
use super::stats::Span;
use super::tee::OutputError;
use super::tone::Tone;
use crate::capture::Timestamp;
use crate::dissect::{Message, Note, Protocol, Severity};
use crate::packet::{Flags, Segment};
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

/// Columns between the lifelines at the least, however narrow the terminal is.
const LEAST: usize = 24;
/// Rows kept back at the most, so that a message that is told late still stands where it was sent.
const MOST_ROWS: usize = 4096;

/// How far opening a connection has come.
#[derive(Debug, Clone, Copy)]
struct Opening {
    time: Timestamp,
    by: Role,
    accepted: bool,
}

/// Draws one stream.
pub struct Ladder<W> {
    out: W,
    options: LadderOptions,
    clock: Clock,
    opening: Option<Opening>,
    /// Who closed its direction first, and when.
    closing: Option<(Role, Timestamp)>,
    begun: bool,
    /// Rows that are not written yet, in order, each with its frame.
    rows: VecDeque<(u64, String)>,
    /// The frame that rows are drawn for.
    frame: u64,
    followed: Followed,
}

impl<W: Write> Ladder<W> {
    /// Nothing drawn yet.
    pub fn new(out: W, options: LadderOptions) -> Self {
        Self {
            out,
            options,
            clock: Clock::new(options.time),
            opening: None,
            closing: None,
            begun: false,
            rows: VecDeque::new(),
            frame: 0,
            followed: Followed::default(),
        }
    }

    /// What there is to be said when the run is over.
    pub const fn followed(&self) -> Followed {
        self.followed
    }

    const fn signs(&self) -> [&'static str; 5] {
        match self.options.charset {
            Charset::Unicode => ["│", "─", "▶", "◀", "·"],
            Charset::Ascii => ["|", "-", ">", "<", "."],
        }
    }

    /// Columns between the lifelines.
    fn span(&self) -> usize {
        let taken = usize::from(self.clock.width()) + 4;
        usize::from(self.options.width)
            .saturating_sub(taken)
            .max(LEAST)
    }

    /// Columns for text on an arrow.
    fn room(&self) -> usize {
        self.span() - 6
    }

    fn head(&mut self, segment: &Segment, sender: Role) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let [mut client, mut server] = [segment.source, segment.destination];
        if sender == Role::Server {
            std::mem::swap(&mut client, &mut server);
        }
        let (client, server) = (client.to_string(), server.to_string());
        let margin = usize::from(self.clock.width()) + 2;
        let room = self.span() + 2;
        for [left, right] in [["client", "server"], [client.as_str(), server.as_str()]] {
            let between = room.saturating_sub(left.len() + right.len()).max(1);
            let gap = " ".repeat(between);
            writeln!(self.out, "{:margin$}{left}{gap}{right}", "")?;
        }
        Ok(())
    }

    /// Draws a row: an arrow from the sender, or something about both.
    fn row(
        &mut self,
        time: Timestamp,
        sender: Option<Role>,
        text: &str,
        tone: Tone,
    ) -> io::Result<()> {
        let [life, dash, right, left, dot] = self.signs();
        let (fill, start, end) = match sender {
            Some(Role::Client) => (dash, dash, right),
            Some(Role::Server) => (dash, left, dash),
            None => (dot, dot, dot),
        };
        let span = self.span();
        let text = fit(text, self.room(), self.options.charset);
        let free = span - 4 - text.width();
        let (before, after) = match sender {
            None => (free / 2, free - free / 2),
            Some(_) => (1, free - 1),
        };
        let mut shown = String::new();
        self.clock.write(&mut shown, time);
        let width = usize::from(self.clock.width());
        let (color, plain) = match tone.color() {
            Some(_) if self.options.color => (
                tone.style().render().to_string(),
                tone.style().render_reset().to_string(),
            ),
            _ => (String::new(), String::new()),
        };
        let row = format!(
            "{shown:>width$}  {life}{color}{start}{} {text} {}{end}{plain}{life}",
            fill.repeat(before),
            fill.repeat(after),
        );
        let behind = self
            .rows
            .iter()
            .rposition(|(frame, _)| *frame <= self.frame);
        let place = behind.map_or(0, |place| place + 1);
        self.rows.insert(place, (self.frame, row));
        if self.rows.len() > MOST_ROWS {
            self.write_rows(1)?;
        }
        Ok(())
    }

    /// Writes so many of the rows that are kept back.
    fn write_rows(&mut self, count: usize) -> io::Result<()> {
        for (_, row) in self.rows.drain(..count) {
            writeln!(self.out, "{row}")?;
        }
        Ok(())
    }

    /// Draws a message that an earlier frame carried, among the rows of its time.
    fn late(&mut self, message: &Message) -> io::Result<()> {
        let now = std::mem::replace(&mut self.frame, message.frame);
        self.message(message)?;
        self.frame = now;
        Ok(())
    }

    fn message(&mut self, message: &Message) -> io::Result<()> {
        let mut text = String::new();
        info::message(&mut text, message, false);
        if let Some(peer) = message.peer.filter(|_| message.is_answer()) {
            let elapsed = format!(" ({})", Span(peer.elapsed));
            let room = self.room().saturating_sub(elapsed.len());
            text = fit(&text, room, self.options.charset) + &elapsed;
        }
        self.row(message.time, Some(message.sender), &text, Tone::of(message))
    }

    fn note(&mut self, time: Timestamp, note: &Note) -> io::Result<()> {
        if note.severity() == Severity::Chat {
            return Ok(());
        }
        let tone = Tone::of_severity(note.severity());
        self.row(time, None, &note.to_string(), tone)
    }

    /// Draws the opening that is under way, as far as it came.
    fn opened(&mut self) -> io::Result<()> {
        match self.opening.take() {
            Some(opening) if opening.accepted => {
                self.row(opening.time, None, "connection opened", Tone::Plain)
            }
            Some(opening) => {
                let text = "SYN, not answered";
                self.row(opening.time, Some(opening.by), text, Tone::Note)
            }
            None => Ok(()),
        }
    }

    /// Draws a close that only one side has begun.
    fn half_closed(&mut self) -> io::Result<()> {
        let Some((side, time)) = self.closing.take() else {
            return Ok(());
        };
        let text = format!("{} closes its side", side.name());
        self.row(time, None, &text, Tone::Plain)
    }

    fn segment(
        &mut self,
        record: &FrameRecord<'_>,
        segment: &Segment,
        from: Role,
    ) -> io::Result<()> {
        let time = record.frame.header.time;
        let flags = segment.flags;
        if flags.has(Flags::SYN) {
            let accepted = flags.has(Flags::ACK);
            let opening = self.opening.get_or_insert(Opening {
                time,
                by: from,
                accepted,
            });
            opening.accepted |= accepted;
        } else {
            self.opened()?;
        }
        for message in messages_of(record) {
            self.message(message)?;
        }
        let foreign = record.protocol.is_named() || record.protocol == Protocol::Data;
        if foreign && segment.payload_len > 0 && record.messages.is_empty() {
            let mut text = String::new();
            let protocol = info::frame(&mut text, record, false);
            if protocol == Protocol::Data.name() {
                text = format!("{} octets", segment.payload_len);
            } else {
                text = format!("{protocol}: {text}");
            }
            self.row(time, Some(from), &text, Tone::Plain)?;
        }
        for noted in record.notes {
            self.note(time, &noted.note)?;
        }
        if flags.has(Flags::RST) {
            self.half_closed()?;
            self.row(time, Some(from), "reset", Tone::Note)?;
        } else if flags.has(Flags::FIN) {
            match self.closing {
                Some((side, _)) if side != from => {
                    self.closing = None;
                    let text = format!("connection closed, {} first", side.name());
                    self.row(time, None, &text, Tone::Plain)?;
                }
                // A FIN that is sent again.
                Some(_) => {}
                None => self.closing = Some((from, time)),
            }
        } else if segment.payload_len > 0 {
            self.half_closed()?;
        }
        Ok(())
    }
}

impl Conversation for Ladder<Vec<u8>> {
    fn set_clock(&mut self, clock: &Clock) {
        self.clock.clone_from(clock);
    }

    fn text(&self) -> &[u8] {
        &self.out
    }

    fn followed(&self) -> Followed {
        self.followed
    }
}

/// The text, cut where it has more columns than there are.
fn fit(text: &str, columns: usize, charset: Charset) -> String {
    let text = match charset {
        Charset::Unicode => text.to_owned(),
        Charset::Ascii => text.replace(|character: char| !character.is_ascii(), "?"),
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
        self.clock.see(record.frame.header.time);
        let stream = self.options.stream;
        for late in late_messages(record).filter(|late| late.stream == stream) {
            self.late(late)?;
        }
        let placed = record.placement.filter(|placed| placed.stream == stream);
        if let (Some(placed), Some(segment)) = (placed, record.segment()) {
            self.followed.found = true;
            self.frame = record.frame.number;
            self.head(segment, placed.sender)?;
            self.segment(record, segment, placed.sender)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        if self.options.at_once {
            self.write_rows(self.rows.len())?;
        }
        self.out.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.followed.streams = remainder.totals.streams;
        let stream = self.options.stream;
        let last = self.clock.last();
        self.opened()?;
        for late in remainder
            .messages
            .iter()
            .filter(|late| late.stream == stream)
        {
            self.late(late)?;
        }
        for noted in remainder
            .notes
            .iter()
            .filter(|noted| noted.stream == stream)
        {
            self.note(last, &noted.note)?;
        }
        self.half_closed()?;
        self.write_rows(self.rows.len())?;
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(fit("login", 5, Charset::Unicode), "login");
        assert_eq!(fit("login of bob", 8, Charset::Unicode), "login o…");
        assert_eq!(fit("login of bob", 8, Charset::Ascii), "login...");
        assert_eq!(fit("日本語の名前", 8, Charset::Unicode), "日本語…");
        assert_eq!(fit("é", 8, Charset::Ascii), "?");
    }
}
