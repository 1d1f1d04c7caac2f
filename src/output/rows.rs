//! The row driver: decides which frames, messages, exchanges and notes become rows, and calls a form in their order.

use std::io::Write;
use std::ops::ControlFlow;

use super::context::{Context, Output};
use super::forms::{FormOptions, Part};
use super::info::Late;
use super::tee::OutputError;
use crate::dissect::{Message, Severity};
use crate::session::{Exchange, Exchanges, FrameRecord, Remainder, StreamNote};

/// The output is written when about so many bytes are buffered.
const BUFFER: usize = 1 << 16;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rows {
    /// A message.
    Messages,
    /// A frame of a watched port, or of a stream with a recognised protocol.
    #[default]
    Watched,
    /// Any frame.
    All,
    /// An exchange: a request and its response.
    Exchanges,
}

impl Rows {
    /// Whether the frame or its messages have rows, if the filter matches.
    #[must_use]
    pub fn have(self, record: &FrameRecord<'_>) -> bool {
        match self {
            Self::Messages => messages_of(record).next().is_some(),
            Self::Watched => record.is_watched(),
            Self::All => true,
            Self::Exchanges => false,
        }
    }
}

/// When a message is written.
#[derive(Debug, Clone, Copy)]
pub enum MessageTiming<'a> {
    /// With its own frame. The number is its index among the frame's messages.
    With(&'a FrameRecord<'a>, usize),
    /// Later.
    Late(Late),
}

impl<'a> MessageTiming<'a> {
    /// The record of its own frame, unless it is late.
    #[must_use]
    pub const fn record(self) -> Option<&'a FrameRecord<'a>> {
        match self {
            Self::With(record, _) => Some(record),
            Self::Late(_) => None,
        }
    }

    /// The size of its own frame on the wire in bytes, unless it is late.
    pub const fn wire(self) -> Result<u32, Late> {
        match self {
            Self::With(record, _) => Ok(record.frame.header.wire),
            Self::Late(late) => Err(late),
        }
    }
}

/// Writes rows in one format. Its methods append to `out`.
pub trait Form {
    /// Whether notes about streams have rows of their own if no frame's row shows them.
    const HAS_NOTES: bool = false;
    /// Whether a frame is written as a whole even if rows are messages.
    const WHOLE_FRAMES: bool = false;

    /// Writes what comes before the first row.
    fn begin(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// Takes each frame, written or not.
    fn see(&mut self, record: &FrameRecord<'_>) {
        let _ = record;
    }

    /// Writes a frame. A form without rows for frames writes its messages.
    fn frame(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        self.messages(out, record, context);
    }

    /// Writes the messages whose last byte this frame carried, a row each.
    fn messages(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        for (index, message) in record.messages.iter().enumerate() {
            if message.frame == record.frame.number {
                self.message(out, message, MessageTiming::With(record, index), context);
            }
        }
    }

    /// Whether messages that are recognised after their frame are written.
    fn has_late(&self) -> bool {
        true
    }

    /// Writes a message as a row of its own.
    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        told: MessageTiming<'_>,
        context: &Context,
    );

    /// Writes an exchange, if rows are exchanges.
    fn exchange(&mut self, out: &mut Vec<u8>, exchange: &Exchange, context: &Context) {
        for message in exchange.messages() {
            self.message(out, message, MessageTiming::Late(Late::AtEnd), context);
        }
    }

    /// Whether frames show the notes of their streams even if rows are messages.
    fn notes_in_frames(&self) -> bool {
        false
    }

    /// Writes a note about a stream. `record`: the frame that caused it, if there is one.
    fn note(
        &mut self,
        out: &mut Vec<u8>,
        noted: &StreamNote,
        record: Option<&FrameRecord<'_>>,
        context: &Context,
    ) {
        let _ = (out, noted, record, context);
    }

    /// Writes messages and notes that were found without a further frame.
    fn rest(
        &mut self,
        out: &mut Vec<u8>,
        messages: &[&Message],
        notes: &[StreamNote],
        when: Late,
        context: &Context,
    ) {
        for message in messages {
            self.message(out, message, MessageTiming::Late(when), context);
        }
        for noted in notes {
            if Self::HAS_NOTES && noted.note.severity() >= Severity::Warning {
                self.note(out, noted, None, context);
            }
        }
    }

    /// Writes the rows that the form has held back to lay them out together.
    fn lay_out(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// Writes what follows the rows of a capture.
    fn end(&mut self, out: &mut Vec<u8>, remainder: &Remainder<'_>) {
        let _ = (out, remainder);
    }

    /// Writes what follows the rows of all captures.
    fn close(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }
}

/// Calls a form for each row, and writes its output.
pub struct Driver<F, W> {
    form: F,
    out: W,
    rows: Rows,
    buffer: Vec<u8>,
    begun: bool,
    part: Option<Part>,
    /// Pairs requests and responses if rows are exchanges.
    exchanges: Option<Exchanges>,
}

impl<F: Form, W: Write> Driver<F, W> {
    /// Writes the rows that `options` asks for to `out`.
    pub fn new(form: F, options: &FormOptions, out: W) -> Self {
        Self {
            form,
            out,
            rows: options.rows,
            buffer: Vec::new(),
            begun: false,
            part: options.part,
            exchanges: (options.rows == Rows::Exchanges).then(Exchanges::default),
        }
    }

