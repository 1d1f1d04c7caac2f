//! Rows of several files as one, in the order in which exchanges were complete.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use super::{Item, Items, RowsError, open};
use crate::capture::Timestamp;
use crate::session::summary::ExchangeRow;

/// How much earlier a row may be than the one before it in its file: an exchange without a response is told when its
/// connection ends.
const SLACK: i64 = Timestamp::SECOND;

/// A file that is being read, and its next row.
struct RowsFile {
    path: PathBuf,
    items: Items,
    next: Option<ExchangeRow>,
    /// When the last answered exchange was complete.
    reached: Timestamp,
}

/// Rows of several files, merged: each file's rows are taken to be in order, as they are written, so that no more than
/// one row a file is kept.
pub struct Merged {
    sources: Vec<RowsFile>,
    /// The files that have a next row, by when it is due: never earlier than what its file has reached.
    due: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Rows of protocols that layouts describe, which are passed over.
    pub other_protocols: u64,
    /// Files whose writing was interrupted.
    pub interrupted: Vec<PathBuf>,
    /// Files whose rows are not in order of time.
    pub disordered: Vec<PathBuf>,
}

impl Merged {
    /// Opens all files.
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

    /// The next row of all, `None` behind the last.
    pub fn next_row(&mut self) -> Result<Option<ExchangeRow>, RowsError> {
        let Some(Reverse((_, index))) = self.due.pop() else {
            return Ok(None);
        };
        let row = self.sources[index].next.take();
        self.advance(index)?;
        Ok(row)
    }
}
