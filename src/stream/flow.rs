//! One TCP connection: its ends, its two directions, and who is the server.

use super::key::number;
use crate::capture::Timestamp;
use crate::packet::{Endpoint, Ipv4Endpoint, PlainSegment, VlanTags};
use crate::protocol::MessageKind;

/// One of a flow's two ends. The order is that of their addresses and means nothing more.
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

    /// Its place where both sides stand in a list.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }
}

/// What an end of a connection is.
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

/// Both ends of a flow, each with its IPv4 address and port as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ends([u64; 2]);

impl Ends {
    /// Stands for ends that have no such numbers.
    pub const NOT_IPV4: Self = Self([u64::MAX; 2]);

    /// Side A's, then side B's.
    #[inline]
    pub fn of(ends: [&Endpoint; 2]) -> Self {
        match ends.map(number) {
            [Some(a), Some(b)] => Self([a, b]),
            _ => Self::NOT_IPV4,
        }
    }

    /// Those of a plain segment.
    #[inline]
    pub fn of_plain(segment: &PlainSegment) -> Self {
        let (from, to) = (segment.source.number(), segment.destination.number());
        Self([from.min(to), from.max(to)])
    }

    fn get(self, side: Side) -> Endpoint {
        Ipv4Endpoint::of_number(self.0[side.index()]).endpoint()
    }
}

/// How it is known who the client is; the better evidence wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Evidence {
    /// The lower port is taken for the server's.
    #[default]
    LowerPort,
    /// Requests and responses were seen.
    Content,
    /// One port, and only one, is watched: it is the server's.
    WatchedPort,
    /// The handshake was seen.
    Handshake,
}

/// Who is client and who is server, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    client: Side,
    evidence: Evidence,
}

impl Roles {
    /// What a side is, as far as it can be told.
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

    /// Whether the roles are known by the handshake or by a watched port, so that a message in
    /// the wrong direction is the message's fault.
    #[must_use]
    pub fn are_certain(self) -> bool {
        self.evidence >= Evidence::WatchedPort
    }

    /// Says that the content shows `side` to be `role`; better evidence is not overruled.
    pub fn by_content(&mut self, side: Side, role: Role) {
        let client = match role {
            Role::Client => side,
            Role::Server => side.other(),
        };
        self.set(client, Evidence::Content);
    }

    /// Better evidence wins; of equal evidence the first, as with SYNs from both sides at once.
    pub(super) fn set(&mut self, client: Side, evidence: Evidence) {
        if evidence > self.evidence {
            *self = Self { client, evidence };
        }
    }
}

/// A TCP connection and what is kept with it; what each frame changes stands first.
#[derive(Debug)]
#[repr(C)]
pub struct Flow<S> {
    pub(super) ends: Ends,
    /// Time of its last frame.
    pub last: Timestamp,
    wire_octets: [u64; 2],
    frames: [u32; 2],
    /// The stream's number, from 0 in order of first frame.
    pub stream: u32,
    pub(super) tags: VlanTags,
    /// Who is client and who is server.
    pub roles: Roles,
    watched: bool,
    syn: [bool; 2],
    /// What the handler keeps.
    pub state: S,
    /// Time of the flow's first frame.
    pub first: Timestamp,
    /// The ends where they have no IPv4 addresses.
    others: Option<Box<[Endpoint; 2]>>,
}

impl<S: Default> Flow<S> {
    pub(super) fn new(ends: [Endpoint; 2], stream: u32, time: Timestamp, watch: [bool; 2]) -> Self {
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
            tags: VlanTags::NONE,
            roles: Roles { client, evidence },
            watched: watch[0] || watch[1],
            state: S::default(),
        }
    }
}

impl<S> Flow<S> {
    /// The address of one side.
    #[must_use]
    #[inline]
    pub fn end(&self, side: Side) -> Endpoint {
        match &self.others {
            None => self.ends.get(side),
            Some(ends) => ends[side.index()],
        }
    }

    /// What a side is, as far as it can be told.
    #[must_use]
    pub fn role(&self, side: Side) -> Role {
        self.roles.role(side)
    }

    /// The side that has this role.
    #[must_use]
    pub const fn side(&self, role: Role) -> Side {
        self.roles.side(role)
    }

    /// Whether one of the ports is one where RegLogin is expected.
    #[must_use]
    pub const fn is_watched(&self) -> bool {
        self.watched
    }

    /// Whether the capture holds the start of this side's data (its SYN).
    #[must_use]
    pub const fn starts_with_syn(&self, side: Side) -> bool {
        self.syn[side.index()]
    }

    /// Frames sent by a side; what a `u32` cannot count is not counted.
    #[must_use]
    pub const fn frames(&self, side: Side) -> u32 {
        self.frames[side.index()]
    }

    /// Bytes on the wire of the frames sent by a side.
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
