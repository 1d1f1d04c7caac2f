//! A capture as one HTML page that needs nothing else: for those whom it is passed on to.
//!
//! Enters: the same batches that `stats` counts, through a [`Collector`]. Kept: a fixed amount, whatever the capture's
//! length. Leaves: a page of at most [`MOST_BYTES`] ([`page`]), and of several captures an index with a row each
//! ([`index`]) and the same rows as CSV ([`csv`]). Nothing that may be part of a password is on any of them.

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
