//! Objects as keys and values, which JSON and Parquet each write in their format.

use std::borrow::Cow;
use std::fmt::Display;
use std::net::IpAddr;

use serde::Serialize;

use super::format::TerminalSafe;
use crate::packet::Endpoint;
use crate::text::ascii::AsciiText;
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

    /// Takes bytes that should be text, as text with U+FFFD for each part that is not UTF-8. Returns whether there was none.
    fn octets(&mut self, key: &'static str, value: &[u8]) -> bool {
        let text = String::from_utf8_lossy(value);
        self.text(key, &*text);
        matches!(text, Cow::Borrowed(_))
    }

    /// Takes a text that is no longer than 32 bytes and needs no escapes in JSON.
    fn name(&mut self, key: &'static str, value: &'static str) {
        self.text(key, value);
    }

    /// Takes a value that is written as text.
    fn shown<T: Display>(&mut self, key: &'static str, value: impl Into<Option<T>>);

    /// Takes an address with a port.
    fn endpoint(&mut self, key: &'static str, value: Endpoint);

    /// Takes an object or an array, which `write` appends as JSON.
    fn json(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>));

    /// Takes an array of objects.
    fn objects<T: Object>(&mut self, key: &'static str, objects: impl IntoIterator<Item = T>) {
        self.json(key, |out| write_array(out, objects));
    }
}

/// Appends an object as JSON.
pub(in crate::output) fn write(out: &mut Vec<u8>, object: &impl Object) {
    let start = out.len();
    let mut entries = JsonEntries::new(out);
    object.entries(&mut entries);
    entries.flush();
    match out.get_mut(start) {
        // Every entry begins with a comma.
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

/// Appends objects as an array.
fn write_array<T: Object>(out: &mut Vec<u8>, objects: impl IntoIterator<Item = T>) {
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

/// Room for most objects. What exceeds it is written in parts.
const LINE: usize = 512;
/// Room for a key of at most 28 bytes with any number, time, address or name.
const SHORT: usize = 80;

/// Appends keys with values to an object in JSON that is not closed yet.
struct JsonEntries<'o> {
    out: &'o mut Vec<u8>,
    /// What is to be appended to `out`. Put together here, because appending a few bytes to a vector takes several times as
    /// long.
    line: AsciiText<LINE>,
}

impl<'o> JsonEntries<'o> {
    fn new(out: &'o mut Vec<u8>) -> Self {
        Self {
            out,
            line: AsciiText::default(),
        }
    }

    /// Moves the line to the output.
    fn flush(&mut self) -> &mut Vec<u8> {
        self.out.extend_from_slice(self.line.as_bytes());
        self.line.clear();
        self.out
    }

    /// Writes the start of an entry: texts that are known when compiling, mostly. Makes room for any short value behind it.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "what is known when compiling is stored at once, in a quarter of the instructions"
    )]
    fn put<const N: usize>(&mut self, texts: [&'static str; N]) {
        if self.line.room() < SHORT {
            self.flush();
        }
        self.line.append(|line| line.put_all(texts));
    }

    /// Begins an entry: writes its key, which needs no escapes.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `put`")]
    fn begin(&mut self, key: &'static str) {
        self.put([",\"", key, "\":"]);
    }

    /// Begins an entry whose value is written to the output itself.
    fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        self.begin(key);
        self.flush()
    }

    #[inline(never)]
    fn put_count(&mut self, value: u64) {
        self.line.append(|line| line.put_number(value));
    }

    #[inline(never)]
    fn put_time(&mut self, nanoseconds: i64) {
        self.line.append(|line| line.put_seconds(nanoseconds));
    }

    #[inline(never)]
    fn put_endpoint(&mut self, value: Endpoint) {
        if let IpAddr::V4(address) = value.address {
            self.line.append(|line| {
                line.put(b'"');
                line.put_ipv4_endpoint(address, value.port);
                line.put(b'"');
            });
        } else {
            write_value(self.flush(), &super::format::Shown(value));
        }
    }

    /// Appends bytes as a string. Nearly all are short and plain text, so they take a fast path. Returns whether they are UTF-8.
    #[inline(never)]
    fn put_octets(&mut self, octets: &[u8]) -> bool {
        if !swar::is_plain_in_quotes(octets) {
            let text = String::from_utf8_lossy(octets);
            write_value(self.flush(), &text);
            return matches!(text, Cow::Borrowed(_));
        }
        if octets.len() + 2 <= self.line.room() {
            self.line.append(|line| {
                line.put(b'"');
                line.put_octets(octets);
                line.put(b'"');
            });
        } else {
            let out = self.flush();
            out.push(b'"');
            out.extend_from_slice(octets);
            out.push(b'"');
        }
        true
    }
}

