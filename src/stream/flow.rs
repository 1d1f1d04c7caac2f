//! One TCP connection: its two ends, counts, and which end is the server.

use super::key::number;
use super::plain::Plain;
use crate::capture::Timestamp;
use crate::packet::{Endpoint, Ipv4Endpoint, PlainSegment, Segment, VlanTags};
use crate::protocol::MessageKind;

/// One of a flow's two ends. A and B are in the order of their addresses, which has no other meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Side {
    /// The end that sorts first.
    #[default]
    A,
    /// The other.
    B,
}

impl Side {
    /// Both sides.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// 0 for A, 1 for B.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The role of one end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Opened the connection and sends requests.
    Client,
    /// Accepted it and sends responses.
    Server,
}

impl Role {
    /// `client` or `server`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    /// The role that sends messages of this kind.
    #[must_use]
    #[inline]
    pub const fn that_sends(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Request => Self::Client,
            MessageKind::Response => Self::Server,
        }
    }

    /// The kind of message that this role sends.
    #[must_use]
    pub const fn sends(self) -> MessageKind {
        match self {
            Self::Client => MessageKind::Request,
            Self::Server => MessageKind::Response,
        }
    }

    /// The other role.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Both ends of a flow, each as one number made of its IPv4 address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ends([u64; 2]);

impl Ends {
    /// Value for ends that are not both IPv4.
    pub const NOT_IPV4: Self = Self([u64::MAX; 2]);

    /// The ends of side A and of side B, in this order.
    #[inline]
    pub fn of(ends: [&Endpoint; 2]) -> Self {
        match ends.map(number) {
            [Some(a), Some(b)] => Self([a, b]),
            _ => Self::NOT_IPV4,
        }
    }

    /// Whether these are the ends of a plain segment that `from` sent.
    #[inline]
    pub const fn are_of_plain(self, from: Side, segment: &PlainSegment) -> bool {
        self.0[from.index()] == segment.source.number()
            && self.0[from.other().index()] == segment.destination.number()
    }

    fn get(self, side: Side) -> Endpoint {
        Ipv4Endpoint::of_number(self.0[side.index()]).endpoint()
    }
}

/// How the client was determined. Later variants are better evidence and replace earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Evidence {
    /// By the ports: the lower one is assumed to be the server's.
    #[default]
    LowerPort,
    /// By content: requests and responses were seen.
    Content,
    /// Exactly one of the two ports is watched: it is the server's.
    WatchedPort,
    /// The handshake was seen.
    Handshake,
}

/// Which side is the client, and by what evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    client: Side,
    evidence: Evidence,
}

impl Roles {
    /// The role of a side, by the best evidence so far.
    #[must_use]
    #[inline]
    pub fn role(self, side: Side) -> Role {
        if side == self.client {
            Role::Client
        } else {
            Role::Server
        }
    }

    /// The side that has this role.
    #[must_use]
    pub const fn side(self, role: Role) -> Side {
        match role {
            Role::Client => self.client,
            Role::Server => self.client.other(),
        }
    }

    /// Whether the handshake or a watched port determined the roles, so that a message in the wrong direction is a
    /// fault of the message.
    #[must_use]
    pub fn are_certain(self) -> bool {
        self.evidence >= Evidence::WatchedPort
    }

    /// Records that the content shows `side` to be `role`. Has no effect if there is better evidence.
    pub fn by_content(&mut self, side: Side, role: Role) {
        let client = match role {
            Role::Client => side,
            Role::Server => side.other(),
        };
        self.set(client, Evidence::Content);
    }

    /// Better evidence wins. Of equal evidence the first wins, for example if both sides send a SYN.
    pub(super) fn set(&mut self, client: Side, evidence: Evidence) {
        if evidence > self.evidence {
            *self = Self { client, evidence };
        }
    }
}

/// A TCP connection, with its handler's state `S`. Fields that every frame changes come first.
#[derive(Debug)]
#[repr(C)]
pub struct Flow<S> {
    pub(super) ends: Ends,
    /// Time of its last frame.
    pub last: Timestamp,
    wire_octets: [u64; 2],
    frames: [u32; 2],
    /// The stream's number, from 0 in the order of first frames (`tcp.stream`).
    pub stream: u32,
    pub(super) tags: VlanTags,
    /// Who is client and who is server.
    pub roles: Roles,
    watched: bool,
    syn: [bool; 2],
    /// What the fast path may do with each side's segments.
    pub(super) plain: [Plain; 2],
    /// The handler's state.
    pub state: S,
    /// Its number among the flows that are not dropped: small, and used again.
    pub(super) place: u32,
    /// Time of the flow's first frame.
    pub first: Timestamp,
    /// The ends, if they are not both IPv4.
    others: Option<Box<[Endpoint; 2]>>,
}

