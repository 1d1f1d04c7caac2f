//! JSON: one object per message, frame or exchange, as an array or as lines. `docs/output.md` lists the keys, and a test
//! compares them with the output.

mod fields;
pub(super) mod format;
pub(super) mod object;
mod types;

pub use fields::JsonFields;
use object::Object;
pub(super) use types::{JsonExchange, JsonMessage};
use types::{JsonFrame, JsonInterrupted, JsonRest};

use super::context::Context;
use super::forms::{Chosen, FormEntry, FormOptions, Waits, driven};
use super::info::{self, Late};
use super::rows::{Form, MessageTiming, Rows};
use crate::dissect::Message;
use crate::filter::Needs;
use crate::session::{Ending, Exchange, FrameRecord, Remainder, StreamNote};

/// The form of `-T json`.
pub static ARRAY: FormEntry = FormEntry {
    name: "json",
    meaning: "An array of objects",
    for_people: false,
    is_binary: false,
    rows: Rows::Messages,
    waits: Waits::ForResponses,
    needs: Needs::NOTHING,
    fields: Chosen::Nothing,
    is_array: true,
    make: |options, out| driven(Json::new(Layout::Array, &options), &options, out),
};

/// The form of `-T jsonl`.
pub static LINES: FormEntry = FormEntry {
    name: "jsonl",
    meaning: "An object a line",
    is_array: false,
    make: |options, out| driven(Json::new(Layout::Lines, &options), &options, out),
    ..ARRAY
};

/// How objects are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As elements of one array.
    Array,
    /// As lines.
    Lines,
}

/// What the objects contain.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct JsonOptions {
    /// Writes passwords instead of [`MASK`](crate::text::secret::MASK).
    pub show_passwords: bool,
    /// Writes RegLogin's values in `fields`, as those of protocols with a layout.
    pub in_fields: bool,
}

/// Writes JSON: an object for each message if the rows are messages, otherwise for each frame.
// The options are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug)]
pub struct Json {
    layout: Layout,
    of_messages: bool,
    payload: bool,
    in_fields: bool,
    begun: bool,
    /// Whether the array's brackets are written by somebody else.
    is_part: bool,
    info: String,
    hex: String,
}

impl Json {
    /// A writer without objects.
    #[must_use]
    pub fn new(layout: Layout, options: &FormOptions) -> Self {
        Self {
            layout,
            of_messages: options.rows == Rows::Messages,
            payload: options.payload,
            in_fields: options.in_fields,
            begun: options.part.is_some(),
            is_part: options.part.is_some(),
            info: String::new(),
            hex: String::new(),
        }
    }

    const fn options(&self, context: &Context) -> JsonOptions {
        JsonOptions {
            show_passwords: context.show_passwords,
            in_fields: self.in_fields,
        }
    }
}

/// Appends an object as an element of the array or as a line.
fn put(out: &mut Vec<u8>, layout: Layout, begun: &mut bool, object: &impl Object) {
    if layout == Layout::Array {
        let before: &[u8] = if *begun { b",\n" } else { b"[\n" };
        out.extend_from_slice(before);
    }
    *begun = true;
    object::write(out, object);
    if layout == Layout::Lines {
        out.push(b'\n');
    }
}

impl Form for Json {
    fn frame(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        self.info.clear();
        let protocol = info::frame(&mut self.info, record, context.show_passwords);
        self.hex.clear();
        if self.payload {
            super::write_payload(&mut self.hex, record, context.show_passwords);
        }
        let frame = JsonFrame {
            record,
            file: context.origin.told(record),
            protocol,
            info: &self.info,
            payload: self.payload.then_some(self.hex.as_str()),
            options: self.options(context),
        };
        put(out, self.layout, &mut self.begun, &frame);
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        told: MessageTiming<'_>,
        context: &Context,
    ) {
        let file = context.origin.told_of(message.stream, told.record());
        let options = self.options(context);
        if self.of_messages {
            let message = JsonMessage::new(message, options).of(file);
            put(out, self.layout, &mut self.begun, &message);
        } else {
            let rest = JsonRest {
                notes: &[],
                messages: &[message],
                options,
                file: &|_| file,
            };
            put(out, self.layout, &mut self.begun, &rest);
        }
    }

    fn exchange(&mut self, out: &mut Vec<u8>, exchange: &Exchange, context: &Context) {
        let file = context.origin.told_of(exchange.stream(), None);
        let object = JsonExchange::new(exchange, context).of(file);
        put(out, self.layout, &mut self.begun, &object);
    }

    fn rest(
        &mut self,
        out: &mut Vec<u8>,
        messages: &[&Message],
        notes: &[StreamNote],
        when: Late,
        context: &Context,
    ) {
        if self.of_messages {
            for message in messages {
                self.message(out, message, MessageTiming::Late(when), context);
            }
        } else if !messages.is_empty() || !notes.is_empty() {
            let rest = JsonRest {
                notes,
                messages,
                options: self.options(context),
                file: &|stream| context.origin.told_of(stream, None),
            };
            put(out, self.layout, &mut self.begun, &rest);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>, remainder: &Remainder<'_>) {
        if remainder.ending == Ending::Interrupted {
            let frames = remainder.frames;
            let interrupted = JsonInterrupted { frames };
            put(out, self.layout, &mut self.begun, &interrupted);
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.layout == Layout::Array && !self.is_part {
            let end: &[u8] = if self.begun { b"\n]\n" } else { b"[]\n" };
            out.extend_from_slice(end);
        }
    }
}
