//! The registry of fields: names, types, meanings, and how values are read from a frame.
//!
//! Display filters, `-e`, and the list of `authscope fields` use this one table. The names of `frame.*` (except `frame.file`),
//! `ip.*`, `ipv6.*`, `tcp.*` and `tls.*` are Wireshark's; those of RegLogin's wire fields come from
//! [`layout`](crate::protocol::layout).

/// Declares fields, one row each: name, type, meaning, extractor, and further properties.
macro_rules! fields {
    ($(
        $name:expr, $kind:expr, $meaning:literal, $how:ident($($extract:tt)*)
        $(.$also:ident($with:expr))*;
    )*) => {
        vec![$(
            Field::new($name, $kind, $meaning, Extractor::$how($($extract)*))$(.$also($with))*
        ),*]
    };
}

mod described;
mod frame;
mod ip;
mod ipv6;
pub mod names;
mod reglogin;
mod tcp;
mod tcp_analysis;
mod tls;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use super::value::{FieldType, Value};
use super::view::View;
use crate::stream::Findings;
use names::Names;

/// Receives the values of a field. A frame may have several.
pub(super) type Emit<'e> = &'e mut dyn FnMut(Value<'_>);

/// What must be known of a frame before its fields can be read.
// The needs are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// TCP's sequence analysis.
    pub analysis: bool,
    /// The frames of responses, which come later than their requests.
    pub responses: bool,
    /// The outcomes of requests, which come later. Without them, requests have no outcome.
    pub outcomes: bool,
    /// All notes on messages. Some are known only when the response has come, or cannot come any more: records wait for that,
    /// if they can.
    pub notes: bool,
    /// Bytes of frames. Those that may belong to passwords are masked.
    pub octets: bool,
    /// TLS records, which are otherwise parsed only if they can be decrypted.
    pub tls: bool,
}

impl Needs {
    /// Nothing except the record.
    pub const NOTHING: Self = Self {
        analysis: false,
        responses: false,
        outcomes: false,
        notes: false,
        octets: false,
        tls: false,
    };

    /// Bytes of the frame.
    const OCTETS: Self = Self {
        octets: true,
        ..Self::NOTHING
    };

    /// The needs of both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            analysis: self.analysis || other.analysis,
            responses: self.responses || other.responses,
            outcomes: self.outcomes || other.outcomes,
            notes: self.notes || other.notes,
            octets: self.octets || other.octets,
            tls: self.tls || other.tls,
        }
    }
}

/// A field.
pub struct Field {
    /// Its name in filters and outputs.
    pub name: Cow<'static, str>,
    /// The label that its line in the details tree begins with, if it has a line.
    pub label: Option<Cow<'static, str>>,
    /// Its key in JSON, if it has one.
    pub key: Option<Cow<'static, str>>,
    /// Why it lacks a label or a key; empty if it has both.
    pub why: &'static str,
    /// Its type.
    pub kind: FieldType,
    /// Its meaning, in one sentence.
    pub meaning: Cow<'static, str>,
    /// Names of some values, which filters accept instead of the numbers.
    pub names: &'static [(i64, &'static str)],
    /// All texts that it can have; empty if there are others.
    pub closed: Cow<'static, [&'static str]>,
    /// What must be known of a frame before it can be read.
    pub needs: Needs,
    /// Whether its value is masked unless passwords are shown.
    pub secret: bool,
    source: Extractor,
}

