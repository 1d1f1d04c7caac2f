//! The state from which the screen is drawn, the events that change it, and the commands that it asks for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::answer::{
    Differences, Explained, Flow, FollowText, FrameDetail, FrameRow, Preview, Statistics,
};
use super::columns::ExchangeColumn;
use super::dialog::Dialog;
use super::keys::{Key, Pane};
use super::recording::{ExchangeEntry, Numbers};
use super::settings::Settings;
use super::shown::{List, Shown};
use crate::capture::Timestamp;
use crate::output::{Charset, TimeFormat};

/// Which rows of a list are shown, in addition to the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// All.
    #[default]
    All,
    /// Those that failed.
    Failed,
    /// Those with a warning or an error.
    Noted,
}

/// The parts of the frames view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// The list.
    #[default]
    List,
    /// The details.
    Details,
    /// The bytes.
    Bytes,
}

/// A border between two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Of the lower part.
    Lower,
    /// Of the part at the right.
    Right,
}

/// Where the source stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes read and total bytes, while a file is read.
    pub read: Option<(u64, u64)>,
    /// Whether the source has ended.
    pub ended: bool,
    /// Frames recorded, and how many of them were dropped again.
    pub frames: u64,
    /// See `frames`.
    pub discarded: u64,
    /// Exchanges, those that succeeded, that failed, that have notes.
    pub counts: [u64; 4],
    /// Whether frames are kept in a spool file.
    pub spooled: bool,
    /// The state of a live capture.
    pub live: Option<Live>,
}

/// The state of a live capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// Frames a second.
    pub rate: u64,
    /// Frames that the kernel dropped.
    pub dropped: u64,
    /// Time since its start.
    pub running: Duration,
    /// The most frames that are kept.
    pub ring: u64,
}

/// A filter in use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filtered {
    /// Its text.
    pub text: String,
    /// Frames examined and total frames, while it runs.
    pub progress: Option<(u64, u64)>,
}

/// The visible part of a text that is longer than the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    /// The selected line.
    pub at: usize,
    /// The first visible line.
    pub top: usize,
    /// Columns that the text is scrolled to the left.
    pub left: usize,
}

impl Scroll {
    /// Moves by this many of `len` lines, of which `height` are visible.
    pub fn step(&mut self, lines: isize, len: usize, height: usize) {
        self.go(self.at.saturating_add_signed(lines), len, height);
    }

    /// Goes to a line.
    pub fn go(&mut self, at: usize, len: usize, height: usize) {
        self.at = at.min(len.saturating_sub(1));
        self.top = self.top.min(self.at);
        if self.at >= self.top + height.max(1) {
            self.top = self.at + 1 - height.max(1);
        }
    }
}

/// A message that is shown on the last line for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusMessage {
    /// The message.
    pub text: String,
    /// Whether something went wrong.
    pub wrong: bool,
}

/// An answer that is awaited, or has arrived.
#[derive(Debug, Clone, Default)]
pub enum Pending<T> {
    /// Nobody asked.
    #[default]
    NotAsked,
    /// It is being computed.
    Running,
    /// It has arrived.
    Ready(Arc<T>),
}

impl<T> Pending<T> {
    /// The answer, if it has arrived.
    #[must_use]
    pub const fn ready(&self) -> Option<&Arc<T>> {
        match self {
            Self::Ready(answer) => Some(answer),
            _ => None,
        }
    }
}

/// The state.
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Debug, Default)]
pub struct State {
    /// Columns and rows of the screen.
    pub size: (u16, u16),
    /// What is read, for the first line; fit for a terminal.
    pub source: String,
    /// What the user chose once and for all.
    pub settings: Settings,
    /// What is drawn with.
    pub charset: Charset,
    /// The open views; the last one is in front.
    pub views: Vec<Pane>,
    /// The dialog in front of the view.
    pub dialog: Option<Dialog>,
    /// The message on the last line.
    pub status: Option<StatusMessage>,
    /// Where the source stands.
    pub progress: Progress,
    /// Columns of the longest name that a request has in the layouts.
    pub widest_name: u16,
    /// Which rows are shown.
    pub tab: Tab,
    /// The filter in use.
    pub filter: Option<Filtered>,
    /// What exchanges are sorted by, and whether the largest comes first.
    pub sort: Option<(ExchangeColumn, bool)>,
    /// How times are shown.
    pub time: TimeFormat,
    /// Whether passwords are shown.
    pub shows_passwords: bool,
    /// Whether the view of a live capture is paused.
    pub paused: bool,
    /// Whether the program is to end.
    pub ends: bool,
    /// Progress of a long reading, in percent; 0 if there is none.
    pub reading: u8,

