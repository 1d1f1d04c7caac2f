//! What an object says. A key that does not apply is absent.

#![expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of an exchange, shown with few digits"
)]

use std::borrow::Cow;
use std::net::IpAddr;

use serde::Serialize;

use super::format::{Decimal, Shown, ShownEndpoint};
use super::{JsonFields, JsonOptions};
use crate::dissect::{Goes, Message, Note};
use crate::output::context::Context;
use crate::output::rows::messages_of;
use crate::output::{exchanges, info};
use crate::packet::{Endpoint, Flags};
use crate::protocol::{Command, MessageKind, TextValue};
use crate::session::{Exchange, FrameRecord, Refusal, StreamNote, action_of, user_of};
use crate::text::escape::Hex;
use crate::text::secret::{self, MASK, Masked};

/// A message.
#[derive(Debug, Serialize)]
pub(in crate::output) struct JsonMessage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    frame: u64,
    time: Decimal,
    stream: u32,
    from: &'static str,
    src: ShownEndpoint,
    dst: ShownEndpoint,
    protocol: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username_hex: Option<Shown<Hex<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hex: Option<Shown<Hex<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description_hex: Option<Shown<Hex<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<JsonFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_to: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time: Option<Decimal>,
    #[serde(serialize_with = "notes")]
    notes: &'a [Note],
}

impl<'a> JsonMessage<'a> {
    /// What there is to say about a message.
    #[must_use]
    pub fn new(message: &'a Message, options: JsonOptions) -> Self {
        // Filled in where it stays, as it is large.
        let mut json = Self::bare(message);
        if let Some(described) = &message.described {
            json.kind = described.kind_name();
            json.length = Some(described.size);
            json.fields = message
                .decoded()
                .map(|decoded| JsonFields::Described(message, decoded, options.show_passwords));
            return json;
        }
        let view = secret::view(message, options.show_passwords);
        let command = message.command();
        json.kind = command.name();
        json.length = view.length().and_then(Masked::clear);
        if options.in_fields {
            json.fields = Some(JsonFields::RegLogin(message, options.show_passwords));
            return json;
        }
        json.command = view.command().and_then(Masked::clear).map(Command::code);
        match command.kind() {
            Some(MessageKind::Request) => {
                (json.username, json.username_hex) = text(view.user_name());
                (json.password, json.password_hex) = text(view.password());
            }
            Some(MessageKind::Response) => {
                json.status = view.status().and_then(Masked::clear);
                (json.description, json.description_hex) = text(view.description());
            }
            None => {}
        }
        json
    }

    /// The same, of this capture.
    #[must_use]
    pub fn of(self, file: Option<&'a str>) -> Self {
        Self { file, ..self }
    }

    /// What messages of all protocols have.
    fn bare(message: &'a Message) -> Self {
        let peer = message.peer;
        let answers = message.is_answer();
        Self {
            file: None,
            frame: message.frame,
            time: Decimal(message.time.0),
            stream: message.stream,
            from: message.sender.name(),
            src: ShownEndpoint(message.source),
            dst: ShownEndpoint(message.destination),
            protocol: message.protocol_name(),
            kind: "",
            length: None,
            command: None,
            username: None,
            username_hex: None,
            password: None,
            password_hex: None,
            status: None,
            description: None,
            description_hex: None,
            fields: None,
            action: answers.then(|| action_of(message)).flatten(),
            user: answers
                .then(|| user_of(message, false))
                .flatten()
                .map(text_of),
            response_in: peer.filter(|_| !answers).map(|peer| peer.frame),
            response_to: peer.filter(|_| answers).map(|peer| peer.frame),
            response_time: peer.filter(|_| answers).map(|peer| Decimal(peer.elapsed)),
            notes: &message.notes,
        }
    }
}

