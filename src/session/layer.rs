//! The layer between a stream and its dissector: TLS, if it can be decrypted.
//!
//! Enters: a stream's bytes in order, as [`Chunk`]s. Leaves: chunks of what they hold, each of which
//! knows the frame that carried it, as a cipher's byte stands where its ciphertext's stood.

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

/// The secrets, and what all connections share.
#[derive(Debug, Default)]
pub(super) struct Tls {
    pub all: Decryptor,
    logs: KeyLogs,
    /// Whether records are looked at that cannot be decrypted.
    pub records: bool,
    /// How many secrets there were when what waits was tried last.
    tried: u64,
}

impl Tls {
    /// With the secrets of these key logs.
    pub fn new(sources: &[KeyLogSource], records: bool) -> Self {
        let mut tls = Self {
            records,
            ..Self::default()
        };
        tls.logs = KeyLogs::new(sources, &mut tls.all.keys);
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

    /// Bytes of records that could not wait, where there are secrets that they might have waited for.
    pub fn let_go(&self) -> u64 {
        if self.has_none() { 0 } else { self.all.let_go }
    }

    /// Whether what waits is worth another try, which it then is not until secrets come.
    pub fn has_more(&mut self) -> bool {
        let added = self.all.keys.added();
        std::mem::replace(&mut self.tried, added) != added && self.all.waiting() > 0
    }
}

/// A chunk's place in its side's bytes.
#[derive(Debug, Clone, Copy)]
struct Span {
    at: u64,
    len: u64,
    /// The chunk without its bytes.
    chunk: Chunk<'static>,
}

/// The chunks of one side that what comes may refer to.
#[derive(Debug, Default)]
pub(super) struct Spans {
    spans: VecDeque<Span>,
    /// Bytes that came so far, and gaps.
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

    /// The chunk that has the byte at this offset, from that byte on and without bytes.
    pub fn at(&self, offset: u64) -> Option<Chunk<'static>> {
        let behind = self.spans.partition_point(|span| span.at <= offset);
        let span = self.spans.get(behind.checked_sub(1)?)?;
        let into = offset - span.at;
        (into < span.len).then(|| skipped(span.chunk, into))
    }

    /// The bytes that begin at this offset, a chunk for each that carried some of them.
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

/// Receives what a session finds, with the chunks of the side that it is about.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Spans, Event<'_>);

/// A stream's TLS connection.
#[derive(Debug)]
pub(super) struct Layer {
    pub session: Session,
    /// Whether the stream's bytes are not wanted any longer.
    pub given_up: bool,
    /// Whether a whole record header was seen. Before, what came may be anything, a password too.
    pub is_certain: bool,
    /// Whether what came turned out to be no TLS.
    pub is_something_else: bool,
    /// How the sides ended whose end is not told yet, as bytes of the stream wait.
    pub ends: [Option<End>; 2],
    spans: [Spans; 2],
}

/// Whether a stream's bytes begin as a TLS record does, as far as they go.
pub(super) fn begins_as_tls(bytes: &[u8], from_start: bool) -> bool {
    match bytes {
        [content] | [content, 3] | [content, 3, 1..=4] | [content, 3, 1..=4, _] => {
            from_start && *content == ContentType::HANDSHAKE.0
        }
        _ => Header::read(bytes).is_some(),
    }
}

/// Whether a stream's bytes begin with the whole header of a TLS record.
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

    /// Adds bytes of the stream; `each` receives what they bring.
    pub fn push(&mut self, tls: &mut Tls, from: Side, chunk: Chunk<'_>, each: Each<'_>) {
        self.spans[from.index()].push(chunk);
        self.act(each, |session, sink| {
            session.push(&mut tls.all, from, chunk.octets, sink);
        });
    }

    /// Adds a gap of so many bytes that were never captured.
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

    /// Tries again what waits.
    pub fn keys_came(&mut self, tls: &mut Tls, each: Each<'_>) {
        self.act(each, |session, sink| session.keys_came(&mut tls.all, sink));
    }

    /// Ends the connection: nothing waits any longer.
    pub fn finish(&mut self, tls: &mut Tls, each: Each<'_>) {
        self.act(each, |session, sink| session.finish(&mut tls.all, sink));
    }

    /// Has the session do something, and gives what that brings.
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

    /// Drops everything: too much waits for secrets that nothing is known of.
    pub fn give_up(&mut self, tls: &mut Tls) {
        self.session.finish(&mut tls.all, &mut |_| {});
        *self = Self {
            given_up: true,
            ends: self.ends,
            ..Self::new([false; 2], Side::A)
        };
    }
}

/// Whether an event says that the bytes are no TLS from the start.
const fn is_no_tls(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::Problem {
            problem: Problem::NotTls { .. },
            ..
        }
    )
}

/// Whose bytes an event is about.
fn side(event: &Event<'_>) -> Side {
    match event {
        Event::Record(record) => record.from,
        Event::Lost { from, .. } | Event::Problem { from, .. } => *from,
    }
}

/// The content of an application data record that can be read.
pub(super) fn content<'a>(record: &crate::tls::Record<'a>) -> Option<&'a [u8]> {
    let opened =
        record.content == ContentType::APPLICATION_DATA && record.protected == Protected::Opened;
    (opened && !record.text.is_empty()).then_some(record.text)
}

/// A TLS record as it is told of with the frame that completed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsRecord {
    /// The stream.
    pub stream: u32,
    /// Who sent it.
    pub from: Side,
    /// Frame with its last byte.
    pub frame: u64,
    /// Frame with its first byte, and where in that frame's packet it stands.
    pub begins: (u64, u32),
    /// Its header.
    pub header: Header,
    /// What it holds.
    pub content: ContentType,
    /// Whether it was protected.
    pub protected: Protected,
    /// The handshake messages that are whole with it.
    pub messages: Vec<Handshake>,
    /// Level and description of an alert.
    pub alert: Option<[u8; 2]>,
    /// The connection's version and suite, as far as they were agreed by then.
    pub agreed: (Option<Version>, Option<CipherSuite>),
    /// The name of the server that the client asked for.
    pub server_name: Option<String>,
    /// Whether the session is resumed, as far as that is known.
    pub resumed: Option<bool>,
}

impl TlsRecord {
    /// Whether the record says outside only that it is protected, as those of TLS 1.3 do (RFC 8446, section 5.2).
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.header.content == ContentType::APPLICATION_DATA
            && self.agreed.0 == Some(Version::TLS13)
    }

    /// What is known of a record by itself.
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
