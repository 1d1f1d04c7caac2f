//! `-T parquet`: the objects of JSON as a table in a Parquet file. The columns are JSON's keys; an absent key is null.

mod cells;
mod columns;
mod schema;

use std::sync::Arc;

use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use super::context::Context;
use super::forms::{Chosen, FormEntry, FormOptions, Waits, driven};
use super::json::object::Object;
use super::json::{JsonExchange, JsonMessage, JsonOptions};
use super::rows::{Form, MessageTiming, Rows};
use crate::dissect::Message;
use crate::filter::Needs;
use crate::rows::INTERRUPTED;
use crate::session::{Ending, Exchange, Remainder};
use cells::Row;
use columns::Columns;

/// The form of `-T parquet`.
pub static FORM: FormEntry = FormEntry {
    name: "parquet",
    meaning: "A Parquet file of columns",
    for_people: false,
    is_binary: true,
    is_array: false,
    rows: Rows::Messages,
    waits: Waits::ForResponses,
    needs: Needs::NOTHING,
    fields: Chosen::Nothing,
    make: |options, out| driven(Table::new(&options), &options, out),
};

/// Rows of a row group.
const GROUP: usize = 1 << 17;

/// The key in the file's metadata that says what its rows are.
const ROWS: &str = "authscope.rows";

/// Writes a table of messages or exchanges.
struct Table {
    columns: Columns,
    rows: Rows,
    in_fields: bool,
    /// Writes to memory, from where each row group is moved to the output. `None` before the beginning and after the end.
    file: Option<SerializedFileWriter<Vec<u8>>>,
}

impl Table {
    fn new(options: &FormOptions) -> Self {
        let columns = match options.rows {
            Rows::Exchanges => schema::EXCHANGE,
            _ => schema::MESSAGE,
        };
        Self {
            columns: Columns::new(columns),
            rows: options.rows,
            in_fields: options.in_fields,
            file: None,
        }
    }

    fn put(&mut self, out: &mut Vec<u8>, row: &impl Object) {
        row.entries(&mut Row::new(&mut self.columns));
        self.columns.end_row();
        if self.columns.rows() == GROUP {
            self.write_group(out);
        }
    }

    /// Writes the buffered rows as a row group.
    fn write_group(&mut self, out: &mut Vec<u8>) {
        if let Some(file) = &mut self.file {
            if self.columns.rows() > 0 {
                self.columns.write(file);
            }
            out.append(file.inner_mut());
        }
    }
}

impl Form for Table {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let (schema, properties) = (self.columns.schema(), self.columns.properties());
        let file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties));
        self.file = Some(file.expect("a file in memory can be begun"));
        self.write_group(out);
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        told: MessageTiming<'_>,
        context: &Context,
    ) {
        let options = JsonOptions {
            show_passwords: context.show_passwords,
            in_fields: self.in_fields,
        };
        let file = context.origin.told_of(message.stream, told.record());
        self.put(out, &JsonMessage::new(message, options).of(file));
    }

    fn exchange(&mut self, out: &mut Vec<u8>, exchange: &Exchange, context: &Context) {
        let file = context.origin.told_of(exchange.stream(), None);
        self.put(out, &JsonExchange::new(exchange, context).of(file));
    }

    fn end(&mut self, out: &mut Vec<u8>, remainder: &Remainder<'_>) {
        self.write_group(out);
        let Some(mut file) = self.file.take() else {
            return;
        };
        let rows = if self.rows == Rows::Exchanges {
            "exchanges"
        } else {
            "messages"
        };
        let mut say = |key: &str, value: &str| {
            file.append_key_value_metadata(KeyValue::new(key.to_owned(), value.to_owned()));
        };
        say(ROWS, rows);
        if remainder.ending == Ending::Interrupted {
            say(INTERRUPTED, "true");
        }
        file.finish().expect("a file in memory can be ended");
        out.append(file.inner_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of JSON's objects, as docs/output.md lists them.
    fn keys(section: &str) -> Vec<&'static str> {
        let page = include_str!("../../../docs/output.md");
        let (_, rest) = page.split_once(&format!("### {section}\n")).unwrap();
        let table = rest.split("\n#").next().unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| row.split('`').next().unwrap()).collect()
    }

    #[test]
    fn the_columns_are_the_keys_of_json() {
        let names = |columns: &[(&'static str, schema::ColumnType)]| -> Vec<&str> {
            columns.iter().map(|(name, _)| *name).collect()
        };
        assert_eq!(names(schema::MESSAGE), keys("Message"));
        assert_eq!(names(schema::EXCHANGE), keys("Exchange"));
    }
}
