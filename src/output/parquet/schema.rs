//! The columns of each table, with their types.

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::{Type, TypePtr};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Whole numbers, 64 bits.
    Integer,
    /// Text, UTF-8.
    Text,
    /// An object or an array, as JSON text.
    Json,
    /// Times in UTC, in nanoseconds.
    Time,
    /// Durations in seconds, with nine decimals.
    Seconds,
    /// Floating-point numbers, 64 bits.
    Number,
}

use ColumnType::{Integer, Json, Number, Seconds, Text, Time};

/// The columns of messages, in the order of JSON's keys.
pub const MESSAGE: &[(&str, ColumnType)] = &[
    ("file", Text),
    ("frame", Integer),
    ("time", Time),
    ("stream", Integer),
    ("from", Text),
    ("src", Text),
    ("dst", Text),
    ("protocol", Text),
    ("type", Text),
    ("length", Integer),
    ("command", Integer),
    ("username", Text),
    ("username_hex", Text),
    ("password", Text),
    ("password_hex", Text),
    ("status", Integer),
    ("description", Text),
    ("description_hex", Text),
    ("fields", Json),
    ("action", Text),
    ("user", Text),
    ("response_in", Integer),
    ("response_to", Integer),
    ("response_time", Seconds),
    ("notes", Json),
];

/// The columns of exchanges, in the order of JSON's keys.
pub const EXCHANGE: &[(&str, ColumnType)] = &[
    ("file", Text),
    ("time", Time),
    ("client", Text),
    ("server", Text),
    ("protocol", Text),
    ("action", Text),
    ("user", Text),
    ("outcome", Text),
    ("refusal", Text),
    ("description", Text),
    ("milliseconds", Number),
    ("stream", Integer),
    ("request", Integer),
    ("response", Integer),
    ("password_tag", Text),
];

/// Total digits and decimals of [`ColumnType::Seconds`].
const DECIMAL: (i32, i32) = (18, 9);

/// The Parquet type of a column.
pub fn column(name: &str, kind: ColumnType) -> TypePtr {
    let (physical, logical) = match kind {
        Integer => (Physical::INT64, None),
        Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        Time => (
            Physical::INT64,
            Some(LogicalType::timestamp(true, TimeUnit::NANOS)),
        ),
        Seconds => (
            Physical::INT64,
            Some(LogicalType::decimal(DECIMAL.1, DECIMAL.0)),
        ),
        Number => (Physical::DOUBLE, None),
    };
    let mut builder = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    if kind == Seconds {
        builder = builder.with_precision(DECIMAL.0).with_scale(DECIMAL.1);
    }
    builder.build().expect("these types are right").into()
}
