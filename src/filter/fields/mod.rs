//! The registry of fields: names, types, meanings, and how each is taken from a frame.
//!
//! Display filters, `-e`, and the list that `authscope fields` prints come from this one table.
//! `frame.*`, but for `frame.file`, `ip.*`, `ipv6.*`, `tcp.*` and `tls.*` are Wireshark's names; those of RegLogin's wire fields
//! come from [`layout`](crate::protocol::layout).

/// Fields, a row each: name, type, meaning, how the values are taken, and what else there is to say of it.
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

/// Takes values as they are found; a frame may have several of one field.
pub(super) type Emit<'e> = &'e mut dyn FnMut(Value<'_>);

/// What must be known of a frame before its fields can be asked for.
// Each of these is known or not by itself.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// TCP's sequence analysis.
    pub analysis: bool,
    /// The responses to requests, which come later than these.
    pub responses: bool,
    /// What responses say of their requests. Where it cannot be known ahead, requests have nothing of it.
    pub outcomes: bool,
    /// Bytes of frames, some of which may be passwords': those are masked.
    pub octets: bool,
    /// TLS records, which are looked at only where they are asked for or can be decrypted.
    pub tls: bool,
}

impl Needs {
    /// Nothing besides the record.
    pub const NOTHING: Self = Self {
        analysis: false,
        responses: false,
        outcomes: false,
        octets: false,
        tls: false,
    };

    /// Bytes of the frame.
    const OCTETS: Self = Self {
        octets: true,
        ..Self::NOTHING
    };

    /// What either needs.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            analysis: self.analysis || other.analysis,
            responses: self.responses || other.responses,
            outcomes: self.outcomes || other.outcomes,
            octets: self.octets || other.octets,
            tls: self.tls || other.tls,
        }
    }
}

/// One field.
pub struct Field {
    /// Its name in filters and outputs.
    pub name: Cow<'static, str>,
    /// What its line in a details tree begins with, where it has one.
    pub label: Option<Cow<'static, str>>,
    /// Its key in JSON, where it has one.
    pub key: Option<Cow<'static, str>>,
    /// Why it has not both.
    pub why: &'static str,
    /// Its type.
    pub kind: FieldType,
    /// One sentence on what it holds.
    pub meaning: Cow<'static, str>,
    /// Names of some of its values, which may be written instead of the numbers.
    pub names: &'static [(i64, &'static str)],
    /// All texts that it can be, where there are not any others.
    pub closed: Cow<'static, [&'static str]>,
    /// What must be known before it can be asked for.
    pub needs: Needs,
    /// Whether its value is masked unless passwords are shown.
    pub secret: bool,
    source: Extractor,
}

/// How a frame's values are taken.
enum Extractor {
    /// Any number of values, in the order of their bytes.
    Of(fn(&View<'_>, Emit<'_>)),
    /// At most one value.
    One(fn(&View<'_>) -> Option<Value<'static>>),
    /// At most one number.
    Number(fn(&View<'_>) -> Option<i64>),
    /// Whether the analysis of the connection found this.
    Found(Findings),
    /// A number in each IP header of this version.
    Ip(u8, fn(&[u8]) -> Option<i64>),
    /// Read through the layout table.
    Wire(&'static crate::protocol::Field),
    /// Of a protocol that a layout file describes.
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

    /// The same, with all texts that it can be.
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

    /// Gives a frame's values to `emit`, in order.
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

    /// What `take` makes of the frame's value with this index.
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

    /// The name of one of its values, where it has names.
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

/// Every field, by protocol from the outermost to the innermost.
#[must_use]
pub fn fields() -> &'static [Field] {
    &FIELDS
}

/// The fields of protocols that layout files describe.
pub fn described_fields() -> impl Iterator<Item = &'static Field> {
    described::fields()
}

/// The field of this name: a layout's, where it takes the name of another.
#[must_use]
pub fn field(name: &str) -> Option<&'static Field> {
    let described = described::fields().find(|field| field.name == name);
    described.or_else(|| INDEX.get(name).map(|index| &FIELDS[*index]))
}

/// A big-endian number of up to 4 bytes at `at`.
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
