//! A sink that holds records back until requests name their responses, and until frames that begin a message say where
//! it continues.

#![expect(clippy::cast_possible_truncation, reason = "messages of a frame")]

use std::ops::ControlFlow;

use smallvec::SmallVec;

use super::begun::{Beginnings, Begun, put};
use super::exchange::awaits;
use super::found::{FlowEnd, Piece, StreamNote};
use super::hold::{Held, Hold};
use super::layer::TlsRecord;
use super::{FrameRecord, GivenUp, Remainder, Resolution, Sink};
use crate::capture::{Aside, Batch, Frame, FrameHeader};
use crate::dissect::{Message, Protocol};
use crate::packet::{Datagram, Packet};
use crate::stream::Placement;

/// Most records that are kept for reuse.
const SPARE: usize = 1 << 11;

/// A record that owns what a [`FrameRecord`] borrows. Small and in one piece as far as possible, because thousands of them
/// go through the processor's cache.
#[derive(Debug)]
struct OwnedRecord {
    number: u64,
    header: FrameHeader,
    octets: Vec<u8>,
    packet: Packet,
    placement: Option<Placement>,
    protocol: Protocol,
    on_tcp: Protocol,
    first_message: u64,
    messages: SmallVec<[Message; 1]>,
    rare: Option<Box<Rare>>,
}

/// What few records have, or few sinks use.
#[derive(Debug)]
struct Rare {
    datagram: Option<Datagram>,
    notes: Vec<StreamNote>,
    resolutions: Vec<Resolution>,
    unasked: Vec<u64>,
    ended_flows: Vec<FlowEnd>,
    followed: Vec<Piece>,
    tls: Vec<TlsRecord>,
}

impl Rare {
    /// Bytes of memory that it takes, approximately.
    fn memory(&self) -> usize {
        size_of::<Self>() + self.datagram.as_ref().map_or(0, |d| d.payload.len())
    }

    fn of(record: &FrameRecord<'_>, wants_ends: bool) -> Option<Box<Self>> {
        let (resolutions, unasked) = if wants_ends {
            (record.resolutions, record.unasked)
        } else {
            (&[][..], &[][..])
        };
        let has_none = record.datagram.is_none()
            && record.notes.is_empty()
            && resolutions.is_empty()
            && unasked.is_empty()
            && record.ended_flows.is_empty()
            && record.followed.is_empty()
            && record.tls.is_empty();
        (!has_none).then(|| {
            Box::new(Self {
                datagram: record.datagram.cloned(),
                notes: record.notes.to_vec(),
                resolutions: resolutions.to_vec(),
                unasked: unasked.to_vec(),
                ended_flows: record.ended_flows.to_vec(),
                followed: record.followed.to_vec(),
                tls: record.tls.to_vec(),
            })
        })
    }
}

impl OwnedRecord {
    fn new(record: &FrameRecord<'_>, wants_ends: bool) -> Self {
        Self {
            number: record.frame.number,
            header: *record.frame.header,
            octets: record.frame.octets.to_vec(),
            packet: *record.packet,
            placement: record.placement.copied(),
            protocol: record.protocol,
            on_tcp: record.on_tcp,
            first_message: record.first_message,
            messages: record.messages.iter().cloned().collect(),
            rare: Rare::of(record, wants_ends),
        }
    }

    /// Replaces the content by another record and reuses its memory.
    fn assign(&mut self, record: &FrameRecord<'_>, wants_ends: bool) {
        self.number = record.frame.number;
        self.header = *record.frame.header;
        record.frame.octets.clone_into(&mut self.octets);
        self.packet = *record.packet;
        self.placement = record.placement.copied();
        self.protocol = record.protocol;
        self.on_tcp = record.on_tcp;
        self.first_message = record.first_message;
        match (self.messages.as_mut_slice(), record.messages) {
            ([own], [one]) => own.clone_from(one),
            _ => self.messages = record.messages.iter().cloned().collect(),
        }
        self.rare = Rare::of(record, wants_ends);
    }

    fn record(&self) -> FrameRecord<'_> {
        let rare = self.rare.as_deref();
        FrameRecord {
            frame: Frame {
                number: self.number,
                header: &self.header,
                octets: &self.octets,
            },
            packet: &self.packet,
            datagram: rare.and_then(|rare| rare.datagram.as_ref()),
            placement: self.placement.as_ref(),
            protocol: self.protocol,
            on_tcp: self.on_tcp,
            messages: &self.messages,
            notes: rare.map_or(&[], |rare| &rare.notes),
            first_message: self.first_message,
            resolutions: rare.map_or(&[], |rare| &rare.resolutions),
            unasked: rare.map_or(&[], |rare| &rare.unasked),
            ended_flows: rare.map_or(&[], |rare| &rare.ended_flows),
            followed: rare.map_or(&[], |rare| &rare.followed),
            tls: rare.map_or(&[], |rare| &rare.tls),
        }
    }
}

impl Held for Box<OwnedRecord> {
    fn messages(&mut self) -> &mut [Message] {
        &mut self.messages
    }

    fn frame(&self) -> u64 {
        self.number
    }

    fn begun(&mut self, begun: Begun) {
        if let Some(rare) = &mut self.rare {
            put(begun, &mut rare.notes);
        }
    }

