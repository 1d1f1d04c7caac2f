//! The steps of a connection: messages, notes, opening and closing.

use std::collections::VecDeque;

use super::super::clock::{TimeDisplay, TimeFormat};
use super::super::follow::Followed;
use super::super::highlight::Highlight;
use super::super::info;
use super::super::rows::{late_messages, messages_of};
use super::super::stats::Span;
use crate::capture::Timestamp;
use crate::dissect::{Message, Note, Protocol, Severity};
use crate::packet::{Endpoint, Flags, Segment};
use crate::session::{FrameRecord, Remainder};
use crate::stream::Role;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its frame's number.
    pub frame: u64,
    /// Its time.
    pub time: Timestamp,
    /// Its time, as the clock writes it.
    pub shown: String,
    /// The connection's number.
    pub stream: u32,
    /// Who did it; `None` if it is about both sides.
    pub sender: Option<Role>,
    /// What happened, escaped for a terminal.
    pub text: String,
    /// What follows the text even if that is cut: the response time.
    pub suffix: String,
    /// Its importance.
    pub highlight: Highlight,
    /// Whether it is a message.
    pub is_message: bool,
}

/// A TCP handshake in progress.
#[derive(Debug, Clone, Copy)]
struct Opening {
    time: Timestamp,
    by: Role,
    accepted: bool,
}

/// The steps of one connection, in order of their frames.
#[derive(Debug)]
pub struct Steps {
    stream: u32,
    /// The times of frames, and their format.
    pub clock: TimeDisplay,
    opening: Option<Opening>,
    /// Who closed its direction first, and when.
    closing: Option<(Role, Timestamp)>,
    /// Client and server. `None` before the first frame.
    pub ends: Option<[Endpoint; 2]>,
    /// The steps that nobody has taken out yet, in order.
    pub all: VecDeque<Step>,
    /// The frame that steps are made for.
    frame: u64,
    /// What was counted, complete after the run.
    pub followed: Followed,
}

impl Steps {
    /// Collects the steps of this stream.
    #[must_use]
    pub fn new(stream: u32, time: TimeFormat) -> Self {
        Self {
            stream,
            clock: TimeDisplay::new(time),
            opening: None,
            closing: None,
            ends: None,
            all: VecDeque::new(),
            frame: 0,
            followed: Followed::default(),
        }
    }

    /// The stream's number.
    #[must_use]
    pub const fn stream(&self) -> u32 {
        self.stream
    }

    /// Takes a frame.
    pub fn record(&mut self, record: &FrameRecord<'_>) {
        self.clock.see(record.frame.header.time);
        let stream = self.stream;
        for late in late_messages(record).filter(|late| late.stream == stream) {
            self.late(late);
        }
        let placed = record.placement.filter(|placed| placed.stream == stream);
        if let (Some(placed), Some(segment)) = (placed, record.segment()) {
            self.followed.found = true;
            self.frame = record.frame.number;
            self.ends.get_or_insert(match placed.sender {
                Role::Client => [segment.source, segment.destination],
                Role::Server => [segment.destination, segment.source],
            });
            self.segment(record, segment, placed.sender);
        }
    }

    /// Takes what remains at the end of the capture.
    pub fn end(&mut self, remainder: &Remainder<'_>) {
        self.followed.streams = remainder.totals.streams;
        let stream = self.stream;
        let last = self.clock.last();
        self.opened();
        for late in remainder
            .messages
            .iter()
            .filter(|late| late.stream == stream)
        {
            self.late(late);
        }
        for noted in remainder
            .notes
            .iter()
            .filter(|noted| noted.stream == stream)
        {
            self.note(last, &noted.note);
        }
        self.half_closed();
    }

    fn row(&mut self, time: Timestamp, sender: Option<Role>, text: String, highlight: Highlight) {
        self.step(time, sender, (text, String::new()), highlight, false);
    }

    fn step(
        &mut self,
        time: Timestamp,
        sender: Option<Role>,
        (text, suffix): (String, String),
        highlight: Highlight,
        is_message: bool,
    ) {
        let mut shown = String::new();
        self.clock.write(&mut shown, time);
        let step = Step {
            frame: self.frame,
            time,
            shown,
            stream: self.stream,
            sender,
            text,
            suffix,
            highlight,
            is_message,
        };
        let behind = self.all.iter().rposition(|step| step.frame <= self.frame);
        self.all.insert(behind.map_or(0, |place| place + 1), step);
    }

    /// Inserts a message of an earlier frame among the steps of its time.
    fn late(&mut self, message: &Message) {
        let now = std::mem::replace(&mut self.frame, message.frame);
        self.message(message);
        self.frame = now;
    }

    fn message(&mut self, message: &Message) {
        let mut text = String::new();
        info::message(&mut text, message, false);
        let peer = message.peer.filter(|_| message.is_answer());
        let suffix = peer.map_or_else(String::new, |peer| format!(" ({})", Span(peer.elapsed)));
        let (sender, highlight) = (Some(message.sender), Highlight::of(message));
        self.step(message.time, sender, (text, suffix), highlight, true);
    }

    fn note(&mut self, time: Timestamp, note: &Note) {
        if note.severity() != Severity::Chat {
            let highlight = Highlight::of_severity(note.severity());
            self.row(time, None, note.to_string(), highlight);
        }
    }

    /// Adds the step of a handshake, complete or not.
    fn opened(&mut self) {
        match self.opening.take() {
            Some(opening) if opening.accepted => {
                let text = "connection opened".to_owned();
                self.row(opening.time, None, text, Highlight::Plain);
            }
            Some(opening) => {
                let text = "SYN, not answered".to_owned();
                self.row(opening.time, Some(opening.by), text, Highlight::Note);
            }
            None => {}
        }
    }

    /// Adds the step of a FIN from one side only.
    fn half_closed(&mut self) {
        if let Some((side, time)) = self.closing.take() {
            let text = format!("{} closes its side", side.name());
            self.row(time, None, text, Highlight::Plain);
        }
    }

    fn segment(&mut self, record: &FrameRecord<'_>, segment: &Segment, from: Role) {
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
            self.opened();
        }
        for message in messages_of(record) {
            self.message(message);
        }
        let foreign = record.protocol.is_named() || record.protocol == Protocol::Data;
        if foreign && segment.payload_len > 0 && record.messages.is_empty() {
            let mut text = String::new();
            let protocol = info::frame(&mut text, record, false);
            if protocol == Protocol::Data.name() {
                text = format!("{} bytes", segment.payload_len);
            } else {
                text = format!("{protocol}: {text}");
            }
            self.row(time, Some(from), text, Highlight::Plain);
        }
        for noted in record.notes {
            self.note(time, &noted.note);
        }
        if flags.has(Flags::RST) {
            self.half_closed();
            self.row(time, Some(from), "reset".to_owned(), Highlight::Note);
        } else if flags.has(Flags::FIN) {
            match self.closing {
                Some((side, _)) if side != from => {
                    self.closing = None;
                    let text = format!("connection closed, {} first", side.name());
                    self.row(time, None, text, Highlight::Plain);
                }
                // A retransmitted FIN.
                Some(_) => {}
                None => self.closing = Some((from, time)),
            }
        } else if segment.payload_len > 0 {
            self.half_closed();
        }
    }
}