impl<S: Default> Flow<S> {
    pub(super) fn new(
        ends: [Endpoint; 2],
        [stream, place]: [u32; 2],
        time: Timestamp,
        watch: [bool; 2],
    ) -> Self {
        let (client, evidence) = match watch {
            [true, false] => (Side::B, Evidence::WatchedPort),
            [false, true] => (Side::A, Evidence::WatchedPort),
            _ if ends[0].port < ends[1].port => (Side::B, Evidence::LowerPort),
            _ => (Side::A, Evidence::LowerPort),
        };
        let numbers = Ends::of([&ends[0], &ends[1]]);
        Self {
            ends: numbers,
            others: (numbers == Ends::NOT_IPV4).then(|| Box::new(ends)),
            first: time,
            last: time,
            stream,
            frames: [0; 2],
            wire_octets: [0; 2],
            syn: [false; 2],
            plain: [Plain::NOTHING; 2],
            tags: VlanTags::NONE,
            roles: Roles { client, evidence },
            watched: watch[0] || watch[1],
            state: S::default(),
            place,
        }
    }
}

impl<S> Flow<S> {
    /// Moves all into a flow with another state of the handler.
    pub(super) fn take_with<T>(&mut self, state: T) -> Flow<T> {
        Flow {
            ends: self.ends,
            last: self.last,
            wire_octets: self.wire_octets,
            frames: self.frames,
            stream: self.stream,
            tags: self.tags,
            roles: self.roles,
            watched: self.watched,
            syn: self.syn,
            plain: self.plain,
            state,
            place: self.place,
            first: self.first,
            others: self.others.take(),
        }
    }

    /// Whether this is the flow of a segment that `from` sent. `ends` are the segment's ends.
    #[inline]
    pub(super) fn is_of(&self, ends: Ends, from: Side, segment: &Segment) -> bool {
        let between =
            || self.end(from) == segment.source && self.end(from.other()) == segment.destination;
        self.ends == ends && self.tags == segment.tags && (ends != Ends::NOT_IPV4 || between())
    }

    /// The address and port of a side.
    #[must_use]
    #[inline]
    pub fn end(&self, side: Side) -> Endpoint {
        // `others` is not read without need: it is in a cache line that nothing else needs.
        if self.ends != Ends::NOT_IPV4 {
            return self.ends.get(side);
        }
        let others = self.others.as_ref();
        others.map_or_else(|| self.ends.get(side), |ends| ends[side.index()])
    }

    /// The role of a side, by the best evidence so far.
    #[must_use]
    pub fn role(&self, side: Side) -> Role {
        self.roles.role(side)
    }

    /// The side that has this role.
    #[must_use]
    pub const fn side(&self, role: Role) -> Side {
        self.roles.side(role)
    }

    /// Whether RegLogin is expected on one of the two ports.
    #[must_use]
    pub const fn is_watched(&self) -> bool {
        self.watched
    }

    /// Whether this side's SYN was captured, and so the start of its data.
    #[must_use]
    pub const fn starts_with_syn(&self, side: Side) -> bool {
        self.syn[side.index()]
    }

    /// Frames that a side sent; saturates at `u32::MAX`.
    #[must_use]
    pub const fn frames(&self, side: Side) -> u32 {
        self.frames[side.index()]
    }

    /// Length on the wire of all frames that a side sent, in bytes.
    #[must_use]
    pub const fn wire_octets(&self, side: Side) -> u64 {
        self.wire_octets[side.index()]
    }

    pub(super) fn saw_syn(&mut self, side: Side) {
        self.syn[side.index()] = true;
    }

    pub(super) fn count(&mut self, side: Side, wire: u32) {
        let frames = &mut self.frames[side.index()];
        *frames = frames.saturating_add(1);
        self.wire_octets[side.index()] += u64::from(wire);
    }
}
