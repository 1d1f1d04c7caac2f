//! Whose job is computed next: callers in turn, whatever each of them has waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::pool::Job;

/// The part of the room that one caller may fill, in eighths.
const SHARE: usize = 7;

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

    /// Notes that the caller sends nothing more and may be gone: its jobs wait until nobody
    /// else's do.
    pub fn leaves(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }
}

/// The jobs that wait.
pub struct Turns {
    /// Each caller's jobs, oldest first. No line is empty.
    lines: HashMap<u128, VecDeque<Job>>,
    /// The callers in the order of their turns, each once.
    order: VecDeque<u128>,
    /// Jobs of callers that may be gone.
    last: VecDeque<Job>,
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
            last: VecDeque::new(),
            waiting: 0,
            room,
            closed: false,
        }
    }

    /// Takes a job. Where there is no room for all, the one that has to go is the result: one of a
    /// caller that may be gone, else the latest of the caller that has most waiting.
    pub fn add(&mut self, job: Job) -> Option<Job> {
        let caller = job.caller();
        let (key, unlimited) = (caller.key, caller.unlimited);
        let own = self.lines.get(&key).map_or(0, VecDeque::len);
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
        if line.is_empty() {
            self.order.push_back(key);
        }
        line.push_back(job);
        self.waiting += 1;
    }

    /// Takes a job away from whoever has more than `own` and one more waiting.
    fn make_room(&mut self, own: usize) -> Option<Job> {
        if let Some(job) = self.last.pop_front() {
            self.waiting -= 1;
            return Some(job);
        }
        let (&key, line) = self.lines.iter_mut().max_by_key(|(_, line)| line.len())?;
        if line.len() <= own + 1 {
            return None;
        }
        let job = line.pop_back()?;
        debug_assert!(!line.is_empty(), "line {key} had two jobs at least");
        self.waiting -= 1;
        Some(job)
    }

    /// The job whose turn it is. Jobs that nobody waits for are let go.
    pub fn next(&mut self) -> Option<Job> {
        while let Some(key) = self.order.pop_front() {
            let Some(line) = self.lines.get_mut(&key) else {
                continue;
            };
            let job = line.pop_front();
            if line.is_empty() {
                self.lines.remove(&key);
            } else {
                self.order.push_back(key);
            }
            match job {
                Some(job) if job.is_abandoned() => self.waiting -= 1,
                Some(job) if job.caller().is_leaving() => self.last.push_back(job),
                Some(job) => {
                    self.waiting -= 1;
                    return Some(job);
                }
                None => {}
            }
        }
        while let Some(job) = self.last.pop_front() {
            self.waiting -= 1;
            if !job.is_abandoned() {
                return Some(job);
            }
        }
        None
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

    fn drain(turns: &mut Turns) -> Vec<String> {
        std::iter::from_fn(|| turns.next().map(|job| name(&job))).collect()
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
    fn what_nobody_waits_for_is_let_go_and_what_may_be_is_last() {
        let mut turns = Turns::new(3);
        let (gone, leaving, here) = (
            Caller::new(1, false),
            Caller::new(1, false),
            Caller::new(1, false),
        );
        let (withdrawn, reply) = job(&gone, "withdrawn");
        assert!(turns.add(withdrawn).is_none());
        drop(reply);
        let (last, _last) = job(&leaving, "last");
        assert!(turns.add(last).is_none());
        leaving.leaves();
        let (first, _first) = job(&here, "first");
        assert!(turns.add(first).is_none());
        assert_eq!(drain(&mut turns), ["first", "last"]);
        assert_eq!(turns.waiting(), 0);
    }
}
