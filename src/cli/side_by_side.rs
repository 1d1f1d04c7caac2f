//! Reads several files at the same time, on as many threads as the machine has cores, and returns their results in
//! the order of the files.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

/// The most portions of output, about 64 KiB each, that wait for their file's turn. A file with more output waits.
const PORTIONS: usize = 16;

/// The most files that wait for their turn, as a multiple of the number of threads.
const AHEAD: usize = 4;

/// What reading a file produces.
pub(super) enum Produced<T> {
    /// Output to be written next.
    Bytes(Vec<u8>),
    /// The result; nothing follows.
    Done(T),
}

/// Holds a file's output until its turn comes.
pub(super) struct FileOutput<T>(Sender<Produced<T>>);

impl<T> Clone for FileOutput<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Write for FileOutput<T> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let portion = Produced::Bytes(octets.to_vec());
        // The receiver is gone if standard output was closed.
        let sent = self.0.send(portion);
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `work` for each of `count` files, and passes their output to `take`, file by file. An error of `take` ends
/// everything: no further file is begun.
pub(super) fn side_by_side<T: Send, E>(
    count: usize,
    work: impl Fn(usize, FileOutput<T>) -> T + Sync,
    mut take: impl FnMut(usize, Produced<T>) -> Result<(), E>,
) -> Result<(), E> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(count);
    let (announce, lanes) = bounded(threads * AHEAD);
    let next = Mutex::new(0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let files = Files {
                count,
                next: &next,
                is_over: &is_over,
                announce: announce.clone(),
            };
            let work = &work;
            scope.spawn(move || {
                while let Some((index, lane)) = files.begin() {
                    let done = work(index, lane.clone());
                    let _ = lane.0.send(Produced::Done(done));
                }
            });
        }
        drop(announce);
        let mut take_all = || {
            for (index, handed) in &lanes {
                for handed in handed {
                    take(index, handed)?;
                }
            }
            Ok(())
        };
        let taken = take_all();
        // A file that waits for its turn then finds its lane closed.
        is_over.store(true, Ordering::Relaxed);
        lanes.iter().for_each(drop);
        taken
    })
}

/// The remaining files, shared by all threads.
struct Files<'a, T> {
    count: usize,
    /// The index of the next file.
    next: &'a Mutex<usize>,
    is_over: &'a AtomicBool,
    /// Announces begun files, in order.
    announce: Sender<(usize, Receiver<Produced<T>>)>,
}

impl<T> Files<'_, T> {
    /// Begins the next file; `None` if there is none, or if nobody waits for it.
    fn begin(&self) -> Option<(usize, FileOutput<T>)> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let index = *next;
        if index == self.count || self.is_over.load(Ordering::Relaxed) {
            return None;
        }
        *next += 1;
        let (hand, handed) = bounded(PORTIONS);
        self.announce.send((index, handed)).ok()?;
        Some((index, FileOutput(hand)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_ends_first_comes_in_order() {
        let mut seen = Vec::new();
        let done: Result<(), ()> = side_by_side(
            50,
            |index, mut lane| {
                let octet = u8::try_from(index).unwrap();
                // More than may wait, of every seventh.
                for _ in 0..if index % 7 == 0 { 100 } else { 1 } {
                    lane.write_all(&[octet]).unwrap();
                }
                index
            },
            |index, handed| {
                match handed {
                    Produced::Bytes(octets) => assert_eq!(octets, [u8::try_from(index).unwrap()]),
                    Produced::Done(done) => seen.push((index, done)),
                }
                Ok(())
            },
        );
        assert_eq!(done, Ok(()));
        assert_eq!(
            seen,
            (0..50).map(|index| (index, index)).collect::<Vec<_>>()
        );
    }

    /// Whatever the other threads are about then.
    #[test]
    fn an_error_of_who_takes_it_ends_it() {
        for last in 0..300 {
            let mut taken = 0;
            let ended = side_by_side(
                1000,
                |_, mut lane| while lane.write_all(b"on and on").is_ok() {},
                |_, _| {
                    taken += 1;
                    if taken > last { Err("closed") } else { Ok(()) }
                },
            );
            assert_eq!(ended, Err("closed"));
        }
    }
}
