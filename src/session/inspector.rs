//! The inspector. Push frames in; get one record per frame.

use std::sync::Arc;

use super::decoded::{Compact, Decoded, DecodedFrame, Decoding};
use super::flow_state::FlowState;
use super::found::{Collected, FlowEnd, StreamNote};
use super::inspected::{Cursor, Inspected};
use super::lanes::{ENDED_TOGETHER, Lanes, LastFlows, StreamNumbering, finish};
use super::layer::Tls;
use super::options::Options;
use super::record::{FrameRecord, Remainder};
use super::sweeps::Sweeps;
use super::tracker::{Judged, Tracker};
use crate::capture::{AsideContent, Batch, Frame};
use crate::dissect::Note;
use crate::packet::{
    Datagram, Defragmenter, Other, Packet, PlainSegment, Segment, checksum_is_wrong,
};
use crate::stream::{
    Carried, Flow, FlowKey, FlowTable, Hint, LookAhead, PlainCarried, SWEEP_EVERY, Totals,
};

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

/// Push frames in; get one record per frame.
#[derive(Debug)]
pub struct Inspector {
    pub(super) table: FlowTable<FlowState>,
    decoding: Decoding,
    fragments: Defragmenter,
    pub(super) tracker: Tracker,
    checksums: bool,
    live: bool,
    /// What a run needs of each frame.
    pub(super) wanted: Wanted,
    /// The last frame's packet, and the datagram that it completed, if it was pushed alone.
    packet: Packet,
    datagram: Option<Datagram>,
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
        let mut tracker = Tracker::new(Arc::new(known), options.follow);
        if options.tls_records || !options.key_logs.is_empty() {
            let tls = Tls::new(&options.key_logs, options.tls_records);
            tracker.tls = Some(Box::new(tls));
        }
        Self {
            decoding: Decoding {
                hasher: table.hasher(),
                judges: false,
                key: tracker.key.clone(),
                lanes: Lanes::ONE,
                ignore_vlan_tags: options.ignore_vlan_tags,
            },
            table,
            fragments: Defragmenter::new(options.fragments),
            tracker,
            checksums: options.checksums,
            live: options.live,
            wanted: Wanted::Records,
            packet: Packet::Other(Other::LinkType),
            datagram: None,
            alone: Inspected::default(),
        }
    }

    /// Divides an inspector that has seen no frames into one for each group of these lanes. Only for
    /// [`Wanted::Counts`]: with several groups, streams are numbered later.
    pub(super) fn into_groups(mut self, lanes: Lanes) -> Vec<Self> {
        self.decoding.lanes = lanes;
        let table = || self.table.of_lanes(lanes.lanes / lanes.groups, lanes.lanes);
        if lanes.groups == 1 {
            self.table = table();
            self.decoding.hasher = self.table.hasher();
            return vec![self];
        }
        let group = |group| {
            let table = table();
            Self {
                decoding: Decoding {
                    hasher: table.hasher(),
                    ..self.decoding.clone()
                },
                table,
                fragments: Defragmenter::default(),
                tracker: self.tracker.for_group(group),
                packet: Packet::Other(Other::LinkType),
                datagram: None,
                alone: Inspected::default(),
                ..self
            }
        };
        (0..lanes.groups).map(group).collect()
    }

    /// Whether flows can be distributed over this many lanes.
    pub(super) fn can_have_lanes(&self, lanes: u8) -> bool {
        self.wanted == Wanted::Counts
            && self.table.can_have_lanes(lanes)
            && self.tracker.can_have_lanes()
    }

    /// Decodes and inspects a frame, and returns its record.
    pub fn push<'a>(&'a mut self, frame: Frame<'a>) -> FrameRecord<'a> {
        let (mut packet, mut key) = self.decoding.packet(&frame);
        self.datagram = None;
        if let Packet::Fragment(ip) = &packet {
            let whole = self.decoding.defragment(&mut self.fragments, &frame, ip);
            if let Some((datagram, inner, of)) = whole {
                self.datagram = Some(datagram);
                (packet, key) = (inner, of);
            }
        }
        let datagram = self.datagram.take();
        let mut alone = std::mem::take(&mut self.alone);
        self.begin(&mut alone, Wanted::Records);
        if frame.number.is_multiple_of(SWEEP_EVERY as u64) {
            self.table.sweep(frame.header.time, &mut self.tracker);
        }
        self.take(
            frame,
            datagram.as_ref(),
            &packet,
            key,
            Hint::NONE,
            &mut alone,
        );
        self.end(&mut alone);
        (self.alone, self.packet, self.datagram) = (alone, packet, datagram);
        let mut cursor = Cursor::default();
        let datagram = self.datagram.as_ref();
        self.alone
            .record(0, frame, &self.packet, datagram, &mut cursor)
    }

    /// What [`Decoded::fill`] needs to decode frames for this inspector.
    #[must_use]
    pub fn decoding(&self) -> Decoding {
        Decoding {
            judges: self.wanted == Wanted::Counts,
            ..self.decoding.clone()
        }
    }

    /// Gives away the fragments that wait for others: whoever decodes puts them together.
    pub(super) fn take_defragmenter(&mut self) -> Defragmenter {
        std::mem::take(&mut self.fragments)
    }

    /// Inspects a batch of decoded frames, and replaces the content of `inspected` by the results.
    pub fn inspect(&mut self, batch: &Batch, decoded: &Decoded, inspected: &mut Inspected) {
        self.inspect_group(0, batch, decoded, inspected);
    }

    /// Inspects the frames of a group of lanes.
    pub(super) fn inspect_group(
        &mut self,
        group: usize,
        batch: &Batch,
        decoded: &Decoded,
        inspected: &mut Inspected,
    ) {
        self.begin(inspected, self.wanted);
        self.tracker.found.sweeps = true;
        self.take_secrets(batch);
        if inspected.counts() {
            inspected.push_brought(&self.tracker.found);
        }
        let mut sweeps = Sweeps::of(batch);
        let key_of = |one: &DecodedFrame| (one.key, one.brings_data);
        let mut ahead = LookAhead::new(&decoded.groups[group], &self.table, key_of);
        while let Some((chunk, hints)) = ahead.next(&self.table, &self.tracker) {
            for (one, hint) in chunk.iter().zip(&hints) {
                while let Some(due) = sweeps.due_at(one.index) {
                    self.sweep(batch, due, inspected);
                }
                self.tracker.found.frame = one.index;
                self.tracker.found.sweeps = false;
                self.frame(batch, one, decoded, *hint, inspected);
            }
        }
        while let Some(due) = sweeps.due_at_end() {
            self.sweep(batch, due, inspected);
        }
        self.end(inspected);
    }

    /// Swaps the lists of `inspected` in, to receive findings.
    fn begin(&mut self, inspected: &mut Inspected, wanted: Wanted) {
        inspected.begin(self.tracker.messages, wanted);
        if self.decoding.lanes.groups > 1 {
            inspected.will_be_merged();
        }
        self.tracker.counts = wanted == Wanted::Counts;
        std::mem::swap(&mut self.tracker.found, &mut inspected.found);
        self.tracker.found.frame = 0;
    }

    fn end(&mut self, inspected: &mut Inspected) {
        std::mem::swap(&mut self.tracker.found, &mut inspected.found);
    }

    /// Drops flows before the frame of index `due`, which may be of another group.
    fn sweep(&mut self, batch: &Batch, due: u32, inspected: &mut Inspected) {
        self.tracker.found.frame = due;
        self.tracker.found.sweeps = true;
        let time = batch.headers[due as usize].time;
        self.table.sweep(time, &mut self.tracker);
        if inspected.counts() {
            inspected.push_brought(&self.tracker.found);
        }
    }

    /// Reads secrets that came with a batch or were added to the key logs, and decrypts what waited for them. The
    /// results are assigned to the batch's first frame if there is one; in a live capture, otherwise to none.
    fn take_secrets(&mut self, batch: &Batch) {
        for aside in &batch.asides {
            if let AsideContent::KeyLog(text) = &aside.what {
                let groups = self.decoding.lanes.groups;
                let tls = &mut self.tracker.tls;
                tls.get_or_insert_with(|| Box::new(Tls::for_group_of(groups.into())))
                    .add(text);
            }
        }
        let may_have_no_frame = self.live && self.wanted == Wanted::Records;
        if let Some(tls) = &mut self.tracker.tls {
            tls.read();
            if (may_have_no_frame || !batch.headers.is_empty()) && tls.has_more() {
                self.decrypt_what_waited();
            }
        }
    }

    #[cold]
    fn decrypt_what_waited(&mut self) {
        let tracker = &mut self.tracker;
        self.table.flows(|flow| tracker.keys_came(flow));
    }

    /// Inspects a frame of a batch.
    #[inline]
    fn frame(
        &mut self,
        batch: &Batch,
        one: &DecodedFrame,
        decoded: &Decoded,
        hint: Hint,
        inspected: &mut Inspected,
    ) {
        let at = one.index as usize;
        let frame = || batch.frame(at);
        match &one.packet {
            Compact::Plain(segment) => {
                self.plain(batch, decoded, one, segment, hint, inspected);
            }
            Compact::Datagram(place) => {
                let (datagram, packet) = &decoded.datagrams[*place as usize];
                self.take(frame(), Some(datagram), packet, one.key, hint, inspected);
            }
            Compact::Other(place) => {
                let packet = &decoded.others[*place as usize];
                self.take(frame(), None, packet, one.key, hint, inspected);
            }
        }
    }

    #[inline]
    fn take(
        &mut self,
        frame: Frame<'_>,
        datagram: Option<&Datagram>,
        packet: &Packet,
        key: FlowKey,
        hint: Hint,
        inspected: &mut Inspected,
    ) {
        match packet {
            Packet::Tcp(segment) => self.segment(frame, datagram, segment, key, hint, inspected),
            packet => inspected.push_other(packet, &self.tracker.found),
        }
    }

    /// Inspects a plain segment: on the fast path if it continues its flow in order, as nearly all do.
    #[inline]
    fn plain(
        &mut self,
        batch: &Batch,
        decoded: &Decoded,
        one: &DecodedFrame,
        segment: &PlainSegment,
        hint: Hint,
        inspected: &mut Inspected,
    ) {
        let (key, at) = (one.key, one.index as usize);
        let (header, frame) = (&batch.headers[at], || batch.frame(at));
        if self.checksums {
            return self.segment(frame(), None, &segment.segment(), key, hint, inspected);
        }
        let carried = PlainCarried {
            time: header.time,
            wire: header.wire,
            segment,
            frame,
        };
        let messages = self.tracker.found.messages.len();
        let mut judged = Judged {
            tracker: &mut self.tracker,
            clean: || decoded.clean(one.clean?),
        };
        let taken = self.table.take_plain(carried, key, hint, &mut judged);
        let Some(taken) = taken else {
            return self.segment(frame(), None, &segment.segment(), key, hint, inspected);
        };
        let (flow, found) = (taken.flow(), &mut self.tracker.found);
        if inspected.counts() {
            let watched = flow.is_watched() || flow.state.has_messages();
            // Secrets may have added results before the batch's first frame.
            if taken.delivered || self.tracker.tls.is_some() {
                inspected.push_counted(watched, found);
            } else {
                inspected.push_quiet(watched);
            }
            return;
        }
        let placement = taken.place(key, segment);
        if segment.payload_len > 0 {
            note_begun(flow, frame().number, messages, found);
        }
        inspected.push(Some(placement), flow.state.protocols(), found);
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
            inspected.push_counted(watched, &self.tracker.found);
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
        inspected.push(Some(placement), protocols, &self.tracker.found);
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

    /// Counts over all flows so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.table.totals()
    }

    /// Ends all streams: no more frames come. Returns what that brings.
    pub fn finish(&mut self) -> Remainder<'_> {
        let datagrams = self.fragments.given_up();
        let found = std::mem::take(&mut self.alone.found);
        let (found, totals) = finish(
            &mut [&mut *self],
            None,
            datagrams,
            found,
            LastFlows::<fn(&[FlowEnd])>::Listed,
        );
        self.alone.found = found;
        self.alone.found.remainder(totals)
    }

    /// Processes what comes before the ends of streams.
    pub(super) fn begin_finish(&mut self) {
        self.tracker.counts = false;
        if let Some(tls) = &mut self.tracker.tls {
            tls.read();
            if tls.has_more() {
                self.decrypt_what_waited();
            }
        }
    }

    /// Ends the buried flows, which bring nothing but their end, and passes them on.
    pub(super) fn finish_buried(
        &mut self,
        numbers: Option<&StreamNumbering>,
        pass: &mut impl FnMut(&[FlowEnd]),
    ) {
        while self.table.finish_buried(ENDED_TOGETHER, &mut self.tracker) {
            let flows = &mut self.tracker.found.flows;
            if let Some(numbers) = numbers {
                numbers.tell(flows);
            }
            pass(flows);
            flows.clear();
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
    use crate::protocol::Action;
    use crate::session::CleanMessage;
    use crate::session::clean::{Clean, Fields};
    use crate::session::refusal::Outcome;

    /// The messages without notes that are counted. With `says`, it is said of each payload that it is a login response.
    fn counted(capture: &str, says: bool) -> Vec<CleanMessage> {
        let path = Path::new("captures").join(capture);
        let mut source = open(&path, ReadOptions::default()).expect("a capture");
        let options = Options {
            tls_records: true,
            ..Options::default()
        };
        let mut inspector = Inspector::new(&options);
        inspector.wanted = Wanted::Counts;
        let (mut batch, mut decoded) = (Batch::default(), Decoded::default());
        let (mut inspected, mut counted) = (Inspected::default(), Vec::new());
        while source.fill(&mut batch).expect("frames") {
            decoded.fill(&batch, &inspector.decoding());
            if says {
                decoded.say_of_all(Clean {
                    action: Action::Login,
                    fields: Fields::Response(Outcome::Success),
                });
            }
            inspector.inspect(&batch, &decoded, &mut inspected);
            counted.extend_from_slice(inspected.clean());
        }
        counted
    }

    /// Encrypted bytes may look like a plain message, and what is decrypted is not these bytes.
    #[test]
    fn what_is_decrypted_is_not_judged_by_the_bytes_of_its_segment() {
        let [said, found] = [true, false].map(|says| counted("recorded-tls.pcapng", says));
        assert_eq!((said.len(), said), (4, found));
        let [said, found] = [true, false].map(|says| counted("in-order.pcap", says));
        assert_ne!(said, found);
    }
}
