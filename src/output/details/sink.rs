//! The receiver of a tree's lines, which builds a tree or writes text.

use std::borrow::Cow;
use std::ops::Range;

use super::node::{Node, Space};
use crate::filter::names::Names;
use crate::output::highlight::Highlight;

/// The name of the display filter field that a line shows.
#[derive(Debug, Clone)]
pub(super) enum FieldName {
    /// The whole name.
    Whole(Cow<'static, str>),
    /// The parts before and after the last dot.
    Parts(&'static str, &'static str),
}

impl FieldName {
    /// The whole name.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::Whole(name) => name,
            Self::Parts(prefix, key) => format!("{prefix}.{key}").into(),
        }
    }
}

/// A line without its text. See [`Node`] for its fields.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    pub range: Option<Range<usize>>,
    pub space: Space,
    pub highlight: Highlight,
    pub field: Option<FieldName>,
}

impl Line {
    /// A line about bytes.
    #[inline]
    pub fn at(space: Space, range: Range<usize>) -> Self {
        Self {
            range: Some(range),
            space,
            ..Self::default()
        }
    }

    /// Sets the display filter field that the line shows.
    #[inline]
    pub fn of(mut self, field: &'static str) -> Self {
        self.field = Some(FieldName::Whole(Cow::Borrowed(field)));
        self
    }
}

/// Receives the lines of a tree from top to bottom.
pub(super) trait TreeSink {
    /// Takes a line. `text` appends its text, escaped for a terminal.
    fn line(&mut self, line: Line, text: impl FnOnce(&mut String));

    /// Takes a line that begins with its field's label. `text` appends the rest.
    #[inline]
    fn labelled(&mut self, line: Line, field: Names, text: impl FnOnce(&mut String)) {
        self.line(line.of(field.filter), |out| {
            out.push_str(field.in_line());
            text(out);
        });
    }

    /// Takes the lines from `lines` as those one level below the previous line.
    fn under(&mut self, lines: impl FnOnce(&mut Self));

    /// Takes a node with its children.
    fn node(&mut self, node: Node) {
        let line = Line {
            range: node.range,
            space: node.space,
            highlight: node.highlight,
            field: node.field.map(FieldName::Whole),
        };
        self.line(line, |text| text.push_str(&node.text));
        self.under(|lines| {
            for child in node.children {
                lines.node(child);
            }
        });
    }
}
