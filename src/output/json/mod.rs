//! JSON: an object a message or a frame, as an array or one a line. `docs/output.md` states the
//! keys; a test holds the output to it.

mod fields;
pub(super) mod format;
mod types;

use std::io::{self, Write};
use std::ops::ControlFlow;

use serde::Serialize;

pub use fields::JsonFields;
use format::TerminalSafe;
pub use types::{JsonFrame, JsonInterrupted, JsonMessage, JsonNote, JsonRest};

use super::info;
use super::select::{Rows, Select, late_messages, messages_of};
use crate::session::{Ending, FrameRecord, Remainder, Sink};

/// How objects stand one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One array of all.
    Array,
    /// One object a line.
    Lines,
}

/// What the objects hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonOptions {
    /// Passwords in clear instead of [`MASK`](crate::text::secret::MASK).
    pub show_passwords: bool,
    /// Frames with the octets of their payload.
    pub payload: bool,
    /// RegLogin's values in `fields`, as those of protocols that a layout describes.
    pub in_fields: bool,
}

/// Octets that wait to be written at the most, about.
const BUFFER: usize = 1 << 16;

/// Writes JSON: an object a message where the rows are messages, an object a frame otherwise.
pub struct JsonSink<W> {
    objects: Objects<W>,
    select: Select,
    options: JsonOptions,
    info: String,
    payload: String,
}

impl<W: Write> JsonSink<W> {
    /// Nothing written yet.
    pub fn new(out: W, layout: Layout, select: Select, options: JsonOptions) -> Self {
        Self {
            objects: Objects {
                out,
                layout,
                buffer: Vec::with_capacity(2 * BUFFER),
                begun: false,
            },
            select,
            options,
            info: String::new(),
            payload: String::new(),
        }
    }

    fn frame(&mut self, record: &FrameRecord<'_>) -> io::Result<()> {
        self.info.clear();
        let protocol = info::frame(&mut self.info, record, self.options.show_passwords);
        let payload = self.options.payload.then(|| {
            self.payload.clear();
            super::write_payload(&mut self.payload, record, self.options.show_passwords);
            self.payload.as_str()
        });
        let frame = JsonFrame::new(record, protocol, &self.info, payload, self.options);
        self.objects.put(&frame)
    }
}

impl<W: Write> Sink for JsonSink<W> {
    type Error = io::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        let of_messages = self.select.rows == Rows::Messages;
        if self.select.takes(record) {
            if of_messages {
                for message in messages_of(record) {
                    self.objects.put(&JsonMessage::new(message, self.options))?;
                }
            } else {
                self.frame(record)?;
            }
        }
        for message in late_messages(record) {
            if !self.select.takes_late(message) {
                continue;
            }
            let message = JsonMessage::new(message, self.options);
            if of_messages {
                self.objects.put(&message)?;
            } else {
                self.objects.put(&JsonRest::of(message))?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn between(&mut self, found: &Remainder<'_>) -> io::Result<()> {
        let messages = found
            .messages
            .iter()
            .filter(|message| self.select.takes_late(message))
            .map(|message| JsonMessage::new(message, self.options));
        if self.select.rows == Rows::Messages {
            for message in messages {
                self.objects.put(&message)?;
            }
        } else {
            let notes: Vec<_> = match self.select.filter {
                None => found.notes.iter().map(JsonNote::of_stream).collect(),
                Some(_) => Vec::new(),
            };
            let messages: Vec<_> = messages.collect();
            if !messages.is_empty() || !notes.is_empty() {
                self.objects.put(&JsonRest { notes, messages })?;
            }
        }
        Ok(())
    }

    fn pause(&mut self) -> io::Result<ControlFlow<()>> {
        self.objects.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> io::Result<()> {
        self.between(remainder)?;
        if remainder.ending == Ending::Interrupted {
            let frames = remainder.frames;
            self.objects.put(&JsonInterrupted::after(frames))?;
        }
        self.objects.end()
    }
}

/// The objects written so far.
struct Objects<W> {
    out: W,
    layout: Layout,
    buffer: Vec<u8>,
    begun: bool,
}

impl<W: Write> Objects<W> {
    fn put(&mut self, object: &impl Serialize) -> io::Result<()> {
        if self.layout == Layout::Array {
            let before: &[u8] = if self.begun { b",\n" } else { b"[\n" };
            self.buffer.extend_from_slice(before);
        }
        self.begun = true;
        let mut serializer = serde_json::Serializer::with_formatter(&mut self.buffer, TerminalSafe);
        object.serialize(&mut serializer)?;
        if self.layout == Layout::Lines {
            self.buffer.push(b'\n');
        }
        if self.buffer.len() >= BUFFER {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write()?;
        self.out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        if self.layout == Layout::Array {
            let end: &[u8] = if self.begun { b"\n]\n" } else { b"[]\n" };
            self.buffer.extend_from_slice(end);
        }
        self.flush()
    }
}
