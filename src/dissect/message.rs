//! One message: its bytes, the frames that carried them, and the notes on it.

use std::ops::Range;

use arrayvec::ArrayVec;
use smallvec::SmallVec;

use super::name::Name;
use super::note::{Note, Severity};
use super::protocol::Protocol;
use crate::capture::Timestamp;
use crate::layout::{self, Decoded, LayoutId, Plan, Said, Type};
use crate::packet::{Endpoint, SeqNumber};
use crate::protocol::layout::{FILTER_PREFIX, MAX_LEN, STATUS_FAILURE, STATUS_SUCCESS};
use crate::protocol::{Action, Command, MessageKind, MessageView};
use crate::stream::Role;
use crate::text::escape::Hex;
use crate::text::secret::MASK;

/// A run of a message's bytes in one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceBytes {
    /// Frame that carried them.
    pub frame: u64,
    /// Offset of the first of them in the frame's packet: in the frame's bytes or, for a reassembled IP datagram, in
    /// its payload.
    pub offset: u32,
    /// TCP sequence number of the first of them.
    pub seq: SeqNumber,
    /// Acknowledgement number of the segment that carried them, if it has one.
    pub ack: Option<SeqNumber>,
    /// Offset of the first of them in the message.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

impl SourceBytes {
    /// Their range in the message.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }
}

/// The other half of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Frame of the request that this answers, or of the response to this.
    pub frame: u64,
    /// Nanoseconds from the request to the response.
    pub elapsed: i64,
}

/// The RegLogin request that a response answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// What the request asked for.
    pub action: Action,
    /// The request's user name, or a mask if it is not shown.
    pub user: Name,
}

/// The request that a message of a layout's protocol answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedFor {
    /// Index of the request's kind in the layout.
    pub kind: usize,
    /// The request's user name, or a mask if it is not shown.
    pub user: Vec<u8>,
}

/// The part of a message that a layout file describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The layout.
    pub layout: LayoutId,
    /// The captured bytes.
    pub bytes: Vec<u8>,
    /// Size of the whole message in bytes, by its length field or its kind.
    pub size: u32,
    /// Index of its kind in the layout; `None` if unknown.
    pub kind: Option<usize>,
    /// Range of the bytes that name its user.
    pub user: Option<Range<usize>>,
    /// Range of the bytes that a response repeats from its request.
    pub id: Option<Range<usize>>,
    /// Range of its first secret field.
    pub secret: Option<Range<usize>>,
    /// The outcome that it states, if it is a response.
    pub said: Option<Said>,
    /// The request that it answers, if that was known when the message was found.
    pub asked: Option<AskedFor>,
}

impl Described {
    /// Its user name; `None` if the layout has no field for that. A secret field is masked unless `show_secrets`.
    #[must_use]
    pub fn user_name(&self, show_secrets: bool) -> Option<String> {
        let range = self.user.clone()?;
        let plan = self.plan();
        let field = plan.user_field()?;
        if field.secret && !show_secrets {
            return Some(MASK.to_owned());
        }
        let bytes = &self.bytes[range];
        Some(match &field.ty {
            Type::Integer(integer, _) => integer.read(bytes).unwrap_or_default().to_string(),
            Type::Bytes(_) => Hex(bytes).to_string(),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        })
    }

    /// The compiled layout.
    #[must_use]
    pub fn plan(&self) -> &'static Plan {
        self.layout.plan()
    }

    /// The name of its kind.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        self.kind
            .map_or("unknown", |kind| &self.plan().layout.kinds[kind].name)
    }

    /// Whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.kind.is_some_and(|kind| self.plan().is_request(kind))
    }

    /// Whether it is a response.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.kind
            .is_some_and(|kind| self.plan().kinds[kind].is_response)
    }
}

/// A message: of RegLogin, with at most [`MAX_LEN`] bytes even if a wrong `totalLength` claims more; or of a protocol
/// that a layout file describes.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Number of the frame, among those that carried its bytes, that was captured last. The message may be found with a
    /// later frame, if it had to wait for others.
    pub frame: u64,
    /// Time of that frame.
    pub time: Timestamp,
    /// Stream number (`tcp.stream`).
    pub stream: u32,
    /// Role of its sender.
    pub sender: Role,
    /// Address and port of its sender.
    pub source: Endpoint,
    /// Address and port of its receiver.
    pub destination: Endpoint,
    /// The captured bytes of a RegLogin message, from the first byte of `totalLength`.
    pub octets: ArrayVec<u8, MAX_LEN>,
    /// Present if a layout file describes the message. It is then no RegLogin message, and `octets` is empty.
    pub described: Option<Box<Described>>,
    /// The frames that carried its bytes. They are in the order of the bytes and cover them.
    pub sources: SmallVec<[SourceBytes; 1]>,
    /// Notes on it.
    pub notes: SmallVec<[Note; 1]>,
    /// Whether it was encrypted: then its bytes are not in the frames that carried them.
    pub encrypted: bool,
    /// Whether it is a complete RegLogin message without notes on its bytes, and each of its texts is printable ASCII
    /// followed by at least one NUL.
    pub clean: bool,
    /// The request of a response, or the response to a request if that is known already.
    pub peer: Option<Peer>,
    /// The request that a RegLogin response answers, if known.
    pub answered: Option<Answered>,
}

