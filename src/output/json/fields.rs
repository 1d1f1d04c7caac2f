//! The object `fields` in JSON: a message's values by key, in wire order.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::format::Shown;
use crate::dissect::Message;
use crate::layout::{self, Decoded};
use crate::protocol::layout::{
    COMMAND, Field, HEADER_LEN, LENGTH, STATUS, STATUS_FAILURE, STATUS_SUCCESS,
};
use crate::protocol::{Command, FieldKind};
use crate::text::escape::Hex;
use crate::text::secret::{self, MASK, Masked};

/// The values of a message, for `fields`. The last member says whether secrets are shown.
#[derive(Debug)]
pub enum JsonFields<'a> {
    /// A message that a layout file describes.
    Described(&'a Message, Decoded<'a>, bool),
    /// A RegLogin message, by the layout that is built in.
    RegLogin(&'a Message, bool),
}

impl Serialize for JsonFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Described(message, decoded, show_secrets) => {
                let Some(described) = &message.described else {
                    return serializer.serialize_map(Some(0))?.end();
                };
                let fields = layout::Fields {
                    layout: &described.plan().layout,
                    message: decoded,
                    bytes: &described.bytes,
                    show_secrets: *show_secrets,
                };
                fields.serialize(serializer)
            }
            Self::RegLogin(message, show_passwords) => {
                reglogin(message, *show_passwords, serializer)
            }
        }
    }
}

/// A status with its name.
#[derive(serde::Serialize)]
struct Status {
    value: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
}

fn reglogin<S: Serializer>(
    message: &Message,
    show_passwords: bool,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let view = secret::view(message, show_passwords);
    let mut map = serializer.serialize_map(None)?;
    let fields: &[&Field] = match message.command().kind() {
        Some(kind) => kind.fields(),
        None => &[&LENGTH, &COMMAND],
    };
    for field in fields {
        if field.slice(&message.octets).is_empty() {
            continue;
        }
        if field.kind == FieldKind::Text {
            text(&mut map, field, view.text(field))?;
        } else if **field == LENGTH {
            number(&mut map, field, view.length())?;
        } else if **field == COMMAND {
            let code = view.command().map(|command| match command {
                Masked::Clear(command) => Masked::Clear(Command::code(command)),
                Masked::Hidden => Masked::Hidden,
            });
            number(&mut map, field, code)?;
        } else if **field == STATUS {
            let named = view.status().map(|status| match status {
                Masked::Clear(value) => Masked::Clear(Status {
                    value,
                    name: match value {
                        STATUS_SUCCESS => Some("success"),
                        STATUS_FAILURE => Some("failure"),
                        _ => None,
                    },
                }),
                Masked::Hidden => Masked::Hidden,
            });
            number(&mut map, field, named)?;
        }
    }
    if message.command().kind().is_none() && message.octets.len() > HEADER_LEN {
        if show_passwords {
            let data = &message.octets[HEADER_LEN..];
            map.serialize_entry("data", &Shown(Hex(data)))?;
        } else {
            map.serialize_entry("data", MASK)?;
        }
    }
    map.end()
}

fn number<M: SerializeMap, T: Serialize>(
    map: &mut M,
    field: &Field,
    value: Option<Masked<T>>,
) -> Result<(), M::Error> {
    match value {
        Some(Masked::Clear(value)) => map.serialize_entry(field.key, &value),
        Some(Masked::Hidden) => map.serialize_entry(field.key, MASK),
        None => Ok(()),
    }
}

fn text<M: SerializeMap>(
    map: &mut M,
    field: &Field,
    value: Option<Masked<crate::protocol::TextValue<'_>>>,
) -> Result<(), M::Error> {
    match value {
        Some(Masked::Clear(value)) => {
            map.serialize_entry(field.key, &value.lossy())?;
            if !value.is_utf8() {
                let key = format!("{}_hex", field.key);
                map.serialize_entry(&key, &Shown(Hex(value.octets())))?;
            }
            Ok(())
        }
        Some(Masked::Hidden) => map.serialize_entry(field.key, MASK),
        None => Ok(()),
    }
}
