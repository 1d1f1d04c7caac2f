//! Parses the text of a layout file into a [`Layout`], or all errors in it.

mod fields;
mod kinds;
mod named;

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::check;
use super::error::LayoutError;
use super::field;
use super::hidden;
use super::model::{ByteOrder, Integer, Layout, Role};

/// The upper limit of `max`: 16 MiB.
const LARGEST: i128 = 1 << 24;
/// The default of `max`, in bytes.
const DEFAULT_MAX: u32 = 65_536;

const TOP: [&str; 9] = [
    "name", "prefix", "port", "order", "max", "layout", "kind", "enum", "flags",
];

type Value<'i> = Spanned<DeValue<'i>>;

/// What a name in a field's TYPE means.
#[derive(Debug, Clone)]
enum Named {
    Part(usize),
    Enum(Integer, Vec<(i128, String)>),
    Flags(Integer, Vec<(u32, String)>),
}

struct Reader<'a> {
    text: &'a str,
    errors: Vec<LayoutError>,
    order: ByteOrder,
    named: BTreeMap<String, Named>,
    slots: Vec<String>,
}

/// The entries of a table, in the order of the file.
fn entries<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t str, Range<usize>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
        .collect();
    entries.sort_by_key(|(_, span, _)| span.start);
    entries
}

fn whole(integer: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn in_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Parses a layout file.
///
/// # Errors
///
/// All errors that can be found at once, in order of place: the file is not TOML, or not as `docs/layouts.md` says.
pub fn parse(text: &str) -> Result<Layout, Vec<LayoutError>> {
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let at = error.span().unwrap_or(0..0);
            return Err(vec![LayoutError::new(at, error.message().to_owned())]);
        }
    };
    let mut reader = Reader {
        text,
        errors: Vec::new(),
        order: ByteOrder::Big,
        named: BTreeMap::new(),
        slots: Vec::new(),
    };
    let layout = reader.layout(table.get_ref());
    let mut errors = reader.errors;
    if let (Some(layout), true) = (&layout, errors.is_empty()) {
        errors = check::check(layout);
    }
    errors.sort_by_key(|error| error.at.start);
    match layout {
        Some(mut layout) if errors.is_empty() => {
            hidden::spread(&mut layout);
            Ok(layout)
        }
        _ => Err(errors),
    }
}

