//! Decides whose job is computed next: callers take turns, however many jobs each has waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::pool::Job;

/// The part of the room that one caller may fill, in eighths.
const SHARE: usize = 7;
/// One in this many of a caller's turns goes to jobs whose client may be gone, while others wait too.
const LEAVING_TURN: u32 = 4;

/// For whom a job is computed. All jobs with the same key wait in one line.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    key: u128,
    unlimited: bool,
    leaving: Arc<AtomicBool>,
}

impl Caller {
    /// A caller, told from others by `key`; `unlimited` ones may fill all the room.
    #[must_use]
    pub fn new(key: u128, unlimited: bool) -> Self {
        Self {
            key,
            unlimited,
            leaving: Arc::default(),
        }
    }

    /// The operator of the server: has a separate queue, which may fill all the room.
    #[must_use]
    pub fn operator() -> Self {
        Self::new(u128::MAX, true)
    }

    /// Identifies the caller.
    pub(super) const fn key(&self) -> u128 {
        self.key
    }

    /// Records that the client sends nothing more and may be gone: its job waits behind those of other clients of the
    /// same caller.
    pub fn leaves(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }
}

/// One caller's jobs that wait.
#[derive(Default)]
struct Line {
    /// Oldest first.
    jobs: VecDeque<Job>,
    /// Those whose turn came and whose client may be gone, oldest first.
    leaving: VecDeque<Job>,
    /// Turns that it has had since it was empty.
    turns: u32,
}

impl Line {
    fn len(&self) -> usize {
        self.jobs.len() + self.leaving.len()
    }

    /// The next job that somebody may wait for.
    fn next(&mut self) -> Option<Job> {
        self.turns = self.turns.wrapping_add(1);
        if self.turns.is_multiple_of(LEAVING_TURN)
            && let Some(job) = self.next_leaving()
        {
            return Some(job);
        }
        while let Some(job) = self.jobs.pop_front() {
            if job.caller().is_leaving() {
                self.leaving.push_back(job);
            } else if !job.is_abandoned() {
                return Some(job);
            }
        }
        self.next_leaving()
    }

    fn next_leaving(&mut self) -> Option<Job> {
        std::iter::from_fn(|| self.leaving.pop_front()).find(|job| !job.is_abandoned())
    }

    /// The least important job: one that nobody waits for, otherwise one whose client may be gone, otherwise the
    /// latest.
    fn give_up(&mut self) -> Option<Job> {
        let least = |unwanted: fn(&Job) -> bool| self.jobs.iter().rposition(unwanted);
        if let Some(index) = least(Job::is_abandoned) {
            return self.jobs.remove(index);
        }
        if let Some(job) = self.leaving.pop_back() {
            return Some(job);
        }
        let index = least(|job| job.caller().is_leaving());
        self.jobs
            .remove(index.unwrap_or(self.jobs.len().saturating_sub(1)))
    }
}

/// The jobs that wait.
pub struct Turns {
    /// The callers that have jobs waiting. No line is empty.
    lines: HashMap<u128, Line>,
    /// These callers in the order of their turns, each once.
    order: VecDeque<u128>,
    /// How many jobs of a caller are being computed, where there are any.
    running: HashMap<u128, usize>,
    waiting: usize,
    room: usize,
    closed: bool,
}

impl Turns {
    /// Room for `room` jobs.
    pub fn new(room: usize) -> Self {
        Self {
            lines: HashMap::new(),
            order: VecDeque::new(),
            running: HashMap::new(),
            waiting: 0,
            room,
            closed: false,
        }
    }

    /// Adds a job. If there is no room for all, returns the job that is dropped: the least important one of the
    /// caller with the most waiting.
    pub fn add(&mut self, job: Job) -> Option<Job> {
        let caller = job.caller();
        let (key, unlimited) = (caller.key, caller.unlimited);
        let own = self.lines.get(&key).map_or(0, Line::len);
        let share = (self.room * SHARE).div_ceil(8);
        if !unlimited && own >= share {
            return Some(job);
        }
        if self.waiting < self.room {
            self.push(key, job);
            return None;
        }
        let Some(without_room) = self.make_room(own) else {
            return Some(job);
        };
        self.push(key, job);
        Some(without_room)
    }

