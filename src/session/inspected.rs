//! Results of inspecting a batch of frames: written by one thread, read by another.

#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of lists for a batch of half a megabyte"
)]

mod merge;

use super::found::{CleanMessage, Collected, FlowEnd, StreamNote};
use super::inspector::Wanted;
use super::record::{FrameRecord, Remainder, is_watched};
use super::resolution::Resolution;
use super::without_tcp::WithoutTcp;
use crate::capture::Frame;
use crate::dissect::{Message, Protocol};
use crate::packet::{Datagram, Packet};
use crate::stream::Placement;

/// Where a frame's segment belongs, and whether anything was found with the frame.
#[derive(Debug)]
struct Placed {
    placement: Option<Placement>,
    protocol: Protocol,
    on_tcp: Protocol,
    /// Whether [`Inspected::brought`] has an entry for the frame.
    brought: bool,
}

/// When something was found: before or with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Moment(u32);

impl Moment {
    const fn of(found: &Collected) -> Self {
        Self(found.frame << 1 | !found.sweeps as u32)
    }

    /// Index of the frame in its batch.
    const fn frame(self) -> u32 {
        self.0 >> 1
    }
}

/// Lengths of the lists after a frame. Small, because every third frame has one.
#[derive(Debug, Clone, Copy, Default)]
struct Lengths {
    moment: Moment,
    messages: u32,
    notes: u32,
    resolutions: u32,
    flows: u32,
    rare: Rare,
}

/// Lengths of the lists that few frames add to.
#[derive(Debug, Clone, Copy, Default)]
struct Rare {
    /// Sum of the others, checked first.
    total: u32,
    unasked: u32,
    followed: u32,
    tls: u32,
}

/// The part of a list between two of its lengths.
#[inline]
fn part<T>(list: &[T], from: u32, to: u32) -> &[T] {
    &list[from as usize..to as usize]
}

/// The part of a list after one of its lengths.
fn rest<T>(list: &[T], from: u32) -> &[T] {
    &list[from as usize..]
}

/// Results of inspecting the frames of a batch. The lists are reused for the next batch.
#[derive(Debug, Default)]
pub struct Inspected {
    /// One for each frame; empty if only counts are wanted.
    frames: Vec<Placed>,
    pub(super) found: Collected,
    /// Lengths of the lists after each frame with which anything was found.
    brought: Vec<Lengths>,
    /// Length of all lists together after the last frame.
    total: usize,
    /// Number of the first message among all messages of the run, from 0.
    first_message: u64,
    /// Counts of frames, if only counts are wanted.
    counts: Option<Counts>,
    /// When each resolution was found, if results will be merged.
    resolved: Vec<Moment>,
}

/// Counts of frames that get no records.
#[derive(Debug, Default)]
struct Counts {
    /// Whether resolutions are assigned to frames, or only read all together.
    resolutions: bool,
    /// Whether the results will be merged with those of other groups of lanes.
    will_be_merged: bool,
    watched: u64,
    without_tcp: WithoutTcp,
}

/// What was found with one frame, in a run that only counts.
#[derive(Debug, Clone, Copy)]
pub struct Brought<'a> {
    /// Index of the frame in its batch.
    pub frame: usize,
    /// The messages that became available with it.
    pub messages: &'a [Message],
    /// Notes on streams that do not belong to a message.
    pub notes: &'a [StreamNote],
    /// Number of the first of `messages` among all messages of the run, from 0, if no messages are only counted.
    pub first_message: u64,
    /// Requests that were resolved; empty if messages are only counted, see [`Inspected::resolutions`].
    pub resolutions: &'a [Resolution],
    /// Numbers of responses for which no request came.
    pub unasked: &'a [u64],
    /// Flows that were dropped.
    pub ended_flows: &'a [FlowEnd],
}

/// Position while the records of a batch are read in order.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    from: Lengths,
    brought: usize,
}

