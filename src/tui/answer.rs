//! Questions for the background threads, and their answers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::capture::Timestamp;
use crate::output::{Highlight, Space, Step};
use crate::packet::Endpoint;
use crate::tui::recording::Numbers;

/// A question for a background thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The rows of these frames.
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
    /// Statistics, for this width in columns.
    Statistics(u16),
    /// How Wireshark reads a conversation.
    Explain(u32),
    /// The differences between two frames or exchanges.
    Difference([Subject; 2]),
    /// Save a file.
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

/// An answer.
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
    /// A description of what was saved, or why nothing was.
    Saved(Result<String, String>),
    /// The file exists already.
    Exists,
    /// The question could not be answered.
    Failed(String),
}

/// A row of the list of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRow {
    /// The frame's number.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Sender and receiver, if it has them.
    pub addresses: [String; 2],
    /// Their ports, if it has them.
    pub ports: Option<[u16; 2]>,
    /// Its connection, if it belongs to one.
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
    /// Its depth in the tree.
    pub depth: usize,
    /// What it says; fit for a terminal.
    pub text: String,
    /// Its bytes, and the pane that they are in.
    pub bytes: Option<(usize, std::ops::Range<usize>)>,
    /// How it is highlighted.
    pub highlight: Highlight,
    /// Whether it has children.
    pub has_children: bool,
    /// Identifies the line in the details of any frame: its labels from the outermost inwards.
    pub path: String,
    /// The display filter that selects its value.
    pub filter: Option<String>,
}

/// Bytes that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes {
    /// What they are.
    pub title: String,
    /// The space in which ranges of these bytes count.
    pub space: Space,
    /// Each byte, or `None` for one that is not shown.
    pub bytes: Vec<Option<u8>>,
}

/// All about a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameDetail {
    /// The frame.
    pub frame: u64,
    /// Its stream, if it has one.
    pub stream: Option<u32>,
    /// Its details.
    pub tree: Vec<TreeLine>,
    /// Its bytes, and the reassembled bytes of messages that it completed.
    pub panes: Vec<Bytes>,
}

/// A message in detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What it is.
    pub title: String,
    /// Its frame.
    pub frame: u64,
    /// How it went.
    pub highlight: Highlight,
    /// Its fields: their bytes and their values.
    pub fields: Vec<(String, String, Highlight)>,
}

/// An exchange from near by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The exchange's number.
    pub exchange: u64,
    /// The events on the connection during the exchange.
    pub steps: Vec<Step>,
    /// Its messages.
    pub cards: Vec<Card>,
}

/// Conversations in one diagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The conversations, with client and server where they are known.
    pub streams: Vec<(u32, Option<[Endpoint; 2]>)>,
    /// The events, in order.
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
    /// Its lines, fit for a terminal, each with the sending side if that is shown.
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

/// How Wireshark and Authscope read a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The conversation.
    pub stream: u32,
    /// For each message: its title, what it is, and what Wireshark says.
    pub messages: Vec<Explanation>,
}

/// One message, as Authscope and as Wireshark read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Its frame.
    pub frame: u64,
    /// What it is.
    pub title: String,
    /// How it went.
    pub highlight: Highlight,
    /// How Authscope reads it.
    pub ours: Vec<String>,
    /// How Wireshark reads it.
    pub theirs: Vec<String>,
}

/// The differences between two frames or exchanges.
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
    /// Fields by label, with the value in each message, and whether the values differ.
    pub fields: Vec<(String, [String; 2], bool)>,
    /// Their bytes; `None` for one that is not shown.
    pub bytes: [Vec<Option<u8>>; 2],
    /// Which bytes differ, even if they are not shown.
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
    /// Whether everything that may be a password is replaced by asterisks.
    pub redact: bool,
    /// Whether an existing file may be replaced.
    pub replaces: bool,
    /// Whether rows are exchanges.
    pub as_exchanges: bool,
}

/// Which frames are saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// All.
    All,
    /// The frames of these exchanges' connections.
    Exchanges(Numbers),
    /// The frames of these connections.
    Streams(BTreeSet<u32>),
    /// These, in order.
    Frames(Numbers),
}

/// The format of a saved file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SaveForm {
    /// A capture.
    #[default]
    Pcapng,
    /// Rows as text.
    Text,
    /// One object per line.
    JsonLines,
    /// The flow as a picture.
    Svg,
}

impl SaveForm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pcapng, Self::Text, Self::JsonLines, Self::Svg];

    /// Its name, which is also the file name's extension.
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