    fn begin(&mut self) {
        let has_heading = self.part.is_none_or(|part| part.is_first);
        if !std::mem::replace(&mut self.begun, true) && has_heading {
            self.form.begin(&mut self.buffer);
        }
    }

    /// Whether the record's notes have rows of their own, because no frame's row shows them.
    fn has_loose(&self, record: &FrameRecord<'_>, taken: bool, context: &mut Context) -> bool {
        let in_frames = self.rows != Rows::Messages || self.form.notes_in_frames();
        F::HAS_NOTES && !record.notes.is_empty() && !(taken && in_frames) && context.takes(record)
    }

    /// Writes the exchanges that are complete.
    fn write_exchanges(&mut self, context: &Context) {
        let complete = self.exchanges.iter_mut().flat_map(Exchanges::take);
        for exchange in complete.filter(|exchange| context.takes_exchange(exchange)) {
            self.form.exchange(&mut self.buffer, &exchange, context);
        }
    }

    fn rest(&mut self, found: &Remainder<'_>, when: Late, context: &mut Context) {
        self.begin();
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.rest(found);
            if matches!(when, Late::AtEnd) {
                exchanges.finish();
            }
            return self.write_exchanges(context);
        }
        let all = found.messages.iter().filter(|_| self.form.has_late());
        let messages: Vec<&Message> = all.filter(|message| context.takes_late(message)).collect();
        let notes = if context.has_filter() {
            &[]
        } else {
            found.notes
        };
        self.form
            .rest(&mut self.buffer, &messages, notes, when, context);
    }

    fn write(&mut self) -> Result<(), OutputError> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the buffer if it is full.
    fn write_full(&mut self) -> Result<ControlFlow<()>, OutputError> {
        if self.buffer.len() >= BUFFER {
            self.write()?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.write()?;
        Ok(self.out.flush()?)
    }
}

impl<F: Form, W: Write> Output for Driver<F, W> {
    fn record(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError> {
        self.begin();
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.record(record);
            self.write_exchanges(context);
            return self.write_full();
        }
        self.form.see(record);
        let taken = self.rows.have(record) && context.takes(record);
        if taken {
            if self.rows == Rows::Messages && !F::WHOLE_FRAMES {
                self.form.messages(&mut self.buffer, record, context);
            } else {
                self.form.frame(&mut self.buffer, record, context);
            }
        }
        if self.has_loose(record, taken, context) {
            for noted in record.notes {
                if noted.note.severity() >= Severity::Warning || noted.note.asks_while_it_waits() {
                    let record = Some(record);
                    self.form.note(&mut self.buffer, noted, record, context);
                }
            }
        }
        for late in late_messages(record) {
            if self.form.has_late() && context.takes_late(late) {
                let told = MessageTiming::Late(Late::With(record.frame.number));
                self.form.message(&mut self.buffer, late, told, context);
            }
        }
        self.write_full()
    }

    fn wants_ends(&self) -> bool {
        self.exchanges.is_some()
    }

    fn between(&mut self, found: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError> {
        self.rest(found, Late::Between, context);
        Ok(())
    }

    fn pause(&mut self, _: &mut Context) -> Result<(), OutputError> {
        self.form.lay_out(&mut self.buffer);
        self.flush()
    }

    fn end(&mut self, remainder: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError> {
        self.rest(remainder, Late::AtEnd, context);
        self.form.lay_out(&mut self.buffer);
        self.form.end(&mut self.buffer, remainder);
        if self.part.is_none_or(|part| part.is_last) {
            self.form.close(&mut self.buffer);
        }
        self.flush()
    }
}

/// Moves a text to the end of `out`, and clears it.
pub fn hand_over(text: &mut String, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
    text.clear();
}

/// The messages whose last byte this frame carried. Other messages of the record are [late](late_messages).
pub fn messages_of<'a>(record: &FrameRecord<'a>) -> impl Iterator<Item = &'a Message> + use<'a> {
    let number = record.frame.number;
    record
        .messages
        .iter()
        .filter(move |message| message.frame == number)
}

/// The messages of earlier frames that were recognised only now, for example because the rest of them is lost.
pub fn late_messages<'a>(record: &FrameRecord<'a>) -> impl Iterator<Item = &'a Message> + use<'a> {
    let number = record.frame.number;
    record
        .messages
        .iter()
        .filter(move |message| message.frame != number)
}
