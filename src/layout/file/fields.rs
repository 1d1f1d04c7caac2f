//! Reads the table [layout]: the parts, and the types of their fields.

use std::ops::Range;

use super::{Named, Reader, Value, does_not_fit, entries};
use crate::layout::error::LayoutError;
use crate::layout::field::{self, Number, RawConstant, RawCount, RawField, Snippet, Word};
use crate::layout::model::{Constant, Count, Field, Part, Type};

/// An error was found, and was added to the list.
struct Faulty;

impl Reader<'_> {
    pub(super) fn parts(&mut self, value: &Value<'_>) -> Option<Vec<Part>> {
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