impl Reader<'_> {
    fn fault(&mut self, at: Range<usize>, message: impl Into<String>) {
        self.errors.push(LayoutError::new(at, message));
    }

    fn wrong_type(&mut self, value: &Value<'_>, what: &str, wanted: &str) {
        let found = in_words(value.get_ref());
        self.fault(value.span(), format!("{what} is {wanted}, not {found}"));
    }

    fn string<'t>(&mut self, value: &'t Value<'_>, what: &str) -> Option<&'t str> {
        let text = value.get_ref().as_str();
        match text {
            None => self.wrong_type(value, what, "a string"),
            // Names are written to terminals, plugins and HTML.
            Some(text) if text.chars().any(char::is_control) => {
                self.fault(value.span(), format!("{what} has a control character"));
                return None;
            }
            Some(_) => {}
        }
        text
    }

    fn table<'t, 'i>(&mut self, value: &'t Value<'i>, what: &str) -> Option<&'t DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, what, "a table");
        }
        table
    }

    fn unknown(&mut self, at: Range<usize>, key: &str, place: &str, known: &[&str]) {
        let error = LayoutError::new(at, format!("unknown key `{key}` in {place}"));
        self.errors.push(error.nearest(key, known.iter().copied()));
    }

    fn layout(&mut self, top: &DeTable<'_>) -> Option<Layout> {
        for (key, at, _) in entries(top) {
            if !TOP.contains(&key) {
                self.unknown(at, key, "the file", &TOP);
            }
        }
        let name = match top.get("name") {
            Some(value) => self
                .string(value, "`name`")
                .map(|name| (name, value.span())),
            None => {
                self.errors.push(
                    LayoutError::new(0..0, "the protocol has no name")
                        .suggest("begin with: name = \"MyProtocol\""),
                );
                None
            }
        };
        let prefix = self.prefix(top.get("prefix"), name.as_ref());
        let ports = top
            .get("port")
            .map_or_else(Vec::new, |port| self.ports(port));
        if let Some(value) = top.get("order") {
            match self.string(value, "`order`") {
                Some("big") | None => {}
                Some("little") => self.order = ByteOrder::Little,
                Some(other) => {
                    let error =
                        LayoutError::new(value.span(), format!("unknown byte order `{other}`"));
                    self.errors.push(error.nearest(other, ["big", "little"]));
                }
            }
        }
        let max = top.get("max").map_or(DEFAULT_MAX, |max| self.max(max));
        if let Some(value) = top.get("enum") {
            self.enums(value);
        }
        if let Some(value) = top.get("flags") {
            self.flags(value);
        }
        let Some(described) = top.get("layout") else {
            self.errors.push(
                LayoutError::new(0..0, "there is no [layout]")
                    .suggest("it holds the header and the bodies; see: authscope layout example"),
            );
            return None;
        };
        let parts = self.parts(described)?;
        let header = parts.iter().position(|part| part.name == "header");
        let Some(header) = header else {
            let at = described.span();
            self.errors.push(
                LayoutError::new(at, "[layout] has no `header`")
                    .suggest("header = [...] begins every message"),
            );
            return None;
        };
        let has_kind_field = parts[header]
            .fields
            .iter()
            .any(|field| field.role == Some(Role::Kind));
        let kinds = match top.get("kind") {
            Some(kinds) => self.kinds(kinds, &parts, has_kind_field),
            None => {
                self.errors.push(
                    LayoutError::new(0..0, "there is no [kind]")
                        .suggest("it names the messages; see: authscope layout example"),
                );
                return None;
            }
        };
        Some(Layout {
            name: name?.0.to_owned(),
            prefix: prefix?,
            ports,
            max,
            parts,
            header,
            kinds,
            slots: std::mem::take(&mut self.slots),
        })
    }

    fn prefix(
        &mut self,
        value: Option<&Value<'_>>,
        name: Option<&(&str, Range<usize>)>,
    ) -> Option<String> {
        let (prefix, at) = match value {
            Some(value) => (self.string(value, "`prefix`")?.to_owned(), value.span()),
            None => {
                let (name, at) = name?;
                (field::key_of(name), at.clone())
            }
        };
        let right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if prefix.starts_with(|c: char| c.is_ascii_lowercase()) && prefix.chars().all(right) {
            return Some(prefix);
        }
        let message = format!("`{prefix}` cannot begin filter names");
        self.errors.push(
            LayoutError::new(at, message)
                .suggest("prefix = \"...\" sets one of lower-case letters, digits and `_`"),
        );
        None
    }

    fn ports(&mut self, value: &Value<'_>) -> Vec<u16> {
        let one = |value: &Value<'_>| {
            let number = value.get_ref().as_integer().and_then(whole)?;
            u16::try_from(number).ok().filter(|port| *port > 0)
        };
        let values: Vec<&Value<'_>> = match value.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => vec![value],
        };
        let mut ports = Vec::new();
        for value in values {
            match one(value) {
                Some(port) => ports.push(port),
                None => self.fault(value.span(), "a port is a number from 1 to 65535"),
            }
        }
        ports
    }

    fn max(&mut self, value: &Value<'_>) -> u32 {
        let number = value.get_ref().as_integer().and_then(whole);
        let number = number.filter(|number| (1..=LARGEST).contains(number));
        if number.is_none() {
            let message = format!("`max` is a number of bytes from 1 to {LARGEST}");
            self.fault(value.span(), message);
        }
        number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(DEFAULT_MAX)
    }
}

fn does_not_fit(value: i128, integer: Integer) -> String {
    let range = integer.range();
    format!(
        "{value} does not fit into {} bytes: {} to {} do",
        integer.width,
        range.start(),
        range.end()
    )
}
