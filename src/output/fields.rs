//! Chosen fields of each frame: as columns of text (`-T fields`), as comma-separated values (`-T csv`), or as lines for
//! Elasticsearch's bulk interface (`-T ek`).

use std::io::Write as _;

use jiff::tz::TimeZone;

use super::context::Context;
use super::exchanges;
use super::forms::{Chosen, FormEntry, FormOptions, Waits, driven};
use super::rows::{Form, MessageTiming, Rows};
use crate::capture::Timestamp;
use crate::dissect::Message;
use crate::filter::{Field, FieldType, Needs, Value, View};
use crate::session::{Exchange, FrameRecord};
use crate::text::csv::{finish_cell, push_cell};
use crate::text::escape::Escaped;

/// The form of `-T fields`.
pub static COLUMNS: FormEntry = FormEntry {
    name: "fields",
    meaning: "The fields named with -e, as columns of text",
    for_people: false,
    is_binary: false,
    rows: Rows::All,
    waits: Waits::No,
    needs: Needs::NOTHING,
    fields: Chosen::Named,
    is_array: false,
    make: |options, out| {
        let format = FieldsFormat::Columns(options.columns.clone());
        driven(FieldRows::new(&options, format), &options, out)
    },
};

/// The form of `-T csv`.
pub static CSV: FormEntry = FormEntry {
    name: "csv",
    meaning: "The fields named with -e, or a choice of them, as comma-separated values",
    fields: Chosen::NamedOrDefault,
    is_array: false,
    make: |options, out| {
        let format = FieldsFormat::Csv { raw: options.raw };
        driven(FieldRows::new(&options, format), &options, out)
    },
    ..COLUMNS
};

/// The form of `-T ek`.
pub static BULK: FormEntry = FormEntry {
    name: "ek",
    meaning: "The fields named with -e, or a choice of them, for Elasticsearch's bulk interface",
    fields: Chosen::NamedOrDefault,
    is_array: false,
    make: |options, out| {
        let rows = FieldRows::new(&options, FieldsFormat::Bulk);
        driven(rows, &options, out)
    },
    ..COLUMNS
};

/// Which of a field's values are written (tshark's `-E occurrence=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Occurrence {
    /// The first.
    First,
    /// The last.
    Last,
    /// All.
    #[default]
    All,
}

/// The format of columns of text. The default is that of tshark's `-T fields` without `-E`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Whether a byte order mark comes first.
    pub mark: bool,
    /// Whether a line of field names comes first.
    pub header: bool,
    /// The text between fields.
    pub separator: String,
    /// The text between several values of one field.
    pub aggregator: String,
    /// The character around a field's values.
    pub quote: Option<char>,
    /// Which of a field's values are written.
    pub occurrence: Occurrence,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            mark: false,
            header: false,
            separator: "\t".to_owned(),
            aggregator: ",".to_owned(),
            quote: None,
            occurrence: Occurrence::All,
        }
    }
}

/// The format of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldsFormat {
    /// Columns of text.
    Columns(Columns),
    /// Comma-separated values with a header (RFC 4180, with line feeds alone).
    Csv {
        /// Text is not changed, even if a spreadsheet would take it for a formula.
        raw: bool,
    },
    /// Two lines of JSON per row, for the bulk interface of Elasticsearch and OpenSearch. As tshark's `-T ek`, but without
    /// `_type`, which Elasticsearch 8 and OpenSearch 2 refuse.
    Bulk,
}

/// Writes a row of fields for each frame, message or exchange.
#[derive(Debug)]
pub struct FieldRows {
    of_messages: bool,
    /// Empty if the rows are exchanges with their default columns.
    fields: Vec<&'static Field>,
    /// Whether the default columns begin with the capture's name.
    tells_file: bool,
    format: FieldsFormat,
}

impl FieldRows {
    /// A writer without rows. The context must provide what the fields need.
    #[must_use]
    pub fn new(options: &FormOptions, format: FieldsFormat) -> Self {
        Self {
            of_messages: options.rows == Rows::Messages,
            fields: options.fields.clone(),
            tells_file: options.file_width > 0,
            format,
        }
    }

    fn row(&self, out: &mut Vec<u8>, view: &View<'_>) {
        match &self.format {
            FieldsFormat::Columns(columns) => columns_row(out, columns, &self.fields, view),
            FieldsFormat::Csv { raw } => csv_row(out, &self.fields, view, *raw),
            FieldsFormat::Bulk => bulk_row(out, &self.fields, view),
        }
    }
}

