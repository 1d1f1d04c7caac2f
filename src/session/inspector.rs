//! The inspector. Push frames in; get one record per frame.

use super::GivenUp;
use super::decoded::{Compact, Decoded, DecodedFrame, Decoding};
use super::flow_state::FlowState;
use super::found::{Collected, Followed, StreamNote};
use super::inspected::{Cursor, Inspected};
use super::keylog::KeyLogSource;
use super::layer::Tls;
use super::record::{Ending, FrameRecord, Remainder};
use super::tracker::Tracker;
use crate::capture::{AsideContent, Batch, Frame};
use crate::dissect::{Known, Note};
use crate::layout::LayoutId;
use crate::packet::{
    Datagram, DefragmentLimits, Defragmenter, Ip, Other, Packet, PlainSegment, Segment,
    checksum_is_wrong, decode_payload,
};
use crate::protocol::layout::DEFAULT_PORT;
use crate::stream::{
    Carried, Flow, FlowKey, FlowTable, Hint, PlainCarried, StreamLimits, StreamNumbers, Totals,
};

/// Frames whose flows are looked up together.
const PREFETCHED: usize = 32;

/// What a run needs of its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A record of each frame.
    Records,
    /// Counts of frames, and every message.
    Messages,
    /// Counts of frames, and of messages without notes.
    Counts,
}

/// Settings of an inspector.
// Independent settings.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone)]
pub struct Options {
    /// Ports where RegLogin is expected.
    pub ports: Vec<u16>,
    /// Layouts to look for, each with the ports where its protocol is expected.
    pub layouts: Vec<(LayoutId, Vec<u16>)>,
    /// Whether to look for RegLogin: false if a layout with its name is used instead.
    pub reglogin: bool,
    /// Whether RegLogin's own layout was given as a file, so that its messages are written like those of other layouts.
    pub reglogin_in_fields: bool,
    /// Whether to note wrong TCP checksums. They are normal if the capturing host's network
    /// card fills them in, and on loopback.
    pub checksums: bool,
    /// The streams whose reassembled bytes are part of the records.
    pub follow: Followed,
    /// Whether to ignore VLAN tags: the same addresses and ports on two VLANs are then one connection. For captures
    /// from both sides of a device that changes tags.
    pub ignore_vlan_tags: bool,
    /// Limits on the memory for streams.
    pub streams: StreamLimits,
    /// Limits on the memory for IP fragments.
    pub fragments: DefragmentLimits,
    /// TLS secrets in the NSS key log format.
    pub key_logs: Vec<KeyLogSource>,
    /// Whether to pass on data that waited for TLS secrets as soon as they arrive, as in a live capture, even without a
    /// frame. Otherwise it comes with the next frame.
    pub live: bool,
    /// Whether to report TLS records that cannot be decrypted.
    pub tls_records: bool,
    /// Stream numbers from an earlier pass; `None` numbers streams in order.
    pub stream_numbers: Option<StreamNumbers>,
}

impl Options {
    /// All ports where RegLogin or a layout's protocol is expected.
    #[must_use]
    pub fn all_ports(&self) -> Vec<u16> {
        self.known().ports()
    }

    fn known(&self) -> Known {
        Known {
            layouts: self.layouts.clone(),
            reglogin: self.reglogin,
            reglogin_ports: self.ports.clone(),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: vec![DEFAULT_PORT],
            layouts: Vec::new(),
            reglogin: true,
            reglogin_in_fields: false,
            checksums: false,
            follow: Followed::Nothing,
            ignore_vlan_tags: false,
            streams: StreamLimits::default(),
            fragments: DefragmentLimits::default(),
            key_logs: Vec::new(),
            live: false,
            tls_records: false,
            stream_numbers: None,
        }
    }
}

/// Push frames in; get one record per frame.
#[derive(Debug)]
pub struct Inspector {
    table: FlowTable<FlowState>,
    decoding: Decoding,
    fragments: Defragmenter,
    tracker: Tracker,
    checksums: bool,
    live: bool,
    /// What a run needs of each frame.
    pub(super) wanted: Wanted,
    /// The last frame's packet, if it was pushed alone.
    packet: Packet,
    alone: Inspected,
}