/// Text out of bytes, with U+FFFD for each part that is not UTF-8.
fn text_of(octets: Cow<'_, [u8]>) -> Cow<'_, str> {
    match octets {
        Cow::Borrowed(octets) => String::from_utf8_lossy(octets),
        Cow::Owned(octets) => String::from_utf8_lossy(&octets).into_owned().into(),
    }
}

/// An exchange.
#[derive(Debug, Serialize)]
pub(in crate::output) struct JsonExchange<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    time: Decimal,
    client: ShownEndpoint,
    server: ShownEndpoint,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<f64>,
    stream: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_tag: Option<Shown<Tag>>,
}

/// A password's tag: eight hexadecimal digits.
#[derive(Debug, Clone, Copy)]
struct Tag(u32);

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl<'a> JsonExchange<'a> {
    /// The same, of this capture.
    #[must_use]
    pub fn of(self, file: Option<&'a str>) -> Self {
        Self { file, ..self }
    }

    /// What there is to say about an exchange.
    #[must_use]
    pub fn new(exchange: &'a Exchange, context: &Context) -> Self {
        let show_passwords = context.show_passwords;
        let [client, server] = exchange.ends();
        let frame = |message: &Message| message.frame;
        Self {
            file: None,
            time: Decimal(exchange.time().0),
            client: ShownEndpoint(client),
            server: ShownEndpoint(server),
            protocol: exchange.protocol_name(),
            action: exchange.action(),
            user: exchange.user(show_passwords).map(text_of),
            outcome: exchanges::outcome(exchange),
            refusal: exchange.refusal().map(Refusal::name),
            description: exchanges::description(exchange, show_passwords).map(text_of),
            milliseconds: exchange.elapsed().map(|elapsed| elapsed as f64 / 1e6),
            stream: exchange.stream(),
            request: exchange.request().map(frame),
            response: exchange.response().map(frame),
            password_tag: tag(exchange, context).map(Shown),
        }
    }
}

/// The tag of a request's password, where tags are wanted.
fn tag(exchange: &Exchange, context: &Context) -> Option<Tag> {
    let key = context.tag_key.as_ref()?;
    let request = exchange
        .request()
        .filter(|request| request.described.is_none())?;
    let password = request.view().password()?;
    Some(Tag(key.tag(password.octets())))
}

/// The text, or what stands in its place; its bytes too where they are not UTF-8.
fn text(value: Option<Masked<TextValue<'_>>>) -> (Option<Cow<'_, str>>, Option<Shown<Hex<'_>>>) {
    let value = match value {
        Some(Masked::Hidden) => return (Some(MASK.into()), None),
        Some(Masked::Clear(value)) => value,
        None => return (None, None),
    };
    match std::str::from_utf8(value.octets()) {
        Ok(text) => (Some(text.into()), None),
        Err(_) => (Some(value.lossy()), Some(Shown(Hex(value.octets())))),
    }
}

fn notes<S: serde::Serializer>(notes: &[Note], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(notes.iter().map(JsonNote::new))
}

/// A note.
#[derive(Debug, Serialize)]
pub(in crate::output) struct JsonNote<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<u32>,
    severity: &'static str,
    group: &'static str,
    text: Shown<&'a Note>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// Of a message that is not whole: its bytes by now and in all, and where it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continues_in: Option<u64>,
}

impl<'a> JsonNote<'a> {
    /// The same, of this capture.
    #[must_use]
    pub fn of(self, file: Option<&'a str>) -> Self {
        Self { file, ..self }
    }

    /// A note of a message.
    #[must_use]
    pub fn new(note: &'a Note) -> Self {
        let (bytes, of, goes) = match note {
            Note::Begun {
                have, need, goes, ..
            } => (Some(*have), Some(*need), *goes),
            _ => (None, None, Goes::Unknown),
        };
        Self {
            file: None,
            bytes,
            of,
            continues_in: match goes {
                Goes::In(frame) => Some(frame),
                Goes::Unknown | Goes::Nowhere => None,
            },
            stream: None,
            severity: note.severity().name(),
            group: note.group().name(),
            text: Shown(note),
            field: note.field_key(),
        }
    }

