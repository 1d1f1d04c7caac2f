//! A sink that holds records back until requests name their responses, and until frames that begin a message say where
//! it continues.

#![expect(clippy::cast_possible_truncation, reason = "messages of a frame")]

use std::ops::ControlFlow;

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

/// A record that owns everything a [`FrameRecord`] borrows.
#[derive(Debug)]
struct OwnedRecord {
    number: u64,
    header: FrameHeader,
    octets: Vec<u8>,
    packet: Packet,
    datagram: Option<Datagram>,
    placement: Option<Placement>,
    protocol: Protocol,
    on_tcp: Protocol,
    messages: Vec<Message>,
    notes: Vec<StreamNote>,
    first_message: u64,
    resolutions: Vec<Resolution>,
    unasked: Vec<u64>,
    ended_flows: Vec<FlowEnd>,
    followed: Vec<Piece>,
    tls: Vec<TlsRecord>,
}

/// Replaces the content of `to`. Most lists of most records are empty, and remain so.
#[inline]
fn copy<T: Clone>(from: &[T], to: &mut Vec<T>) {
    if !from.is_empty() || !to.is_empty() {
        from.clone_into(to);
    }
}

impl OwnedRecord {
    fn new(record: &FrameRecord<'_>) -> Self {
        Self {
            number: record.frame.number,
            header: *record.frame.header,
            octets: record.frame.octets.to_vec(),
            packet: *record.packet,
            datagram: record.datagram.cloned(),
            placement: record.placement.copied(),
            protocol: record.protocol,
            on_tcp: record.on_tcp,
            messages: record.messages.to_vec(),
            notes: record.notes.to_vec(),
            first_message: record.first_message,
            resolutions: record.resolutions.to_vec(),
            unasked: record.unasked.to_vec(),
            ended_flows: record.ended_flows.to_vec(),
            followed: record.followed.to_vec(),
            tls: record.tls.to_vec(),
        }
    }

    /// Replaces the content by another record and reuses its memory.
    fn assign(&mut self, record: &FrameRecord<'_>) {
        self.number = record.frame.number;
        self.header = *record.frame.header;
        self.packet = *record.packet;
        self.datagram = record.datagram.cloned();
        self.placement = record.placement.copied();
        self.protocol = record.protocol;
        self.on_tcp = record.on_tcp;
        self.first_message = record.first_message;
        copy(record.frame.octets, &mut self.octets);
        copy(record.messages, &mut self.messages);
        copy(record.notes, &mut self.notes);
        copy(record.resolutions, &mut self.resolutions);
        copy(record.unasked, &mut self.unasked);
        copy(record.ended_flows, &mut self.ended_flows);
        copy(record.followed, &mut self.followed);
        copy(record.tls, &mut self.tls);
    }

    fn record(&self) -> FrameRecord<'_> {
        FrameRecord {
            frame: Frame {
                number: self.number,
                header: &self.header,
                octets: &self.octets,
            },
            packet: &self.packet,
            datagram: self.datagram.as_ref(),
            placement: self.placement.as_ref(),
            protocol: self.protocol,
            on_tcp: self.on_tcp,
            messages: &self.messages,
            notes: &self.notes,
            first_message: self.first_message,
            resolutions: &self.resolutions,
            unasked: &self.unasked,
            ended_flows: &self.ended_flows,
            followed: &self.followed,
            tls: &self.tls,
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
        put(begun, &mut self.notes);
    }

    fn memory(&self) -> usize {
        let datagram = self.datagram.as_ref().map_or(0, |d| d.payload.len());
        size_of::<OwnedRecord>()
            + self.octets.len()
            + datagram
            + size_of_val(self.messages.as_slice())
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
            let owned = match self.spare.pop() {
                Some(mut spare) => {
                    spare.assign(record);
                    spare
                }
                None => Box::new(OwnedRecord::new(record)),
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
