//! Reads the table [kind]: the kinds of messages.

use std::ops::Range;

use toml::de::DeValue;

use super::{Reader, Value, entries, whole};
use crate::layout::error::LayoutError;
use crate::layout::field;
use crate::layout::model::{LayoutKind, Part, Side};

const KIND: [&str; 4] = ["name", "body", "from", "response"];

impl Reader<'_> {
    /// The value and the side of a key in [kind]. `None`, with an error, if the key is wrong.
    fn kind_key(
        &mut self,
        key: &str,
        at: Range<usize>,
        has_field: bool,
    ) -> Option<(Option<i128>, Option<Side>)> {
        let mut words = key.split_whitespace();
        let (first, second, more) = (words.next(), words.next(), words.next());
        let side = |word: Option<&str>| word.and_then(Side::named);
        if more.is_some() || (second.is_some() && side(second).is_none()) {
            let message = format!("`{key}` is no kind: a number, or a number and a side");
            self.errors
                .push(LayoutError::new(at, message).suggest("such as \"1 client\""));
            return None;
        }
        if let Some(only) = side(first) {
            if has_field {
                let message = "a field has the role `kind`, so kinds are its values";
                self.errors
                    .push(LayoutError::new(at, message).suggest(format!("such as \"1 {key}\"")));
                return None;
            }
            return Some((None, Some(only)));
        }
        let Some(value) = first.and_then(field::integer) else {
            let error = LayoutError::new(at, format!("`{key}` is no value of a kind"));
            self.errors.push(if has_field {
                error.suggest("a number, decimal or \"0x8001\" in quotes")
            } else {
                error.nearest(key, ["client", "server"])
            });
            return None;
        };
        if !has_field {
            self.errors.push(
                LayoutError::new(at, "no field of the header has the role `kind`").suggest(
                    "write `= kind` behind the field that tells the kinds apart, or name them client and server",
                ),
            );
            return None;
        }
        Some((Some(value), side(second)))
    }

    pub(super) fn kinds(
        &mut self,
        value: &Value<'_>,
        parts: &[Part],
        has_field: bool,
    ) -> Vec<LayoutKind> {
        let Some(table) = self.table(value, "[kind]") else {
            return Vec::new();
        };
        let mut kinds: Vec<LayoutKind> = Vec::new();
        let mut answers: Vec<(usize, &Value<'_>)> = Vec::new();
        for (key, at, value) in entries(table) {
            let Some((number, side)) = self.kind_key(key, at.clone(), has_field) else {
                continue;
            };
            let Some(table) = self.table(value, "a kind") else {
                continue;
            };
            for (key, at, _) in entries(table) {
                if !KIND.contains(&key) {
                    self.unknown(at, key, "a kind", &KIND);
                }
            }
            let name = match table.get("name") {
                Some(value) => self.string(value, "a kind's `name`").unwrap_or_default(),
                None => {
                    let error = LayoutError::new(at.clone(), format!("kind {key} has no name"));
                    self.errors.push(error.suggest("name = \"...\""));
                    ""
                }
            };
            let body = table.get("body").and_then(|value| {
                let text = self.string(value, "`body`")?;
                let found = parts
                    .iter()
                    .position(|part| part.name == text && text != "header");
                if found.is_none() {
                    let error =
                        LayoutError::new(value.span(), format!("[layout] has no part `{text}`"));
                    let known = parts.iter().map(|part| part.name.as_str());
                    self.errors
                        .push(error.nearest(text, known.filter(|name| *name != "header")));
                }
                found
            });
            let from = table.get("from").and_then(|value| {
                let text = self.string(value, "`from`")?;
                let side = Side::named(text);
                if side.is_none() {
                    let error = LayoutError::new(value.span(), format!("`{text}` sends nothing"));
                    self.errors.push(error.nearest(text, ["client", "server"]));
                }
                side
            });
            if let Some(response) = table.get("response") {
                answers.push((kinds.len(), response));
            }
            let clash = |other: &&LayoutKind| {
                other.value == number
                    && (other.side == side || other.side.is_none() || side.is_none())
            };
            if let Some(other) = kinds.iter().find(clash) {
                let message = format!("kind {key} is `{}` already", other.name);
                self.fault(at.clone(), message);
            }
            kinds.push(LayoutKind {
                value: number,
                side,
                name: name.to_owned(),
                body,
                from,
                responses: Vec::new(),
                at,
            });
        }
        if kinds.is_empty() && self.errors.is_empty() {
            self.fault(value.span(), "[kind] names no message");
        }
        for (index, response) in answers {
            kinds[index].responses = self.responses(response, &kinds, index);
        }
        kinds
    }

    /// The kinds that `value` names as responses to kind `asked`.
    fn responses(&mut self, value: &Value<'_>, kinds: &[LayoutKind], asked: usize) -> Vec<usize> {
        let values: Vec<&Value<'_>> = match value.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => vec![value],
        };
        let mut found = Vec::new();
        for value in values {
            let key = match value.get_ref() {
                DeValue::Integer(integer) => whole(integer).map(|number| number.to_string()),
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            };
            let Some(key) = key else {
                self.wrong_type(value, "`response`", "a kind");
                continue;
            };
            let side = key.split_whitespace().last().and_then(Side::named);
            let number = key.split_whitespace().next().and_then(field::integer);
            // A number alone means the kind that the other side sends.
            let asker = kinds[asked].side;
            let matching = kinds.iter().enumerate().filter(|(_, kind)| {
                let is_meant = match side {
                    Some(side) => kind.side.is_none_or(|of| of == side),
                    None => kind.side.is_none() || kind.side != asker,
                };
                kind.value == number && is_meant
            });
            let before = found.len();
            if number.is_some() || side.is_some() {
                found.extend(matching.map(|(index, _)| index));
            }
            if found.len() == before {
                let error = LayoutError::new(value.span(), format!("there is no kind {key}"));
                let known: Vec<String> = kinds
                    .iter()
                    .map(|kind| match (kind.value, kind.side) {
                        (Some(value), _) => value.to_string(),
                        (None, side) => side.map_or("", Side::name).to_owned(),
                    })
                    .collect();
                self.errors
                    .push(error.nearest(&key, known.iter().map(String::as_str)));
            }
        }
        found
    }
}