    /// Times of the first frame and of the last one.
    pub start: Option<Timestamp>,
    /// See `start`.
    pub latest: Option<Timestamp>,
    /// The exchanges.
    pub exchanges: List,
    /// Their visible rows.
    pub exchange_rows: Vec<(u64, ExchangeEntry)>,
    /// Time of the exchange above the visible ones.
    pub exchange_above: Option<Timestamp>,
    /// The exchanges that are marked.
    pub marked: BTreeSet<u64>,
    /// The connections of the exchanges that are marked.
    pub marked_streams: BTreeMap<u64, u32>,
    /// Whether exchanges were marked whose connections are to be found.
    pub wants_marked_streams: bool,
    /// The border that is being dragged.
    pub drags: Option<Border>,
    /// The selected exchange in detail.
    pub preview: Pending<Preview>,
    /// Rows of the screen's lower part, where the user moved its border.
    pub split: Option<u16>,
    /// Columns of the part at the right, where the user moved its border.
    pub side: Option<u16>,

    /// The frames.
    pub frames: List,
    /// The rows that are known.
    pub frame_rows: HashMap<u64, FrameRow>,
    /// Capture time of the frame above the visible ones.
    pub frame_above: Option<Timestamp>,
    /// The rows that are being computed.
    pub rows_asked: Vec<u64>,
    /// The frames that are marked.
    pub marked_frames: BTreeSet<u64>,
    /// The selected frame.
    pub detail: Pending<FrameDetail>,
    /// The part of the frames view with the focus.
    pub part: Part,
    /// The selected line of its details.
    pub tree: Scroll,
    /// The path of the line that the user selected last.
    pub tree_path: String,
    /// The lines of details that are folded, by their path.
    pub folded: BTreeSet<String>,
    /// The selected byte, and its pane of bytes.
    pub byte: (usize, usize),

    /// The ladder.
    pub flow: Pending<Flow>,
    /// The selected step.
    pub step: Scroll,
    /// The frame of the selected step.
    pub step_detail: Pending<FrameDetail>,
    /// The conversation.
    pub follow: Pending<FollowText>,
    /// Where in it.
    pub follow_at: Scroll,
    /// Statistics.
    pub statistics: Pending<Statistics>,
    /// Where in them.
    pub statistics_at: Scroll,
    /// How Wireshark reads the conversation.
    pub explained: Pending<Explained>,
    /// Where in it.
    pub explained_at: Scroll,
    /// The comparison.
    pub differences: Pending<Differences>,
    /// Where in it.
    pub differences_at: Scroll,
    /// The save dialog, in case it must be shown again.
    pub saving: Option<super::dialog::SaveDialog>,
    /// User names that were seen, for completion.
    pub users: Vec<String>,
}

impl State {
    /// The view in front.
    #[must_use]
    pub fn pane(&self) -> Pane {
        self.views.last().copied().unwrap_or(Pane::Exchanges)
    }

    /// Whether the source is live and still runs.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.progress.live.is_some()
    }

    /// The entry of the selected exchange.
    #[must_use]
    pub fn exchange(&self) -> Option<&ExchangeEntry> {
        let chosen = self.exchanges.chosen()?;
        let row = self
            .exchange_rows
            .iter()
            .find(|(number, _)| *number == chosen);
        row.map(|(_, entry)| entry)
    }

    /// Shows a message on the last line.
    pub fn say(&mut self, text: impl Into<String>) {
        self.status = Some(StatusMessage {
            text: text.into(),
            wrong: false,
        });
    }

    /// Shows an error on the last line.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.status = Some(StatusMessage {
            text: text.into(),
            wrong: true,
        });
    }

    /// The symbols of a text, as far as the terminal can show them.
    #[must_use]
    pub fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.charset {
            Charset::Unicode => unicode,
            Charset::Ascii => ascii,
        }
    }
}

/// What the mouse did, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// The left button was pressed.
    Press,
    /// It was moved while pressed.
    Drag,
    /// It was let go.
    Release,
    /// The wheel was turned by this many steps; positive is down.
    Wheel(i8),
}

/// An event.
#[derive(Debug, Clone)]
pub enum Event {
    /// A key.
    Key(Key),
    /// Text that was pasted.
    Paste(String),
    /// The mouse, at this column and row.
    Mouse(Mouse, u16, u16),
    /// The screen has another size.
    Resize(u16, u16),
    /// The source made progress.
    Progress(Progress),
    /// More exchanges are shown; the range gives those that are kept.
    Exchanges(Numbers, std::ops::Range<u64>),
    /// More frames are shown; the range gives those that are kept.
    Frames(Numbers, std::ops::Range<u64>),
    /// Other exchanges are shown.
    ShowExchanges(Shown),
    /// Other frames are shown.
    ShowFrames(Shown),
    /// A row was found; `None` where there is none.
    Found(Option<u64>),
    /// The progress of a filter.
    Filtering(Option<(u64, u64)>),
    /// An answer needs a long reading: its progress in percent; 0 if there is none, or no longer.
    Reading(u8),
    /// An answer arrived.
    Answer(super::answer::Answer),
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Show what matches this filter; with `None` everything.
    Filter(Option<String>),
    /// Choose rows again: other ones are shown, or in another order.
    Arrange,
    /// Answer a question.
    Ask(super::answer::Question),
    /// Find the next failure or note, or the one before.
    Find(bool),
    /// Cancel a long computation.
    Cancel,
    /// Put text into the clipboard.
    Copy(String),
    /// Drop what was captured.
    Clear,
    /// Save the columns of this view's list.
    SaveColumns(Pane),
    /// Draw everything again.
    Redraw,
}
