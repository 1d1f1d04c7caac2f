//! `authscope fields`: the fields that filters and `-e` can use.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::error::Failure;
use super::terminal::{folded, standard_output};
use crate::filter::{Field, fields, nearest_field};
use crate::output::OutputError;

/// List the fields that display filters and -e can name, with type and meaning.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope fields                   all of them
  authscope fields tcp.analysis      those with that in the name
  authscope fields --json reglogin")]
pub(super) struct Arguments {
    /// Only fields that have this in their name.
    #[arg(value_name = "PART")]
    part: Option<String>,

    /// An array of objects.
    #[arg(long)]
    json: bool,
}

/// A field as JSON has it.
#[derive(Serialize)]
struct JsonField {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    meaning: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<JsonValue>,
}

#[derive(Serialize)]
struct JsonValue {
    value: i64,
    name: &'static str,
}

impl From<&'static Field> for JsonField {
    fn from(field: &'static Field) -> Self {
        let named = field.names.iter();
        Self {
            name: &field.name,
            kind: field.kind.name(),
            meaning: &field.meaning,
            values: named
                .map(|&(value, name)| JsonValue { value, name })
                .collect(),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let part = arguments.part.as_deref().unwrap_or_default();
    let found = fields().iter().filter(|field| field.name.contains(part));
    let found: Vec<&'static Field> = found.collect();
    let written = if arguments.json {
        json(standard_output(), &found)
    } else {
        text(folded(), &found)
    };
    written.map_err(OutputError::Standard)?;
    if !found.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let near = nearest_field(part);
    // A closed standard error is not a failure.
    let _ = writeln!(
        io::stderr(),
        "authscope: no field has {part:?} in its name{near}; `authscope fields` lists all {}",
        fields().len()
    );
    Ok(ExitCode::FAILURE)
}

fn json(mut out: impl Write, fields: &[&'static Field]) -> io::Result<()> {
    let fields: Vec<JsonField> = fields.iter().map(|field| JsonField::from(*field)).collect();
    serde_json::to_writer_pretty(&mut out, &fields)?;
    writeln!(out)?;
    out.flush()
}

fn text(mut out: impl Write, fields: &[&'static Field]) -> io::Result<()> {
    let width = |of: fn(&Field) -> usize| fields.iter().map(|field| of(field)).max().unwrap_or(0);
    let name = width(|field| field.name.len());
    let kind = width(|field| field.kind.name().len());
    for field in fields {
        let named = field.names.iter();
        let values: Vec<String> = named
            .map(|(value, name)| format!("{value} {name}"))
            .collect();
        let values = match values.as_slice() {
            [] => String::new(),
            values => format!(" ({})", values.join(", ")),
        };
        writeln!(
            out,
            "{:name$}  {:kind$}  {}{values}",
            field.name,
            field.kind.name(),
            field.meaning
        )?;
    }
    out.flush()
}
