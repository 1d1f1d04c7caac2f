//! The objects of JSON and Parquet, with their keys. A key that does not apply is absent. The key of a display filter field
//! comes from the registry ([`names`]).

#![expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of an exchange, shown with few digits"
)]

use std::borrow::Cow;

use super::object::{Entries, Object, write_value};
use super::{JsonFields, JsonOptions};
use crate::dissect::{Goes, Message, Note};
use crate::filter::names;
use crate::output::context::Context;
use crate::output::rows::messages_of;
use crate::output::{exchanges, info};
use crate::packet::{Flags, Segment};
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, LENGTH, PASSWORD, PROTOCOL_NAME, STATUS, USER_NAME,
};
use crate::protocol::{Command, MessageKind, TextValue};
use crate::session::{Exchange, FrameRecord, Refusal, StreamNote, action_of, user_of};
use crate::stream::Placement;
use crate::text::escape::Hex;
use crate::text::secret::{self, MASK, Masked};

/// A message.
#[derive(Debug)]
pub(in crate::output) struct JsonMessage<'a> {
    message: &'a Message,
    options: JsonOptions,
    file: Option<&'a str>,
}

impl<'a> JsonMessage<'a> {
    /// The object of a message.
    #[must_use]
    pub const fn new(message: &'a Message, options: JsonOptions) -> Self {
        let file = None;
        Self {
            message,
            options,
            file,
        }
    }

    /// Sets the capture's path.
    #[must_use]
    pub fn of(self, file: Option<&'a str>) -> Self {
        Self { file, ..self }
    }

    /// The values of a RegLogin message.
    fn reglogin(&self, to: &mut impl Entries) {
        let message = self.message;
        let view = secret::view(message, self.options.show_passwords);
        let command = message.command();
        to.name(names::TYPE.json(), command.name());
        let length = view.length().and_then(Masked::clear);
        to.count(LENGTH.key, length.map(u64::from));
        if self.options.in_fields {
            let fields = JsonFields::RegLogin(message, self.options.show_passwords);
            to.json(FIELDS, |out| write_value(out, &fields));
            return;
        }
        let code = view.command().and_then(Masked::clear).map(Command::code);
        to.count(COMMAND.key, code.map(u64::from));
        match command.kind() {
            Some(MessageKind::Request) => {
                text(to, [USER_NAME.key, "username_hex"], view.user_name());
                text(to, [PASSWORD.key, "password_hex"], view.password());
            }
            Some(MessageKind::Response) => {
                let status = view.status().and_then(Masked::clear);
                to.count(STATUS.key, status.map(u64::from));
                text(to, [DESCRIPTION.key, "description_hex"], view.description());
            }
            None => {}
        }
    }
}

/// The key of the values of a protocol that a layout file describes.
const FIELDS: &str = "fields";

impl Object for JsonMessage<'_> {
    fn entries(&self, to: &mut impl Entries) {
        let message = self.message;
        to.text(names::FRAME_FILE.json(), self.file);
        to.count(names::FRAME_NUMBER.json(), message.frame);
        to.time(names::FRAME_TIME_EPOCH.json(), message.time.0);
        to.count(names::TCP_STREAM.json(), u64::from(message.stream));
        to.name(names::SENDER.json(), message.sender.name());
        to.endpoint("src", message.source);
        to.endpoint("dst", message.destination);
        if let Some(described) = &message.described {
            to.text("protocol", message.protocol_name());
            to.text(names::TYPE.json(), described.kind_name());
            to.count(LENGTH.key, u64::from(described.size));
            if let Some(decoded) = message.decoded() {
                let shows = self.options.show_passwords;
                let fields = JsonFields::Described(message, decoded, shows);
                to.json(FIELDS, |out| write_value(out, &fields));
            }
        } else {
            to.name("protocol", PROTOCOL_NAME);
            self.reglogin(to);
        }
        let is_answer = message.is_answer();
        if is_answer {
            to.text(names::ACTION.json(), action_of(message));
            if let Some(user) = user_of(message, false) {
                to.octets(names::USER.json(), &user);
            }
        }
        if let Some(peer) = message.peer {
            if is_answer {
                to.count(names::RESPONSE_TO.json(), peer.frame);
                to.time(names::RESPONSE_TIME.json(), peer.elapsed);
            } else {
                to.count(names::RESPONSE_IN.json(), peer.frame);
            }
        }
        to.objects(NOTES, message.notes.iter().map(JsonNote::new));
    }
}

/// The key of the notes of a message or of streams.
const NOTES: &str = "notes";

