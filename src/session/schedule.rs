//! Decides which part of the work a thread does next.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a few batches that are on their way"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::lanes::Lanes;
use super::run::{More, Reader, Work};
use super::{Decoding, Inspector};
use crate::packet::{Defragmenter, GivenUpDatagrams};

/// Most batches on their way for each thread, and how many more. Each is about half a megabyte.
const AHEAD: usize = 2;

/// Locks a mutex. Ignores poisoning: a thread that panicked leaves the data consistent, and its panic is reported.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A part of the work. Batches are numbered from 0.
pub(super) enum Part {
    /// Read the batch of this number and decode it.
    Read(Reader, u64, Box<Work>),
    /// Inspect a batch's frames of a group of lanes.
    Inspect(usize, Arc<Work>),
    /// Pass a batch's results to the sink.
    Give(Arc<Work>, More),
    /// Nothing: the run is over.
    Leave,
}

/// A thread that works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worker {
    /// Its number, from 0.
    pub number: usize,
    /// Whether it feeds the sink.
    pub feeds: bool,
}

/// Shared by the threads of a run.
pub(super) struct Shared {
    schedule: Mutex<Schedule>,
    changed: Condvar,
    /// One for each group of lanes. Only the thread that inspects a group locks it.
    pub inspectors: Vec<Mutex<Inspector>>,
    decoding: Decoding,
    threads: usize,
    /// Whether the thread that feeds the sink may read, too: a read does not block for long, or there is no other.
    feeder_reads: bool,
}

struct Schedule {
    /// `None` while a thread reads.
    reader: Option<Reader>,
    defragmenter: Defragmenter,
    /// The batches that are read or being read, in order, without those that were given.
    on_way: VecDeque<OnWay>,
    /// Number of the first batch in `on_way`.
    first: u64,
    /// Number of the first batch that cannot be inspected yet.
    prepared: u64,
    groups: Vec<Group>,
    /// Batches to reuse.
    empty: Vec<Work>,
    /// Threads that wait for a change.
    waiting: usize,
    over: bool,
}

/// A batch on its way.
enum OnWay {
    /// It is being read or decoded.
    Read,
    /// It is decoded, but an earlier one is not.
    Decoded(Box<Work>, More),
    /// This many groups of lanes still have to be inspected.
    Prepared(Arc<Work>, More, usize),
}

#[derive(Clone, Copy)]
struct Group {
    /// Number of the batch that is to be inspected next.
    next: u64,
    is_busy: bool,
}

/// Ends the run when it is dropped, by return or by panic.
pub(super) struct Leaving<'a>(&'a Shared);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.change(|schedule| schedule.over = true);
    }
}

impl Shared {
    /// For a run whose first batch is read, with these lanes and so many threads.
    pub fn new(reader: Reader, mut inspector: Inspector, lanes: Lanes, threads: usize) -> Self {
        let feeder_reads = threads < 2 || !reader.may_wait();
        let defragmenter = inspector.take_defragmenter();
        let inspectors = match lanes {
            Lanes::ONE => vec![inspector],
            lanes => inspector.into_groups(lanes),
        };
        let group = Group {
            next: 0,
            is_busy: false,
        };
        Self {
            schedule: Mutex::new(Schedule {
                reader: Some(reader),
                defragmenter,
                on_way: VecDeque::from([OnWay::Read]),
                first: 0,
                prepared: 0,
                groups: vec![group; inspectors.len()],
                empty: Vec::new(),
                waiting: 0,
                over: false,
            }),
            changed: Condvar::new(),
            decoding: inspectors[0].decoding(),
            inspectors: inspectors.into_iter().map(Mutex::new).collect(),
            threads,
            feeder_reads,
        }
    }

    /// Whether the thread that feeds the sink may read, too.
    pub const fn feeder_reads(&self) -> bool {
        self.feeder_reads
    }

