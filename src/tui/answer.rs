//! What is worked out in the background, and what comes of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::capture::Timestamp;
use crate::output::{Highlight, Space, Step};
use crate::packet::Endpoint;
use crate::tui::recording::Numbers;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// What the rows of these frames say.
    Rows(Vec<u64>),
    /// All about a frame.
    Frame(u64),
    /// The same for the chosen step of a flow.
    Step(u64),
    /// An exchange from near by.
    Preview(u64),
    /// These conversations in one diagram.
    Flow(Vec<u32>),
    /// A conversation as text, or its bytes.
    Follow(u32, bool),
    /// Statistics, for so many columns.
    Statistics(u16),
    /// Wireshark's reading of a conversation.
    Explain(u32),
    /// What differs between two.
    Difference([Subject; 2]),
    /// A file.
    Save(Save),
}

/// A frame or an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A frame, by its number.
    Frame(u64),
    /// An exchange, by its number.
    Exchange(u64),
}

/// What comes of it.
#[derive(Debug, Clone)]
pub enum Answer {
    /// See [`Question::Rows`].
    Rows(Vec<FrameRow>),
    /// See [`Question::Frame`].
    Frame(FrameDetail),
    /// See [`Question::Step`].
    Step(FrameDetail),
    /// See [`Question::Preview`].
    Preview(Preview),
    /// See [`Question::Flow`].
    Flow(Flow),
    /// See [`Question::Follow`].
    Follow(FollowText),
    /// See [`Question::Statistics`].
    Statistics(Statistics),
    /// See [`Question::Explain`].
    Explain(Explained),
    /// See [`Question::Difference`].
    Difference(Differences),
    /// What was saved, or why not.
    Saved(Result<String, String>),
    /// A file stands where something was to be saved.
    Exists,
    /// It could not be worked out.
    Failed(String),
}

/// A row of the list of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRow {
    /// The frame's number.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Sender and receiver, where it has any.
    pub addresses: [String; 2],
    /// Their ports, where it has any.
    pub ports: Option<[u16; 2]>,
    /// Its connection, where it is of one.
    pub stream: Option<u32>,
    /// Its protocol.
    pub protocol: &'static str,
    /// Bytes on the wire.
    pub length: u32,
    /// What it says; fit for a terminal.
    pub info: String,
    /// How it went.
    pub highlight: Highlight,
}

/// A line of a frame's details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeLine {
    /// How deep it stands.
    pub depth: usize,
    /// What it says; fit for a terminal.
    pub text: String,
    /// Its bytes, and the pane that they are in.
    pub bytes: Option<(usize, std::ops::Range<usize>)>,
    /// How remarkable it is.
    pub highlight: Highlight,
    /// Whether others stand under it.
    pub has_children: bool,
    /// Names it among the lines of any frame: its labels from the outermost on.
    pub path: String,
    /// The display filter that selects what it says.
    pub filter: Option<String>,
}

/// Bytes that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes {
    /// What they are.
    pub title: String,
    /// Where ranges of these bytes are counted.
    pub space: Space,
    /// Each byte, or `None` for one that is not shown.
    pub bytes: Vec<Option<u8>>,
}

/// All about a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameDetail {
    /// The frame.
    pub frame: u64,
    /// Its stream, where it has one.
    pub stream: Option<u32>,
    /// Its details.
    pub tree: Vec<TreeLine>,
    /// Its bytes, and those that it made whole.
    pub panes: Vec<Bytes>,
}

/// A message from near by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What it is.
    pub title: String,
    /// Its frame.
    pub frame: u64,
    /// How it went.
    pub highlight: Highlight,
    /// Its fields: the bytes, and what they say.
    pub fields: Vec<(String, String, Highlight)>,
}

/// An exchange from near by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The exchange's number.
    pub exchange: u64,
    /// What happened on the connection while it went on.
    pub steps: Vec<Step>,
    /// Its messages.
    pub cards: Vec<Card>,
}

/// Conversations in one diagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The conversations, with client and server where they are known.
    pub streams: Vec<(u32, Option<[Endpoint; 2]>)>,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// Whether there was more than is shown.
    pub cut: bool,
}

/// A conversation as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowText {
    /// The conversation.
    pub stream: u32,
    /// Whether it is its bytes.
    pub as_bytes: bool,
    /// Its lines, fit for a terminal, each with who it is of where that is told.
    pub lines: Vec<(Option<crate::stream::Role>, String)>,
}

/// Statistics and findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// What was found, with its frames.
    pub findings: Vec<(Highlight, String, Vec<u64>)>,
    /// Sections of text.
    pub lines: Vec<String>,
}

/// Wireshark's reading beside ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The conversation.
    pub stream: u32,
    /// For each message: its title, what it is, and what Wireshark says.
    pub messages: Vec<Explanation>,
}

/// One message in both readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Its frame.
    pub frame: u64,
    /// What it is.
    pub title: String,
    /// How it went.
    pub highlight: Highlight,
    /// What it says.
    pub ours: Vec<String>,
    /// What Wireshark says.
    pub theirs: Vec<String>,
}

/// What differs between two messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences {
    /// What is compared.
    pub titles: [String; 2],
    /// Its parts: pairs of messages.
    pub parts: Vec<DifferentMessages>,
}

/// Two messages side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferentMessages {
    /// What they are.
    pub titles: [String; 2],
    /// Fields by label, with what each message says, and whether that differs.
    pub fields: Vec<(String, [String; 2], bool)>,
    /// Their bytes; `None` for one that is not shown.
    pub bytes: [Vec<Option<u8>>; 2],
    /// Which bytes differ, also where they are not shown.
    pub differs: Vec<bool>,
}

/// What is saved, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// Where.
    pub path: PathBuf,
    /// Which frames.
    pub chosen: Chosen,
    /// As what.
    pub form: SaveForm,
    /// Whether all that may be a password is replaced by asterisks.
    pub redact: bool,
    /// Whether a file that stands there may be replaced.
    pub replaces: bool,
    /// Whether rows are exchanges.
    pub as_exchanges: bool,
}

/// Which frames are saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// All.
    All,
    /// Those of these exchanges' connections.
    Exchanges(Numbers),
    /// Those of these connections.
    Streams(BTreeSet<u32>),
    /// These, in order.
    Frames(Numbers),
}

/// A form in which is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SaveForm {
    /// A capture.
    #[default]
    Pcapng,
    /// Rows as text.
    Text,
    /// An object a line.
    JsonLines,
    /// The flow as a picture.
    Svg,
}

impl SaveForm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pcapng, Self::Text, Self::JsonLines, Self::Svg];

    /// Its name, which is also how its files' names end.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcapng => "pcapng",
            Self::Text => "txt",
            Self::JsonLines => "jsonl",
            Self::Svg => "svg",
        }
    }
}
