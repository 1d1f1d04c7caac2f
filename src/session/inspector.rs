//! The one way through the rooms: a frame is pushed in, a record comes out.

use super::record::{FrameRecord, Remainder};
use super::tracker::{FlowState, StreamNote, Tracker};
use crate::capture::Frame;
use crate::dissect::{Arrival, Note, Protocol};
use crate::packet::{
    Datagram, DefragmentLimits, Defragmenter, Ip, Other, Packet, Segment, checksum_is_wrong,
    decode, decode_tcp,
};
use crate::protocol::layout::DEFAULT_PORT;
use crate::stream::{Carried, FlowHasher, FlowKey, FlowTable, Hint, Limits, Placement, Totals};

/// How an inspector works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ports where RegLogin is expected.
    pub ports: Vec<u16>,
    /// Whether wrong TCP checksums are noted. They are usual where the capturing host's network
    /// card fills them in, loopback included.
    pub checksums: bool,
    /// Number of the stream whose octets are given, in order, with the records.
    pub follow: Option<u32>,
    /// Bounds on what is kept of streams.
    pub streams: Limits,
    /// Bounds on what is kept of IP fragments.
    pub fragments: DefragmentLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: vec![DEFAULT_PORT],
            checksums: false,
            follow: None,
            streams: Limits::default(),
            fragments: DefragmentLimits::default(),
        }
    }
}

/// All that can be told of a frame without memory of others, so that another thread can tell it.
#[derive(Debug, Clone, Copy)]
pub struct Decoded {
    packet: Packet,
    /// Of a TCP segment; of anything else it means nothing.
    key: FlowKey,
}

impl Decoded {
    /// Decodes a frame. `hasher` is that of the inspector which it is meant for.
    #[must_use]
    #[inline]
    pub fn new(frame: &Frame<'_>, hasher: &FlowHasher) -> Self {
        let packet = decode(frame.header.link, frame.octets, frame.header.wire);
        let key = match &packet {
            Packet::Tcp(segment) => hasher.key(segment),
            _ => FlowKey::default(),
        };
        Self { packet, key }
    }
}

/// Is pushed frames, gives records.
#[derive(Debug)]
pub struct Inspector {
    table: FlowTable<FlowState>,
    hasher: FlowHasher,
    fragments: Defragmenter,
    /// What the last frame made whole, and its packet.
    datagram: Option<(Datagram, Packet)>,
    /// The last frame's packet, where the frame came without one.
    packet: Packet,
    /// Where the last frame's segment went.
    placement: Option<Placement>,
    protocol: Protocol,
    tracker: Tracker,
    checksums: bool,
}