/// Bytes as text, with U+FFFD for each part that is not UTF-8.
fn text_of(octets: Cow<'_, [u8]>) -> Cow<'_, str> {
    match octets {
        Cow::Borrowed(octets) => String::from_utf8_lossy(octets),
        Cow::Owned(octets) => String::from_utf8_lossy(&octets).into_owned().into(),
    }
}

/// Passes on a text, or the mask for a hidden one. If it is not UTF-8, its bytes follow in hexadecimal.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "so that each key is known when compiling"
)]
fn text(
    to: &mut impl Entries,
    [key, hex]: [&'static str; 2],
    value: Option<Masked<TextValue<'_>>>,
) {
    match value {
        Some(Masked::Hidden) => to.name(key, MASK),
        Some(Masked::Clear(value)) => {
            let is_utf8 = to.octets(key, value.octets());
            to.shown::<Hex<'_>>(hex, (!is_utf8).then(|| Hex(value.octets())));
        }
        None => {}
    }
}

/// An exchange.
#[derive(Debug)]
pub(in crate::output) struct JsonExchange<'a> {
    exchange: &'a Exchange,
    context: &'a Context,
    file: Option<&'a str>,
}

impl<'a> JsonExchange<'a> {
    /// The object of an exchange.
    #[must_use]
    pub const fn new(exchange: &'a Exchange, context: &'a Context) -> Self {
        let file = None;
        Self {
            exchange,
            context,
            file,
        }
    }

    /// The same, of this capture.
    #[must_use]
    pub fn of(self, file: Option<&'a str>) -> Self {
        Self { file, ..self }
    }
}

impl Object for JsonExchange<'_> {
    fn entries(&self, to: &mut impl Entries) {
        let exchange = self.exchange;
        let shows = self.context.show_passwords;
        let [client, server] = exchange.ends();
        let frame = |message: &Message| message.frame;
        to.text(names::FRAME_FILE.json(), self.file);
        to.time(names::FRAME_TIME_EPOCH.json(), exchange.time().0);
        to.endpoint("client", client);
        to.endpoint("server", server);
        to.text("protocol", exchange.protocol_name());
        to.text(names::ACTION.json(), exchange.action());
        let user = exchange.user(shows).map(text_of);
        to.text(names::USER.json(), user.as_deref());
        to.text("outcome", exchanges::outcome(exchange));
        to.text("refusal", exchange.refusal().map(Refusal::name));
        let description = exchanges::description(exchange, shows).map(text_of);
        to.text(DESCRIPTION.key, description.as_deref());
        let elapsed = exchange.elapsed();
        to.float("milliseconds", elapsed.map(|elapsed| elapsed as f64 / 1e6));
        to.count(names::TCP_STREAM.json(), u64::from(exchange.stream()));
        to.count("request", exchange.request().map(frame));
        to.count("response", exchange.response().map(frame));
        let tag = tag(exchange, self.context);
        to.text("password_tag", tag.as_deref());
    }
}

/// The tag of a request's password, eight hexadecimal digits. `None` without a key or a password.
fn tag(exchange: &Exchange, context: &Context) -> Option<String> {
    let key = context.tag_key.as_ref()?;
    let request = exchange
        .request()
        .filter(|request| request.described.is_none())?;
    let password = request.view().password()?;
    Some(format!("{:08x}", key.tag(password.octets())))
}

/// A note.
#[derive(Debug)]
pub(in crate::output) struct JsonNote<'a> {
    note: &'a Note,
    stream: Option<u32>,
    file: Option<&'a str>,
}

impl<'a> JsonNote<'a> {
    /// The same, of this capture.
    #[must_use]
    pub fn of(self, file: Option<&'a str>) -> Self {
        Self { file, ..self }
    }

    /// A note of a message.
    #[must_use]
    pub const fn new(note: &'a Note) -> Self {
        Self {
            note,
            stream: None,
            file: None,
        }
    }

    /// A note of a stream, outside of any message.
    #[must_use]
    pub const fn of_stream(noted: &'a StreamNote) -> Self {
        Self {
            note: &noted.note,
            stream: Some(noted.stream),
            file: None,
        }
    }
}

impl Object for JsonNote<'_> {
    fn entries(&self, to: &mut impl Entries) {
        let note = self.note;
        to.text(names::FRAME_FILE.json(), self.file);
        to.count(names::TCP_STREAM.json(), self.stream.map(u64::from));
        to.name(names::SEVERITY.json(), note.severity().name());
        to.name(names::NOTE_GROUP.json(), note.group().name());
        to.shown(names::NOTE.json(), note);
        to.text("field", note.field_key());
        // An incomplete message: its bytes so far and in total, and the frame that continues it.
        if let Note::Begun {
            have, need, goes, ..
        } = note
        {
            to.count("bytes", *have as u64);
            to.count("of", *need as u64);
            if let Goes::In(frame) = goes {
                to.count("continues_in", *frame);
            }
        }
    }
}