    /// A note of a stream, outside of any message.
    #[must_use]
    pub fn of_stream(noted: &'a StreamNote) -> Self {
        Self {
            stream: Some(noted.stream),
            ..Self::new(&noted.note)
        }
    }
}

/// A frame with its messages.
#[derive(Debug, Serialize)]
pub(in crate::output) struct JsonFrame<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    frame: u64,
    time: Decimal,
    length: u32,
    captured: u32,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    src: Option<Shown<Address>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dst: Option<Shown<Address>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<JsonTcp<'a>>,
    info: &'a str,
    notes: Vec<JsonNote<'a>>,
    messages: Vec<JsonMessage<'a>>,
}

/// The TCP segment of a frame.
#[derive(Debug, Serialize)]
pub(in crate::output) struct JsonTcp<'a> {
    flags: Shown<Flags>,
    seq: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<u32>,
    window: u16,
    payload_length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_hex: Option<&'a str>,
}

/// An address, with the port where there is one.
#[derive(Debug, Clone, Copy)]
enum Address {
    Tcp(Endpoint),
    Ip(IpAddr),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(end) => end.fmt(f),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl<'a> JsonFrame<'a> {
    /// The same, of this capture.
    #[must_use]
    pub fn of(self, file: Option<&'a str>) -> Self {
        Self { file, ..self }
    }

    /// What there is to say about a frame whose protocol, info and payload are written already.
    #[must_use]
    pub fn new(
        record: &FrameRecord<'a>,
        protocol: &'static str,
        info: &'a str,
        payload_hex: Option<&'a str>,
        options: JsonOptions,
    ) -> Self {
        let header = record.frame.header;
        let segment = record.segment();
        let (src, dst) = match segment {
            Some(segment) => (
                Some(Address::Tcp(segment.source)),
                Some(Address::Tcp(segment.destination)),
            ),
            None => info::addresses(record.packet)
                .map(|(from, to)| (Address::Ip(from), Address::Ip(to)))
                .unzip(),
        };
        let placed = record.placement;
        let tcp = segment.zip(placed).map(|(segment, placed)| JsonTcp {
            flags: Shown(segment.flags),
            seq: placed.relative_seq,
            ack: segment.flags.has(Flags::ACK).then_some(placed.relative_ack),
            window: segment.window,
            payload_length: segment.payload_len,
            payload_hex,
        });
        Self {
            file: None,
            frame: record.frame.number,
            time: Decimal(header.time.0),
            length: header.wire,
            captured: header.captured,
            protocol,
            src: src.map(Shown),
            dst: dst.map(Shown),
            stream: placed.map(|placed| placed.stream),
            from: placed.map(|placed| placed.sender.name()),
            tcp,
            info,
            notes: record.notes.iter().map(JsonNote::of_stream).collect(),
            messages: messages_of(record)
                .map(|message| JsonMessage::new(message, options))
                .collect(),
        }
    }
}

/// What was found out only after the frames that it is about: messages that are cut off, and
/// what is said of streams at the end.
#[derive(Debug, Serialize)]
pub(in crate::output) struct JsonRest<'a> {
    /// The notes.
    pub notes: Vec<JsonNote<'a>>,
    /// The messages.
    pub messages: Vec<JsonMessage<'a>>,
}

impl<'a> JsonRest<'a> {
    /// One message.
    #[must_use]
    pub fn of(message: JsonMessage<'a>) -> Self {
        Self {
            notes: Vec::new(),
            messages: vec![message],
        }
    }
}

/// The last object where a signal ended the reading early: what stands before it is not all.
#[derive(Debug, Serialize)]
pub(in crate::output) struct JsonInterrupted {
    interrupted: bool,
    /// Frames read by then.
    frames: u64,
}

impl JsonInterrupted {
    /// Interrupted after so many frames.
    #[must_use]
    pub const fn after(frames: u64) -> Self {
        Self {
            interrupted: true,
            frames,
        }
    }
}
