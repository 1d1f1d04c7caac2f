//! Registrations that wait at the same time, committed together: one statement for many rows.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::PostgresError;
use super::session::{Sessions, Trouble, WAIT};
use crate::accounts::store::Reason;
use crate::locks::lock;

const ADD: &str = "INSERT INTO authscope_users (name, hash) VALUES ($1, $2)
    ON CONFLICT (name) DO NOTHING RETURNING 1";
const ADD_SEVERAL: &str = "INSERT INTO authscope_users (name, hash)
    SELECT name, hash FROM unnest($1::bytea[], $2::text[]) AS k(name, hash)
    ON CONFLICT (name) DO NOTHING RETURNING name";

/// The most rows of one statement.
const MOST: usize = 64;
/// One in so many connections adds users; the others are for questions.
const SHARE: usize = 4;

/// Adds users: those that arrive while statements are in progress share the next one.
pub struct Together {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Rows so far.
    numbers: AtomicU64,
    /// Statements that may be under way at once.
    statements: Semaphore,
}

struct Waiting {
    number: u64,
    name: Vec<u8>,
    hash: String,
    told: oneshot::Sender<Outcome>,
}

/// The result for one row.
#[derive(Debug, Clone)]
enum Outcome {
    /// Whether it was added: its name may be taken.
    Added(bool),
    Busy,
    Unavailable(Reason),
    Lost(Reason),
    /// The database refused the statement, perhaps for another row's sake.
    Alone,
}

impl Together {
    /// For a pool of so many connections.
    pub fn new(connections: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            numbers: AtomicU64::new(0),
            statements: Semaphore::new((connections / SHARE).max(1)),
        }
    }

    /// Adds one user; false if the name is taken. Must not be dropped before it ends: others may wait for what it
    /// sends.
    pub async fn add(&self, sessions: &Sessions, name: &[u8], hash: &str) -> Result<bool, Trouble> {
        let (told, mut outcome) = oneshot::channel();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        lock(&self.waiting).push_back(Waiting {
            number,
            name: name.to_vec(),
            hash: hash.to_owned(),
            told,
        });
        let told = loop {
            tokio::select! {
                biased;
                told = &mut outcome => break told,
                free = timeout(WAIT, self.statements.acquire()) => {
                    if free.is_err() && self.give_up(number) {
                        break Ok(Outcome::Busy);
                    }
                    let rows = if free.is_ok() { self.next() } else { Vec::new() };
                    if rows.is_empty() {
                        // Another one has sent this row.
                        break (&mut outcome).await;
                    }
                    send(sessions, rows).await;
                }
            }
        };
        match told {
            Ok(Outcome::Added(added)) => Ok(added),
            Ok(Outcome::Busy) => Err(Trouble::Busy),
            Ok(Outcome::Unavailable(reason)) => Err(Trouble::Unavailable(reason)),
            Ok(Outcome::Lost(reason)) => Err(Trouble::Lost(reason)),
            Ok(Outcome::Alone) => add_alone(sessions, name, hash).await,
            // Whoever sent it is gone.
            Err(_) => Err(Trouble::Lost(Arc::new(PostgresError::NotInTime))),
        }
    }

    /// Takes back a row that has not been sent yet; returns whether that was possible.
    fn give_up(&self, number: u64) -> bool {
        let mut waiting = lock(&self.waiting);
        let place = waiting.iter().position(|row| row.number == number);
        place.is_some_and(|place| waiting.remove(place).is_some())
    }

    /// The rows of the next statement. A name occurs once in it: of two registrations, the first gets it.
    fn next(&self) -> Vec<Waiting> {
        let mut waiting = lock(&self.waiting);
        let mut names = HashSet::new();
        let fits = |row: &&Waiting| names.len() < MOST && names.insert(row.name.clone());
        let rows = waiting.iter().take_while(fits).count();
        waiting.drain(..rows).collect()
    }
}

/// Adds one user by a statement of its own; false where the name is taken.
pub async fn add_alone(sessions: &Sessions, name: &[u8], hash: &str) -> Result<bool, Trouble> {
    let rows = sessions.write(ADD, &[&name, &hash]).await?;
    Ok(!rows.is_empty())
}

/// Sends one statement, and tells everyone in it.
async fn send(sessions: &Sessions, rows: Vec<Waiting>) {
    if let [row] = &rows[..] {
        let told = match add_alone(sessions, &row.name, &row.hash).await {
            Ok(added) => Outcome::Added(added),
            Err(trouble) => Outcome::of(trouble),
        };
        return tell(rows, |_| told.clone());
    }
    let names: Vec<&[u8]> = rows.iter().map(|row| &row.name[..]).collect();
    let hashes: Vec<&str> = rows.iter().map(|row| &row.hash[..]).collect();
    match sessions.write(ADD_SEVERAL, &[&names, &hashes]).await {
        Ok(added) => {
            let added: Result<HashSet<Vec<u8>>, _> =
                added.iter().map(|row| row.try_get(0)).collect();
            match added {
                Ok(added) => tell(rows, |name| Outcome::Added(added.contains(name))),
                Err(error) => {
                    let reason: Reason = Arc::new(PostgresError::from(error));
                    tell(rows, |_| Outcome::Lost(Arc::clone(&reason)));
                }
            }
        }
        Err(trouble) => {
            let told = Outcome::of(trouble);
            tell(rows, |_| told.clone());
        }
    }
}

fn tell(rows: Vec<Waiting>, told: impl Fn(&[u8]) -> Outcome) {
    for row in rows {
        // Whoever does not wait any more is not told.
        let _ = row.told.send(told(&row.name));
    }
}

impl Outcome {
    fn of(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Busy => Self::Busy,
            Trouble::Unavailable(reason) => Self::Unavailable(reason),
            Trouble::Lost(reason) => Self::Lost(reason),
            Trouble::Refused(_) => Self::Alone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_for(together: &Together, name: &str) -> oneshot::Receiver<Outcome> {
        let (told, outcome) = oneshot::channel();
        lock(&together.waiting).push_back(Waiting {
            number: together.numbers.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            hash: format!("hash of {name}"),
            told,
        });
        outcome
    }

    fn names(rows: &[Waiting]) -> Vec<String> {
        let name = |row: &'_ Waiting| String::from_utf8_lossy(&row.name).into_owned();
        rows.iter().map(name).collect()
    }

    #[test]
    fn a_statement_has_a_name_once_and_keeps_the_order() {
        let together = Together::new(16);
        let _outcomes = ["a", "b", "a", "c"].map(|name| wait_for(&together, name));
        assert_eq!(names(&together.next()), ["a", "b"]);
        assert_eq!(names(&together.next()), ["a", "c"]);
        assert!(together.next().is_empty());
    }

    #[test]
    fn a_statement_has_so_many_rows_and_no_more() {
        let together = Together::new(16);
        let _outcomes: Vec<_> = (0..=MOST)
            .map(|n| wait_for(&together, &n.to_string()))
            .collect();
        assert_eq!(together.next().len(), MOST);
        assert_eq!(together.next().len(), 1);
    }

    #[test]
    fn who_gives_up_is_not_sent() {
        let together = Together::new(16);
        let _outcomes = ["a", "b"].map(|name| wait_for(&together, name));
        assert!(together.give_up(0));
        assert_eq!(names(&together.next()), ["b"]);
        assert!(!together.give_up(1), "it is on its way");
    }
}