impl Inspected {
    /// Clears all lists and keeps their memory. `first_message` is the number of the next message.
    pub(super) fn begin(&mut self, first_message: u64, wanted: Wanted) {
        self.frames.clear();
        self.found.clear();
        self.brought.clear();
        self.resolved.clear();
        self.total = 0;
        self.first_message = first_message;
        self.counts = (wanted != Wanted::Records).then(|| Counts {
            resolutions: wanted == Wanted::Messages,
            ..Counts::default()
        });
    }

    /// Records when resolutions are found, because the results will be merged with those of other groups of lanes.
    pub(super) const fn will_be_merged(&mut self) {
        if let Some(counts) = &mut self.counts {
            counts.will_be_merged = true;
        }
    }

    /// Whether only counts are wanted; then it is not recorded where each frame belongs.
    #[inline]
    pub(super) const fn counts(&self) -> bool {
        self.counts.is_some()
    }

    /// Adds the next frame, after everything found with it is in the lists. `found` are the lists, which are not in
    /// `self` while frames are inspected.
    #[inline]
    pub(super) fn push(
        &mut self,
        placement: Option<Placement>,
        [protocol, on_tcp]: [Protocol; 2],
        found: &Collected,
    ) {
        let brought = self.push_brought(found);
        self.frames.push(Placed {
            placement,
            protocol,
            on_tcp,
            brought,
        });
    }

    /// Adds a frame without a TCP segment.
    pub(super) fn push_other(&mut self, packet: &Packet, found: &Collected) {
        match &mut self.counts {
            Some(counts) => {
                counts.without_tcp.count(packet);
                self.push_brought(found);
            }
            None => self.push(None, [Protocol::Unknown; 2], found),
        }
    }

    /// Adds a frame with a segment if only counts are wanted.
    #[inline]
    pub(super) fn push_counted(&mut self, watched: bool, found: &Collected) {
        self.push_quiet(watched);
        self.push_brought(found);
    }

    /// Adds a frame with which nothing was found, if only counts are wanted.
    #[inline]
    pub(super) fn push_quiet(&mut self, watched: bool) {
        if let Some(counts) = &mut self.counts {
            counts.watched += u64::from(watched);
        }
    }

    /// Records the lengths of the lists after a frame if it added anything. Returns whether it did.
    #[inline]
    pub(super) fn push_brought(&mut self, found: &Collected) -> bool {
        let total = match &self.counts {
            Some(counts) if !counts.resolutions => {
                if counts.will_be_merged && found.resolutions.len() > self.resolved.len() {
                    let moment = Moment::of(found);
                    self.resolved.resize(found.resolutions.len(), moment);
                }
                found.rest_len()
            }
            _ => found.len(),
        };
        if total == self.total {
            return false;
        }
        self.total = total;
        self.note_lengths(found);
        true
    }

    #[inline(never)]
    fn note_lengths(&mut self, found: &Collected) {
        let [unasked, followed, tls] =
            [found.unasked.len(), found.followed.len(), found.tls.len()].map(|len| len as u32);
        self.brought.push(Lengths {
            moment: Moment::of(found),
            messages: found.messages.len() as u32,
            notes: found.notes.len() as u32,
            resolutions: found.resolutions.len() as u32,
            flows: found.flows.len() as u32,
            rare: Rare {
                total: unasked + followed + tls,
                unasked,
                followed,
                tls,
            },
        });
    }

    /// Frames on watched ports, or of streams that turned out to have messages, if only counts are wanted.
    #[must_use]
    pub fn watched(&self) -> u64 {
        self.counts.as_ref().map_or(0, |counts| counts.watched)
    }

    /// Frames without a TCP segment, if only counts are wanted.
    #[must_use]
    pub fn without_tcp(&self) -> WithoutTcp {
        let counts = self.counts.as_ref();
        counts.map_or_else(WithoutTcp::default, |counts| counts.without_tcp.clone())
    }