    fn memory(&self) -> usize {
        let rare = self.rare.as_deref().map_or(0, Rare::memory);
        let spilled = self.messages.len().saturating_sub(1) * size_of::<Message>();
        size_of::<OwnedRecord>() + self.octets.len() + spilled + rare
    }
}

/// Holds records back before passing them to `inner`. For files only: live output cannot wait.
#[derive(Debug)]
pub struct Holding<S> {
    inner: S,
    /// Boxed, because records are large and move in and out.
    hold: Hold<Box<OwnedRecord>>,
    /// Records to reuse.
    #[expect(clippy::vec_box, reason = "the boxes are reused")]
    spare: Vec<Box<OwnedRecord>>,
    beginnings: Beginnings,
    waits: Waits,
}

/// Which records are passed on, and what they wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// All records, until their requests are paired and the messages that they begin are complete.
    PairedAndWhole,
    /// Records with messages, until their requests are paired.
    Paired,
    /// All records, until the messages that they begin are complete.
    Whole,
}

impl<S> Holding<S> {
    /// Returns the inner sink.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Sink> Holding<S> {
    /// Passes on all records, in order.
    pub fn all(inner: S) -> Self {
        Self {
            inner,
            hold: Hold::default(),
            spare: Vec::new(),
            beginnings: Beginnings::default(),
            waits: Waits::PairedAndWhole,
        }
    }

    /// Passes on records that have messages; others never reach `inner`.
    pub fn of_messages(inner: S) -> Self {
        Self {
            waits: Waits::Paired,
            ..Self::all(inner)
        }
    }

    /// Passes on all records, in order. None waits for a response: those that begin a message wait until it is
    /// complete.
    pub fn of_beginnings(inner: S) -> Self {
        Self {
            waits: Waits::Whole,
            ..Self::all(inner)
        }
    }

    fn resolve(&mut self, resolutions: &[Resolution], unasked: &[u64]) {
        for resolution in resolutions {
            self.hold.resolve(resolution);
        }
        for response in unasked {
            self.hold.unasked(*response);
        }
    }

    /// Updates held records whose incomplete messages continue in this one. Returns how many messages this one begins.
    #[inline]
    fn see_begun(&mut self, record: &FrameRecord<'_>) -> u32 {
        if self.waits == Waits::Paired {
            return 0;
        }
        let hold = &mut self.hold;
        self.beginnings
            .see(record, &mut |frame, begun| hold.begun(frame, begun))
    }

    fn give(&mut self, end: bool) -> Result<ControlFlow<()>, S::Error> {
        let mut flow = ControlFlow::Continue(());
        loop {
            let next = if end {
                self.hold.take()
            } else {
                self.hold.pop()
            };
            let Some(owned) = next else {
                return Ok(flow);
            };
            if self.inner.record(&owned.record())?.is_break() {
                flow = ControlFlow::Break(());
            }
            if self.spare.len() < SPARE {
                self.spare.push(owned);
            }
        }
    }
}

impl<S: Sink> Sink for Holding<S> {
    type Error = S::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, S::Error> {
        let wanted = self.waits != Waits::Paired || !record.messages.is_empty();
        let begun = self.see_begun(record);
        if wanted {
            let pairs = self.waits != Waits::Whole;
            let comes = !record.messages.is_empty()
                || !record.resolutions.is_empty()
                || !record.unasked.is_empty();
            if begun == 0 && self.hold.is_empty() && !(pairs && comes) {
                return self.inner.record(record);
            }
            let wants_ends = self.inner.wants_ends();
            let owned = match self.spare.pop() {
                Some(mut spare) => {
                    spare.assign(record, wants_ends);
                    spare
                }
                None => Box::new(OwnedRecord::new(record, wants_ends)),
            };
            let waiting = record.messages.iter().filter(|one| pairs && awaits(one));
            let waiting = [waiting.count() as u32, begun];
            self.hold.put(owned, record.first_message, waiting);
        }
        self.resolve(record.resolutions, record.unasked);
        self.give(false)
    }

    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, S::Error> {
        match self.waits {
            Waits::Paired => Ok(ControlFlow::Continue(())),
            _ if self.hold.is_empty() => self.inner.bare(record),
            _ => self.record(record),
        }
    }

    fn wants_ends(&self) -> bool {
        self.waits != Waits::Paired || self.inner.wants_ends()
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), S::Error> {
        self.inner.aside(aside, batch)
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, S::Error> {
        self.inner.pause()
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), S::Error> {
        self.resolve(remainder.resolutions, remainder.unasked);
        let hold = &mut self.hold;
        let (messages, ended) = (remainder.messages, remainder.ended_flows);
        self.beginnings
            .end_all(messages, ended, &mut |frame, begun| {
                hold.begun(frame, begun);
            });
        let _ = self.give(true)?;
        let mut last = Hold::default();
        last.push(remainder.messages.to_vec(), remainder.first_message);
        for resolution in remainder.resolutions {
            last.resolve(resolution);
        }
        for response in remainder.unasked {
            last.unasked(*response);
        }
        let messages = last.take().unwrap_or_default();
        self.inner.end(&Remainder {
            messages: &messages,
            given_up: GivenUp {
                early_rows: self.hold.early(),
                ..remainder.given_up
            },
            ..*remainder
        })
    }
}
