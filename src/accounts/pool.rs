//! Hashing off the I/O threads: a fixed number of threads that serve callers in turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::hash::{Hasher, Stored};
use super::meters;
use super::scheme::{HashError, Scheme};
use super::turns::{Caller, Turns};
use crate::locks::lock;
use crate::protocol::Password;

/// What is to be computed.
pub enum Work {
    /// A hash for a registration.
    Hash,
    /// Whether the password matches this hash, as it is stored; if it does and the hash is old or weak, also a better
    /// hash.
    Verify(String),
    /// As much work as verifying takes, for a user that does not exist.
    Pretend,
}

/// What was computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The hash, a PHC string.
    Hashed(String),
    /// The password is right; with a better hash if the stored one is old or weak.
    Right(Option<String>),
    /// The password is wrong.
    Wrong,
}

/// A result, and how long its computation had to wait for its turn.
#[derive(Debug)]
pub struct Computed {
    /// What was computed.
    pub done: Done,
    /// From the submission to the start of the computation.
    pub waited: Duration,
    /// How long the computation took.
    pub took: Duration,
}

/// One computation and where its result goes.
pub struct Job {
    work: Work,
    password: Password,
    caller: Caller,
    submitted: Instant,
    reply: oneshot::Sender<Result<Computed, HashingError>>,
}

impl Job {
    /// A job, and where its result will be.
    pub(super) fn new(
        work: Work,
        password: Password,
        caller: Caller,
    ) -> (Self, oneshot::Receiver<Result<Computed, HashingError>>) {
        let (reply, result) = oneshot::channel();
        let job = Self {
            work,
            password,
            caller,
            submitted: Instant::now(),
            reply,
        };
        (job, result)
    }

    /// Does the work, unless nobody waits for it any more.
    pub fn run(self, hasher: &mut Hasher, pretended: &Stored) {
        if self.is_abandoned() {
            return;
        }
        let started = Instant::now();
        let password = self.password.expose();
        let done = match &self.work {
            Work::Hash => hasher.hash(password).map(Done::Hashed).map_err(Into::into),
            Work::Pretend => hasher
                .verify(password, pretended)
                .map(|_| Done::Wrong)
                .map_err(Into::into),
            Work::Verify(hash) => verify(hasher, password, hash),
        };
        let computed = done.map(|done| Computed {
            done,
            waited: started.saturating_duration_since(self.submitted),
            took: started.elapsed(),
        });
        // The caller may be gone.
        let _ = self.reply.send(computed);
    }

    /// What is to be computed.
    #[must_use]
    pub const fn work(&self) -> &Work {
        &self.work
    }

    #[cfg(test)]
    pub(super) const fn password(&self) -> &Password {
        &self.password
    }

    /// The caller.
    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether nobody waits for the result.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    /// Returns a result that needed no computation.
    pub fn answer(self, done: Done) {
        let _ = self.reply.send(Ok(Computed {
            done,
            waited: Duration::ZERO,
            took: Duration::ZERO,
        }));
    }

    /// Reports that there is no room for the job.
    pub(super) fn refuse(self) {
        let _ = self.reply.send(Err(HashingError::Busy));
    }
}

