//! The filter that selects frames with a given value, like Wireshark's "Apply as Filter".

use std::fmt::{self, Write as _};

use super::fields::Field;
use super::value::{Base, FieldType, Value};
use crate::text::escape::{HexJoined, is_harmful};

/// The longest bytes that a filter compares. For longer ones it only tests for presence.
const MOST_BYTES: usize = 16;

/// A value of a field. `Display` writes the filter. A secret value that may not be shown is only tested for presence.
#[derive(Debug, Clone, Copy)]
pub struct Condition<'a> {
    /// The field.
    pub field: &'a Field,
    /// Its value.
    pub value: Value<'a>,
    /// Whether passwords are shown.
    pub show_passwords: bool,
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, .. } = *self;
        f.write_str(&field.name)?;
        if field.secret && !self.show_passwords {
            return Ok(());
        }
        match value {
            Value::Present | Value::Protocol(..) => Ok(()),
            Value::Bytes(octets) if octets.is_empty() || octets.len() > MOST_BYTES => Ok(()),
            Value::Bytes(octets) => {
                write!(f, " == {}", HexJoined(octets, ':'))
            }
            Value::Text(octets) => {
                f.write_str(" == ")?;
                quoted(f, octets)
            }
            Value::Time(_) => write!(f, " == \"{}\"", value.shown(field.kind, &[])),
            _ => {
                // A number is written without its name.
                let kind = match field.kind {
                    FieldType::Number(bits, Base::Name) => FieldType::Number(bits, Base::Decimal),
                    other => other,
                };
                write!(f, " == {}", value.shown(kind, &[]))
            }
        }
    }
}

/// Writes text as a string of the filter language, with escapes for what a terminal would interpret.
fn quoted(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    f.write_char('"')?;
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                _ if is_harmful(character) => {
                    let mut bytes = [0; 4];
                    let bytes = character.encode_utf8(&mut bytes).as_bytes();
                    bytes
                        .iter()
                        .try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
                }
                _ => f.write_char(character)?,
            }
        }
        let invalid = chunk.invalid().iter();
        invalid
            .copied()
            .try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
    }
    f.write_char('"')
}
