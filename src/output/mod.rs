//! Writes records as tables, lines, details, hex dumps, JSON and other forms.
//!
//! Each output is a [`Sink`](crate::session::Sink) of [`FrameRecord`]s and writes to any writer, so it can be tested in memory.
//! A [`Tee`] feeds several in one pass. One driver decides on rows, and a table of [`forms`] writes them. Text from the wire is
//! always escaped.

use std::fmt::Write as _;

use crate::session::FrameRecord;
use crate::text::escape::HexOctet;

mod answers;
mod charset;
mod clock;
mod columns;
mod context;
mod described;
mod details;
pub(crate) mod exchanges;
mod fields;
mod fold;
mod follow;
pub mod forms;
pub mod golden;
mod highlight;
pub mod info;
mod json;
mod ladder;
mod lines;
mod losses;
mod message_lines;
mod nearest;
mod origin;
mod overview;
#[cfg(feature = "parquet")]
mod parquet;
mod pdml;
mod rows;
mod stats;
mod table;
mod tally;
mod tee;

pub use answers::Answers;
pub use charset::Charset;
pub use clock::{TimeDisplay, TimeFormat};
pub use context::{Context, Findings, Group, Output};
pub use details::{Node, OCTETS, Space, TREE, filters_of, frame_tree, link_name, message_tree};
pub use fields::{Columns, Occurrence};
pub use fold::{Folding, at_blanks};
pub use follow::{Finder, Follow, FollowFormat, FollowOptions, FollowSink, Followed, Several};
pub use highlight::Highlight;
pub use ladder::{Ladder, LadderOptions, Step, Steps, fit};
pub use lines::FORM as TEXT;
pub use losses::Losses;
pub use message_lines::lines as message_lines;
pub use nearest::NearestReading;
pub use origin::Origin;
pub use overview::Overview;
pub use rows::{Form, MessageTiming, Rows, hand_over};
pub use stats::{Sentence, Stats, StatsFormat, TextStyle, summary_definitions, write_summary};
pub use tally::Tally;
pub use tee::{OutputError, Tee};

/// Appends a frame's TCP payload in hexadecimal, `**` for each byte that may be part of a password.
fn write_payload(out: &mut String, record: &FrameRecord<'_>, show_passwords: bool) {
    let Some(segment) = record.segment() else {
        return;
    };
    let hidden = record.secrets(show_passwords).in_packet();
    for (at, octet) in (segment.payload_start as usize..).zip(record.payload()) {
        let octet = HexOctet((!hidden.has(at)).then_some(*octet));
        let _ = write!(out, "{octet}");
    }
}
