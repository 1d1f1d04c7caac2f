//! The layer between a stream and its dissector: TLS, if it can be decrypted.
//!
//! Input: a stream's bytes in order, as [`Chunk`]s. Output: chunks of the decrypted bytes. Each has the frame of its
//! ciphertext, because a decrypted byte is at the same offset as its encrypted one.

#![expect(
    clippy::cast_possible_truncation,
    reason = "bytes of a TLS record, at most 16 KiB and its overhead"
)]

use std::collections::VecDeque;

use super::keylog::{KeyLogSource, KeyLogs};
use crate::capture::KeyLogText;
use crate::stream::{Chunk, End, Side};
use crate::tls::{
    CipherSuite, ContentType, Decryptor, Event, Handshake, Header, Problem, Protected, Session,
    Version,
};

/// Secrets and key logs, shared by all connections.
#[derive(Debug, Default)]
pub(super) struct Tls {
    pub all: Decryptor,
    logs: KeyLogs,
    /// Whether records that cannot be decrypted are reported.
    pub records: bool,
    /// How many secrets there were at the last attempt to decrypt what waits.
    tried: u64,
}

impl Tls {
    /// Reads the secrets of these key logs.
    pub fn new(sources: &[KeyLogSource], records: bool) -> Self {
        let mut tls = Self {
            records,
            ..Self::default()
        };
        tls.logs = KeyLogs::new(sources, &mut tls.all.keys);
        tls
    }

    /// Without secrets, for one of this many groups of lanes, with its part of the memory.
    pub fn for_group_of(groups: usize) -> Self {
        let mut tls = Self::default();
        tls.all.limits.all /= groups;
        tls
    }

    /// Reads what was added to the key logs.
    pub fn read(&mut self) {
        self.logs.read(&mut self.all.keys);
    }

    /// Adds secrets from the capture itself.
    pub fn add(&mut self, text: &KeyLogText) {
        self.all.keys.read_all(text.bytes());
    }

    /// Whether there are neither secrets nor key logs.
    pub fn has_none(&self) -> bool {
        self.logs.is_empty() && self.all.keys.is_empty()
    }

    /// Bytes of records that were given up waiting for secrets; 0 if there was nothing to wait for.
    pub fn given_up_bytes(&self) -> u64 {
        if self.has_none() { 0 } else { self.all.dropped }
    }

    /// Whether secrets were added since the last call, and something waits for them.
    pub fn has_more(&mut self) -> bool {
        let added = self.all.keys.added();
        std::mem::replace(&mut self.tried, added) != added && self.all.waiting() > 0
    }
}

/// A chunk's range in its side's bytes.
#[derive(Debug, Clone, Copy)]
struct Span {
    at: u64,
    len: u64,
    /// The chunk without its bytes.
    chunk: Chunk<'static>,
}

/// The chunks of one side that later events can refer to.
#[derive(Debug, Default)]
pub(super) struct Spans {
    spans: VecDeque<Span>,
    /// Bytes received so far, gaps included.
    end: u64,
}

impl Spans {
    fn push(&mut self, chunk: Chunk<'_>) {
        let len = chunk.octets.len() as u64;
        self.spans.push_back(Span {
            at: self.end,
            len,
            chunk: Chunk {
                octets: &[],
                ..chunk
            },
        });
        self.end += len;
    }

    fn forget(&mut self, before: u64) {
        while self
            .spans
            .front()
            .is_some_and(|span| span.at + span.len <= before)
        {
            self.spans.pop_front();
        }
    }

    /// The chunk that contains the byte at this offset, from that byte on, without its bytes.
    pub fn at(&self, offset: u64) -> Option<Chunk<'static>> {
        let behind = self.spans.partition_point(|span| span.at <= offset);
        let span = self.spans.get(behind.checked_sub(1)?)?;
        let into = offset - span.at;
        (into < span.len).then(|| skipped(span.chunk, into))
    }

    /// Calls `each` with the bytes that begin at this offset, one chunk for each original chunk that carried them.
    pub fn pieces<'a>(&self, mut offset: u64, mut text: &'a [u8], mut each: impl FnMut(Chunk<'a>)) {
        let first = self
            .spans
            .partition_point(|span| span.at + span.len <= offset);
        for span in self.spans.iter().skip(first) {
            if text.is_empty() {
                return;
            }
            let into = offset.saturating_sub(span.at);
            let (piece, rest) = text.split_at(text.len().min((span.len - into) as usize));
            each(Chunk {
                octets: piece,
                ..skipped(span.chunk, into)
            });
            offset += piece.len() as u64;
            text = rest;
        }
    }
}

