//! From the text of a layout file to a [`Layout`], or to everything that is wrong with the file.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::check;
use super::error::LayoutError;
use super::field::{self, Number, RawConstant, RawCount, RawField, Snippet, Word};
use super::hidden;
use super::model::{ByteOrder, Constant, Count, Field, Integer, Layout, Part, Type};

/// The largest `max`: 16 MiB.
const LARGEST: i128 = 1 << 24;
/// Where the file names no `max`, in bytes.
const DEFAULT_MAX: u32 = 65_536;

const TOP: [&str; 9] = [
    "name", "prefix", "port", "order", "max", "layout", "kind", "enum", "flags",
];

pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// What a name in a field's TYPE stands for.
#[derive(Debug, Clone)]
enum Named {
    Part(usize),
    Enum(Integer, Vec<(i128, String)>),
    Flags(Integer, Vec<(u32, String)>),
}

/// A fault was found and is in the list of errors.
struct Faulty;

pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) errors: Vec<LayoutError>,
    order: ByteOrder,
    named: BTreeMap<String, Named>,
    slots: Vec<String>,
}

/// Entries of a table in the order of the file.
pub(super) fn entries<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t str, Range<usize>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
        .collect();
    entries.sort_by_key(|(_, span, _)| span.start);
    entries
}