impl Inspector {
    /// An inspector with these settings and no state.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let known = options.known();
        let mut table = FlowTable::new(&known.ports(), options.streams);
        if let Some(numbers) = options.stream_numbers.clone() {
            table.number_as(numbers);
        }
        let mut tracker = Tracker::new(known, options.follow);
        if options.tls_records || !options.key_logs.is_empty() {
            let tls = Tls::new(&options.key_logs, options.tls_records);
            tracker.tls = Some(Box::new(tls));
        }
        Self {
            decoding: Decoding {
                hasher: table.hasher(),
                judges: false,
                ignore_vlan_tags: options.ignore_vlan_tags,
            },
            table,
            fragments: Defragmenter::new(options.fragments),
            tracker,
            checksums: options.checksums,
            live: options.live,
            wanted: Wanted::Records,
            packet: Packet::Other(Other::LinkType),
            alone: Inspected::default(),
        }
    }

    /// Decodes and inspects a frame, and returns its record.
    pub fn push<'a>(&'a mut self, frame: Frame<'a>) -> FrameRecord<'a> {
        let (packet, key) = self.decoding.packet(&frame);
        let mut alone = std::mem::take(&mut self.alone);
        self.begin(&mut alone, Wanted::Records);
        self.take(frame, &packet, key, None, &mut alone);
        self.end(&mut alone);
        self.alone = alone;
        self.packet = packet;
        let mut cursor = Cursor::default();
        self.alone.record(0, frame, &self.packet, &mut cursor)
    }

    /// What [`Decoded::fill`] needs to decode frames for this inspector.
    #[must_use]
    pub fn decoding(&self) -> Decoding {
        Decoding {
            judges: self.wanted == Wanted::Counts,
            ..self.decoding.clone()
        }
    }

    /// Inspects a batch of decoded frames, and replaces the content of `inspected` by the results.
    pub fn inspect(&mut self, batch: &Batch, decoded: &Decoded, inspected: &mut Inspected) {
        let mut frames = batch.frames();
        let mut hints = [None; PREFETCHED];
        self.begin(inspected, self.wanted);
        self.take_secrets(batch);
        for chunk in decoded.frames.chunks(PREFETCHED) {
            let segments = chunk.iter().map(|one| decoded.looked_for(one));
            self.table.prefetch(segments, &mut hints);
            for ((one, hint), frame) in chunk.iter().zip(hints).zip(&mut frames) {
                let DecodedFrame { key, packet, .. } = one;
                match packet {
                    Compact::Plain(segment) => {
                        let is_clean = one.is_clean;
                        self.plain(frame, segment, *key, hint, is_clean, inspected);
                    }
                    Compact::Other(place) => {
                        let packet = &decoded.others[*place as usize];
                        self.take(frame, packet, *key, hint, inspected);
                    }
                }
                self.tracker.found.frame += 1;
            }
        }
        self.end(inspected);
    }

    /// Swaps the lists of `inspected` in, to receive findings.
    fn begin(&mut self, inspected: &mut Inspected, wanted: Wanted) {
        inspected.begin(self.tracker.messages, wanted);
        self.tracker.counts = wanted == Wanted::Counts;
        std::mem::swap(&mut self.tracker.found, &mut inspected.found);
        self.tracker.found.frame = 0;
    }

    /// Reads secrets that came with a batch or were added to the key logs, and decrypts what waited for them. The
    /// results are assigned to the batch's first frame if there is one; in a live capture, otherwise to none.
    fn take_secrets(&mut self, batch: &Batch) {
        for aside in &batch.asides {
            if let AsideContent::KeyLog(text) = &aside.what {
                self.tracker.tls.get_or_insert_default().add(text);
            }
        }
        if let Some(tls) = &mut self.tracker.tls {
            tls.read();
            if (self.live || !batch.headers.is_empty()) && tls.has_more() {
                self.decrypt_what_waited();
            }
        }
    }

    #[cold]
    fn decrypt_what_waited(&mut self) {
        let tracker = &mut self.tracker;
        self.table.flows(|flow| tracker.keys_came(flow));
    }

    fn end(&mut self, inspected: &mut Inspected) {
        std::mem::swap(&mut self.tracker.found, &mut inspected.found);
    }

    #[inline]
    fn take(
        &mut self,
        frame: Frame<'_>,
        packet: &Packet,
        key: FlowKey,
        hint: Hint,
        inspected: &mut Inspected,
    ) {
        match packet {
            Packet::Tcp(segment) => {
                self.sweep_if_due(frame);
                self.segment(frame, None, segment, key, hint, inspected);
            }
            Packet::Fragment(ip) => self.fragment(frame, ip, inspected),
            packet @ (Packet::Ip(..) | Packet::Other(_)) => {
                inspected.push_other(packet, &self.tracker.found, false);
            }
        }
    }

    /// Drops flows if a sweep is due. Returns whether there was a sweep. Must be called before each segment.
    #[inline]
    fn sweep_if_due(&mut self, frame: Frame<'_>) -> bool {
        let time = frame.header.time;
        self.table.sweep_if_due(time, &mut self.tracker)
    }

    /// Inspects a plain segment: on the fast path if it continues its flow in order, as nearly all do.
    #[inline]
    fn plain(
        &mut self,
        frame: Frame<'_>,
        segment: &PlainSegment,
        key: FlowKey,
        hint: Hint,
        is_clean: bool,
        inspected: &mut Inspected,
    ) {
        let swept = self.sweep_if_due(frame);
        if self.checksums {
            return self.segment(frame, None, &segment.segment(), key, hint, inspected);
        }
        let carried = PlainCarried {
            number: frame.number,
            time: frame.header.time,
            wire: frame.header.wire,
            segment,
            octets: frame.octets,
        };
        let messages = self.tracker.found.messages.len();
        self.tracker.is_clean = is_clean;
        let taken = self
            .table
            .take_plain(&carried, key, hint, &mut self.tracker);
        self.tracker.is_clean = false;
        let Some(taken) = taken else {
            return self.segment(frame, None, &segment.segment(), key, hint, inspected);
        };
        let (flow, found) = (taken.flow(), &mut self.tracker.found);
        if inspected.counts() {
            let watched = flow.is_watched() || flow.state.has_messages();
            // Secrets may have added results before the batch's first frame.
            if swept || taken.delivered || self.tracker.tls.is_some() {
                inspected.push_counted(watched, found, false);
            } else {
                inspected.push_quiet(watched);
            }
            return;
        }
        let placement = taken.place(key, segment);
        if segment.payload_len > 0 {
            note_begun(flow, frame.number, messages, found);
        }
        inspected.push(Some(placement), flow.state.protocols(), found, false);
    }

    /// Inspects a segment. Its offsets refer to the frame or, if there is one, to the datagram that the frame
    /// completed.
    #[inline(never)]
    fn segment(
        &mut self,
        frame: Frame<'_>,
        datagram: Option<&Datagram>,
        segment: &Segment,
        key: FlowKey,
        hint: Hint,
        inspected: &mut Inspected,
    ) {
        let octets = datagram.map_or(frame.octets, |datagram| &datagram.payload);
        let carried = Carried {
            number: frame.number,
            time: frame.header.time,
            wire: frame.header.wire,
            segment,
            payload: segment.payload(octets),
            packet: octets,
        };
        if inspected.counts() {
            let flow = self.table.count(&carried, key, hint, &mut self.tracker);
            let watched = flow.is_watched() || flow.state.has_messages();
            let stream = flow.stream;
            self.note_segment(stream, segment, octets, datagram);
            inspected.push_counted(watched, &self.tracker.found, datagram.is_some());
            return;
        }
        let messages = self.tracker.found.messages.len();
        let (placement, flow) = self.table.place(&carried, key, hint, &mut self.tracker);
        let protocols = flow.state.protocols();
        let stream = placement.stream;
        if segment.payload_len > 0 {
            note_begun(flow, frame.number, messages, &mut self.tracker.found);
        }
        self.note_segment(stream, segment, octets, datagram);
        let found = &self.tracker.found;
        inspected.push(Some(placement), protocols, found, datagram.is_some());
    }

    /// Adds the notes on a segment and its datagram that do not depend on the stream's protocol.
    #[inline]
    fn note_segment(
        &mut self,
        stream: u32,
        segment: &Segment,
        octets: &[u8],
        datagram: Option<&Datagram>,
    ) {
        let notes = &mut self.tracker.found.notes;
        if let Some(datagram) = datagram.filter(|datagram| datagram.overlap) {
            let conflict = datagram.conflict;
            let note = Note::FragmentOverlap { conflict };
            notes.push(StreamNote { stream, note });
        }
        if self.checksums && checksum_is_wrong(segment, octets) == Some(true) {
            let note = Note::Checksum;
            notes.push(StreamNote { stream, note });
        }
    }

    /// Inspects an IP fragment, and the segment of the datagram that it completes.
    #[cold]
    fn fragment(&mut self, frame: Frame<'_>, ip: &Ip, inspected: &mut Inspected) {
        let time = frame.header.time;
        let number = frame.number;
        let Some(mut datagram) = self.fragments.push(number, time, ip, frame.octets) else {
            return inspected.push_other(&Packet::Fragment(*ip), &self.tracker.found, false);
        };
        let decoded = |whole: &Datagram| {
            self.decoding
                .seen(decode_payload(&whole.ip, &whole.payload))
        };
        let mut packet = decoded(&datagram);
        // A reassembled datagram of a tunnel may carry a fragment itself.
        while let Packet::Fragment(inner) = packet {
            let outer = &datagram.payload;
            match self.fragments.push(number, time, &inner, outer) {
                Some(inner) => datagram = inner,
                None => break,
            }
            packet = decoded(&datagram);
        }
        if let Packet::Tcp(segment) = &packet {
            let key = self.decoding.hasher.key(segment);
            self.sweep_if_due(frame);
            self.segment(frame, Some(&datagram), segment, key, None, inspected);
        } else {
            inspected.push_other(&packet, &self.tracker.found, true);
        }
        inspected.datagrams.push((datagram, packet));
    }

    /// Counts over all flows so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.table.totals()
    }

    /// Ends all streams: no more frames come. Returns what that brings.
    pub fn finish(&mut self) -> Remainder<'_> {
        self.tracker.found.clear();
        self.tracker.counts = false;
        if let Some(tls) = &mut self.tracker.tls {
            tls.read();
            if tls.has_more() {
                self.decrypt_what_waited();
            }
        }
        self.table.finish(&mut self.tracker);
        Remainder {
            messages: &self.tracker.found.messages,
            notes: &self.tracker.found.notes,
            first_message: self.tracker.messages - self.tracker.found.messages.len() as u64,
            resolutions: &self.tracker.found.resolutions,
            unasked: &self.tracker.found.unasked,
            ended_flows: &self.tracker.found.flows,
            followed: &self.tracker.found.followed,
            tls: &self.tracker.found.tls,
            totals: self.table.totals(),
            given_up: GivenUp {
                unpaired_requests: self.tracker.unpaired,
                tls_bytes: self
                    .tracker
                    .tls
                    .as_ref()
                    .map_or(0, |tls| tls.given_up_bytes()),
                ..GivenUp::of_streams(self.table.totals()).datagrams(self.fragments.given_up())
            },
            ending: Ending::Whole,
            frames: 0,
        }
    }
}

