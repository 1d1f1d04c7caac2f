//! The packet list as plain lines without a header, a frame or a message a line.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::ControlFlow;

use arrayvec::ArrayString;

use super::clock::{Clock, TimeFormat};
use super::info::{self, Late};
use super::select::{Rows, Select, late_messages, loose_notes, messages_of};
use crate::capture::Timestamp;
use crate::dissect::{Message, Severity};
use crate::session::{FrameRecord, Remainder, Sink, StreamNote};

/// The lines: number, time, source, arrow, destination, protocol, length and info, as tshark's.
pub struct Lines<W> {
    out: W,
    select: Select,
    clock: Clock,
    text: String,
}

impl<W: Write> Lines<W> {
    /// No lines yet.
    pub fn new(out: W, select: Select, time: TimeFormat) -> Self {
        Self {
            out,
            select,
            clock: Clock::new(time),
            text: String::new(),
        }
    }

    fn flush_text(&mut self) -> io::Result<()> {
        self.out.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    fn message(&mut self, message: &Message, wire: Result<u32, Late>) -> io::Result<()> {
        let shows = self.select.show_passwords;
        write_message(&mut self.text, message, wire, &self.clock, shows);
        self.flush_text()
    }
}

/// Appends a number and a time, the latter with two columns to spare.
fn begin(out: &mut String, number: u64, time: Timestamp, clock: &Clock) {
    let _ = write!(out, "{number:>5} ");
    let start = out.len();
    clock.write(out, time);
    let missing = usize::from(clock.width()).saturating_sub(out.len() - start);
    for _ in 0..missing {
        out.insert(start, ' ');
    }
    out.push(' ');
}

/// Appends the line of a frame.
pub(super) fn write_frame(
    out: &mut String,
    record: &FrameRecord<'_>,
    clock: &Clock,
    select: &Select,
) {
    let header = record.frame.header;
    begin(out, record.frame.number, header.time, clock);
    if let Some((from, to)) = info::addresses(record.packet) {
        let _ = write!(out, "{from} → {to} ");
    }
    let start = out.len();
    select.write_findings(out);
    let protocol = info::frame(out, record, select.show_passwords);
    let mut before = ArrayString::<24>::new();
    let _ = write!(before, "{protocol} {} ", header.wire);
    out.insert_str(start, &before);
    out.push('\n');
}

/// Appends what is said of a stream, as the end of a line.
pub(super) fn write_note(out: &mut String, noted: &StreamNote) {
    let _ = write!(out, "Stream {}:", noted.stream);
    info::bracketed(out, &noted.note);
    out.push('\n');
}

/// Appends the line of a message: with the length of its frame where that is at hand, or late.
pub(super) fn write_message(
    out: &mut String,
    message: &Message,
    wire: Result<u32, Late>,
    clock: &Clock,
    show_passwords: bool,
) {
    begin(out, message.frame, message.time, clock);
    let (from, to) = (message.source.address, message.destination.address);
    let protocol = message.protocol_name();
    let _ = write!(out, "{from} → {to} {protocol} ");
    if let Ok(wire) = wire {
        let _ = write!(out, "{wire} ");
    }
    info::message(out, message, show_passwords);
    if let Err(late) = wire {
        info::late(out, late);
    }
    out.push('\n');
}

impl<W: Write> Lines<W> {
    /// Writes what no frame completed.
    fn behind(&mut self, found: &Remainder<'_>, when: Late) -> io::Result<()> {
        for late in found.messages {
            if self.select.takes_late(late) {
                self.message(late, Err(when))?;
            }
        }
        if self.select.filter.is_none() {
            for noted in found.notes {
                if noted.note.severity() >= Severity::Warning {
                    write_note(&mut self.text, noted);
                    self.flush_text()?;
                }
            }
        }
        Ok(())
    }
}

impl<W: Write> Sink for Lines<W> {
    type Error = io::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        self.clock.see(record.frame.header.time);
        if self.select.takes(record) {
            if self.select.rows == Rows::Messages {
                for found in messages_of(record) {
                    self.message(found, Ok(record.frame.header.wire))?;
                }
            } else {
                write_frame(&mut self.text, record, &self.clock, &self.select);
                self.flush_text()?;
            }
        }
        for noted in loose_notes(record, &self.select) {
            let header = record.frame.header;
            begin(
                &mut self.text,
                record.frame.number,
                header.time,
                &self.clock,
            );
            write_note(&mut self.text, noted);
            self.flush_text()?;
        }
        for late in late_messages(record) {
            if self.select.takes_late(late) {
                self.message(late, Err(Late::With(record.frame.number)))?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn between(&mut self, found: &Remainder<'_>) -> io::Result<()> {
        self.behind(found, Late::Between)
    }

    fn pause(&mut self) -> io::Result<ControlFlow<()>> {
        self.out.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> io::Result<()> {
        self.behind(remainder, Late::AtEnd)?;
        self.out.flush()
    }
}