/// A frame with its messages.
#[derive(Debug)]
pub(in crate::output) struct JsonFrame<'a> {
    /// The frame.
    pub record: &'a FrameRecord<'a>,
    /// The capture's path, if rows show it.
    pub file: Option<&'a str>,
    /// The name of the protocol that it carries.
    pub protocol: &'static str,
    /// The text of the Info column.
    pub info: &'a str,
    /// Its payload in hexadecimal, if asked for.
    pub payload: Option<&'a str>,
    /// What messages contain.
    pub options: JsonOptions,
}

impl Object for JsonFrame<'_> {
    fn entries(&self, to: &mut impl Entries) {
        let record = self.record;
        let header = record.frame.header;
        to.text(names::FRAME_FILE.json(), self.file);
        to.count(names::FRAME_NUMBER.json(), record.frame.number);
        to.time(names::FRAME_TIME_EPOCH.json(), header.time.0);
        to.count(names::FRAME_LEN.json(), u64::from(header.wire));
        to.count(names::FRAME_CAP_LEN.json(), u64::from(header.captured));
        to.text("protocol", self.protocol);
        let segment = record.segment();
        if let Some(segment) = segment {
            to.endpoint("src", segment.source);
            to.endpoint("dst", segment.destination);
        } else if let Some((source, destination)) = info::addresses(record.packet) {
            to.shown("src", source);
            to.shown("dst", destination);
        }
        if let Some(placed) = record.placement {
            to.count(names::TCP_STREAM.json(), u64::from(placed.stream));
            to.name(names::SENDER.json(), placed.sender.name());
            if let Some(segment) = segment {
                let payload = self.payload;
                let tcp = JsonTcp {
                    segment,
                    placed,
                    payload,
                };
                to.json("tcp", |out| super::object::write(out, &tcp));
            }
        }
        to.text("info", self.info);
        let notes = record.notes.iter().map(JsonNote::of_stream);
        to.objects(NOTES, notes);
        let messages = messages_of(record).map(|message| JsonMessage::new(message, self.options));
        to.objects(MESSAGES, messages);
    }
}

/// The key of the messages of a frame.
const MESSAGES: &str = "messages";

/// The TCP segment of a frame.
#[derive(Debug)]
struct JsonTcp<'a> {
    segment: &'a Segment,
    placed: &'a Placement,
    payload: Option<&'a str>,
}

impl Object for JsonTcp<'_> {
    fn entries(&self, to: &mut impl Entries) {
        let (segment, placed) = (self.segment, self.placed);
        to.shown(names::TCP_FLAGS.json(), segment.flags);
        to.count(names::TCP_SEQ.json(), u64::from(placed.relative_seq));
        if segment.flags.has(Flags::ACK) {
            to.count(names::TCP_ACK.json(), u64::from(placed.relative_ack));
        }
        to.count(names::TCP_WINDOW.json(), u64::from(segment.window));
        to.count(names::TCP_LEN.json(), u64::from(segment.payload_len));
        to.text(names::TCP_PAYLOAD.json(), self.payload);
    }
}

/// What was found after the frames that it is about: incomplete messages, and notes about streams at the end.
pub(in crate::output) struct JsonRest<'a> {
    /// The notes.
    pub notes: &'a [StreamNote],
    /// The messages.
    pub messages: &'a [&'a Message],
    /// What messages contain.
    pub options: JsonOptions,
    /// Returns the path of a stream's capture, if rows show it.
    pub file: &'a dyn Fn(u32) -> Option<&'a str>,
}

impl Object for JsonRest<'_> {
    fn entries(&self, to: &mut impl Entries) {
        let notes = self.notes.iter();
        let notes = notes.map(|noted| JsonNote::of_stream(noted).of((self.file)(noted.stream)));
        to.objects(NOTES, notes);
        let messages = self.messages.iter();
        let messages =
            messages.map(|one| JsonMessage::new(one, self.options).of((self.file)(one.stream)));
        to.objects(MESSAGES, messages);
    }
}

/// The last object if a signal stopped the reading: the output is incomplete.
#[derive(Debug)]
pub(in crate::output) struct JsonInterrupted {
    /// Frames that were read.
    pub frames: u64,
}

impl Object for JsonInterrupted {
    fn entries(&self, to: &mut impl Entries) {
        to.json("interrupted", |out| out.extend_from_slice(b"true"));
        to.count("frames", self.frames);
    }
}
