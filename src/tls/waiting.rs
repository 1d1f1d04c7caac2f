//! Records that wait for secrets: limits their memory, and processes them in the order in which they came.

use super::decryptor::Decryptor;
use super::direction::{Item, TlsDirection, Waiting};
use super::framing::Missed;
use super::opening::Sealed;
use super::problem::Problem;
use super::state::{Sink, State};
use super::{Event, Protected, Record};

impl State {
    /// Processes a record, or makes it wait.
    pub(super) fn record(
        &mut self,
        all: &mut Decryptor,
        on: Sealed,
        body: &mut [u8],
        sink: Sink<'_>,
    ) {
        self.records += 1;
        let is_next = self.directions[on.at].queue.is_empty();
        if is_next && self.take(all, on, body, false, sink).is_ok() {
            return;
        }
        sink(Event::Record(Record {
            protected: Protected::Waiting,
            ..on.record()
        }));
        let waiting = Waiting {
            at: on.start,
            header: on.header,
            body: body.to_vec(),
            order: self.records,
        };
        self.waiting += waiting.memory();
        all.waiting += waiting.memory();
        self.directions[on.at]
            .queue
            .push_back(Item::Record(waiting));
        while self.waiting > all.may_wait() {
            self.drop_oldest(all);
        }
    }

    /// Drops the oldest record of the direction with more waiting bytes.
    fn drop_oldest(&mut self, all: &mut Decryptor) {
        let [a, b] = &self.directions;
        let at = usize::from(b.waiting() > a.waiting());
        let queue = &mut self.directions[at].queue;
        let mut missed = None::<Missed>;
        while let Some(item) = queue.pop_front() {
            let (this, memory) = match &item {
                Item::Record(record) => (record.missed(), record.memory()),
                Item::Gap(gap) => (*gap, 0),
            };
            missed = Some(missed.map_or(this, |before| before.and(this)));
            self.waiting -= memory;
            all.waiting -= memory;
            if let Item::Record(record) = item {
                let bytes = record.header.record_len() as u64;
                self.dropped += bytes;
                all.dropped += bytes;
                break;
            }
        }
        if let Some(missed) = missed {
            queue.push_front(Item::Gap(missed));
        }
    }

    pub(super) fn gap(&mut self, at: usize, missed: Missed) {
        let direction = &mut self.directions[at];
        match direction.queue.back_mut() {
            None => direction.miss(missed),
            Some(Item::Gap(last)) => *last = last.and(missed),
            Some(Item::Record(_)) => direction.queue.push_back(Item::Gap(missed)),
        }
    }

    /// Processes waiting records in the order in which they came, as far as possible.
    pub(super) fn drain(&mut self, all: &mut Decryptor, sink: Sink<'_>) {
        'again: loop {
            let first = self.directions.each_ref().map(TlsDirection::first_waiting);
            let order = match first {
                [None, None] => return,
                [Some(a), Some(b)] if b < a => [1, 0],
                [None, _] => [1, 0],
                _ => [0, 1],
            };
            for at in order {
                if first[at].is_some() && self.take_first(all, at, sink) {
                    continue 'again;
                }
            }
            return;
        }
    }

    /// Processes the first waiting item of a direction. Returns whether that was possible.
    fn take_first(&mut self, all: &mut Decryptor, at: usize, sink: Sink<'_>) -> bool {
        match self.directions[at].queue.pop_front() {
            None => false,
            Some(Item::Gap(missed)) => {
                self.directions[at].miss(missed);
                true
            }
            Some(Item::Record(mut record)) => {
                let (start, header) = (record.at, record.header);
                let on = Sealed { at, start, header };
                let taken = self.take(all, on, &mut record.body, true, sink);
                if taken.is_ok() {
                    self.waiting -= record.memory();
                    all.waiting -= record.memory();
                } else {
                    self.directions[at].queue.push_front(Item::Record(record));
                }
                taken.is_ok()
            }
        }
    }

    /// Ends the connection: what still waits is not decrypted.
    pub(super) fn finish(&mut self, all: &mut Decryptor, sink: Sink<'_>) {
        self.finishing = true;
        self.drain(all, sink);
        for at in 0..2 {
            let why = self.reason(all, at);
            if let Some(problem) = why.or_else(|| self.why_unopened(at)) {
                self.report(at, problem, sink);
            }
            self.directions[at].queue.clear();
        }
        if self.dropped > 0 {
            let bytes = self.dropped;
            self.report(0, Problem::TooManyWait { bytes }, sink);
        }
        all.waiting -= self.waiting;
        self.waiting = 0;
    }

    /// Why the first record of a direction waits; `None` if none does.
    pub(super) fn reason(&self, all: &Decryptor, at: usize) -> Option<Problem> {
        let Some(Item::Record(record)) = self.directions[at].queue.front() else {
            return None;
        };
        match self.protection(at, record.header, &record.body) {
            Err(problem) => Some(problem),
            Ok(_) => self.plan(all, at, record.header).wait,
        }
    }
}
