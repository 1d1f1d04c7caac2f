//! Records the results of a pass.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::result::Result;
use std::sync::{Arc, Mutex, PoisonError};

use super::Shared;
use super::entry::{ExchangeEntry, FrameEntry, Marks, NO_STREAM, Texts};
use crate::capture::{Aside, AsideContent, Batch};
use crate::session::summary::Summary;
use crate::session::{Exchanges, FrameRecord, Remainder, Sink};

/// Entries collected before they are handed over.
const GATHERED: usize = 1024;

/// A sink that adds a pass's records to a recording, and counts them.
pub struct Recorder {
    shared: Shared,
    summary: Arc<Mutex<Summary>>,
    frames: Vec<FrameEntry>,
    done: Vec<ExchangeEntry>,
    exchanges: Exchanges,
    texts: Texts,
    last: u64,
    /// Positions of the frames of the current batch, and its first frame's number.
    places: Vec<u64>,
    first: u64,
}

impl Recorder {
    /// Records into `shared` and counts into `summary`.
    #[must_use]
    pub fn new(shared: Shared, summary: Arc<Mutex<Summary>>) -> Self {
        Self {
            shared,
            summary,
            frames: Vec::with_capacity(GATHERED),
            done: Vec::new(),
            exchanges: Exchanges::default(),
            texts: Texts::default(),
            last: 0,
            places: Vec::new(),
            first: 1,
        }
    }

    fn counted(&self, count: impl FnOnce(&mut Summary)) {
        count(&mut self.summary.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn take_exchanges(&mut self) {
        for exchange in self.exchanges.take() {
            self.done.push(self.texts.entry(&exchange, self.last));
        }
    }

    fn push(&mut self, record: &FrameRecord<'_>, marks: Marks) {
        let header = record.frame.header;
        self.last = record.frame.number;
        let at = usize::try_from(self.last - self.first).unwrap_or(usize::MAX);
        self.frames.push(FrameEntry {
            time: header.time,
            place: self.places.get(at).copied().unwrap_or_default(),
            captured: header.captured,
            wire: header.wire,
            stream: record.placement.map_or(NO_STREAM, |placed| placed.stream),
            interface: u16::try_from(header.interface).unwrap_or(u16::MAX),
            marks,
        });
    }

    fn hand_over(&mut self) {
        if self.frames.is_empty() && self.done.is_empty() {
            return;
        }
        let mut recording = self.shared.write();
        for entry in self.frames.drain(..) {
            recording.push(entry);
        }
        for entry in self.done.drain(..) {
            recording.push_exchange(entry);
        }
        recording.drop_oldest();
    }
}

impl Sink for Recorder {
    type Error = Infallible;

    fn begin(&mut self, batch: &Batch) {
        batch.places.clone_into(&mut self.places);
        self.first = batch.first_number;
    }

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Infallible> {
        self.push(record, Marks::of(record));
        self.counted(|summary| summary.record(record));
        self.exchanges.record(record);
        self.take_exchanges();
        if self.frames.len() >= GATHERED {
            self.hand_over();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Infallible> {
        self.push(record, Marks::of(record));
        self.counted(|summary| summary.frame(record));
        if self.frames.len() >= GATHERED {
            self.hand_over();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn aside(&mut self, aside: &Aside, _: &Batch) -> Result<(), Infallible> {
        match &aside.what {
            AsideContent::Interface(interface) => {
                self.shared.write().interfaces.push((**interface).clone());
            }
            AsideContent::KeyLog(text) => self.shared.write().secrets.push(text.clone()),
            _ => {}
        }
        Ok(())
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), Infallible> {
        self.exchanges.rest(found);
        self.take_exchanges();
        Ok(())
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, Infallible> {
        self.hand_over();
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Infallible> {
        self.counted(|summary| summary.end(remainder));
        self.exchanges.rest(remainder);
        self.exchanges.finish();
        self.take_exchanges();
        self.hand_over();
        Ok(())
    }
}

impl Shared {
    /// Ends the recording; `damage` lists errors of the source, one sentence each.
    pub fn end(&self, damage: Vec<String>) {
        let mut recording = self.write();
        recording.damage = damage;
        recording.ended = true;
    }
}
