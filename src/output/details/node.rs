//! A frame's details as a tree that one can walk: layers, fields, notes, each knowing its bytes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::message;
use super::sink::{FieldName, Line, TreeSink};
use crate::dissect::Note;
use crate::filter::names::Names;
use crate::output::highlight::Highlight;

/// Where a node's bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Space {
    /// In the frame.
    #[default]
    Frame,
    /// In the datagram that was put together from IP fragments.
    Datagram,
    /// In the message, whose bytes came in several frames.
    Message,
}

/// A line of the tree with what stands under it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The line; nothing in it is harmful to a terminal.
    pub text: String,
    /// Its bytes, where it stands for some.
    pub range: Option<Range<usize>>,
    /// Where those are counted.
    pub space: Space,
    /// How remarkable it is.
    pub highlight: Highlight,
    /// The field of the filter language that it shows.
    pub field: Option<Cow<'static, str>>,
    /// What stands under it.
    pub children: Vec<Node>,
}

impl Node {
    /// A line without bytes of its own.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// A line with the label of its field and a value.
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

    /// The same, for a field of the filter language.
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

/// Nodes that stand below each other.
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