impl Entries for JsonEntries<'_> {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `put`")]
    fn count(&mut self, key: &'static str, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            self.begin(key);
            self.put_count(value);
        }
    }

    fn float(&mut self, key: &'static str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into() {
            write_value(self.key(key), &value);
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `put`")]
    fn time(&mut self, key: &'static str, nanoseconds: impl Into<Option<i64>>) {
        if let Some(nanoseconds) = nanoseconds.into() {
            self.begin(key);
            self.put_time(nanoseconds);
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `put`")]
    fn text<'t>(&mut self, key: &'static str, value: impl Into<Option<&'t str>>) {
        if let Some(value) = value.into() {
            self.begin(key);
            self.put_octets(value.as_bytes());
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `put`")]
    fn octets(&mut self, key: &'static str, value: &[u8]) -> bool {
        self.begin(key);
        self.put_octets(value)
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `put`")]
    fn name(&mut self, key: &'static str, value: &'static str) {
        debug_assert!(
            swar::is_plain_in_quotes(value.as_bytes()),
            "{value} needs escapes"
        );
        self.put([",\"", key, "\":\"", value, "\""]);
    }

    fn shown<T: Display>(&mut self, key: &'static str, value: impl Into<Option<T>>) {
        if let Some(value) = value.into() {
            write_value(self.key(key), &super::format::Shown(value));
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `put`")]
    fn endpoint(&mut self, key: &'static str, value: Endpoint) {
        self.begin(key);
        self.put_endpoint(value);
    }

    fn json(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.key(key));
    }

    fn objects<T: Object>(&mut self, key: &'static str, objects: impl IntoIterator<Item = T>) {
        let mut objects = objects.into_iter().peekable();
        self.begin(key);
        if objects.peek().is_some() {
            write_array(self.flush(), objects);
        } else {
            self.line.append(|line| line.put_text("[]"));
        }
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
            to.octets("octets", self.0.as_bytes());
            to.text("absent", None);
        }
    }

    /// An object of `inner` others.
    struct Nested<'a> {
        text: &'a str,
        inner: usize,
    }

    impl Object for Nested<'_> {
        fn entries(&self, to: &mut impl Entries) {
            to.text("text", self.text);
            to.name("name", "a name");
            to.count("number", 123_456_789);
            to.time("time", -1);
            to.objects("objects", (0..self.inner).map(|_| Texts(self.text)));
            to.name("last", "the last");
        }
    }

    struct Nothing;

    impl Object for Nothing {
        fn entries(&self, _: &mut impl Entries) {}
    }

    #[test]
    fn an_object_may_be_longer_than_the_line() {
        for length in (0..LINE + 2 * SHORT).step_by(7) {
            let text = "x".repeat(length);
            for inner in 0..3 {
                let mut written = b"before".to_vec();
                let nested = Nested { text: &text, inner };
                write(&mut written, &nested);
                let objects =
                    vec![
                        format!(r#"{{"text":"{text}","shown":"{text}","octets":"{text}"}}"#);
                        inner
                    ];
                let objects = objects.join(",");
                assert_eq!(
                    String::from_utf8(written).unwrap(),
                    format!(
                        "before{{\"text\":\"{text}\",\"name\":\"a name\",\"number\":123456789,\"time\":-0.000000001,\
                         \"objects\":[{objects}],\"last\":\"the last\"}}"
                    )
                );
            }
        }
        let mut written = Vec::new();
        write(&mut written, &Nothing);
        assert_eq!(written, b"{}");
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
                let mut entries = JsonEntries::new(&mut written);
                entries.endpoint("end", end);
                entries.flush();
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
            prop_assert_eq!(&object, &format!("{{\"text\":{value},\"shown\":{value},\"octets\":{value}}}"));
            let read: serde_json::Value = serde_json::from_str(&object).unwrap();
            prop_assert_eq!(&read["text"], &serde_json::json!(text));
        }
    }
}