    fn push(&mut self, key: u128, job: Job) {
        let line = self.lines.entry(key).or_default();
        if line.len() == 0 {
            self.order.push_back(key);
        }
        line.jobs.push_back(job);
        self.waiting += 1;
    }

    /// Drops a job of a caller that has more than `own` plus one waiting.
    fn make_room(&mut self, own: usize) -> Option<Job> {
        let longest = self.lines.values_mut().max_by_key(|line| line.len())?;
        if longest.len() <= own + 1 {
            return None;
        }
        let job = longest.give_up()?;
        self.waiting -= 1;
        Some(job)
    }

    /// The next job: callers without a job in progress come first. Abandoned jobs are dropped. Call
    /// [`finished`](Self::finished) when the job is done.
    pub fn next(&mut self) -> Option<Job> {
        loop {
            let none_running = |key: &u128| !self.running.contains_key(key);
            let turn = self.order.iter().position(none_running).unwrap_or(0);
            let key = self.order.remove(turn)?;
            let line = self.lines.get_mut(&key)?;
            let before = line.len();
            let job = line.next();
            self.waiting -= before - line.len();
            if line.len() == 0 {
                self.lines.remove(&key);
            } else {
                self.order.push_back(key);
            }
            if let Some(job) = job {
                *self.running.entry(key).or_default() += 1;
                return Some(job);
            }
        }
    }

