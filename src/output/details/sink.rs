//! Where the lines of a tree go: into a tree that one can walk, or straight into text.

use std::borrow::Cow;
use std::ops::Range;

use super::node::{Node, Space};
use crate::filter::names::Names;
use crate::output::highlight::Highlight;

/// The field of the filter language that a line shows.
#[derive(Debug, Clone)]
pub(super) enum FieldName {
    /// Its whole name.
    Whole(Cow<'static, str>),
    /// What stands before the last dot, and what behind it.
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

/// All that a line is besides its text.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// See [`Node::range`].
    pub range: Option<Range<usize>>,
    /// Where those are counted.
    pub space: Space,
    /// How remarkable it is.
    pub highlight: Highlight,
    /// What it shows.
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

    /// The same, for a field of the filter language.
    #[inline]
    pub fn of(mut self, field: &'static str) -> Self {
        self.field = Some(FieldName::Whole(Cow::Borrowed(field)));
        self
    }
}

/// Takes the lines of a tree in the order in which they stand below each other.
pub(super) trait TreeSink {
    /// Takes a line, whose text `text` appends; nothing in it is harmful to a terminal.
    fn line(&mut self, line: Line, text: impl FnOnce(&mut String));

    /// Takes a line that begins with its field's label; `text` appends what stands behind that.
    #[inline]
    fn labelled(&mut self, line: Line, field: Names, text: impl FnOnce(&mut String)) {
        self.line(line.of(field.filter), |out| {
            out.push_str(field.in_line());
            text(out);
        });
    }

    /// Takes what `lines` gives as standing under the line before.
    fn under(&mut self, lines: impl FnOnce(&mut Self));

    /// Takes a line with all that stands under it.
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
