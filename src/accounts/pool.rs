//! Hashing off the I/O threads: a fixed number of threads behind a queue with a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;

use super::hash::{Hasher, Stored};
use super::meters;
use super::scheme::{HashError, Scheme};
use crate::protocol::Password;

/// What is to be computed.
pub enum Work {
    /// A hash for a registration.
    Hash,
    /// Whether the password is the one of the hash; where it is and the hash is an old or weak
    /// one, also a better hash.
    Verify(Box<Stored>),
    /// As much work as verifying takes, for a user that does not exist.
    Pretend,
}

/// What was computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The hash, a PHC string.
    Hashed(String),
    /// The password is right; with a better hash where the stored one is old or weak.
    Right(Option<String>),
    /// The password is wrong.
    Wrong,
}

/// One computation and where its result goes.
pub struct Job {
    work: Work,
    password: Password,
    reply: oneshot::Sender<Result<Done, HashError>>,
}

impl Job {
    /// Does the work, unless nobody waits for it any more.
    pub fn run(self, hasher: &mut Hasher, pretended: &Stored) {
        if self.reply.is_closed() {
            return;
        }
        let password = self.password.expose();
        let done = match &self.work {
            Work::Hash => hasher.hash(password).map(Done::Hashed),
            Work::Pretend => hasher.verify(password, pretended).map(|_| Done::Wrong),
            Work::Verify(stored) => match hasher.verify(password, stored) {
                Ok(true) if stored.is_weaker_than(hasher.scheme()) => {
                    hasher.hash(password).map(|hash| Done::Right(Some(hash)))
                }
                Ok(true) => Ok(Done::Right(None)),
                Ok(false) => Ok(Done::Wrong),
                Err(error) => Err(error),
            },
        };
        self.answer(done);
    }

    /// What is to be computed.
    #[must_use]
    pub const fn work(&self) -> &Work {
        &self.work
    }

    /// Hands the result over.
    pub fn answer(self, done: Result<Done, HashError>) {
        // Whoever asked may be gone.
        let _ = self.reply.send(done);
    }
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// The queue is full.
    #[error("the queue of passwords to be hashed is full")]
    Busy,
    /// The computation failed.
    #[error("cannot hash a password: {0}")]
    Failed(#[from] HashError),
    /// The threads are gone.
    #[error("the hashing threads have stopped")]
    Stopped,
}

/// Something that takes jobs: the pool, or in a benchmark something that answers at once.
pub trait Hashing: Send + Sync {
    /// Takes the job, or says why not; never waits.
    fn submit(&self, job: Job) -> Result<(), HashingError>;

    /// Jobs that wait.
    fn waiting(&self) -> usize {
        0
    }
}

/// Submits work and waits for the result.
pub async fn compute(
    hashing: &dyn Hashing,
    work: Work,
    password: Password,
) -> Result<Done, HashingError> {
    let (reply, result) = oneshot::channel();
    hashing.submit(Job {
        work,
        password,
        reply,
    })?;
    Ok(result.await.map_err(|_| HashingError::Stopped)??)
}

/// The hashing threads. They end when the pool is dropped and the queue is empty.
pub struct HashPool {
    queue: Sender<Job>,
    refused: AtomicUsize,
}

impl HashPool {
    /// Starts `threads` threads with room for `queue` jobs that wait.
    pub fn start(scheme: Scheme, threads: usize, queue: usize) -> Result<Self, HashingError> {
        let (sender, receiver) = crossbeam_channel::bounded(queue);
        let pretended = Arc::new(Stored::parse(&Hasher::new(scheme).hash(b"nobody")?)?);
        for number in 0..threads.max(1) {
            let receiver: Receiver<Job> = receiver.clone();
            let pretended = Arc::clone(&pretended);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || {
                    let mut hasher = Hasher::new(scheme);
                    for job in &receiver {
                        let started = Instant::now();
                        job.run(&mut hasher, &pretended);
                        meters::hashed(started.elapsed());
                        meters::queue_depth(receiver.len());
                    }
                })
                .map_err(|_| HashingError::Stopped)?;
        }
        Ok(Self {
            queue: sender,
            refused: AtomicUsize::new(0),
        })
    }

    /// Jobs refused because the queue was full.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Hashing for HashPool {
    fn submit(&self, job: Job) -> Result<(), HashingError> {
        match self.queue.try_send(job) {
            Ok(()) => {
                meters::queue_depth(self.queue.len());
                Ok(())
            }
            Err(TrySendError::Full(_)) => {
                meters::busy();
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(HashingError::Busy)
            }
            Err(TrySendError::Disconnected(_)) => Err(HashingError::Stopped),
        }
    }

    fn waiting(&self) -> usize {
        self.queue.len()
    }
}
