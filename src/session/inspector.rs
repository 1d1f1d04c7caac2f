//! The one way through the rooms: a frame is pushed in, a record comes out.

use super::record::{FrameRecord, Remainder};
use super::tracker::{FlowState, StreamNote, Tracker};
use crate::capture::Frame;
use crate::dissect::{Arrival, Note, Protocol};
use crate::packet::{
    Datagram, DefragmentLimits, Defragmenter, Packet, checksum_is_wrong, decode, decode_tcp,
};
use crate::protocol::layout::DEFAULT_PORT;
use crate::stream::{FlowTable, Hint, Limits, Totals};

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

/// Is pushed frames, gives records.
#[derive(Debug)]
pub struct Inspector {
    table: FlowTable<FlowState>,
    fragments: Defragmenter,
    datagram: Option<Datagram>,
    tracker: Tracker,
    checksums: bool,
}

impl Inspector {
    /// An inspector that has seen nothing yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            table: FlowTable::new(&options.ports, options.streams),
            fragments: Defragmenter::new(options.fragments),
            datagram: None,
            tracker: Tracker::following(options.follow),
            checksums: options.checksums,
        }
    }

    /// Takes a frame, decodes it and says what there is to say about it.
    pub fn push<'a>(&'a mut self, frame: Frame<'a>) -> FrameRecord<'a> {
        let packet = decode(frame.header.link, frame.octets, frame.header.wire);
        self.push_decoded(frame, packet, None)
    }

    /// Looks for the flow of a frame that is to be pushed in a few frames' time; see
    /// [`FlowTable::look_ahead`].
    #[must_use]
    pub fn look_ahead(&self, packet: &Packet) -> Option<Hint> {
        match packet {
            Packet::Tcp(segment) => Some(self.table.look_ahead(segment)),
            _ => None,
        }
    }

    /// Takes a frame that was decoded already.
    pub fn push_decoded<'a>(
        &'a mut self,
        frame: Frame<'a>,
        packet: Packet,
        hint: Option<Hint>,
    ) -> FrameRecord<'a> {
        self.tracker.found.clear();
        self.tracker.arrival = Arrival {
            frame: frame.number,
            time: frame.header.time,
        };
        self.datagram = None;
        let mut packet = packet;
        if let Packet::Fragment(ip) = &packet {
            let number = frame.number;
            self.datagram = self
                .fragments
                .push(number, frame.header.time, ip, frame.octets);
            if let Some(datagram) = &self.datagram {
                packet = decode_tcp(&datagram.ip, &datagram.payload);
            }
        }
        let octets = match &self.datagram {
            Some(datagram) => &datagram.payload,
            None => frame.octets,
        };
        let mut placement = None;
        let mut protocol = Protocol::Unknown;
        if let Packet::Tcp(segment) = &packet {
            let payload = segment.payload(octets);
            let header = frame.header;
            let (placed, flow) = self.table.push(
                frame.number,
                header.time,
                header.wire,
                segment,
                hint,
                payload,
                &mut self.tracker,
            );
            protocol = flow.state.dissected().protocol();
            placement = Some(placed);
            self.note_packet(placed.stream, &packet, frame);
        }
        FrameRecord {
            frame,
            packet,
            datagram: self.datagram.as_ref(),
            placement,
            protocol,
            messages: &self.tracker.found.messages,
            notes: &self.tracker.found.notes,
            first_message: self.tracker.messages - self.tracker.found.messages.len() as u64,
            resolutions: &self.tracker.found.resolutions,
            ended_flows: &self.tracker.found.flows,
            followed: &self.tracker.found.followed,
        }
    }

    /// Notes what is remarkable in the packet itself.
    fn note_packet(&mut self, stream: u32, packet: &Packet, frame: Frame<'_>) {
        let Packet::Tcp(segment) = packet else { return };
        let octets = match &self.datagram {
            Some(datagram) => {
                if datagram.overlap {
                    let note = Note::FragmentOverlap {
                        conflict: datagram.conflict,
                    };
                    self.tracker.found.notes.push(StreamNote { stream, note });
                }
                &datagram.payload
            }
            None => frame.octets,
        };
        if self.checksums && checksum_is_wrong(segment, octets) == Some(true) {
            let note = Note::Checksum;
            self.tracker.found.notes.push(StreamNote { stream, note });
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
