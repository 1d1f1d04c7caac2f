//! The fields of a decoded message as JSON: an object of key to value in wire order.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::decode::{Decoded, Node, Value};
use super::model::{Field, Layout, Type};

/// What stands for a secret.
const MASK: &str = "********";

/// The fields of a message, to be serialised.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// What the message was read by.
    pub layout: &'a Layout,
    /// What was read.
    pub message: &'a Decoded<'a>,
    /// The bytes that it was read of.
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
                map.serialize_entry("data", &hex(data.unwrap_or_default()))?;
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
    fn field(&self, node: &Node<'_>) -> &Field {
        &self.fields.layout.parts[node.field.0].fields[node.field.1]
    }

    fn is_hidden(&self, node: &Node<'_>) -> bool {
        let Fields {
            layout, message, ..
        } = self.fields;
        !self.fields.show_secrets && message.hides(layout, node)
    }

    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for node in self.nodes {
            let field = self.field(node);
            if self.is_hidden(node) {
                map.serialize_entry(&field.key, MASK)?;
                continue;
            }
            match (&node.value, &field.ty) {
                (Value::Text(bytes), _) => match std::str::from_utf8(bytes) {
                    Ok(text) => map.serialize_entry(&field.key, text)?,
                    Err(_) => {
                        map.serialize_entry(&field.key, &String::from_utf8_lossy(bytes))?;
                        map.serialize_entry(&format!("{}_hex", field.key), &hex(bytes))?;
                    }
                },
                (Value::Bytes(bytes), _) => map.serialize_entry(&field.key, &hex(bytes))?,
                (Value::Integer(value), Type::Integer(_, names)) if !names.is_empty() => {
                    let name = names.iter().find(|(known, _)| known == value);
                    let name = name.map(|(_, name)| name.as_str());
                    map.serialize_entry(
                        &field.key,
                        &Named {
                            value: *value,
                            name,
                        },
                    )?;
                }
                (Value::Integer(value), Type::Flags(_, names)) => {
                    let set = names.iter().filter(|(bit, _)| value >> bit & 1 == 1);
                    let names: Vec<&str> = set.map(|(_, name)| name.as_str()).collect();
                    map.serialize_entry(
                        &field.key,
                        &Flagged {
                            value: *value,
                            names,
                        },
                    )?;
                }
                (Value::Integer(value), _) => map.serialize_entry(&field.key, &Whole(*value))?,
                (Value::Float(value), ty) => {
                    let short = matches!(ty, Type::Float(4, _));
                    map.serialize_entry(
                        &field.key,
                        &Real {
                            value: *value,
                            short,
                        },
                    )?;
                }
                (Value::Record(nodes), _) => {
                    map.serialize_entry(&field.key, &self.inner(nodes))?;
                }
                (Value::Records(records), _) => {
                    let records: Vec<_> = records.iter().map(|nodes| self.inner(nodes)).collect();
                    map.serialize_entry(&field.key, &records)?;
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

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An integer of any width: 64 bits are the most on the wire.
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

/// A number that has a name, or should have one.
struct Named<'a> {
    value: i128,
    name: Option<&'a str>,
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("value", &Whole(self.value))?;
        if let Some(name) = self.name {
            map.serialize_entry("name", name)?;
        }
        map.end()
    }
}

/// A set of bits.
struct Flagged<'a> {
    value: i128,
    names: Vec<&'a str>,
}

impl Serialize for Flagged<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("value", &Whole(self.value))?;
        map.serialize_entry("names", &self.names)?;
        map.end()
    }
}

/// A float; JSON has no NaN and no infinity, so these are strings.
struct Real {
    value: f64,
    short: bool,
}

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.value.is_nan() {
            serializer.serialize_str("NaN")
        } else if self.value.is_infinite() {
            serializer.serialize_str(if self.value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            })
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
