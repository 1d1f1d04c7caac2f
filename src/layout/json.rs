//! Serialises the fields of a decoded message as JSON: an object with their keys, in wire order.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::decode::{Decoded, Node, Value};
use super::model::{Layout, Type};
use crate::text::escape::Hex;
use crate::text::secret::MASK;

/// The fields of a message.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// The layout of the message.
    pub layout: &'a Layout,
    /// The decoded message.
    pub message: &'a Decoded<'a>,
    /// The bytes of the message.
    pub bytes: &'a [u8],
    /// Whether secrets are shown.
    pub show_secrets: bool,
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let all = Record {
            fields: *self,
            nodes: &self.message.nodes,
        };
        all.entries(&mut map)?;
        if !self.message.data.is_empty() {
            if self.layout.has_secrets() && !self.show_secrets {
                map.serialize_entry("data", MASK)?;
            } else {
                let data = self.bytes.get(self.message.data.clone());
                map.serialize_entry("data", &Hex(data.unwrap_or_default()).to_string())?;
            }
        }
        map.end()
    }
}

/// The fields of the message, or of one record in it.
struct Record<'a> {
    fields: Fields<'a>,
    nodes: &'a [Node<'a>],
}

impl Record<'_> {
    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let Fields {
            layout,
            message,
            show_secrets,
            ..
        } = self.fields;
        for node in self.nodes {
            let field = layout.field(node.field);
            let key = &field.key;
            if !show_secrets && message.hides(layout, node) {
                map.serialize_entry(key, MASK)?;
                continue;
            }
            match (&node.value, &field.ty) {
                (Value::Text(bytes), _) => match std::str::from_utf8(bytes) {
                    Ok(text) => map.serialize_entry(key, text)?,
                    Err(_) => {
                        map.serialize_entry(key, &String::from_utf8_lossy(bytes))?;
                        map.serialize_entry(&format!("{key}_hex"), &Hex(bytes).to_string())?;
                    }
                },
                (Value::Bytes(bytes), _) => map.serialize_entry(key, &Hex(bytes).to_string())?,
                (Value::Integer(value), Type::Integer(_, names)) if !names.is_empty() => {
                    let name = names.iter().find(|(known, _)| known == value);
                    let name = name.map(|(_, name)| name.as_str());
                    let value = Whole(*value);
                    map.serialize_entry(key, &Named { value, name })?;
                }
                (Value::Integer(value), Type::Flags(_, names)) => {
                    let set = names.iter().filter(|(bit, _)| value >> bit & 1 == 1);
                    let names = set.map(|(_, name)| name.as_str()).collect();
                    let value = Whole(*value);
                    map.serialize_entry(key, &Flagged { value, names })?;
                }
                (Value::Integer(value), _) => map.serialize_entry(key, &Whole(*value))?,
                (Value::Float(value), ty) => {
                    let (value, short) = (*value, matches!(ty, Type::Float(4, _)));
                    map.serialize_entry(key, &Real { value, short })?;
                }
                (Value::Record(nodes), _) => map.serialize_entry(key, &self.inner(nodes))?,
                (Value::Records(records), _) => {
                    let records: Vec<_> = records.iter().map(|nodes| self.inner(nodes)).collect();
                    map.serialize_entry(key, &records)?;
                }
            }
        }
        Ok(())
    }

    fn inner<'b>(&'b self, nodes: &'b [Node<'b>]) -> Record<'b> {
        Record {
            fields: self.fields,
            nodes,
        }
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entries(&mut map)?;
        map.end()
    }
}

/// An integer of at most 64 bits.
struct Whole(i128);

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (u64::try_from(self.0), i64::try_from(self.0)) {
            (Ok(value), _) => serializer.serialize_u64(value),
            (_, Ok(value)) => serializer.serialize_i64(value),
            _ => serializer.serialize_i128(self.0),
        }
    }
}

/// A number of an enum, with its name if it has one.
#[derive(Serialize)]
struct Named<'a> {
    value: Whole,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// Flags, with the names of those that are set.
#[derive(Serialize)]
struct Flagged<'a> {
    value: Whole,
    names: Vec<&'a str>,
}

/// A float. JSON has no NaN and no infinity, so these are strings.
struct Real {
    value: f64,
    short: bool,
}

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.value.is_nan() {
            serializer.serialize_str("NaN")
        } else if self.value.is_infinite() {
            let positive = self.value > 0.0;
            serializer.serialize_str(if positive { "Infinity" } else { "-Infinity" })
        } else if self.short {
            // The shortest digits that give the same four bytes.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the number was read as these four bytes"
            )]
            serializer.serialize_f32(self.value as f32)
        } else {
            serializer.serialize_f64(self.value)
        }
    }
}
