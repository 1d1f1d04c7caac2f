//! Writes a capture as one HTML page that needs no other files.
//!
//! A [`Collector`] takes the same batches that `stats` counts, and keeps a fixed amount of them, however long the capture is.
//! [`page`] writes a page of at most [`MOST_BYTES`]; [`index`] and [`csv`] write one row for each of several captures. Nothing
//! that may be part of a password is on any of them.

mod chosen;
mod collect;
mod digest;
mod examples;
mod facts;
mod failing;
mod faults;
mod html;
mod index;
mod points;
mod scale;
mod size;
mod times;
mod verdict;

pub use collect::Collector;
pub use digest::{Digest, Digests};
pub use html::{About, page};
pub use index::{Entry, csv, index};
pub use size::MOST_BYTES;
pub use verdict::{Mood, Verdict};