    /// What was found with each frame with which anything was found, in order.
    pub fn brought(&self) -> impl Iterator<Item = Brought<'_>> {
        let found = &self.found;
        let mut from = Lengths::default();
        self.brought.iter().map(move |to| {
            let brought = Brought {
                frame: to.moment.frame() as usize,
                messages: part(&found.messages, from.messages, to.messages),
                notes: part(&found.notes, from.notes, to.notes),
                first_message: self.first_message + u64::from(from.messages),
                resolutions: part(&found.resolutions, from.resolutions, to.resolutions),
                unasked: part(&found.unasked, from.rare.unasked, to.rare.unasked),
                ended_flows: part(&found.flows, from.flows, to.flows),
            };
            from = *to;
            brought
        })
    }

    /// Requests that were resolved with any of the frames.
    #[must_use]
    pub fn resolutions(&self) -> &[Resolution] {
        &self.found.resolutions
    }

    /// The messages without notes, if messages are only counted.
    #[must_use]
    pub fn clean(&self) -> &[CleanMessage] {
        &self.found.clean
    }

    /// Whether nothing was found with the frame of index `at`.
    #[inline]
    pub(super) fn is_quiet(&self, at: usize) -> bool {
        !self.frames[at].brought
    }

    /// Whether the frame of index `at` is [watched](FrameRecord::is_watched).
    #[inline]
    pub(super) fn is_watched(&self, at: usize) -> bool {
        let placed = &self.frames[at];
        is_watched(placed.protocol, placed.placement.as_ref())
    }

    /// The record of a frame with which nothing was found.
    #[inline]
    pub(super) fn quiet<'a>(
        &'a self,
        at: usize,
        frame: Frame<'a>,
        packet: &'a Packet,
        datagram: Option<&'a Datagram>,
        cursor: &Cursor,
    ) -> FrameRecord<'a> {
        let placed = &self.frames[at];
        FrameRecord {
            frame,
            packet,
            datagram,
            placement: placed.placement.as_ref(),
            protocol: placed.protocol,
            on_tcp: placed.on_tcp,
            messages: &[],
            notes: &[],
            first_message: self.first_message + u64::from(cursor.from.messages),
            resolutions: &[],
            unasked: &[],
            ended_flows: &[],
            followed: &[],
            tls: &[],
        }
    }

    /// What was found apart from any frame; `None` if there is nothing. Call it after the last record.
    pub(super) fn behind(&self, cursor: &Cursor) -> Option<Remainder<'_>> {
        let (found, from) = (&self.found, cursor.from);
        (found.len() > self.total).then(|| Remainder {
            messages: rest(&found.messages, from.messages),
            notes: rest(&found.notes, from.notes),
            first_message: self.first_message + u64::from(from.messages),
            resolutions: rest(&found.resolutions, from.resolutions),
            unasked: rest(&found.unasked, from.rare.unasked),
            ended_flows: rest(&found.flows, from.flows),
            followed: rest(&found.followed, from.rare.followed),
            tls: rest(&found.tls, from.rare.tls),
            ..Remainder::default()
        })
    }

    /// Sets those fields of a record that few records have.
    #[cold]
    fn rare<'a>(&'a self, from: Rare, to: Rare, record: &mut FrameRecord<'a>) {
        let found = &self.found;
        record.unasked = part(&found.unasked, from.unasked, to.unasked);
        record.followed = part(&found.followed, from.followed, to.followed);
        record.tls = part(&found.tls, from.tls, to.tls);
    }

    /// The record of any frame. Must be called for frames in order.
    #[inline]
    pub(super) fn record<'a>(
        &'a self,
        at: usize,
        frame: Frame<'a>,
        packet: &'a Packet,
        datagram: Option<&'a Datagram>,
        cursor: &mut Cursor,
    ) -> FrameRecord<'a> {
        let mut record = self.quiet(at, frame, packet, datagram, cursor);
        if self.is_quiet(at) {
            return record;
        }
        let found = &self.found;
        let (from, to) = (&cursor.from, &self.brought[cursor.brought]);
        record.messages = part(&found.messages, from.messages, to.messages);
        record.notes = part(&found.notes, from.notes, to.notes);
        record.resolutions = part(&found.resolutions, from.resolutions, to.resolutions);
        record.ended_flows = part(&found.flows, from.flows, to.flows);
        if to.rare.total > from.rare.total {
            self.rare(from.rare, to.rare, &mut record);
        }
        cursor.from = *to;
        cursor.brought += 1;
        record
    }
}