/// Adds a note if a frame carried bytes of a message that is still incomplete. `messages` is the number of messages
/// found before the frame.
#[inline]
fn note_begun(flow: &Flow<FlowState>, frame: u64, messages: usize, found: &mut Collected) {
    let Some(mut note) = FlowState::begun(flow, frame) else {
        return;
    };
    if let Note::Begun { unfilled, .. } = &mut note {
        // After another message, TCP may have cut this one anywhere.
        *unfilled &= found.messages.len() == messages;
    }
    let stream = flow.stream;
    found.notes.push(StreamNote { stream, note });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::capture::{FrameSource, ReadOptions, open};

    /// Of how many frames it is forgotten that their bytes are one plain message, if that is said of each.
    fn forgotten(capture: &str) -> usize {
        let path = Path::new("captures").join(capture);
        let mut source = open(&path, ReadOptions::default()).expect("a capture");
        let options = Options {
            tls_records: true,
            ..Options::default()
        };
        let mut inspector = Inspector::new(&options);
        let (mut batch, mut forgotten) = (Batch::default(), 0);
        while source.fill(&mut batch).expect("frames") {
            for frame in batch.frames() {
                inspector.tracker.is_clean = true;
                inspector.push(frame);
                forgotten += usize::from(!inspector.tracker.is_clean);
            }
        }
        forgotten
    }

    /// Encrypted bytes may look like a plain message, and what is decrypted is not these bytes.
    #[test]
    fn what_is_decrypted_is_not_judged_by_the_bytes_of_its_segment() {
        // As many segments carry bytes.
        assert_eq!(forgotten("recorded-tls.pcapng"), 14);
        assert_eq!(forgotten("in-order.pcap"), 0);
    }
}
