//! Wireshark's display filter language.
//!
//! A filter's text is parsed and type-checked once; errors point at a place in the text. The filter is then evaluated for a
//! [`View`] of each frame. This reads only the fields in the filter, and allocates nothing for numbers, addresses and times.

mod compile;
mod complete;
mod condition;
mod error;
mod eval;
mod fields;
mod functions;
mod grammar;
mod lexer;
mod literal;
mod syntax;
mod value;
mod view;

use std::fmt;

pub use complete::{Completion, complete};
pub use condition::Condition;
pub use error::FilterError;
pub use fields::{Field, Needs, field, fields, names};
pub use value::{Base, FieldType, Shown, Value};
pub use view::{Responses, Times, View};

use crate::text::escape::Escaped;

/// `; did you mean "x"?` with the field most similar to this word; empty if none is similar.
#[must_use]
pub fn nearest_field(word: &str) -> String {
    let all = fields().iter().chain(fields::described_fields());
    error::suggestion(word, all.map(|field| field.name.as_ref()))
}

/// The error message for an unknown field, with a suggestion.
#[must_use]
pub fn unknown_field(word: &str) -> String {
    let near = match nearest_field(word) {
        near if near.is_empty() => "; `authscope fields` lists all".to_owned(),
        near => near,
    };
    format!("no field is called \"{}\"{near}", Escaped(word))
}

/// What a filter may read.
#[derive(Debug, Clone, Copy, Default)]
pub struct FilterOptions {
    /// Whether passwords may be compared. Otherwise comparing one is an error, and in bytes of frames they are `*`, so that
    /// nothing of them can be found out.
    pub show_passwords: bool,
}

/// A compiled filter.
#[derive(Debug)]
pub struct Filter {
    text: String,
    expr: syntax::Expr,
    node: eval::Node,
    needs: Needs,
}

impl Filter {
    /// Parses a filter and checks its types.
    ///
    /// # Errors
    ///
    /// If the text is not a filter, names an unknown field, compares values that cannot be compared, or compares a password
    /// without being allowed to.
    pub fn parse(text: &str, options: FilterOptions) -> Result<Self, FilterError> {
        let expr = grammar::parse(text)?;
        let (node, needs) = compile::compile(&expr, options).map_err(|error| error.of(text))?;
        Ok(Self {
            text: text.to_owned(),
            expr,
            node,
            needs,
        })
    }

    /// Whether the frame matches.
    #[must_use]
    pub fn matches(&self, view: &View<'_>) -> bool {
        self.node.holds(view)
    }

    /// What must be known of a frame before the filter can be evaluated.
    #[must_use]
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// Whether both have the same syntax tree, however they are written.
    #[must_use]
    pub fn means_the_same_as(&self, other: &Self) -> bool {
        self.expr == other.expr
    }

    /// The filter as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Writes the filter in its canonical form: words for logical operators, signs for comparisons, parentheses only if needed.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
