//! Puts an object of JSON into a row of columns: each key's value into the column of that name.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Impossible, SerializeStruct};
use serde::{Serialize, Serializer};

use super::columns::{Column, Columns};
use super::schema::ColumnType;
use crate::output::json::format::{TerminalSafe, endpoint_of};

/// That a value does not fit a column: a mistake in the schema.
#[derive(Debug)]
pub struct Mismatch(String);

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}

impl ser::Error for Mismatch {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

fn mismatch<T>(what: &str) -> Result<T, Mismatch> {
    Err(Mismatch(format!("{what} is no value of a column")))
}

/// A row being filled.
pub struct Row<'a> {
    columns: &'a mut Columns,
    /// The column behind the last one that got a value: keys come in the columns' order.
    next: usize,
}

impl<'a> Row<'a> {
    /// The row behind those that are there.
    pub const fn new(columns: &'a mut Columns) -> Self {
        Self { columns, next: 0 }
    }
}

impl SerializeStruct for Row<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        let row = self.columns.rows();
        while let Some(column) = self.columns.get(self.next) {
            self.next += 1;
            if column.name == key {
                let is_json = column.kind == ColumnType::Json;
                let cell = Cell { column, row };
                return if is_json {
                    cell.json(value)
                } else {
                    value.serialize(cell)
                };
            }
        }
        mismatch(key)
    }

    fn end(self) -> Result<(), Mismatch> {
        Ok(())
    }
}

/// The place of one value.
struct Cell<'a> {
    column: &'a mut Column,
    row: usize,
}

impl Cell<'_> {
    fn integer(self, value: i64) -> Result<(), Mismatch> {
        let fits = self.column.integer(self.row, value);
        if fits { Ok(()) } else { mismatch("a number") }
    }

    fn text(self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Mismatch> {
        let fits = self.column.text(self.row, write);
        if fits { Ok(()) } else { mismatch("text") }
    }

    /// What JSON has as an array or an object, as its text.
    fn json(self, value: &(impl Serialize + ?Sized)) -> Result<(), Mismatch> {
        self.text(|octets| {
            let mut json = serde_json::Serializer::with_formatter(octets, TerminalSafe);
            let _ = value.serialize(&mut json);
        })
    }
}

/// Text that is appended to bytes.
struct Appended<'a>(&'a mut Vec<u8>);

impl fmt::Write for Appended<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Of these values there are none in a table.
macro_rules! none_of {
    ($($name:ident($($kind:ty),*) -> $ok:ty;)*) => {
        $(fn $name(self, $(_: $kind),*) -> Result<$ok, Mismatch> {
            mismatch(stringify!($name))
        })*
    };
}

type No = Impossible<(), Mismatch>;

/// What neither a value nor a whole object can be.
macro_rules! of_neither {
    () => {
        type Ok = ();
        type Error = Mismatch;
        type SerializeSeq = No;
        type SerializeTuple = No;
        type SerializeTupleStruct = No;
        type SerializeTupleVariant = No;
        type SerializeMap = No;
        type SerializeStructVariant = No;

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<(), Mismatch> {
            mismatch("a variant")
        }

        none_of! {
            serialize_bool(bool) -> ();
            serialize_i8(i8) -> ();
            serialize_i16(i16) -> ();
            serialize_i32(i32) -> ();
            serialize_f32(f32) -> ();
            serialize_char(char) -> ();
            serialize_bytes(&[u8]) -> ();
            serialize_unit() -> ();
            serialize_unit_struct(&'static str) -> ();
            serialize_unit_variant(&'static str, u32, &'static str) -> ();
            serialize_seq(Option<usize>) -> No;
            serialize_tuple(usize) -> No;
            serialize_tuple_struct(&'static str, usize) -> No;
            serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
            serialize_map(Option<usize>) -> No;
            serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
        }
    };
}

impl Serializer for Cell<'_> {
    of_neither!();

    type SerializeStruct = No;

    fn serialize_u8(self, value: u8) -> Result<(), Mismatch> {
        self.integer(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Mismatch> {
        self.integer(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Mismatch> {
        self.integer(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Mismatch> {
        self.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn serialize_i64(self, value: i64) -> Result<(), Mismatch> {
        self.integer(value)
    }

    /// A decimal's nanoseconds, which fit 64 bits.
    fn serialize_i128(self, value: i128) -> Result<(), Mismatch> {
        self.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// An address and port.
    fn serialize_u128(self, value: u128) -> Result<(), Mismatch> {
        self.text(|octets| octets.extend_from_slice(endpoint_of(value).as_bytes()))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Mismatch> {
        let fits = self.column.number(self.row, value);
        if fits { Ok(()) } else { mismatch("a number") }
    }

    fn serialize_str(self, value: &str) -> Result<(), Mismatch> {
        self.text(|octets| octets.extend_from_slice(value.as_bytes()))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Mismatch> {
        self.text(|octets| _ = write!(Appended(octets), "{value}"))
    }

    fn serialize_none(self) -> Result<(), Mismatch> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Mismatch> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        value.serialize(self)
    }

    none_of! {
        serialize_struct(&'static str, usize) -> No;
    }
}

/// A whole object is a row.
impl<'a> Serializer for Row<'a> {
    of_neither!();

    type SerializeStruct = Row<'a>;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Row<'a>, Mismatch> {
        Ok(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Mismatch> {
        mismatch("an option")
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Mismatch> {
        mismatch("a wrapper")
    }

    none_of! {
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f64(f64) -> ();
        serialize_str(&str) -> ();
        serialize_none() -> ();
    }
}