    /// A job of the caller with this key has been computed.
    pub fn finished(&mut self, key: u128) {
        if let Some(running) = self.running.get_mut(&key) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&key);
            }
        }
    }

    /// Jobs that wait.
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Says that no more jobs will come.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether no more jobs will come.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::pool::{Computed, HashingError, Work};
    use super::*;
    use crate::protocol::Password;

    type Reply = oneshot::Receiver<Result<Computed, HashingError>>;

    /// A job of `caller` that `name` tells from others.
    fn job(caller: &Caller, name: &str) -> (Job, Reply) {
        let password = Password::new(name).unwrap();
        Job::new(Work::Hash, password, caller.clone())
    }

    fn name(job: &Job) -> String {
        String::from_utf8(job.password().expose().to_vec()).unwrap()
    }

    /// The jobs in their order, computed by one thread.
    fn drain(turns: &mut Turns) -> Vec<String> {
        let next = || {
            let job = turns.next()?;
            turns.finished(job.caller().key());
            Some(name(&job))
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn callers_are_served_in_turn() {
        let mut turns = Turns::new(100);
        let (flood, honest) = (Caller::new(1, false), Caller::new(2, false));
        let mut replies = Vec::new();
        for n in 0..4 {
            let (job, reply) = job(&flood, &format!("flood{n}"));
            assert!(turns.add(job).is_none());
            replies.push(reply);
        }
        let (job, _reply) = job(&honest, "honest");
        assert!(turns.add(job).is_none());
        assert_eq!(turns.waiting(), 5);
        assert_eq!(
            drain(&mut turns),
            ["flood0", "honest", "flood1", "flood2", "flood3"]
        );
        assert_eq!(turns.waiting(), 0);
    }

    #[test]
    fn one_caller_leaves_room_for_others() {
        let mut turns = Turns::new(16);
        let flood = Caller::new(1, false);
        let mut replies = Vec::new();
        for n in 0..20 {
            let (job, reply) = job(&flood, &format!("{n}"));
            assert_eq!(turns.add(job).is_some(), n >= 14, "job {n}");
            replies.push(reply);
        }
        let exempt = Caller::new(3, true);
        for n in 0..2 {
            let (job, reply) = job(&exempt, &format!("exempt{n}"));
            assert!(turns.add(job).is_none());
            replies.push(reply);
        }
        // All the room is taken: the one with most waiting gives way, its latest job first.
        let (one, _one) = job(&Caller::new(4, false), "one");
        assert_eq!(turns.add(one).map(|job| name(&job)).as_deref(), Some("13"));
        assert_eq!(turns.waiting(), 16);
        assert_eq!(drain(&mut turns)[..3], ["0", "exempt0", "one"]);
    }

    #[test]
    fn where_all_have_as_much_waiting_the_newest_has_to_go() {
        let mut turns = Turns::new(4);
        let mut replies = Vec::new();
        for n in 0..4 {
            let (job, reply) = job(&Caller::new(n, false), &format!("{n}"));
            assert!(turns.add(job).is_none());
            replies.push(reply);
        }
        let (late, _late) = job(&Caller::new(9, false), "late");
        assert_eq!(
            turns.add(late).map(|job| name(&job)).as_deref(),
            Some("late")
        );
    }

    #[test]
    fn who_has_nothing_being_computed_comes_first() {
        let mut turns = Turns::new(100);
        let (flood, honest) = (Caller::new(1, false), Caller::new(2, false));
        let mut replies = Vec::new();
        let mut add = |turns: &mut Turns, caller: &Caller, text: &str| {
            let (job, reply) = job(caller, text);
            assert!(turns.add(job).is_none());
            replies.push(reply);
        };
        for n in 0..5 {
            add(&mut turns, &flood, &format!("flood{n}"));
        }
        let threads: Vec<_> = (0..2).map(|_| turns.next().unwrap()).collect();
        add(&mut turns, &honest, "honest0");
        add(&mut turns, &honest, "honest1");
        turns.finished(threads[0].caller().key());
        let honest = turns.next().unwrap();
        assert_eq!(name(&honest), "honest0");
        // Both have one under way: the flood's turn comes before the honest one's second.
        turns.finished(threads[1].caller().key());
        assert_eq!(name(&turns.next().unwrap()), "flood2");
        turns.finished(honest.caller().key());
        assert_eq!(name(&turns.next().unwrap()), "honest1");
    }

    #[test]
    fn what_nobody_waits_for_is_let_go_and_what_may_be_is_behind_its_callers_others() {
        let mut turns = Turns::new(100);
        let client = || Caller::new(1, false);
        let (gone, leaving, here) = (client(), client(), client());
        let (withdrawn, reply) = job(&gone, "withdrawn");
        assert!(turns.add(withdrawn).is_none());
        drop(reply);
        let mut replies = Vec::new();
        let mut add = |turns: &mut Turns, caller: &Caller, text: &str| {
            let (job, reply) = job(caller, text);
            assert!(turns.add(job).is_none());
            replies.push(reply);
        };
        add(&mut turns, &leaving, "leaving");
        leaving.leaves();
        for n in 0..5 {
            add(&mut turns, &here, &format!("here{n}"));
        }
        let other = Caller::new(2, false);
        add(&mut turns, &other, "other");
        other.leaves();
        // Another caller's turn comes as ever, and one turn in four is for those that leave.
        assert_eq!(
            drain(&mut turns),
            [
                "here0", "other", "here1", "here2", "leaving", "here3", "here4"
            ]
        );
        assert_eq!(turns.waiting(), 0);
    }

    #[test]
    fn what_matters_least_gives_way_first() {
        let mut turns = Turns::new(6);
        let client = || Caller::new(1, true);
        let (leaving, here) = (client(), client());
        let mut replies = Vec::new();
        for (caller, text) in [
            (&here, "gone"),
            (&leaving, "leaving"),
            (&here, "a"),
            (&here, "b"),
            (&here, "c"),
            (&here, "d"),
        ] {
            let (job, reply) = job(caller, text);
            assert!(turns.add(job).is_none());
            replies.push(reply);
        }
        drop(replies.remove(0));
        leaving.leaves();
        let mut gone = Vec::new();
        for n in 2..5 {
            let (job, reply) = job(&Caller::new(n, false), "new");
            gone.push(name(&turns.add(job).unwrap()));
            replies.push(reply);
        }
        assert_eq!(gone, ["gone", "leaving", "d"]);
    }
}
