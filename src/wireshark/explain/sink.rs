//! Explanations as an output: a block of lines for each message.

use std::io::{self, Write};
use std::ops::ControlFlow;

use super::{Model, explain, words};
use crate::dissect::Message;
use crate::output::{Select, info};
use crate::session::{FrameRecord, Remainder, Sink};

/// How explanations are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExplainOptions {
    /// Passwords in clear instead of [`MASK`](crate::text::secret::MASK).
    pub show_passwords: bool,
}

/// Writes for each message what it is, what Wireshark says of it and why.
pub struct ExplainSink<W> {
    out: W,
    select: Select,
    options: ExplainOptions,
    model: Model,
    text: String,
    begun: bool,
}

impl<W: Write> ExplainSink<W> {
    /// Nothing written yet.
    pub fn new(out: W, select: Select, options: ExplainOptions) -> Self {
        Self {
            out,
            select,
            options,
            model: Model::default(),
            text: String::new(),
            begun: false,
        }
    }

    fn message(&mut self, message: &Message) -> io::Result<()> {
        // What Wireshark makes of other protocols is not known.
        if message.described.is_some() {
            return Ok(());
        }
        self.text.clear();
        if self.begun {
            self.text.push('\n');
        }
        self.begun = true;
        self.text.push_str("Frame ");
        self.text.push_str(&message.frame.to_string());
        self.text.push_str(": ");
        info::message(&mut self.text, message, self.options.show_passwords);
        self.text.push('\n');
        let explanation = explain(&self.model, message);
        words::write(
            &mut self.text,
            message,
            &explanation,
            self.options.show_passwords,
        );
        self.out.write_all(self.text.as_bytes())
    }
}

impl<W: Write> Sink for ExplainSink<W> {
    type Error = io::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        self.model.record(record);
        let taken = self.select.takes(record);
        for message in record.messages {
            let of_this_frame = message.frame == record.frame.number;
            if taken && of_this_frame || !of_this_frame && self.select.takes_late(message) {
                self.message(message)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pause(&mut self) -> io::Result<ControlFlow<()>> {
        self.out.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> io::Result<()> {
        for message in remainder.messages {
            if self.select.takes_late(message) {
                self.message(message)?;
            }
        }
        self.out.flush()
    }
}