/// How the values of a frame are read.
enum Extractor {
    /// Any number of values, in the order of their bytes.
    Of(fn(&View<'_>, Emit<'_>)),
    /// At most one value.
    One(fn(&View<'_>) -> Option<Value<'static>>),
    /// At most one number.
    Number(fn(&View<'_>) -> Option<i64>),
    /// Present if TCP analysis has this finding.
    Found(Findings),
    /// A number from each IP header of this version.
    Ip(u8, fn(&[u8]) -> Option<i64>),
    /// A wire field of RegLogin.
    Wire(&'static crate::protocol::Field),
    /// A field of a protocol that a layout file describes.
    Layout(described::LayoutField),
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Field {
    fn new(
        names: impl Into<Names>,
        kind: FieldType,
        meaning: &'static str,
        source: Extractor,
    ) -> Self {
        let names = names.into();
        Self {
            name: Cow::Borrowed(names.filter),
            label: names.label.map(Cow::Borrowed),
            key: names.key.map(Cow::Borrowed),
            why: names.why,
            kind,
            meaning: Cow::Borrowed(meaning),
            names: &[],
            closed: Cow::Borrowed(&[]),
            needs: Needs::NOTHING,
            secret: false,
            source,
        }
    }

    const fn named(mut self, names: &'static [(i64, &'static str)]) -> Self {
        self.names = names;
        self
    }

    /// Sets all texts that it can have.
    fn closed(self, texts: &'static [&'static str]) -> Self {
        Self {
            closed: Cow::Borrowed(texts),
            ..self
        }
    }

    const fn needing(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    /// Calls `emit` with each value of the frame, in order.
    pub fn values(&self, view: &View<'_>, emit: &mut dyn FnMut(Value<'_>)) {
        match &self.source {
            Extractor::Of(extract) => extract(view, emit),
            Extractor::One(extract) => extract(view).into_iter().for_each(emit),
            Extractor::Number(extract) => {
                extract(view).map(Value::Number).into_iter().for_each(emit);
            }
            Extractor::Found(finding) => {
                let found = tcp_analysis::found(view, *finding);
                found.into_iter().for_each(emit);
            }
            Extractor::Ip(version, extract) => view.each_ip_of(*version, &mut |ip, _| {
                if let Some(number) = extract(ip) {
                    emit(Value::Number(number));
                }
            }),
            Extractor::Wire(field) => reglogin::wire(field, view, emit),
            Extractor::Layout(of) => described::values(of, view, emit),
        }
    }

    /// The result of `take` for the frame's value with this index; `None` if there are fewer values.
    pub fn nth<T>(
        &self,
        view: &View<'_>,
        index: usize,
        take: impl Fn(Value<'_>) -> T,
    ) -> Option<T> {
        let (mut found, mut at) = (None, 0);
        self.values(view, &mut |value| {
            if at == index {
                found = Some(take(value));
            }
            at += 1;
        });
        found
    }

    /// The name of a value, if it has one.
    #[must_use]
    pub fn name_of(&self, number: i64) -> Option<&'static str> {
        let mut names = self.names.iter();
        names
            .find(|(value, _)| *value == number)
            .map(|(_, name)| *name)
    }

    /// Whether the frame has a value.
    #[must_use]
    pub fn is_present(&self, view: &View<'_>) -> bool {
        let mut present = false;
        self.values(view, &mut |_| present = true);
        present
    }
}

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let protocols = [
        frame::fields(),
        ip::fields(),
        ipv6::fields(),
        tcp::fields(),
        tcp_analysis::fields(),
        tls::fields(),
        reglogin::fields(),
    ];
    protocols.into_iter().flatten().collect()
});

static INDEX: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let named = |(index, field): (usize, &'static Field)| (field.name.as_ref(), index);
    fields().iter().enumerate().map(named).collect()
});

/// All fields except those of layouts, by protocol, the outermost first.
#[must_use]
pub fn fields() -> &'static [Field] {
    &FIELDS
}

/// The fields of protocols that layout files describe.
pub fn described_fields() -> impl Iterator<Item = &'static Field> {
    described::fields()
}

/// The field with this name. A layout's field takes precedence.
#[must_use]
pub fn field(name: &str) -> Option<&'static Field> {
    let described = described::fields().find(|field| field.name == name);
    described.or_else(|| INDEX.get(name).map(|index| &FIELDS[*index]))
}

/// The big-endian number of `width` bytes (at most 4) at `at`; `None` if they are not there.
fn number(octets: &[u8], at: usize, width: usize) -> Option<i64> {
    let octets = octets.get(at..at + width)?;
    let value = octets
        .iter()
        .fold(0u32, |all, octet| all << 8 | u32::from(*octet));
    Some(i64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::layout::FIELDS;

    #[test]
    fn names_are_unique_and_can_be_written_in_a_filter() {
        let mut seen = std::collections::HashSet::new();
        for field in fields() {
            assert!(seen.insert(&field.name), "{} twice", field.name);
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
            assert!(field.name.chars().all(fits), "{}", field.name);
            assert!(!field.meaning.is_empty() && !field.meaning.ends_with('.'));
        }
    }

    #[test]
    fn every_field_of_the_layout_is_there() {
        for wire in FIELDS {
            let found = field(&wire.filter_name()).unwrap();
            assert_eq!(found.meaning, wire.meaning);
            assert_eq!(found.secret, wire.key == "password");
        }
    }
}
