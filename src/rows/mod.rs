//! Reads back the exchange rows that `read --exchanges` wrote as JSON lines or Parquet, as [`ExchangeRow`]s in the order in
//! which the exchanges completed.

mod json;
mod merge;
#[cfg(feature = "parquet")]
mod parquet;
mod told;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

pub use merge::Merged;
#[cfg(feature = "parquet")]
pub(crate) use parquet::INTERRUPTED;

use crate::session::summary::ExchangeRow;
use crate::text::escape::Local;

/// The first bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read rows from \"{}\": {why}", Local(&path.to_string_lossy()))]
pub struct RowsError {
    /// The file.
    pub path: PathBuf,
    /// What went wrong.
    pub why: Why,
}

/// What is wrong with a file of rows.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A row is not an exchange.
    #[error(
        "{place} is no exchange ({reason}); `authscope read --exchanges -T jsonl` writes those"
    )]
    Row {
        /// Its place: `line 3`.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is Parquet, which this build does not read.
    #[error("it is Parquet, and this program is built without it (cargo build --features parquet)")]
    NoParquet,
    /// It is damaged Parquet.
    #[error("{0}")]
    Parquet(String),
}

/// An item of a file of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An exchange of RegLogin.
    Row(ExchangeRow),
    /// An exchange of a protocol that a layout describes.
    OtherProtocol,
    /// The mark that writing was interrupted before the capture's end.
    Interrupted,
}

/// The items of a file, in its order.
type Items = Box<dyn Iterator<Item = Result<Item, Why>>>;

/// Opens a file of rows: JSON lines or Parquet. `-` is standard input with JSON lines.
fn open(path: &Path) -> Result<Items, Why> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(json::items(BufReader::new(io::stdin()))));
    }
    let mut file = File::open(path)?;
    let mut first = Vec::new();
    (&mut file)
        .take(PARQUET.len() as u64)
        .read_to_end(&mut first)?;
    if first == PARQUET {
        return of_parquet(file);
    }
    let whole: Box<dyn BufRead> = Box::new(BufReader::new(io::Cursor::new(first).chain(file)));
    Ok(Box::new(json::items(whole)))
}

#[cfg(feature = "parquet")]
fn of_parquet(file: File) -> Result<Items, Why> {
    Ok(Box::new(parquet::items(file)?))
}

#[cfg(not(feature = "parquet"))]
fn of_parquet(_: File) -> Result<Items, Why> {
    Err(Why::NoParquet)
}