fn skipped(chunk: Chunk<'static>, bytes: u64) -> Chunk<'static> {
    Chunk {
        offset: chunk.offset + bytes as u32,
        seq: chunk.seq.plus(bytes as u32),
        ..chunk
    }
}

/// Receives a session's events, each with the chunks of the side that it concerns.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Spans, Event<'_>);

/// TLS state of a stream.
#[derive(Debug)]
pub(super) struct Layer {
    pub session: Session,
    /// Whether the layer gave up on the stream and needs no more of its bytes.
    pub given_up: bool,
    /// Whether a whole record header was seen. Before that, the bytes may be anything, even a password.
    pub is_certain: bool,
    /// Whether the bytes turned out not to be TLS.
    pub is_something_else: bool,
    /// Ends of sides that are not reported yet, because bytes of the stream still wait.
    pub ends: [Option<End>; 2],
    spans: [Spans; 2],
}

/// Whether a stream's first bytes can be those of a TLS record.
pub(super) fn begins_as_tls(bytes: &[u8], from_start: bool) -> bool {
    match bytes {
        [content] | [content, 3] | [content, 3, 1..=4] | [content, 3, 1..=4, _] => {
            from_start && *content == ContentType::HANDSHAKE.0
        }
        _ => Header::read(bytes).is_some(),
    }
}

/// Whether a stream's bytes begin with a complete header of a TLS record.
pub(super) fn begins_with_header(bytes: &[u8]) -> bool {
    Header::read(bytes).is_some()
}

impl Layer {
    pub fn new(from_start: [bool; 2], likely_client: Side) -> Self {
        Self {
            session: Session::new(from_start, likely_client),
            given_up: false,
            is_certain: false,
            is_something_else: false,
            ends: [None; 2],
            spans: Default::default(),
        }
    }

    /// Processes bytes of the stream; `each` receives the resulting events.
    pub fn push(&mut self, tls: &mut Tls, from: Side, chunk: Chunk<'_>, each: Each<'_>) {
        self.spans[from.index()].push(chunk);
        self.act(each, |session, sink| {
            session.push(&mut tls.all, from, chunk.octets, sink);
        });
    }

    /// Processes a gap of this many bytes that were never captured.
    pub fn gap(&mut self, tls: &mut Tls, from: Side, bytes: u64, each: Each<'_>) {
        self.spans[from.index()].end += bytes;
        self.act(each, |session, sink| {
            session.gap(&mut tls.all, from, bytes, sink);
        });
    }

    /// Ends a side.
    pub fn ended(&mut self, tls: &mut Tls, from: Side, each: Each<'_>) {
        self.act(each, |session, sink| {
            session.ended(&mut tls.all, from, sink);
        });
    }

    /// Tries again to decrypt what waits.
    pub fn keys_came(&mut self, tls: &mut Tls, each: Each<'_>) {
        self.act(each, |session, sink| session.keys_came(&mut tls.all, sink));
    }

    /// Ends the connection: nothing waits any longer.
    pub fn finish(&mut self, tls: &mut Tls, each: Each<'_>) {
        self.act(each, |session, sink| session.finish(&mut tls.all, sink));
    }

    /// Runs `act` on the session, and passes on the resulting events.
    fn act(&mut self, each: Each<'_>, act: impl FnOnce(&mut Session, &mut dyn FnMut(Event<'_>))) {
        let Self {
            session,
            spans,
            is_something_else,
            ..
        } = self;
        act(session, &mut |event| {
            *is_something_else |= is_no_tls(&event);
            each(&spans[side(&event).index()], event);
        });
        for from in Side::BOTH {
            self.spans[from.index()].forget(self.session.needed_from(from));
        }
    }

    /// Drops everything: too much waits, and there is no source of secrets.
    pub fn give_up(&mut self, tls: &mut Tls) {
        self.session.finish(&mut tls.all, &mut |_| {});
        *self = Self {
            given_up: true,
            ends: self.ends,
            ..Self::new([false; 2], Side::A)
        };
    }
}

/// Whether an event says that the bytes were not TLS from the start.
const fn is_no_tls(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::Problem {
            problem: Problem::NotTls { .. },
            ..
        }
    )
}

/// The side that an event concerns.
fn side(event: &Event<'_>) -> Side {
    match event {
        Event::Record(record) => record.from,
        Event::Lost { from, .. } | Event::Problem { from, .. } => *from,
    }
}

/// The decrypted content of an application data record; `None` if there is none.
pub(super) fn content<'a>(record: &crate::tls::Record<'a>) -> Option<&'a [u8]> {
    let opened =
        record.content == ContentType::APPLICATION_DATA && record.protected == Protected::Opened;
    (opened && !record.text.is_empty()).then_some(record.text)
}

/// A TLS record, part of the record of the frame that completed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsRecord {
    /// The stream.
    pub stream: u32,
    /// The side that sent it.
    pub from: Side,
    /// Frame with its last byte.
    pub frame: u64,
    /// Frame with its first byte, and that byte's offset in the frame's packet.
    pub begins: (u64, u32),
    /// Its header.
    pub header: Header,
    /// Content type, as far as it could be decrypted.
    pub content: ContentType,
    /// Whether it was encrypted, and could be decrypted.
    pub protected: Protected,
    /// The handshake messages that end with it.
    pub messages: Vec<Handshake>,
    /// Level and description of an alert (RFC 8446 section 6).
    pub alert: Option<[u8; 2]>,
    /// The connection's version and cipher suite, as far as they were negotiated by then.
    pub agreed: (Option<Version>, Option<CipherSuite>),
    /// The server name that the client requested (RFC 6066 section 3).
    pub server_name: Option<String>,
    /// Whether the session is resumed; `None` if not known.
    pub resumed: Option<bool>,
}

impl TlsRecord {
    /// Whether the record's header hides its content type, as in TLS 1.3 (RFC 8446 section 5.2).
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.header.content == ContentType::APPLICATION_DATA
            && self.agreed.0 == Some(Version::TLS13)
    }

    /// What is known from a record alone; the rest is set by the caller.
    pub(super) fn new(stream: u32, record: &crate::tls::Record<'_>, spans: &Spans) -> Self {
        let last = spans.at(record.at + record.record_len() as u64 - 1);
        let first = spans.at(record.at);
        let alert = record.content == ContentType::ALERT && record.protected != Protected::Sealed;
        Self {
            stream,
            from: record.from,
            frame: last.map_or(0, |last| last.frame),
            begins: first.map_or((0, 0), |first| (first.frame, first.offset)),
            header: record.header,
            content: record.content,
            protected: record.protected,
            messages: record.messages.to_vec(),
            alert: record.text.first_chunk().copied().filter(|_| alert),
            agreed: (None, None),
            server_name: None,
            resumed: None,
        }
    }
}