pub(super) fn whole(integer: &DeInteger<'_>) -> Option<i128> {
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

/// Reads a layout file. All faults that can be told apart are told at once, in order of place.
///
/// # Errors
///
/// What is wrong with the file: it is no TOML, or not what `docs/layouts.md` says.
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
    pub(super) fn fault(&mut self, at: Range<usize>, message: impl Into<String>) {
        self.errors.push(LayoutError::new(at, message));
    }

    pub(super) fn wrong_type(&mut self, value: &Value<'_>, what: &str, wanted: &str) {
        let found = in_words(value.get_ref());
        self.fault(value.span(), format!("{what} is {wanted}, not {found}"));
    }

    pub(super) fn string<'t>(&mut self, value: &'t Value<'_>, what: &str) -> Option<&'t str> {
        let text = value.get_ref().as_str();
        match text {
            None => self.wrong_type(value, what, "a string"),
            // Names go to terminals, into plugins and into HTML.
            Some(text) if text.chars().any(char::is_control) => {
                self.fault(value.span(), format!("{what} has a control character"));
                return None;
            }
            Some(_) => {}
        }
        text
    }

    pub(super) fn table<'t, 'i>(
        &mut self,
        value: &'t Value<'i>,
        what: &str,
    ) -> Option<&'t DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, what, "a table");
        }
        table
    }

    pub(super) fn unknown(&mut self, at: Range<usize>, key: &str, place: &str, known: &[&str]) {
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
            .any(|field| field.role == Some(super::model::Role::Kind));
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

    /// Puts a name into the one namespace of parts, enums and flags.
    fn name(&mut self, name: &str, at: Range<usize>, named: Named) {
        if field::number(name, self.order).is_some() || field::TYPES.contains(&name) {
            self.fault(at, format!("`{name}` is a built-in type"));
        } else if self.named.contains_key(name) {
            let message = format!("`{name}` is there already: parts, enums and flags share names");
            self.fault(at, message);
        } else {
            self.named.insert(name.to_owned(), named);
        }
    }

    /// The integer type that an enum or flags stand on.
    fn base(&mut self, table: &DeTable<'_>, at: Range<usize>, name: &str) -> Option<Integer> {
        let Some(value) = table.get("type") else {
            self.errors.push(
                LayoutError::new(at, format!("`{name}` has no type")).suggest("type = \"u8\""),
            );
            return None;
        };
        let text = self.string(value, "`type`")?;
        match field::number(text, self.order) {
            Some(Number::Integer(integer)) => Some(integer),
            _ => {
                let error = LayoutError::new(value.span(), format!("`{text}` is no integer type"));
                self.errors
                    .push(error.nearest(text, field::TYPES[..9].iter().copied()));
                None
            }
        }
    }

    fn enums(&mut self, value: &Value<'_>) {
        let Some(table) = self.table(value, "[enum]") else {
            return;
        };
        for (name, at, value) in entries(table) {
            let Some(table) = self.table(value, "an enum") else {
                continue;
            };
            let Some(integer) = self.base(table, at.clone(), name) else {
                continue;
            };
            let mut values = Vec::new();
            for (key, at, value) in entries(table)
                .into_iter()
                .filter(|(key, ..)| *key != "type")
            {
                let Some(text) = self.string(value, "the name of a value") else {
                    continue;
                };
                match field::integer(key) {
                    Some(number) if integer.range().contains(&number) => {
                        if values.iter().any(|(other, _)| *other == number) {
                            self.fault(at, format!("{number} has two names"));
                        } else {
                            values.push((number, text.to_owned()));
                        }
                    }
                    Some(number) => self.fault(at, does_not_fit(number, integer)),
                    None => self.fault(at, format!("`{key}` is no number of this enum")),
                }
            }
            self.name(name, at, Named::Enum(integer, values));
        }
    }

    fn flags(&mut self, value: &Value<'_>) {
        let Some(table) = self.table(value, "[flags]") else {
            return;
        };
        for (name, at, value) in entries(table) {
            let Some(table) = self.table(value, "a set of flags") else {
                continue;
            };
            let Some(integer) = self.base(table, at.clone(), name) else {
                continue;
            };
            if integer.signed {
                self.fault(at.clone(), "flags have an unsigned type");
            }
            let bits = i128::from(integer.width) * 8;
            let mut names = Vec::new();
            for (key, at, value) in entries(table)
                .into_iter()
                .filter(|(key, ..)| *key != "type")
            {
                let Some(text) = self.string(value, "the name of a bit") else {
                    continue;
                };
                match field::integer(key).filter(|bit| (0..bits).contains(bit)) {
                    Some(bit) => names.push((u32::try_from(bit).unwrap_or(0), text.to_owned())),
                    None => {
                        let message = format!("`{key}` is no bit from 0 to {}", bits - 1);
                        self.fault(at, message);
                    }
                }
            }
            names.sort_by_key(|(bit, _)| *bit);
            self.name(name, at, Named::Flags(integer, names));
        }
    }

    fn parts(&mut self, value: &Value<'_>) -> Option<Vec<Part>> {
        let table = self.table(value, "[layout]")?;
        let mut raw = Vec::new();
        for (name, at, value) in entries(table) {
            let Some(array) = value.get_ref().as_array() else {
                self.wrong_type(value, "a part", "an array of fields");
                continue;
            };
            let mut fields = Vec::new();
            for value in array {
                let Some(text) = self.string(value, "a field") else {
                    continue;
                };
                match field::parse(&Snippet::new(self.text, value.span(), text)) {
                    Ok(field) => fields.push(field),
                    Err(error) => self.errors.push(error),
                }
            }
            self.name(name, at.clone(), Named::Part(raw.len()));
            raw.push((name.to_owned(), at, fields));
        }
        let mut slots: Vec<String> = Vec::new();
        for (_, _, fields) in &raw {
            for field in fields {
                if let Some((RawCount::Word(word), _)) = &field.count
                    && field::number(word, self.order).is_none()
                    && !slots.contains(word)
                {
                    slots.push(word.clone());
                }
            }
        }
        self.slots = slots;
        let part = |(name, at, fields): (String, Range<usize>, Vec<RawField>)| Part {
            name,
            fields: fields
                .into_iter()
                .filter_map(|field| self.field(field))
                .collect(),
            at,
        };
        Some(raw.into_iter().map(part).collect())
    }

    fn count(&mut self, count: Option<(RawCount, Range<usize>)>) -> Result<Option<Count>, Faulty> {
        let Some((count, at)) = count else {
            return Ok(None);
        };
        Ok(Some(match count {
            RawCount::Fixed(count) => Count::Fixed(count),
            RawCount::Rest => Count::Rest,
            RawCount::Nul => Count::Nul,
            RawCount::Word(word) => match field::number(&word, self.order) {
                Some(Number::Integer(integer)) => Count::Prefix(integer),
                Some(Number::Float(..)) => {
                    self.fault(at, format!("`{word}` counts nothing; an integer type does"));
                    return Err(Faulty);
                }
                None => Count::Slot(
                    self.slots
                        .iter()
                        .position(|slot| *slot == word)
                        .ok_or(Faulty)?,
                ),
            },
        }))
    }

    fn ty(&mut self, ty: &Word, count: Option<(RawCount, Range<usize>)>) -> Option<Type> {
        let count_at = count.as_ref().map(|(_, at)| at.clone());
        let count = self.count(count).ok()?;
        let counted = |reader: &mut Self| {
            if count.is_none() {
                reader.errors.push(
                    LayoutError::new(ty.at.clone(), format!("`{}` has no size", ty.text))
                        .suggest(format!("such as {0}[20], {0}[u16] or {0}[*]", ty.text)),
                );
            }
            count.clone()
        };
        let ty = match ty.text.as_str() {
            "text" => return counted(self).map(Type::Text),
            "bytes" => {
                let count = counted(self)?;
                if count == Count::Nul {
                    self.fault(count_at?, "`nul` ends text; bytes have a count");
                    return None;
                }
                return Some(Type::Bytes(count));
            }
            name => match field::number(name, self.order) {
                Some(Number::Integer(integer)) => Type::Integer(integer, Vec::new()),
                Some(Number::Float(width, order)) => Type::Float(width, order),
                None => match self.named.get(name).cloned() {
                    Some(Named::Enum(integer, names)) => Type::Integer(integer, names),
                    Some(Named::Flags(integer, names)) => Type::Flags(integer, names),
                    Some(Named::Part(part)) => {
                        if count == Some(Count::Nul) {
                            self.fault(count_at?, "`nul` ends text; records have a count");
                            return None;
                        }
                        return Some(Type::Record(part, count));
                    }
                    None => {
                        let error =
                            LayoutError::new(ty.at.clone(), format!("unknown type `{name}`"));
                        let own = self.named.keys().map(String::as_str);
                        let known: Vec<&str> = field::TYPES.into_iter().chain(own).collect();
                        self.errors.push(error.nearest(name, known));
                        return None;
                    }
                },
            },
        };
        if let Some(at) = count_at {
            self.fault(
                at,
                "a number has no count; text, bytes and records have one",
            );
            return None;
        }
        Some(ty)
    }

    fn field(&mut self, raw: RawField) -> Option<Field> {
        let mut ty = self.ty(&raw.ty, raw.count)?;
        if let Some((names, at)) = raw.names {
            match &mut ty {
                Type::Integer(integer, known) if known.is_empty() => {
                    for (value, name) in &names {
                        if !integer.range().contains(value) {
                            let message = format!("{name}: {}", does_not_fit(*value, *integer));
                            self.fault(at.clone(), message);
                        }
                    }
                    *known = names;
                }
                _ => self.fault(at, "names in {...} belong to an integer type"),
            }
        }
        let constant = match raw.constant {
            Some((constant, at)) => Some(self.constant(&ty, constant, at)?),
            None => None,
        };
        if let Some((_, at)) = &raw.fill
            && !matches!(ty, Type::Text(Count::Fixed(_)))
        {
            self.fault(
                at.clone(),
                "only text of a fixed size, text[N], is filled up",
            );
        }
        let slot = self.slots.iter().position(|slot| *slot == raw.key.text);
        Some(Field {
            label: field::label_of(&raw.name),
            name: raw.name,
            key: raw.key.text,
            ty,
            constant,
            role: raw.role.map(|(role, _)| role),
            fill: raw.fill.map_or(0, |(fill, _)| fill),
            secret: raw.secret.is_some(),
            slot,
            at: raw.at,
        })
    }

    fn constant(&mut self, ty: &Type, constant: RawConstant, at: Range<usize>) -> Option<Constant> {
        match (ty, constant) {
            (Type::Integer(integer, _) | Type::Flags(integer, _), RawConstant::Integer(value)) => {
                if !integer.range().contains(&value) {
                    self.fault(at, does_not_fit(value, *integer));
                    return None;
                }
                Some(Constant::Integer(value))
            }
            (Type::Text(count) | Type::Bytes(count), RawConstant::Text(text)) => {
                if matches!(count, Count::Fixed(size) if text.len() > *size as usize) {
                    self.fault(at, format!("`{text}` is longer than its field"));
                    return None;
                }
                Some(Constant::Bytes(text.into_bytes()))
            }
            (Type::Integer(..) | Type::Flags(..), RawConstant::Text(_)) => {
                self.fault(at, "the constant of a number is a number");
                None
            }
            (Type::Text(_) | Type::Bytes(_), RawConstant::Integer(_)) => {
                self.fault(at, "the constant of text or bytes stands in quotes");
                None
            }
            _ => {
                self.fault(at, "only integers, text and bytes have constants");
                None
            }
        }
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
