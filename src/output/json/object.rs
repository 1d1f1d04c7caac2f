//! Objects as keys and values, which JSON and Parquet each write in their format.

use std::fmt::Display;

use serde::Serialize;

use super::format::{TerminalSafe, decimal, endpoint};
use crate::packet::Endpoint;

/// Something with keys and values.
pub(in crate::output) trait Object {
    /// Passes each key with its value to `to`, always in the same order. Keys that do not apply are left out.
    fn entries(&self, to: &mut impl Entries);
}

/// Receives keys with values. A value of `None` is left out.
pub(in crate::output) trait Entries {
    /// Takes a whole number.
    fn count(&mut self, key: &'static str, value: impl Into<Option<u64>>);

    /// Takes a floating-point number.
    fn float(&mut self, key: &'static str, value: impl Into<Option<f64>>);

    /// Takes a time or a duration, in nanoseconds.
    fn time(&mut self, key: &'static str, nanoseconds: impl Into<Option<i64>>);

    /// Takes a text.
    fn text<'t>(&mut self, key: &'static str, value: impl Into<Option<&'t str>>);

    /// Takes a value that is written as text.
    fn shown<T: Display>(&mut self, key: &'static str, value: impl Into<Option<T>>);

    /// Takes an address with a port.
    fn endpoint(&mut self, key: &'static str, value: Endpoint);

    /// Takes an object or an array, which `write` appends as JSON.
    fn json(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>));
}

/// Appends an object as JSON.
pub(in crate::output) fn write(out: &mut Vec<u8>, object: &impl Object) {
    out.push(b'{');
    object.entries(&mut JsonEntries(out));
    out.push(b'}');
}

/// Appends objects as an array.
pub(in crate::output) fn write_array<T: Object>(
    out: &mut Vec<u8>,
    objects: impl IntoIterator<Item = T>,
) {
    out.push(b'[');
    for (index, object) in objects.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, &object);
    }
    out.push(b']');
}

/// Appends a value. Writing to memory does not fail, and all values here can be serialised.
pub(in crate::output) fn write_value(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(
        out,
        TerminalSafe,
    ));
}

/// Appends keys with values to an object in JSON that is not closed yet.
struct JsonEntries<'o>(&'o mut Vec<u8>);

impl JsonEntries<'_> {
    /// Begins an entry. Keys need no escapes.
    #[inline]
    fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
        self.0
    }
}

impl Entries for JsonEntries<'_> {
    #[inline]
    fn count(&mut self, key: &'static str, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            let mut digits = itoa::Buffer::new();
            self.key(key)
                .extend_from_slice(digits.format(value).as_bytes());
        }
    }

    fn float(&mut self, key: &'static str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into() {
            write_value(self.key(key), &value);
        }
    }

    #[inline]
    fn time(&mut self, key: &'static str, nanoseconds: impl Into<Option<i64>>) {
        if let Some(nanoseconds) = nanoseconds.into() {
            self.key(key)
                .extend_from_slice(decimal(nanoseconds).as_bytes());
        }
    }

    #[inline]
    fn text<'t>(&mut self, key: &'static str, value: impl Into<Option<&'t str>>) {
        if let Some(value) = value.into() {
            write_text(self.key(key), value);
        }
    }

    fn shown<T: Display>(&mut self, key: &'static str, value: impl Into<Option<T>>) {
        if let Some(value) = value.into() {
            write_value(self.key(key), &super::format::Shown(value));
        }
    }

    #[inline]
    fn endpoint(&mut self, key: &'static str, value: Endpoint) {
        let out = self.key(key);
        out.push(b'"');
        endpoint(out, value);
        out.push(b'"');
    }

    fn json(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.key(key));
    }
}

/// Appends a text as a string. Nearly all texts need no escapes, so they take a fast path.
fn write_text(out: &mut Vec<u8>, text: &str) {
    let is_plain = |octet: &u8| matches!(octet, b' '..=b'~') && !matches!(octet, b'"' | b'\\');
    if text.as_bytes().iter().all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        write_value(out, text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Texts<'a>(&'a str);

    impl Object for Texts<'_> {
        fn entries(&self, to: &mut impl Entries) {
            to.text("text", self.0);
            to.shown("shown", self.0);
            to.text("absent", None);
        }
    }

    proptest! {
        #[test]
        fn texts_are_written_as_serde_json_writes_them_and_read_back_the_same(text in any::<String>()) {
            let (mut object, mut value) = (Vec::new(), Vec::new());
            write(&mut object, &Texts(&text));
            write_value(&mut value, &text);
            let value = String::from_utf8(value).unwrap();
            let object = String::from_utf8(object).unwrap();
            prop_assert_eq!(&object, &format!("{{\"text\":{value},\"shown\":{value}}}"));
            let read: serde_json::Value = serde_json::from_str(&object).unwrap();
            prop_assert_eq!(&read["text"], &serde_json::json!(text));
        }
    }
}
