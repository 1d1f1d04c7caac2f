//! What is shown of records: tables, lines, details, octets, JSON.
//!
//! Enters: [`FrameRecord`]s. Leaves, through any writer: text. Every
//! output is a [`Sink`](crate::session::Sink), so that it can be tested in memory and several can
//! be fed in one pass, with a [`Tee`]. Nothing from the wire leaves unescaped.

use std::fmt::Write as _;

use crate::session::FrameRecord;

mod charset;
mod clock;
pub mod comment;
mod described;
mod details;
mod fields;
mod follow;
pub mod info;
mod json;
mod ladder;
mod lines;
mod losses;
mod nearest;
mod overview;
mod save;
mod select;
mod stats;
mod table;
mod tally;
mod tee;
mod tone;
mod watch;

pub use charset::Charset;
pub use clock::{Clock, TimeFormat};
pub use details::{Details, DetailsOptions, Node, Space, frame_tree, link_name, message_tree};
pub use fields::{Columns, FieldRows, FieldsFormat, Occurrence};
pub use follow::{Finder, Follow, FollowFormat, FollowOptions, Followed};
pub use json::{JsonMessage, JsonOptions, JsonSink, Layout};
pub use ladder::{Ladder, LadderOptions};
pub use lines::Lines;
pub use losses::Losses;
pub use nearest::NearestReading;
pub use overview::Overview;
pub use save::{Embed, LeftBeside, Save, SaveOptions, Survey};
pub use select::{RecordFilter, Rows, Select};
pub use stats::{Sentence, Stats, StatsFormat, TextStyle, write_summary};
pub use table::{Table, TableOptions};
pub use tally::{Counter, Tally};
pub use tee::{OutputError, Printer, Tee};
pub use tone::Tone;
pub use watch::{Answers, Watch};

/// Appends a frame's TCP payload in hexadecimal, `**` for each octet that may be part of a
/// password.
fn write_payload(out: &mut String, record: &FrameRecord<'_>, show_passwords: bool) {
    let Some(segment) = record.segment() else {
        return;
    };
    let hidden = record.secrets(show_passwords).in_packet();
    for (at, octet) in (segment.payload_start as usize..).zip(record.payload()) {
        if hidden.has(at) {
            out.push_str("**");
        } else {
            let _ = write!(out, "{octet:02x}");
        }
    }
}