    /// Ends the run when the result is dropped.
    pub const fn leaving(&self) -> Leaving<'_> {
        Leaving(self)
    }

    /// What was given up of datagrams.
    pub fn given_up_datagrams(&self) -> GivenUpDatagrams {
        lock(&self.schedule).defragmenter.given_up()
    }

    /// Changes the schedule, and wakes threads that wait for that.
    fn change(&self, change: impl FnOnce(&mut Schedule)) {
        let mut schedule = lock(&self.schedule);
        change(&mut schedule);
        let waiting = schedule.waiting;
        drop(schedule);
        if waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// What this thread is to do next. Waits until there is something.
    pub fn next(&self, worker: Worker) -> Part {
        let mut schedule = lock(&self.schedule);
        loop {
            if let Some(part) = schedule.choose(worker, self) {
                return part;
            }
            schedule.waiting += 1;
            let woken = self.changed.wait(schedule);
            schedule = woken.unwrap_or_else(PoisonError::into_inner);
            schedule.waiting -= 1;
        }
    }

    /// Works until the run is over. A panic ends the run.
    pub fn work(&self, worker: Worker) {
        let leaving = self.leaving();
        loop {
            match self.next(worker) {
                Part::Leave => break,
                part => self.perform(part),
            }
        }
        drop(leaving);
    }

    /// Does a part of the work, except for the sink.
    pub fn perform(&self, part: Part) {
        match part {
            Part::Read(mut reader, number, mut work) => {
                let more = reader.read(&mut work);
                self.change(|schedule| schedule.reader = Some(reader));
                self.decode(number, work, more);
            }
            Part::Inspect(group, work) => {
                work.inspect(group, &mut lock(&self.inspectors[group]));
                drop(work);
                self.change(|schedule| schedule.inspected(group));
            }
            Part::Give(..) | Part::Leave => {}
        }
    }

    /// Decodes a batch that was read.
    pub fn decode(&self, number: u64, mut work: Box<Work>, more: More) {
        work.decode(&self.decoding);
        self.change(|schedule| {
            *schedule.on_way(number) = OnWay::Decoded(work, more);
            schedule.prepare(&self.decoding);
        });
    }

    /// Takes a batch back that was given to the sink, so that another one can be read.
    pub fn take_back(&self, work: Arc<Work>) {
        self.change(|schedule| {
            schedule.empty.extend(Arc::into_inner(work));
        });
    }
}

impl Schedule {
    fn on_way(&mut self, number: u64) -> &mut OnWay {
        &mut self.on_way[(number - self.first) as usize]
    }

    /// What a thread can do now: rather what is nearer to the sink.
    fn choose(&mut self, worker: Worker, shared: &Shared) -> Option<Part> {
        if self.over {
            return Some(Part::Leave);
        }
        if worker.feeds && matches!(self.on_way.front(), Some(OnWay::Prepared(_, _, 0))) {
            self.first += 1;
            if let Some(OnWay::Prepared(work, more, _)) = self.on_way.pop_front() {
                return Some(Part::Give(work, more));
            }
        }
        // If there is one group, its flows stay in the cache of another thread's processor.
        let may_inspect = shared.threads < 2 || !worker.feeds || self.groups.len() > 1;
        let group = self.group_for(worker, shared.threads);
        if let Some(group) = group.filter(|_| may_inspect) {
            let number = self.groups[group].next;
            self.groups[group].is_busy = true;
            if let OnWay::Prepared(work, ..) = self.on_way(number) {
                return Some(Part::Inspect(group, Arc::clone(work)));
            }
        }
        let most = match shared.threads {
            0 | 1 => 1,
            threads => threads + AHEAD,
        };
        let may_read = shared.feeder_reads || !worker.feeds;
        if may_read && self.on_way.len() < most {
            let reader = self.reader.take_if(|reader| !reader.ended)?;
            let number = self.first + self.on_way.len() as u64;
            self.on_way.push_back(OnWay::Read);
            let work = Box::new(self.empty.pop().unwrap_or_default());
            return Some(Part::Read(reader, number, work));
        }
        None
    }

    /// A group that can be inspected: that which is farthest behind, and of equal ones rather one that this thread had
    /// before, as its flows may be in the processor's cache.
    fn group_for(&self, worker: Worker, threads: usize) -> Option<usize> {
        let groups = self.groups.len();
        let start = worker.number * groups / threads.max(1);
        let order = (start..groups).chain(0..start);
        let free = |group: &usize| {
            let group = &self.groups[*group];
            !group.is_busy && group.next < self.prepared
        };
        order
            .filter(free)
            .min_by_key(|group| self.groups[*group].next)
    }

    /// Prepares the decoded batches that are next for inspection.
    fn prepare(&mut self, decoding: &Decoding) {
        while let Some(place @ OnWay::Decoded(..)) =
            self.on_way.get_mut((self.prepared - self.first) as usize)
        {
            if let OnWay::Decoded(mut work, more) = std::mem::replace(place, OnWay::Read) {
                work.defragment(decoding, &mut self.defragmenter);
                *place = OnWay::Prepared(Arc::from(work), more, self.groups.len());
            }
            self.prepared += 1;
        }
    }

    /// Records that a group was inspected.
    fn inspected(&mut self, group: usize) {
        let group = &mut self.groups[group];
        group.is_busy = false;
        let number = group.next;
        group.next += 1;
        if let OnWay::Prepared(_, _, left) = self.on_way(number) {
            *left -= 1;
        }
    }
}
