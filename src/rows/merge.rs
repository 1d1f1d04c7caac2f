//! Merges the rows of several files, in the order in which exchanges completed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use super::{Item, Items, RowsError, open};
use crate::capture::Timestamp;
use crate::session::summary::ExchangeRow;

/// How much earlier than those before it an answered exchange may have completed, in nanoseconds, before its file counts
/// as disordered.
const SLACK: i64 = Timestamp::SECOND;

/// A file that is being read, and its next row.
struct RowsFile {
    path: PathBuf,
    items: Items,
    next: Option<ExchangeRow>,
    /// The latest completion time of an answered exchange so far.
    reached: Timestamp,
}

/// The merged rows of several files. Each file is expected to be in order, as it is written, so only one row per file is kept
/// in memory.
pub struct Merged {
    sources: Vec<RowsFile>,
    /// The files that have a next row, by the time at which it is due: not before `reached` of its file.
    due: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The number of rows of protocols that layouts describe, which are skipped.
    pub other_protocols: u64,
    /// Files whose writing was interrupted.
    pub interrupted: Vec<PathBuf>,
    /// Files whose rows are not in order.
    pub disordered: Vec<PathBuf>,
}

impl Merged {
    /// Opens all files, and reads the first row of each.
    ///
    /// # Errors
    ///
    /// If a file cannot be opened, or its first row is wrong.
    pub fn open(paths: &[PathBuf]) -> Result<Self, RowsError> {
        let mut merged = Self {
            sources: Vec::new(),
            due: BinaryHeap::new(),
            other_protocols: 0,
            interrupted: Vec::new(),
            disordered: Vec::new(),
        };
        for (index, path) in paths.iter().enumerate() {
            let items = open(path).map_err(|why| RowsError {
                path: path.clone(),
                why,
            })?;
            merged.sources.push(RowsFile {
                path: path.clone(),
                items,
                next: None,
                reached: Timestamp(i64::MIN),
            });
            merged.advance(index)?;
        }
        Ok(merged)
    }

    /// Reads the next row of a file.
    fn advance(&mut self, index: usize) -> Result<(), RowsError> {
        let source = &mut self.sources[index];
        loop {
            let item = match source.items.next() {
                None => return Ok(()),
                Some(Err(why)) => {
                    let path = source.path.clone();
                    return Err(RowsError { path, why });
                }
                Some(Ok(item)) => item,
            };
            match item {
                Item::OtherProtocol => self.other_protocols += 1,
                Item::Interrupted => self.interrupted.push(source.path.clone()),
                Item::Row(row) => {
                    let ended = row.ended();
                    if row.response.is_some() {
                        if source.reached.since(ended) > SLACK
                            && source.reached != Timestamp(i64::MIN)
                            && !self.disordered.contains(&source.path)
                        {
                            self.disordered.push(source.path.clone());
                        }
                        source.reached = source.reached.max(ended);
                    }
                    self.due.push(Reverse((source.reached.max(ended), index)));
                    source.next = Some(row);
                    return Ok(());
                }
            }
        }
    }

    /// The next row of all files; `None` after the last.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or has a wrong row.
    pub fn next_row(&mut self) -> Result<Option<ExchangeRow>, RowsError> {
        let Some(Reverse((_, index))) = self.due.pop() else {
            return Ok(None);
        };
        let row = self.sources[index].next.take();
        self.advance(index)?;
        Ok(row)
    }
}
