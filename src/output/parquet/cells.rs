//! Puts an object into a row of a table: each value goes into the column with the name of its key.

use std::fmt::Display;
use std::io::Write as _;
use std::net::IpAddr;

use super::columns::{Column, Columns};
use crate::output::json::object::Entries;
use crate::packet::Endpoint;
use crate::text::ascii::Ascii;

/// The row that is being filled.
pub struct Row<'a> {
    columns: &'a mut Columns,
    /// The column after the last one that got a value: keys come in the order of columns.
    next: usize,
}

impl<'a> Row<'a> {
    /// Appends a row to the columns.
    pub const fn new(columns: &'a mut Columns) -> Self {
        Self { columns, next: 0 }
    }

    /// Puts a value into the column of a key. Each key has a column of its type: a test compares the schema with JSON's keys.
    fn put(&mut self, key: &'static str, put: impl FnOnce(&mut Column, usize) -> bool) {
        let row = self.columns.rows();
        while let Some(column) = self.columns.get(self.next) {
            self.next += 1;
            if column.name == key {
                let fits = put(column, row);
                debug_assert!(fits, "{key} is not of its column's kind");
                return;
            }
        }
        debug_assert!(false, "{key} has no column, or comes late");
    }

    fn octets(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        self.put(key, |column, row| column.text(row, write));
    }
}

impl Entries for Row<'_> {
    fn count(&mut self, key: &'static str, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            self.put(key, |column, row| column.integer(row, value));
        }
    }

    fn float(&mut self, key: &'static str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into() {
            self.put(key, |column, row| column.number(row, value));
        }
    }

    fn time(&mut self, key: &'static str, nanoseconds: impl Into<Option<i64>>) {
        if let Some(nanoseconds) = nanoseconds.into() {
            self.put(key, |column, row| column.integer(row, nanoseconds));
        }
    }

    fn text<'t>(&mut self, key: &'static str, value: impl Into<Option<&'t str>>) {
        if let Some(value) = value.into() {
            self.octets(key, |octets| octets.extend_from_slice(value.as_bytes()));
        }
    }

    fn shown<T: Display>(&mut self, key: &'static str, value: impl Into<Option<T>>) {
        if let Some(value) = value.into() {
            // Writing to memory does not fail.
            self.octets(key, |octets| _ = write!(octets, "{value}"));
        }
    }

    fn endpoint(&mut self, key: &'static str, value: Endpoint) {
        if let IpAddr::V4(address) = value.address {
            let text = Ascii::of(|text| text.put_ipv4_endpoint(address, value.port));
            self.octets(key, |octets| octets.extend_from_slice(text.as_bytes()));
        } else {
            self.shown(key, value);
        }
    }

    fn json(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        self.octets(key, write);
    }
}
