//! Several files read at the same time, each by itself, on as many threads as the machine has cores, and what comes of
//! them in the order of the files.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Portions of octets that wait for their file's turn at the most, each about 64 KiB: a file that has more waits.
const PORTIONS: usize = 16;

/// Files that wait for their turn, as a multiple of the threads.
const AHEAD: usize = 4;

/// What a file's reading hands over.
pub(super) enum Handed<T> {
    /// What is to be written next.
    Octets(Vec<u8>),
    /// What came of it; nothing follows.
    Done(T),
}

/// Takes what is written of a file until its turn comes.
pub(super) struct Lane<T>(Sender<Handed<T>>);

impl<T> Clone for Lane<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Write for Lane<T> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let portion = Handed::Octets(octets.to_vec());
        // Nobody takes it any more where standard output was closed.
        let sent = self.0.send(portion);
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has `work` done for each of `count` files, and gives `take` what each hands over, file by file. An error of `take` ends
/// it: no further file is begun.
pub(super) fn side_by_side<T: Send, E>(
    count: usize,
    work: impl Fn(usize, Lane<T>) -> T + Sync,
    mut take: impl FnMut(usize, Handed<T>) -> Result<(), E>,
) -> Result<(), E> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(count);
    let (announce, lanes) = bounded(threads * AHEAD);
    let next = Mutex::new(Next { index: 0, announce });
    std::thread::scope(|scope| {
        // Gone before the threads are waited for, so that none of them waits for its turn then.
        let lanes = lanes;
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, lane)) = begin(&next, count) {
                    let done = work(index, lane.clone());
                    let _ = lane.0.send(Handed::Done(done));
                }
            });
        }
        for _ in 0..count {
            let Ok((index, handed)) = lanes.recv() else {
                break;
            };
            for handed in handed {
                take(index, handed)?;
            }
        }
        Ok(())
    })
}

/// The file that is begun next, and where those are announced that are, in order.
struct Next<T> {
    index: usize,
    announce: Sender<(usize, Receiver<Handed<T>>)>,
}

/// Begins the next file; `None` where there is none or nobody waits for it.
fn begin<T>(next: &Mutex<Next<T>>, count: usize) -> Option<(usize, Lane<T>)> {
    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
    let index = next.index;
    if index == count {
        return None;
    }
    next.index += 1;
    let (hand, handed) = bounded(PORTIONS);
    next.announce.send((index, handed)).ok()?;
    Some((index, Lane(hand)))
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
                // More than may wait, of every seventh.
                for _ in 0..if index % 7 == 0 { 100 } else { 1 } {
                    lane.write_all(&[index as u8]).unwrap();
                }
                index
            },
            |index, handed| {
                match handed {
                    Handed::Octets(octets) => assert_eq!(octets, [index as u8]),
                    Handed::Done(done) => seen.push((index, done)),
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

    #[test]
    fn an_error_of_who_takes_it_ends_it() {
        let ended = side_by_side(
            1000,
            |_, mut lane| while lane.write_all(b"on and on").is_ok() {},
            |_, _| Err("closed"),
        );
        assert_eq!(ended, Err("closed"));
    }
}
