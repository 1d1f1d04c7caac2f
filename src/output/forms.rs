//! The table of output forms that `-T` selects. To add a form, add a file and its line in [`FORMS`].

use std::io::Write;

use super::context::Output;
use super::fields::Columns;
use super::rows::{Driver, Form, Rows};
use super::{fields, json, lines, pdml, table};
use crate::filter::{Field, Needs};

/// What rows contain, and how they are written.
// The options are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Default)]
pub struct FormOptions {
    /// What a row is.
    pub rows: Rows,
    /// Whether rows have colours.
    pub color: bool,
    /// Returns the terminal's width in columns. It is called whenever rows are written, because the width may change. `None`
    /// if the output is not fitted to a terminal.
    pub width: Option<fn() -> Option<u16>>,
    /// Writes the details of each message as a tree (`-V`).
    pub tree: bool,
    /// Writes the bytes of each message's frame (`-x`).
    pub octets: bool,
    /// Writes the display filter after each line of the tree (`--field-names`).
    pub field_names: bool,
    /// Writes frames with the bytes of their payload.
    pub payload: bool,
    /// Writes RegLogin's values in `fields`, as those of protocols with a layout.
    pub in_fields: bool,
    /// The fields to write (`-e`).
    pub fields: Vec<&'static Field>,
    /// The format of columns of fields (`-E`).
    pub columns: Columns,
    /// The place among several captures, if each is written separately.
    pub part: Option<Part>,
    /// Width of the longest capture's name if rows begin with it; otherwise 0.
    pub file_width: usize,
    /// Writes text unchanged, even if a spreadsheet would take it for a formula.
    pub raw: bool,
}

/// The place of a capture among several whose rows are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// It is the first, which has the heading.
    pub is_first: bool,
    /// It is the last, which has what follows all rows.
    pub is_last: bool,
}

/// What rows wait for when a file is read. Live, they wait for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Rows do not wait.
    No,
    /// The first frames of a message wait until it is complete.
    ForBeginnings,
    /// Requests wait until their responses are known.
    ForResponses,
}

/// Which fields a form writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// None: its content is fixed.
    Nothing,
    /// The fields named with `-e`; at least one is required.
    Named,
    /// The fields named with `-e`, or a default choice.
    NamedOrDefault,
}

/// Makes the output of a form, which writes to the given writer.
type Make = fn(FormOptions, Box<dyn Write>) -> Box<dyn Output>;

/// A form in the table.
#[derive(Debug, Clone, Copy)]
pub struct FormEntry {
    /// Its name for `-T`.
    pub name: &'static str,
    /// What it writes, for the help.
    pub meaning: &'static str,
    /// Whether people read it: remarks after the rows may go to the same place.
    pub for_people: bool,
    /// Whether it is binary: it is refused for a terminal, and has rows for messages and exchanges only.
    pub is_binary: bool,
    /// Its default rows.
    pub rows: Rows,
    /// What its rows wait for.
    pub waits: Waits,
    /// What the context must provide.
    pub needs: Needs,
    /// Which fields it writes.
    pub fields: Chosen,
    /// Whether its rows are elements of an array. For one of several captures they are written without brackets, each with a
    /// comma before it.
    pub is_array: bool,
    /// Makes its output.
    pub make: Make,
}

/// The forms, in the order of the help. The first is the default.
pub static FORMS: &[&FormEntry] = &[
    &table::FORM,
    &lines::FORM,
    &json::ARRAY,
    &json::LINES,
    &fields::COLUMNS,
    &fields::CSV,
    &fields::BULK,
    &pdml::FORM,
    #[cfg(feature = "parquet")]
    &super::parquet::FORM,
];

/// The form with this name; `None` if there is none.
#[must_use]
pub fn form(name: &str) -> Option<&'static FormEntry> {
    FORMS.iter().copied().find(|form| form.name == name)
}

/// The output that writes rows with this form.
pub(crate) fn driven(
    form: impl Form + 'static,
    options: &FormOptions,
    out: Box<dyn Write>,
) -> Box<dyn Output> {
    Box::new(Driver::new(form, options, out))
}
