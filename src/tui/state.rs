//! All that the screen is drawn from, what happens to it, and what it asks to be done.

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

/// Which of a list's rows are shown, besides the filter.
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
    /// Bytes read and in all, while a file is read.
    pub read: Option<(u64, u64)>,
    /// Whether no more comes.
    pub ended: bool,
    /// Frames recorded, and how many of them were let go.
    pub frames: u64,
    /// See `frames`.
    pub let_go: u64,
    /// Exchanges, those that succeeded, that failed, that have notes.
    pub counts: [u64; 4],
    /// Where frames are kept in a spool file.
    pub spooled: bool,
    /// Of a live capture.
    pub live: Option<Live>,
}

/// What a live capture tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// Frames a second.
    pub rate: u64,
    /// Frames that the kernel dropped.
    pub dropped: u64,
    /// How long it has been going on.
    pub running: Duration,
    /// Frames kept at the most.
    pub ring: u64,
}

/// A filter in use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filtered {
    /// Its text.
    pub text: String,
    /// Frames looked at, and in all; while it works.
    pub progress: Option<(u64, u64)>,
}

/// Where a text that is longer than the screen is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    /// The chosen line.
    pub at: usize,
    /// The first line that is seen.
    pub top: usize,
    /// Columns that the text is moved to the left.
    pub left: usize,
}

impl Scroll {
    /// Moves by so many of `len` lines, of which `height` are seen.
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

/// What stands on the last line for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What is said.
    pub text: String,
    /// Whether something went wrong.
    pub wrong: bool,
}

/// An answer that is waited for, or is there.
#[derive(Debug, Clone, Default)]
pub enum Waiting<T> {
    /// Nobody asked.
    #[default]
    Nothing,
    /// It is being worked out.
    Working,
    /// It is there.
    Here(Arc<T>),
}

impl<T> Waiting<T> {
    /// The answer, where it is there.
    #[must_use]
    pub const fn here(&self) -> Option<&Arc<T>> {
        match self {
            Self::Here(answer) => Some(answer),
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
    /// The views that are open, the last one in front.
    pub views: Vec<Pane>,
    /// What is asked for in front of the view.
    pub dialog: Option<Dialog>,
    /// What stands on the last line.
    pub said: Option<Said>,
    /// Where the source stands.
    pub progress: Progress,
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
    /// Whether the view of a live capture stands still.
    pub paused: bool,
    /// Whether the program is to end.
    pub ends: bool,
    /// How far a long reading has come, in percent; 0 where there is none.
    pub reading: u8,

    /// Times of the first frame and of the last one.
    pub start: Option<Timestamp>,
    /// See `start`.
    pub latest: Option<Timestamp>,
    /// The exchanges.
    pub exchanges: List,
    /// The rows that are seen of them.
    pub exchange_rows: Vec<(u64, ExchangeEntry)>,
    /// When the one above them was.
    pub exchange_above: Option<Timestamp>,
    /// The exchanges that are marked.
    pub marked: BTreeSet<u64>,
    /// The connections of the exchanges that are marked.
    pub marked_streams: BTreeMap<u64, u32>,
    /// Whether exchanges were marked whose connections are to be found.
    pub wants_marked_streams: bool,
    /// The border that is being dragged.
    pub drags: Option<Border>,
    /// The chosen exchange, from near by.
    pub preview: Waiting<Preview>,
    /// Rows of the screen's lower part, where the user moved its border.
    pub split: Option<u16>,
    /// Columns of the part at the right, where the user moved its border.
    pub side: Option<u16>,

    /// The frames.
    pub frames: List,
    /// The rows that are known.
    pub frame_rows: HashMap<u64, FrameRow>,
    /// When the frame above those that are seen was captured.
    pub frame_above: Option<Timestamp>,
    /// The rows that are being worked out.
    pub rows_asked: Vec<u64>,
    /// The frames that are marked.
    pub marked_frames: BTreeSet<u64>,
    /// The chosen frame.
    pub detail: Waiting<FrameDetail>,
    /// Which part of the frames view keys go to.
    pub part: Part,
    /// The chosen line of its details.
    pub tree: Scroll,
    /// The path of the line that was chosen last by the user.
    pub tree_path: String,
    /// The lines of details that are folded, by their path.
    pub folded: BTreeSet<String>,
    /// The chosen byte, and the pane of bytes that it is in.
    pub byte: (usize, usize),

    /// The ladder.
    pub flow: Waiting<Flow>,
    /// The chosen step.
    pub step: Scroll,
    /// The frame of the chosen step.
    pub step_detail: Waiting<FrameDetail>,
    /// The conversation.
    pub follow: Waiting<FollowText>,
    /// Where in it.
    pub follow_at: Scroll,
    /// Statistics.
    pub statistics: Waiting<Statistics>,
    /// Where in them.
    pub statistics_at: Scroll,
    /// Wireshark's reading.
    pub explained: Waiting<Explained>,
    /// Where in it.
    pub explained_at: Scroll,
    /// The comparison.
    pub differences: Waiting<Differences>,
    /// Where in it.
    pub differences_at: Scroll,
    /// What is being saved, should more have to be asked.
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

    /// Whether the source is live and goes on.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.progress.live.is_some()
    }

    /// The entry of the chosen exchange.
    #[must_use]
    pub fn exchange(&self) -> Option<&ExchangeEntry> {
        let chosen = self.exchanges.chosen()?;
        let row = self
            .exchange_rows
            .iter()
            .find(|(number, _)| *number == chosen);
        row.map(|(_, entry)| entry)
    }

    /// Says something on the last line.
    pub fn say(&mut self, text: impl Into<String>) {
        self.said = Some(Said {
            text: text.into(),
            wrong: false,
        });
    }

    /// Says that something went wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.said = Some(Said {
            text: text.into(),
            wrong: true,
        });
    }

    /// Text of signs, as far as the terminal can show them.
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
    /// The wheel was turned by so many steps, down where above 0.
    Wheel(i8),
}

/// What happens.
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
    /// The source went on.
    Progress(Progress),
    /// More exchanges are shown; these are kept.
    Exchanges(Numbers, std::ops::Range<u64>),
    /// More frames are shown; these are kept.
    Frames(Numbers, std::ops::Range<u64>),
    /// Other exchanges are shown.
    ShowExchanges(Shown),
    /// Other frames are shown.
    ShowFrames(Shown),
    /// A row was found; `None` where there is none.
    Found(Option<u64>),
    /// A filter has come so far.
    Filtering(Option<(u64, u64)>),
    /// What is worked out needs a long reading, which has come so far, in percent; 0 where it has not, or not any more.
    Reading(u8),
    /// Something was worked out.
    Answer(super::answer::Answer),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Show what matches this filter; with `None` everything.
    Filter(Option<String>),
    /// Choose rows anew: other ones are shown, or in another order.
    Arrange,
    /// Work something out.
    Ask(super::answer::Question),
    /// Find the next failure or note, or the one before.
    Find(bool),
    /// Give up what is being worked out for long.
    Cancel,
    /// Put text into the clipboard.
    Copy(String),
    /// Let go of what was captured.
    Clear,
    /// Remember the columns of this view's list.
    SaveColumns(Pane),
    /// Draw everything anew.
    Redraw,
}
