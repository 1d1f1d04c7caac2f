//! Chosen fields of each frame: as columns of text (`-T fields`), as comma-separated values, or as
//! lines for Elasticsearch's bulk interface.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::ControlFlow;

use jiff::tz::TimeZone;

use super::select::{Rows, Select, late_messages};
use super::watch::Watch;
use crate::capture::Timestamp;
use crate::dissect::Message;
use crate::filter::{Field, Kind, Value, View};
use crate::session::{FrameRecord, Remainder, Sink};

/// Which of a field's values are written.
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

/// How columns of text look; by default as tshark's `-T fields` without `-E`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Whether a byte order mark comes first.
    pub mark: bool,
    /// Whether a line of field names comes first.
    pub header: bool,
    /// What stands between fields.
    pub separator: String,
    /// What stands between several values of one field.
    pub aggregator: String,
    /// What stands around a field's values.
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

/// The form of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldsFormat {
    /// Columns of text.
    Columns(Columns),
    /// Comma-separated values with a header (RFC 4180, with line feeds alone).
    Csv {
        /// Text as it is, also where a spreadsheet would take it for a formula.
        raw: bool,
    },
    /// Two lines of JSON for each row, for the bulk interface of Elasticsearch and OpenSearch, as
    /// tshark's `-T ek` but for `_type`, which Elasticsearch 8 and OpenSearch 2 refuse.
    Bulk,
}

/// The rows.
pub struct FieldRows<W> {
    out: W,
    select: Select,
    watch: Watch,
    fields: Vec<&'static Field>,
    format: FieldsFormat,
    text: String,
    started: bool,
}

impl<W: Write> FieldRows<W> {
    /// No rows yet. `watch` must know what the fields need.
    pub fn new(
        out: W,
        select: Select,
        watch: Watch,
        fields: Vec<&'static Field>,
        format: FieldsFormat,
    ) -> Self {
        Self {
            out,
            select,
            watch,
            fields,
            format,
            text: String::new(),
            started: false,
        }
    }

    fn start(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let names = self.fields.iter().map(|field| field.name.as_ref());
        let names: Vec<&str> = names.collect();
        match &self.format {
            FieldsFormat::Columns(columns) => {
                if columns.mark {
                    self.out.write_all("\u{feff}".as_bytes())?;
                }
                if columns.header {
                    writeln!(self.out, "{}", names.join(&columns.separator))?;
                }
            }
            FieldsFormat::Csv { .. } => writeln!(self.out, "{}", names.join(","))?,
            FieldsFormat::Bulk => {}
        }
        Ok(())
    }

    fn frame(&mut self, record: &FrameRecord<'_>) -> io::Result<()> {
        let watch = self.watch.clone();
        if self.select.rows != Rows::Messages {
            return watch.view(record, |view| self.row(view));
        }
        for (index, message) in record.messages.iter().enumerate() {
            if message.frame != record.frame.number {
                continue;
            }
            let alone = FrameRecord {
                messages: std::slice::from_ref(message),
                first_message: record.first_message + index as u64,
                notes: &[],
                ..*record
            };
            watch.view(&alone, |view| self.row(view))?;
        }
        Ok(())
    }

    fn late(&mut self, message: &Message) -> io::Result<()> {
        if self.select.rows != Rows::Messages || !self.select.takes_late(message) {
            return Ok(());
        }
        self.start()?;
        let watch = self.watch.clone();
        watch.late(message, |view| self.row(view))
    }

    fn row(&mut self, view: &View<'_>) -> io::Result<()> {
        self.text.clear();
        match &self.format {
            FieldsFormat::Columns(columns) => {
                columns_row(&mut self.text, columns, &self.fields, view);
            }
            FieldsFormat::Csv { raw } => csv_row(&mut self.text, &self.fields, view, *raw),
            FieldsFormat::Bulk => bulk_row(&mut self.text, &self.fields, view),
        }
        self.out.write_all(self.text.as_bytes())
    }
}

/// Appends a field's values with `between` between them.
fn values(out: &mut String, field: &Field, view: &View<'_>, occurrence: Occurrence, between: &str) {
    let start = out.len();
    let mut count = 0;
    field.values(view, &mut |value| {
        count += 1;
        match occurrence {
            Occurrence::First if count > 1 => return,
            Occurrence::Last => out.truncate(start),
            _ if count > 1 => out.push_str(between),
            _ => {}
        }
        write_value(out, field, view, value);
    });
}

/// Appends one value. A protocol's is its name; of octets each that may be a password's is `**`.
fn write_value(out: &mut String, field: &Field, view: &View<'_>, value: Value<'_>) {
    if field.kind == Kind::Protocol {
        out.push_str(&field.name);
    } else if field.kind == Kind::Bytes && field.needs.octets {
        super::write_payload(out, view.record, view.show_passwords);
    } else {
        let _ = write!(out, "{}", value.shown(field.kind, field.names));
    }
}

fn columns_row(out: &mut String, columns: &Columns, fields: &[&Field], view: &View<'_>) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push_str(&columns.separator);
        }
        let start = out.len();
        values(out, field, view, columns.occurrence, &columns.aggregator);
        if let Some(quote) = columns.quote
            && out.len() > start
        {
            out.insert(start, quote);
            out.push(quote);
        }
    }
    out.push('\n');
}

/// Whether a spreadsheet would take this text for a formula, and run it.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Whether a field's values are numbers, times or spans, which a spreadsheet is to take for such.
fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Number(..) | Kind::Span | Kind::Bool)
}

fn csv_row(out: &mut String, fields: &[&Field], view: &View<'_>, raw: bool) {
    let mut cell = String::new();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        cell.clear();
        values(&mut cell, field, view, Occurrence::All, ",");
        // An apostrophe says that text follows (OWASP, CSV injection).
        if !raw && is_formula(&cell) && !is_number(field.kind) {
            cell.insert(0, '\'');
        }
        if cell.contains(['"', ',']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push('\n');
}

/// Dots are no part of names there.
fn bulk_row(out: &mut String, fields: &[&Field], view: &View<'_>) {
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
            let mut text = String::new();
            write_value(&mut text, field, view, value);
            all.push(serde_json::Value::from(text).to_string());
        });
        if !all.is_empty() {
            let name = field.name.replace('.', "_");
            let _ = write!(out, r#"{between}"{name}":[{}]"#, all.join(","));
            between = ",";
        }
    }
    out.push_str("}}\n");
}

impl<W: Write> Sink for FieldRows<W> {
    type Error = io::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        self.start()?;
        if self.select.takes(record) {
            self.frame(record)?;
        }
        for late in late_messages(record) {
            self.late(late)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn between(&mut self, found: &Remainder<'_>) -> io::Result<()> {
        self.start()?;
        for late in found.messages {
            self.late(late)?;
        }
        Ok(())
    }

    fn pause(&mut self) -> io::Result<ControlFlow<()>> {
        self.out.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> io::Result<()> {
        self.between(remainder)?;
        self.out.flush()
    }
}
