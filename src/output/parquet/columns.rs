//! The columns of a table, which buffer rows until they are written as a row group.

#![expect(
    clippy::cast_precision_loss,
    reason = "numbers that were seconds or sizes, as Parquet has them"
)]

use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::schema::{self, ColumnType};

/// The maximum size of a column's dictionary in a row group, in bytes.
const DICTIONARY: usize = 4 << 20;

/// The values of a column that are not null.
#[derive(Debug)]
enum Values {
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    /// All texts joined, and the end of each.
    Texts(Vec<u8>, Vec<usize>),
}

/// A column of the table.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
    values: Values,
    /// Parquet's definition levels, up to the last value: 1 for a value, 0 for null.
    levels: Vec<i16>,
}

impl Column {
    fn new(name: &'static str, kind: ColumnType) -> Self {
        let values = match kind {
            ColumnType::Integer | ColumnType::Time | ColumnType::Seconds => {
                Values::Integers(Vec::new())
            }
            ColumnType::Number => Values::Numbers(Vec::new()),
            ColumnType::Text | ColumnType::Json => Values::Texts(Vec::new(), Vec::new()),
        };
        Self {
            name,
            kind,
            values,
            levels: Vec::new(),
        }
    }

    /// Marks that row `row` has a value.
    fn has(&mut self, row: usize) {
        self.levels.resize(row, 0);
        self.levels.push(1);
    }

    /// Puts a whole number into a row. Returns false if the column has another type.
    pub fn integer(&mut self, row: usize, value: i64) -> bool {
        match &mut self.values {
            Values::Integers(values) => values.push(value),
            Values::Numbers(values) => values.push(value as f64),
            Values::Texts(..) => return false,
        }
        self.has(row);
        true
    }

    /// Puts a floating-point number into a row. Returns false if the column has another type.
    pub fn number(&mut self, row: usize, value: f64) -> bool {
        let Values::Numbers(values) = &mut self.values else {
            return false;
        };
        values.push(value);
        self.has(row);
        true
    }

    /// Puts a text, which `write` appends, into a row. Returns false if the column has another type.
    pub fn text(&mut self, row: usize, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let Values::Texts(octets, ends) = &mut self.values else {
            return false;
        };
        write(octets);
        ends.push(octets.len());
        self.has(row);
        true
    }

    /// Writes the column of a row group and clears it.
    fn write(&mut self, rows: usize, to: &mut SerializedColumnWriter<'_>) {
        self.levels.resize(rows, 0);
        let levels = Some(&self.levels[..]);
        let written = match &mut self.values {
            Values::Integers(values) => {
                let written = to.typed::<Int64Type>().write_batch(values, levels, None);
                values.clear();
                written
            }
            Values::Numbers(values) => {
                let written = to.typed::<DoubleType>().write_batch(values, levels, None);
                values.clear();
                written
            }
            Values::Texts(octets, ends) => {
                let whole = ByteArray::from(std::mem::take(octets));
                let mut start = 0;
                let texts = ends.drain(..).map(|end| {
                    let begin = std::mem::replace(&mut start, end);
                    whole.slice(begin, end - begin)
                });
                let texts: Vec<ByteArray> = texts.collect();
                to.typed::<ByteArrayType>()
                    .write_batch(&texts, levels, None)
            }
        };
        written.expect("a column in memory can be written");
        self.levels.clear();
    }
}

/// The columns of a table, with the rows that are not written yet.
#[derive(Debug)]
pub struct Columns {
    all: Vec<Column>,
    rows: usize,
}

impl Columns {
    /// Columns without rows.
    pub fn new(columns: &[(&'static str, ColumnType)]) -> Self {
        let all = columns.iter().map(|(name, kind)| Column::new(name, *kind));
        Self {
            all: all.collect(),
            rows: 0,
        }
    }

    /// The number of buffered rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The column with this index; `None` after the last.
    pub fn get(&mut self, place: usize) -> Option<&mut Column> {
        self.all.get_mut(place)
    }

    /// Ends the current row.
    pub const fn end_row(&mut self) {
        self.rows += 1;
    }

    /// The schema of a file.
    pub fn schema(&self) -> TypePtr {
        let columns = self.all.iter();
        let columns = columns.map(|column| schema::column(column.name, column.kind));
        let schema = Type::group_type_builder("rows").with_fields(columns.collect());
        Arc::new(schema.build().expect("this schema is right"))
    }

    /// The compression and encodings of the file.
    pub fn properties(&self) -> WriterProperties {
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("authscope {}", crate::VERSION))
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_dictionary_page_size_limit(DICTIONARY)
            .set_statistics_enabled(EnabledStatistics::Chunk);
        for column in &self.all {
            let path = ColumnPath::from(column.name);
            properties = match column.kind {
                // Most grow by little from row to row.
                ColumnType::Integer | ColumnType::Time | ColumnType::Seconds => properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
                ColumnType::Number => properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT),
                ColumnType::Text | ColumnType::Json => properties,
            };
        }
        properties.build()
    }

    /// Writes the buffered rows as a row group and clears them.
    pub fn write(&mut self, file: &mut SerializedFileWriter<Vec<u8>>) {
        let mut group = file.next_row_group().expect("a group can be begun");
        for column in &mut self.all {
            let writer = group.next_column().expect("the schema has this column");
            let mut writer = writer.expect("the schema has as many columns");
            column.write(self.rows, &mut writer);
            writer.close().expect("a column in memory can be ended");
        }
        group.close().expect("a group in memory can be ended");
        self.rows = 0;
    }
}
