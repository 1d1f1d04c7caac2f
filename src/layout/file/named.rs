//! Reads the tables [enum] and [flags], and keeps the names that a field's TYPE can be.

use std::ops::Range;

use toml::de::DeTable;

use super::{Named, Reader, Value, does_not_fit, entries};
use crate::layout::error::LayoutError;
use crate::layout::field::{self, Number};
use crate::layout::model::Integer;

impl Reader<'_> {
    /// Adds a name to the namespace that parts, enums and flags share.
    pub(super) fn name(&mut self, name: &str, at: Range<usize>, named: Named) {
        if field::number(name, self.order).is_some() || field::TYPES.contains(&name) {
            self.fault(at, format!("`{name}` is a built-in type"));
        } else if self.named.contains_key(name) {
            let message = format!("`{name}` is there already: parts, enums and flags share names");
            self.fault(at, message);
        } else {
            self.named.insert(name.to_owned(), named);
        }
    }

    /// Adds a name whose definition has an error, so that its uses are not reported as well.
    fn faulty(&mut self, name: &str) {
        let named = Named::Enum(Integer::unsigned(1, self.order), Vec::new());
        self.named.entry(name.to_owned()).or_insert(named);
    }

    /// The integer type of an enum or flags.
    fn base(&mut self, table: &DeTable<'_>, at: Range<usize>, name: &str) -> Option<Integer> {
        let Some(value) = table.get("type") else {
            let mut keys = entries(table).into_iter();
            let error = match keys.find(|(key, ..)| field::integer(key).is_none()) {
                Some((key, at, _)) => {
                    let message = format!("unknown key `{key}` in `{name}`, which has no type");
                    LayoutError::new(at, message).nearest(key, ["type"])
                }
                None => {
                    LayoutError::new(at, format!("`{name}` has no type")).suggest("type = \"u8\"")
                }
            };
            self.errors.push(error);
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

    pub(super) fn enums(&mut self, value: &Value<'_>) {
        let Some(table) = self.table(value, "[enum]") else {
            return;
        };
        for (name, at, value) in entries(table) {
            let Some(table) = self.table(value, "an enum") else {
                continue;
            };
            let Some(integer) = self.base(table, at.clone(), name) else {
                self.faulty(name);
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

    pub(super) fn flags(&mut self, value: &Value<'_>) {
        let Some(table) = self.table(value, "[flags]") else {
            return;
        };
        for (name, at, value) in entries(table) {
            let Some(table) = self.table(value, "a set of flags") else {
                continue;
            };
            let Some(integer) = self.base(table, at.clone(), name) else {
                self.faulty(name);
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
}
