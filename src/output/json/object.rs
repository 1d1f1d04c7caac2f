//! Objects as keys and values, which JSON and Parquet each write in their format.

use std::fmt::Display;
use std::net::IpAddr;

use serde::Serialize;

use super::format::TerminalSafe;
use crate::packet::Endpoint;
use crate::text::ascii::Ascii;
use crate::text::swar;

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
    let start = out.len();
    object.entries(&mut JsonEntries(out));
    match out.get_mut(start) {
        // Every entry begins with a comma.
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
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

/// The start of an entry. Keys need no escapes, and have at most 28 bytes, so that any short value fits behind them.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "where the key is known its bytes are stored at once, in a quarter of the instructions"
)]
fn begun(key: &'static str) -> Ascii {
    let mut entry = Ascii::default();
    entry.put_text(",\"");
    entry.put_text(key);
    entry.put_text("\":");
    entry
}

impl JsonEntries<'_> {
    /// Begins an entry.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `begun`")]
    fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        self.0.extend_from_slice(begun(key).as_bytes());
        self.0
    }

    #[inline(never)]
    fn put_count(&mut self, mut entry: Ascii, value: u64) {
        entry.put_number(value);
        self.0.extend_from_slice(entry.as_bytes());
    }

    #[inline(never)]
    fn put_time(&mut self, mut entry: Ascii, nanoseconds: i64) {
        entry.put_seconds(nanoseconds);
        self.0.extend_from_slice(entry.as_bytes());
    }

    #[inline(never)]
    fn put_endpoint(&mut self, mut entry: Ascii, value: Endpoint) {
        if let IpAddr::V4(address) = value.address {
            entry.put(b'"');
            entry.put_ipv4_endpoint(address, value.port);
            entry.put(b'"');
            self.0.extend_from_slice(entry.as_bytes());
        } else {
            self.0.extend_from_slice(entry.as_bytes());
            write_value(self.0, &super::format::Shown(value));
        }
    }

    /// Appends a text as a string. Nearly all texts need no escapes, so they take a fast path.
    #[inline(never)]
    fn put_text(&mut self, mut entry: Ascii, text: &str) {
        if swar::is_plain_in_quotes(text.as_bytes()) {
            entry.put(b'"');
            self.0.extend_from_slice(entry.as_bytes());
            self.0.extend_from_slice(text.as_bytes());
            self.0.push(b'"');
        } else {
            self.0.extend_from_slice(entry.as_bytes());
            write_value(self.0, text);
        }
    }
}

impl Entries for JsonEntries<'_> {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `begun`")]
    fn count(&mut self, key: &'static str, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            self.put_count(begun(key), value);
        }
    }

    fn float(&mut self, key: &'static str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into() {
            write_value(self.key(key), &value);
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `begun`")]
    fn time(&mut self, key: &'static str, nanoseconds: impl Into<Option<i64>>) {
        if let Some(nanoseconds) = nanoseconds.into() {
            self.put_time(begun(key), nanoseconds);
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `begun`")]
    fn text<'t>(&mut self, key: &'static str, value: impl Into<Option<&'t str>>) {
        if let Some(value) = value.into() {
            self.put_text(begun(key), value);
        }
    }

    fn shown<T: Display>(&mut self, key: &'static str, value: impl Into<Option<T>>) {
        if let Some(value) = value.into() {
            write_value(self.key(key), &super::format::Shown(value));
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `begun`")]
    fn endpoint(&mut self, key: &'static str, value: Endpoint) {
        self.put_endpoint(begun(key), value);
    }

    fn json(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.key(key));
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

    #[test]
    fn endpoints_are_written_as_they_are_shown() {
        for address in [
            "0.0.0.0",
            "255.255.255.255",
            "127.0.0.1",
            "::1",
            "2001:db8::1",
        ] {
            for port in [0, 8888, u16::MAX] {
                let address = address.parse().unwrap();
                let end = Endpoint { address, port };
                let mut written = Vec::new();
                JsonEntries(&mut written).endpoint("end", end);
                assert_eq!(
                    String::from_utf8(written).unwrap(),
                    format!(",\"end\":\"{end}\"")
                );
            }
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