impl Inspector {
    /// An inspector that has seen nothing yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let table = FlowTable::new(&options.ports, options.streams);
        Self {
            hasher: table.hasher(),
            table,
            fragments: Defragmenter::new(options.fragments),
            datagram: None,
            packet: Packet::Other(Other::LinkType),
            placement: None,
            protocol: Protocol::Unknown,
            tracker: Tracker::following(options.follow),
            checksums: options.checksums,
        }
    }

    /// Takes a frame, decodes it and says what there is to say about it.
    pub fn push<'a>(&'a mut self, frame: Frame<'a>) -> FrameRecord<'a> {
        let decoded = Decoded::new(&frame, &self.hasher);
        self.take(frame, &decoded, None);
        self.packet = decoded.packet;
        self.record(frame, &self.packet)
    }

    /// What [`Decoded::new`] needs to decode frames for this inspector.
    #[must_use]
    pub fn hasher(&self) -> FlowHasher {
        self.hasher.clone()
    }

    /// Looks for the flow of a frame that is to be pushed in a few frames' time; see
    /// [`FlowTable::look_ahead`].
    #[must_use]
    #[inline]
    pub fn look_ahead(&self, decoded: &Decoded) -> Hint {
        match decoded.packet {
            Packet::Tcp(_) => self.table.look_ahead(decoded.key),
            _ => None,
        }
    }

    /// Takes a frame that was decoded already.
    #[inline]
    pub fn push_decoded<'a>(
        &'a mut self,
        frame: Frame<'a>,
        decoded: &'a Decoded,
        hint: Hint,
    ) -> FrameRecord<'a> {
        self.take(frame, decoded, hint);
        self.record(frame, &decoded.packet)
    }

    #[inline]
    fn take(&mut self, frame: Frame<'_>, decoded: &Decoded, hint: Hint) {
        self.tracker.found.clear();
        self.tracker.arrival = Arrival {
            frame: frame.number,
            time: frame.header.time,
        };
        if self.datagram.is_some() {
            self.datagram = None;
        }
        match &decoded.packet {
            Packet::Tcp(segment) => {
                self.segment(frame, frame.octets, segment, decoded.key, hint);
                self.check(segment, frame.octets);
            }
            Packet::Fragment(ip) => self.fragment(frame, ip),
            Packet::Other(_) => {
                self.placement = None;
                self.protocol = Protocol::Unknown;
            }
        }
    }

    /// Takes a segment, whose offsets count in `octets`.
    #[inline]
    fn segment(
        &mut self,
        frame: Frame<'_>,
        octets: &[u8],
        segment: &Segment,
        key: FlowKey,
        hint: Hint,
    ) {
        let carried = Carried {
            number: frame.number,
            time: frame.header.time,
            wire: frame.header.wire,
            segment,
            payload: segment.payload(octets),
        };
        let (placement, flow) = self.table.push(&carried, key, hint, &mut self.tracker);
        self.protocol = flow.state.dissected().protocol();
        self.placement = Some(placement);
    }

    /// Holds a segment's checksum against its octets, where that was asked for.
    #[inline]
    fn check(&mut self, segment: &Segment, octets: &[u8]) {
        if self.checksums && checksum_is_wrong(segment, octets) == Some(true) {
            self.note(Note::Checksum);
        }
    }

    /// Takes a fragment, and the segment that it makes whole.
    #[cold]
    fn fragment(&mut self, frame: Frame<'_>, ip: &Ip) {
        self.placement = None;
        self.protocol = Protocol::Unknown;
        let time = frame.header.time;
        let Some(datagram) = self.fragments.push(frame.number, time, ip, frame.octets) else {
            return;
        };
        let packet = decode_tcp(&datagram.ip, &datagram.payload);
        if let Packet::Tcp(segment) = &packet {
            let key = self.hasher.key(segment);
            self.segment(frame, &datagram.payload, segment, key, None);
            if datagram.overlap {
                let conflict = datagram.conflict;
                self.note(Note::FragmentOverlap { conflict });
            }
            self.check(segment, &datagram.payload);
        }
        self.datagram = Some((datagram, packet));
    }

    /// Notes something about the last frame's stream.
    fn note(&mut self, note: Note) {
        if let Some(placement) = &self.placement {
            let stream = placement.stream;
            self.tracker.found.notes.push(StreamNote { stream, note });
        }
    }

    #[inline]
    fn record<'a>(&'a self, frame: Frame<'a>, packet: &'a Packet) -> FrameRecord<'a> {
        let found = &self.tracker.found;
        let (datagram, packet) = match &self.datagram {
            Some((datagram, packet)) => (Some(datagram), packet),
            None => (None, packet),
        };
        FrameRecord {
            frame,
            packet,
            datagram,
            placement: self.placement.as_ref(),
            protocol: self.protocol,
            messages: &found.messages,
            notes: &found.notes,
            first_message: self.tracker.messages - found.messages.len() as u64,
            resolutions: &found.resolutions,
            ended_flows: &found.flows,
            followed: &found.followed,
        }
    }

    /// Counts over all flows so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.table.totals()
    }

    /// Ends all streams: no more frames come.
    pub fn finish(&mut self) -> Remainder<'_> {
        self.tracker.found.clear();
        self.table.finish(&mut self.tracker);
        Remainder {
            messages: &self.tracker.found.messages,
            notes: &self.tracker.found.notes,
            first_message: self.tracker.messages - self.tracker.found.messages.len() as u64,
            resolutions: &self.tracker.found.resolutions,
            ended_flows: &self.tracker.found.flows,
            followed: &self.tracker.found.followed,
            totals: self.table.totals(),
        }
    }
}
