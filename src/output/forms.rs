//! The table of forms: what `-T` takes. A further form is a file and its line in [`FORMS`].

use std::io::Write;

use super::context::Output;
use super::fields::Columns;
use super::rows::{Driver, Form, Rows};
use super::{fields, json, lines, pdml, table};
use crate::filter::{Field, Needs};

/// How rows look.
// Each of these is a choice of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Default)]
pub struct FormOptions {
    /// What rows there are.
    pub rows: Rows,
    /// Whether there are colours.
    pub color: bool,
    /// Asked for the terminal's width, in columns, whenever rows are written; `None` if there
    /// is no terminal to fit.
    pub width: Option<fn() -> Option<u16>>,
    /// The details of each message as a tree.
    pub tree: bool,
    /// The bytes of each message's frame.
    pub octets: bool,
    /// The display filter beside each line of the tree.
    pub field_names: bool,
    /// Frames with the bytes of their payload.
    pub payload: bool,
    /// RegLogin's values in `fields`, as those of protocols that a layout describes.
    pub in_fields: bool,
    /// The fields that are written.
    pub fields: Vec<&'static Field>,
    /// How columns of fields look.
    pub columns: Columns,
    /// Which of several captures it is, where each has rows of its own.
    pub part: Option<Part>,
    /// Columns of the longest capture's name where rows tell which they are of; else 0.
    pub file_width: usize,
    /// Whether text is written as it is, also where a spreadsheet would take it for a formula.
    pub raw: bool,
}

/// One of several captures whose rows are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Whether it is the first: it has the heading.
    pub is_first: bool,
    /// Whether it is the last: it has what stands behind all rows.
    pub is_last: bool,
}

/// What rows wait for in replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// For nothing.
    No,
    /// Those that begin a message, until it is whole.
    ForBeginnings,
    /// Requests, until their responses are known.
    ForResponses,
}

/// Which fields a form writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// None: it has a shape of its own.
    Nothing,
    /// Those that are named, and some must be.
    Named,
    /// Those that are named, or else the usual ones.
    NamedOrDefault,
}

/// Makes the output of a form.
type Make = fn(FormOptions, Box<dyn Write>) -> Box<dyn Output>;

/// A form of rows.
#[derive(Debug, Clone, Copy)]
pub struct FormEntry {
    /// What `-T` calls it.
    pub name: &'static str,
    /// What it writes, in one clause.
    pub meaning: &'static str,
    /// Whether it is for people: what stands behind the rows can go where they go.
    pub for_people: bool,
    /// Whether it is no text, and so nothing for a terminal; it has rows for messages and exchanges, not for frames.
    pub is_binary: bool,
    /// The rows where nothing else is asked for.
    pub rows: Rows,
    /// What its rows wait for.
    pub waits: Waits,
    /// What must be known of frames.
    pub needs: Needs,
    /// Which fields it writes.
    pub fields: Chosen,
    /// Whether its rows are elements of an array. Of one of several captures they are written without its brackets, each
    /// with a comma before it.
    pub is_array: bool,
    /// Makes its output.
    pub make: Make,
}

/// The forms, in the order in which help lists them; the first is the usual one.
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

/// The form of this name.
#[must_use]
pub fn form(name: &str) -> Option<&'static FormEntry> {
    FORMS.iter().copied().find(|form| form.name == name)
}

/// The output of a form.
pub(crate) fn driven(
    form: impl Form + 'static,
    options: &FormOptions,
    out: Box<dyn Write>,
) -> Box<dyn Output> {
    Box::new(Driver::new(form, options, out))
}
