//! One message as the inspector holds it: its bytes, where they came from, and what is
//! to be said about them.

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

/// Where a run of a message's bytes stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceBytes {
    /// Frame that carried them.
    pub frame: u64,
    /// Offset of the first of them in the frame's packet: in the frame's bytes, or in the
    /// payload of the datagram put together from fragments.
    pub offset: u32,
    /// TCP sequence number of the first of them.
    pub seq: SeqNumber,
    /// What the segment that carried them acknowledges, where it does.
    pub ack: Option<SeqNumber>,
    /// First byte in the message.
    pub start: u32,
    /// How many bytes.
    pub len: u32,
}

impl SourceBytes {
    /// Which bytes of the message.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }
}

/// The other half of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Frame of the request that this responds to, or of the response to this.
    pub frame: u64,
    /// Nanoseconds from the request to the response.
    pub elapsed: i64,
}

/// The RegLogin request that a response answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// What it asked for.
    pub action: Action,
    /// Its user name, or what stands in its place where it is not shown.
    pub user: Name,
}

/// The request that a message answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedFor {
    /// Its kind, by index.
    pub kind: usize,
    /// Its user, or what stands in its place where it is not shown.
    pub user: Vec<u8>,
}

/// What a message has that a layout file describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The layout.
    pub layout: LayoutId,
    /// The bytes there are.
    pub bytes: Vec<u8>,
    /// The whole message's size in bytes, by its length field or its kind.
    pub size: u32,
    /// Its kind, by index.
    pub kind: Option<usize>,
    /// The bytes that name its user.
    pub user: Option<Range<usize>>,
    /// The bytes that a response repeats of its request.
    pub id: Option<Range<usize>>,
    /// The bytes of its first secret.
    pub secret: Option<Range<usize>>,
    /// What it says of its request.
    pub said: Option<Said>,
    /// What it answers, where that is known when it is found.
    pub asked: Option<AskedFor>,
}

impl Described {
    /// What names its user: `None` if the layout has nothing that does.
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

    /// The layout, compiled.
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

    /// Whether it asks for a response.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.kind.is_some_and(|kind| self.plan().is_request(kind))
    }

    /// Whether it answers a request.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.kind
            .is_some_and(|kind| self.plan().kinds[kind].is_response)
    }
}

/// A message: of RegLogin with at most [`MAX_LEN`] bytes, what a wrong `totalLength` claims beyond that being no part of
/// it; or of a protocol that a layout file describes.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Number of the frame that carried the last of its bytes to be captured. Where others had to
    /// be waited for, the message is found later than that.
    pub frame: u64,
    /// Time of that frame.
    pub time: Timestamp,
    /// TCP connection, from 0 in order of first frame.
    pub stream: u32,
    /// Which side sent it.
    pub sender: Role,
    /// Where it came from.
    pub source: Endpoint,
    /// Where it went.
    pub destination: Endpoint,
    /// The bytes there are of a RegLogin message, from the first byte of `totalLength`.
    pub octets: ArrayVec<u8, MAX_LEN>,
    /// What there is of a message that a layout file describes: then it is that, and no RegLogin message.
    pub described: Option<Box<Described>>,
    /// Which frames carried them, in order of the bytes, which they cover.
    pub sources: SmallVec<[SourceBytes; 1]>,
    /// What is to be said about it.
    pub notes: SmallVec<[Note; 1]>,
    /// Whether it was encrypted: its bytes are not those of the frames that carried them.
    pub encrypted: bool,
    /// Whether it is a RegLogin message, whole, with nothing to be noted of its bytes, and every text
    /// in it is printable ASCII that leaves at least one byte of its field to NUL.
    pub clean: bool,
    /// The request of a response, or the response to a request where it is known already.
    pub peer: Option<Peer>,
    /// What a RegLogin response answers, where its request is known.
    pub answered: Option<Answered>,
}

/// The lists copied whole: element by element, as they clone themselves, takes ten times as long.
impl Clone for Message {
    fn clone(&self) -> Self {
        let mut octets = ArrayVec::new_const();
        // Both have the same capacity.
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
}

impl Message {
    /// The bytes read through the layout table.
    #[must_use]
    pub fn view(&self) -> MessageView<'_> {
        MessageView::new(&self.octets)
    }

    /// Its bytes, whatever protocol it is of.
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

    /// What the names of its fields begin with in filters.
    #[must_use]
    pub fn filter_prefix(&self) -> &'static str {
        match &self.described {
            Some(described) => &described.plan().layout.prefix,
            None => FILTER_PREFIX,
        }
    }

    /// The fields of a message that a layout file describes.
    #[must_use]
    pub fn decoded(&self) -> Option<Decoded<'_>> {
        let described = self.described.as_ref()?;
        let layout = &described.plan().layout;
        Some(layout.decode(&described.bytes, self.layout_side()))
    }

    /// Its sender, as layouts name it.
    #[must_use]
    pub const fn layout_side(&self) -> layout::Side {
        side_of(self.sender)
    }

    /// Whether it asks for a response.
    #[must_use]
    pub fn is_request(&self) -> bool {
        match &self.described {
            Some(described) => described.is_request(),
            None => self.view().kind() == Some(MessageKind::Request),
        }
    }

    /// Whether it answers a request.
    #[must_use]
    pub fn is_response(&self) -> bool {
        match &self.described {
            Some(described) => described.is_response(),
            None => self.view().kind() == Some(MessageKind::Response),
        }
    }

    /// Whether its peer is its request, and not its response. A kind that both asks and answers is taken for a request
    /// unless it answers.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.is_response() && !(self.is_request() && self.peer_is_later())
    }

    /// Whether its peer is a frame behind its own.
    fn peer_is_later(&self) -> bool {
        self.peer.is_none_or(|peer| peer.frame > self.frame)
    }

    /// What it says of its request, where it does.
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

    /// `commandID`; an unknown 0 where it is cut off.
    #[must_use]
    pub fn command(&self) -> Command {
        self.view().command().unwrap_or(Command::Unknown(0))
    }

    /// The most serious of the notes.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.notes.iter().map(Note::severity).max()
    }

    /// TCP sequence number of its first byte.
    #[must_use]
    pub fn start(&self) -> Option<SeqNumber> {
        self.sources.first().map(|source| source.seq)
    }

    /// TCP sequence number after its last byte.
    #[must_use]
    pub fn end(&self) -> Option<SeqNumber> {
        let last = self.sources.last()?;
        Some(last.seq.plus(last.len))
    }

    /// Whether the bytes came in more than one frame.
    #[must_use]
    pub fn is_reassembled(&self) -> bool {
        self.sources.len() > 1
    }
}

/// A role, as layouts name it.
#[must_use]
pub const fn side_of(role: Role) -> layout::Side {
    match role {
        Role::Client => layout::Side::Client,
        Role::Server => layout::Side::Server,
    }
}
