//! The details tree as data: layers, fields and notes, each with its byte range.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::message;
use super::sink::{FieldName, Line, TreeSink};
use crate::dissect::Note;
use crate::filter::names::Names;
use crate::output::highlight::Highlight;

/// What a node's byte range is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Space {
    /// The frame.
    #[default]
    Frame,
    /// The datagram that was reassembled from IP fragments.
    Datagram,
    /// The message, whose bytes came in several frames or were decrypted.
    Message,
}

/// A line of the tree and the lines below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The line's text. It is escaped, so a terminal can show it.
    pub text: String,
    /// Its bytes; `None` if it is not about bytes.
    pub range: Option<Range<usize>>,
    /// What `range` is relative to.
    pub space: Space,
    /// Its importance, and so its colour.
    pub highlight: Highlight,
    /// The display filter field that it shows.
    pub field: Option<Cow<'static, str>>,
    /// The lines one level below it.
    pub children: Vec<Node>,
}

impl Node {
    /// A line that is not about bytes.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// A line with a field's label and its value.
    #[must_use]
    pub fn labelled(field: Names, value: impl fmt::Display) -> Self {
        Self::new(format!("{}: {value}", field.in_line())).of(field.filter)
    }

    /// A line about bytes.
    #[must_use]
    pub fn at(space: Space, range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range: Some(range),
            space,
            ..Self::new(text)
        }
    }

    /// Sets the display filter field that the line shows.
    #[must_use]
    pub fn of(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(in crate::output) fn note(note: &Note) -> Self {
        let mut nodes = Nodes::default();
        message::note(&mut nodes, note, None);
        nodes.0.pop().unwrap_or_default()
    }
}

/// Collects the lines of a tree as nodes.
#[derive(Default)]
pub(super) struct Nodes(pub Vec<Node>);

impl TreeSink for Nodes {
    fn line(&mut self, line: Line, text: impl FnOnce(&mut String)) {
        let mut node = Node {
            range: line.range,
            space: line.space,
            highlight: line.highlight,
            field: line.field.map(FieldName::name),
            ..Node::default()
        };
        text(&mut node.text);
        self.0.push(node);
    }

    fn under(&mut self, lines: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        lines(&mut inner);
        match self.0.last_mut() {
            Some(above) => above.children.append(&mut inner.0),
            None => self.0 = inner.0,
        }
    }
}