impl Form for FieldRows {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let names = self.fields.iter().map(|field| field.name.as_ref());
        let mut names: Vec<&str> = names.collect();
        if names.is_empty() {
            names.extend(self.tells_file.then_some("file"));
            names.extend(exchanges::COLUMNS);
        }
        match &self.format {
            FieldsFormat::Columns(columns) => {
                if columns.mark {
                    out.extend_from_slice("\u{feff}".as_bytes());
                }
                if columns.header {
                    out.extend_from_slice(names.join(&columns.separator).as_bytes());
                    out.push(b'\n');
                }
            }
            FieldsFormat::Csv { .. } => {
                out.extend_from_slice(names.join(",").as_bytes());
                out.push(b'\n');
            }
            FieldsFormat::Bulk => {}
        }
    }

    fn has_late(&self) -> bool {
        self.of_messages
    }

    fn frame(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        self.row(out, &context.view(record));
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        told: MessageTiming<'_>,
        context: &Context,
    ) {
        match told {
            MessageTiming::With(record, index) => {
                let alone = FrameRecord {
                    messages: std::slice::from_ref(message),
                    first_message: record.first_message + index as u64,
                    notes: &[],
                    ..*record
                };
                self.row(out, &context.view(&alone));
            }
            MessageTiming::Late(_) => context.late(message, |view| self.row(out, view)),
        }
    }

    fn exchange(&mut self, out: &mut Vec<u8>, exchange: &Exchange, context: &Context) {
        let raw = match self.format {
            FieldsFormat::Csv { raw } if self.fields.is_empty() => raw,
            _ => return context.exchange(exchange, |view| self.row(out, view)),
        };
        if self.tells_file {
            let file = context.origin.path_of_stream(exchange.stream());
            let file = Escaped(file.unwrap_or_default()).to_string();
            push_cell(out, &file, raw);
            out.push(b',');
        }
        let cells = exchanges::cells(exchange, context.show_passwords);
        for (index, (cell, name)) in cells.into_iter().zip(exchanges::COLUMNS).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let is_text = !matches!(name, "time" | "milliseconds");
            push_cell(out, &cell, raw || !is_text);
        }
        out.push(b'\n');
    }
}

/// Appends a field's values with `between` between them.
fn values(
    out: &mut Vec<u8>,
    field: &Field,
    view: &View<'_>,
    occurrence: Occurrence,
    between: &str,
) {
    if view.is_exchange {
        return values_of_exchange(out, field, view, occurrence, between);
    }
    let start = out.len();
    let mut count = 0;
    field.values(view, &mut |value| {
        count += 1;
        match occurrence {
            Occurrence::First if count > 1 => return,
            Occurrence::Last => out.truncate(start),
            _ if count > 1 => out.extend_from_slice(between.as_bytes()),
            _ => {}
        }
        write_value(out, field, view, value);
    });
}

/// Appends a field's values in both messages of an exchange. A value that both have is written once.
fn values_of_exchange(
    out: &mut Vec<u8>,
    field: &Field,
    view: &View<'_>,
    occurrence: Occurrence,
    between: &str,
) {
    let mut all: Vec<Vec<u8>> = Vec::new();
    field.values(view, &mut |value| {
        let mut text = Vec::new();
        write_value(&mut text, field, view, value);
        if all.last() != Some(&text) {
            all.push(text);
        }
    });
    let chosen = match occurrence {
        Occurrence::First => &all[..all.len().min(1)],
        Occurrence::Last => &all[all.len().saturating_sub(1)..],
        Occurrence::All => &all,
    };
    out.extend(chosen.join(between.as_bytes()));
}

/// Appends one value: the name of a protocol; bytes that may be part of a password as `**`.
fn write_value(out: &mut Vec<u8>, field: &Field, view: &View<'_>, value: Value<'_>) {
    if field.kind == FieldType::Protocol {
        out.extend_from_slice(field.name.as_bytes());
    } else if field.kind == FieldType::Bytes && field.needs.octets {
        let mut text = String::new();
        super::write_payload(&mut text, view.record, view.show_passwords);
        out.extend_from_slice(text.as_bytes());
    } else {
        value.shown(field.kind, field.names).put(out);
    }
}

fn columns_row(out: &mut Vec<u8>, columns: &Columns, fields: &[&Field], view: &View<'_>) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(columns.separator.as_bytes());
        }
        let start = out.len();
        values(out, field, view, columns.occurrence, &columns.aggregator);
        if let Some(quote) = columns.quote
            && out.len() > start
        {
            let mut buffer = [0; 4];
            let quote = quote.encode_utf8(&mut buffer).as_bytes();
            out.splice(start..start, quote.iter().copied());
            out.extend_from_slice(quote);
        }
    }
    out.push(b'\n');
}

/// Whether a field's values are numbers, durations or truth values, which a spreadsheet reads as such.
fn is_number(kind: FieldType) -> bool {
    matches!(
        kind,
        FieldType::Number(..) | FieldType::Span | FieldType::Bool
    )
}

fn csv_row(out: &mut Vec<u8>, fields: &[&Field], view: &View<'_>, raw: bool) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let start = out.len();
        values(out, field, view, Occurrence::All, ",");
        if out.len() > start {
            finish_cell(out, start, raw || is_number(field.kind));
        }
    }
    out.push(b'\n');
}

/// Appends a row for the bulk interface. Dots in names become underscores, as in tshark.
fn bulk_row(out: &mut Vec<u8>, fields: &[&Field], view: &View<'_>) {
    const MILLISECOND: i64 = Timestamp::SECOND / 1000;
    let time = view.record.frame.header.time;
    let day = jiff::Timestamp::from_nanosecond(i128::from(time.0))
        .map(|instant| instant.to_zoned_datetime(TimeZone::UTC).date().to_string())
        .unwrap_or_default();
    let _ = writeln!(out, r#"{{"index":{{"_index":"packets-{day}"}}}}"#);
    let timestamp = time.0.div_euclid(MILLISECOND);
    let _ = write!(out, r#"{{"timestamp":"{timestamp}","layers":{{"#);
    let mut between = "";
    for field in fields {
        let mut all: Vec<String> = Vec::new();
        field.values(view, &mut |value| {
            let mut text = Vec::new();
            write_value(&mut text, field, view, value);
            let text = String::from_utf8_lossy(&text);
            all.push(serde_json::Value::from(text).to_string());
        });
        if !all.is_empty() {
            let name = field.name.replace('.', "_");
            let _ = write!(out, r#"{between}"{name}":[{}]"#, all.join(","));
            between = ",";
        }
    }
    out.extend_from_slice(b"}}\n");
}