fn verify(hasher: &mut Hasher, password: &[u8], hash: &str) -> Result<Done, HashingError> {
    let stored = Stored::parse(hash).map_err(HashingError::Unusable)?;
    if !hasher.verify(password, &stored)? {
        return Ok(Done::Wrong);
    }
    let weak = stored.is_weaker_than(hasher.scheme());
    let better = weak.then(|| hasher.hash(password)).transpose()?;
    Ok(Done::Right(better))
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// There is no room for another password that waits.
    #[error("the queue of passwords to be hashed is full")]
    Busy,
    /// The computation failed.
    #[error("cannot hash a password: {0}")]
    Failed(#[from] HashError),
    /// The stored hash cannot be used.
    #[error("cannot verify a password: {0}")]
    Unusable(HashError),
    /// The threads are gone.
    #[error("the hashing threads have stopped")]
    Stopped,
}

/// Something that takes jobs: the pool, or in a benchmark something that answers at once.
pub trait Hashing: Send + Sync {
    /// Accepts the job, or says why not; never waits.
    fn submit(&self, job: Job) -> Result<(), HashingError>;

    /// Jobs that wait.
    fn waiting(&self) -> usize {
        0
    }

    /// Time that a hash of the scheme in use took when the program started.
    fn cost(&self) -> Duration {
        Duration::ZERO
    }
}

/// Submits work of `caller` and waits for the result. Dropping the future withdraws the work.
pub async fn compute(
    hashing: &dyn Hashing,
    work: Work,
    password: Password,
    caller: Caller,
) -> Result<Computed, HashingError> {
    let (job, result) = Job::new(work, password, caller);
    hashing.submit(job)?;
    result.await.map_err(|_| HashingError::Stopped)?
}

/// What the threads share.
struct Shared {
    turns: Mutex<Turns>,
    arrived: Condvar,
    refused: AtomicUsize,
}

/// The hashing threads. They end when the pool is dropped and no job is left.
pub struct HashPool {
    shared: Arc<Shared>,
    cost: Duration,
}

impl HashPool {
    /// Starts `threads` threads with room for `queue` jobs that wait.
    pub fn start(scheme: Scheme, threads: usize, queue: usize) -> Result<Self, HashingError> {
        let mut hasher = Hasher::new(scheme);
        let pretended = Arc::new(Stored::parse(&hasher.hash(b"nobody")?)?);
        // The second one does not pay for new memory.
        let started = Instant::now();
        hasher.hash(b"nobody")?;
        let cost = started.elapsed();
        let shared = Arc::new(Shared {
            turns: Mutex::new(Turns::new(queue)),
            arrived: Condvar::new(),
            refused: AtomicUsize::new(0),
        });
        let pool = Self {
            shared: Arc::clone(&shared),
            cost,
        };
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&shared);
            let pretended = Arc::clone(&pretended);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || {
                    let mut hasher = Hasher::new(scheme);
                    let mut finished = None;
                    while let Some(job) = shared.next(finished) {
                        finished = Some(job.caller().key());
                        let started = Instant::now();
                        job.run(&mut hasher, &pretended);
                        meters::hashed(started.elapsed());
                    }
                })
                .map_err(|_| HashingError::Stopped)?;
        }
        Ok(pool)
    }

    /// Jobs refused because there was no room for them.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// The job whose turn it is, for a thread that has finished one of the caller `finished`; waits
    /// for one. `None` when no more will come.
    fn next(&self, finished: Option<u128>) -> Option<Job> {
        let mut turns = lock(&self.turns);
        if let Some(caller) = finished {
            turns.finished(caller);
        }
        loop {
            let job = turns.next();
            // The number decreases even if only abandoned jobs were left.
            meters::queue_depth(turns.waiting());
            if job.is_some() {
                return job;
            }
            if turns.is_closed() {
                return None;
            }
            turns = self
                .arrived
                .wait(turns)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        lock(&self.shared.turns).close();
        self.shared.arrived.notify_all();
    }
}

impl Hashing for HashPool {
    fn submit(&self, job: Job) -> Result<(), HashingError> {
        let mut turns = lock(&self.shared.turns);
        let without_room = turns.add(job);
        meters::queue_depth(turns.waiting());
        drop(turns);
        self.shared.arrived.notify_one();
        // The job that is dropped may be another caller's.
        if let Some(job) = without_room {
            meters::busy();
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            job.refuse();
        }
        Ok(())
    }

    fn waiting(&self) -> usize {
        lock(&self.shared.turns).waiting()
    }

    fn cost(&self) -> Duration {
        self.cost
    }
}