/// Copies the lists as a whole. Their own `clone`, element by element, takes ten times as long.
impl Clone for Message {
    fn clone(&self) -> Self {
        let mut octets = ArrayVec::new_const();
        // Cannot fail: both have the same capacity.
        let _ = octets.try_extend_from_slice(&self.octets);
        Self {
            octets,
            sources: SmallVec::from_slice(&self.sources),
            described: self.described.clone(),
            notes: if self.notes.is_empty() {
                SmallVec::new_const()
            } else {
                self.notes.clone()
            },
            ..*self
        }
    }

    /// Copies into the memory of this message, without a message in between that would have to be moved.
    fn clone_from(&mut self, other: &Self) {
        let Self {
            frame,
            time,
            stream,
            sender,
            source,
            destination,
            octets,
            described,
            sources,
            notes,
            encrypted,
            clean,
            peer,
            answered,
        } = other;
        self.octets.clear();
        // Cannot fail: both have the same capacity.
        let _ = self.octets.try_extend_from_slice(octets);
        self.described.clone_from(described);
        match (self.sources.as_mut_slice(), sources.as_slice()) {
            ([own], [one]) => *own = *one,
            (_, sources) => self.sources = SmallVec::from_slice(sources),
        }
        if !(self.notes.is_empty() && notes.is_empty()) {
            self.notes.clone_from(notes);
        }
        (self.frame, self.time, self.stream) = (*frame, *time, *stream);
        (self.sender, self.source, self.destination) = (*sender, *source, *destination);
        (self.encrypted, self.clean) = (*encrypted, *clean);
        (self.peer, self.answered) = (*peer, *answered);
    }
}

impl Message {
    /// The RegLogin fields of the message.
    #[must_use]
    pub fn view(&self) -> MessageView<'_> {
        MessageView::new(&self.octets)
    }

    /// Its bytes, of whichever protocol.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.described {
            Some(described) => &described.bytes,
            None => &self.octets,
        }
    }

    /// Its protocol.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match &self.described {
            Some(described) => Protocol::Layout(described.layout),
            None => Protocol::RegLogin,
        }
    }

    /// The name of its protocol.
    #[must_use]
    pub fn protocol_name(&self) -> &'static str {
        self.protocol().name()
    }

    /// Prefix of the names of its fields in display filters.
    #[must_use]
    pub fn filter_prefix(&self) -> &'static str {
        match &self.described {
            Some(described) => &described.plan().layout.prefix,
            None => FILTER_PREFIX,
        }
    }

    /// Its decoded fields, if a layout file describes it.
    #[must_use]
    pub fn decoded(&self) -> Option<Decoded<'_>> {
        let described = self.described.as_ref()?;
        let layout = &described.plan().layout;
        Some(layout.decode(&described.bytes, self.layout_side()))
    }

    /// Its sender in the terms of layouts.
    #[must_use]
    pub const fn layout_side(&self) -> layout::Side {
        side_of(self.sender)
    }

    /// Whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        match &self.described {
            Some(described) => described.is_request(),
            None => self.view().kind() == Some(MessageKind::Request),
        }
    }

    /// Whether it is a response.
    #[must_use]
    pub fn is_response(&self) -> bool {
        match &self.described {
            Some(described) => described.is_response(),
            None => self.view().kind() == Some(MessageKind::Response),
        }
    }

    /// Whether its peer is its request, not its response. A message of a kind that is both request and response counts
    /// as a request unless it answers one.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.is_response() && !(self.is_request() && self.peer_is_later())
    }

    /// Whether its peer is a later frame, or unknown.
    fn peer_is_later(&self) -> bool {
        self.peer.is_none_or(|peer| peer.frame > self.frame)
    }

    /// The outcome that it states; `None` if it is no response.
    #[must_use]
    pub fn said(&self) -> Option<Said> {
        match &self.described {
            Some(described) => described.said,
            None => self.view().status().map(|status| match status {
                STATUS_SUCCESS => Said::Success,
                STATUS_FAILURE => Said::Failure,
                _ => Said::Unclear,
            }),
        }
    }

    /// Its `commandID`; an unknown 0 if that is cut off.
    #[must_use]
    pub fn command(&self) -> Command {
        self.view().command().unwrap_or(Command::Unknown(0))
    }

    /// The highest severity of its notes.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.notes.iter().map(Note::severity).max()
    }

    /// TCP sequence number of its first byte; `None` if it has none.
    #[must_use]
    pub fn start(&self) -> Option<SeqNumber> {
        self.sources.first().map(|source| source.seq)
    }

    /// TCP sequence number after its last byte; `None` if it has none.
    #[must_use]
    pub fn end(&self) -> Option<SeqNumber> {
        let last = self.sources.last()?;
        Some(last.seq.plus(last.len))
    }

    /// Whether more than one frame carried its bytes.
    #[must_use]
    pub fn is_reassembled(&self) -> bool {
        self.sources.len() > 1
    }
}

/// A role in the terms of layouts.
#[must_use]
pub const fn side_of(role: Role) -> layout::Side {
    match role {
        Role::Client => layout::Side::Client,
        Role::Server => layout::Side::Server,
    }
}
