//! The packet list as plain lines without a header, a frame or a message a line.

use std::io::{self, Write};
use std::ops::ControlFlow;

use super::clock::{Clock, TimeFormat};
use super::info;
use super::select::{Rows, Select, late_messages, messages_of};
use crate::dissect::{Message, Severity};
use crate::protocol::layout::PROTOCOL_NAME;
use crate::session::{FrameRecord, Remainder, Sink};

/// The lines: number, time, source, arrow, destination, protocol, length and info, as tshark's.
pub struct Lines<W> {
    out: W,
    select: Select,
    clock: Clock,
    time: String,
    text: String,
}

impl<W: Write> Lines<W> {
    /// No lines yet.
    pub fn new(out: W, select: Select, time: TimeFormat) -> Self {
        Self {
            out,
            select,
            clock: Clock::new(time),
            time: String::new(),
            text: String::new(),
        }
    }

    fn frame(&mut self, record: &FrameRecord<'_>) -> io::Result<()> {
        self.text.clear();
        let protocol = info::frame(&mut self.text, record);
        self.time.clear();
        let header = record.frame.header;
        self.clock.write(&mut self.time, header.time);
        write!(self.out, "{:>5} {:>11} ", record.frame.number, self.time)?;
        if let Some((from, to)) = info::addresses(&record.packet) {
            write!(self.out, "{from} → {to} ")?;
        }
        writeln!(self.out, "{protocol} {} {}", header.wire, self.text)
    }

    fn message(&mut self, message: &Message, wire: Option<u32>) -> io::Result<()> {
        self.text.clear();
        info::message(&mut self.text, message);
        self.time.clear();
        self.clock.write(&mut self.time, message.time);
        write!(
            self.out,
            "{:>5} {:>11} {} → {} {PROTOCOL_NAME} ",
            message.frame, self.time, message.source.address, message.destination.address
        )?;
        if let Some(wire) = wire {
            write!(self.out, "{wire} ")?;
        }
        writeln!(self.out, "{}", self.text)
    }
}

impl<W: Write> Sink for Lines<W> {
    type Error = io::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        self.clock.see(record.frame.header.time);
        if self.select.takes(record) {
            if self.select.rows == Rows::Messages {
                for found in messages_of(record) {
                    self.message(found, Some(record.frame.header.wire))?;
                }
            } else {
                self.frame(record)?;
            }
        }
        for late in late_messages(record) {
            if self.select.takes_late(late) {
                self.message(late, None)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pause(&mut self) -> io::Result<ControlFlow<()>> {
        self.out.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> io::Result<()> {
        for late in remainder.messages {
            if self.select.takes_late(late) {
                self.message(late, None)?;
            }
        }
        if self.select.filter.is_none() {
            for noted in remainder.notes {
                if noted.note.severity() >= Severity::Warning {
                    self.text.clear();
                    info::marker(&mut self.text, &noted.note);
                    writeln!(self.out, "Stream {}:{}", noted.stream, self.text)?;
                }
            }
        }
        self.out.flush()
    }
}
