//! Writes the lines of a details tree as text, without building the tree.

use std::fmt;

use super::filters::Filters;
use super::gutter::Gutters;
use super::sink::{FieldName, Line, TreeSink};
use crate::output::highlight::Highlight;
use crate::text::put;

/// Appends lines to a text.
pub(super) struct TextLines<'t, 'v> {
    pub text: &'t mut String,
    pub gutters: &'t mut Gutters,
    pub has_color: bool,
    /// Makes the filter of each line; `None`: lines have none.
    pub filters: Option<Filters<'v>>,
    /// The depth of the next line in the tree; 0 is the top.
    pub depth: usize,
}

impl TextLines<'_, '_> {
    /// Appends the filter, and ends the line.
    fn end(&mut self, field: Option<&str>) {
        let filters = self.filters.as_mut();
        if let Some(filter) = filters.and_then(|filters| filters.of(field)) {
            put::formatted(self.text, format_args!("  ({filter})"));
        }
        self.text.push('\n');
    }

    /// Turns on the colour of a line. Returns what turns it off.
    fn color(&mut self, highlight: Highlight) -> impl fmt::Display + use<> {
        // The line of a layer, or of the frame, is bold.
        let style = match self.depth {
            0 => highlight.style().bold(),
            _ => highlight.style(),
        };
        put::formatted(self.text, format_args!("{}", style.render()));
        style.render_reset()
    }
}

impl TreeSink for TextLines<'_, '_> {
    #[inline]
    fn line(&mut self, line: Line, text: impl FnOnce(&mut String)) {
        self.gutters
            .write(self.text, line.range.as_ref(), self.depth);
        let off = self.has_color.then(|| self.color(line.highlight));
        text(self.text);
        if let Some(off) = off {
            put::formatted(self.text, format_args!("{off}"));
        }
        if self.filters.is_some() {
            let name = line.field.map(FieldName::name);
            self.end(name.as_deref());
        } else {
            self.text.push('\n');
        }
    }

    fn under(&mut self, lines: impl FnOnce(&mut Self)) {
        self.depth += 1;
        lines(self);
        self.depth -= 1;
    }
}
