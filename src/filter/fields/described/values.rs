//! Reads the values of a layout's field in a frame.

use super::LayoutField;
use crate::dissect::Protocol;
use crate::filter::fields::Emit;
use crate::filter::value::{Real, Value};
use crate::filter::view::View;
use crate::layout::{self, Decoded, Layout, Node, Type};
use crate::text::secret::MASK;

/// Emits the values of a field in the record's messages.
pub(in crate::filter::fields) fn values(of: &LayoutField, view: &View<'_>, emit: Emit<'_>) {
    for (number, message) in (view.record.first_message..).zip(view.record.messages) {
        let Some(described) = &message.described else {
            continue;
        };
        if described.layout != of.layout {
            continue;
        }
        let mut found = false;
        if !of.path.is_empty()
            && let Some(decoded) = message.decoded()
        {
            let mut each = |value: Value<'_>| {
                found = true;
                emit(value);
            };
            let layout = &of.layout.plan().layout;
            let inside = Inside {
                decoded: &decoded,
                layout,
                shows: view.show_passwords,
            };
            inside.values(&decoded.nodes, &of.path, &mut each);
        }
        if let Some(generated) = of.generated.filter(|_| !found) {
            let mut each = |value: Value<'_>| of.give(value, emit);
            generated.values(number, message, described, view, &mut each);
        }
    }
    if let Some(generated) = of.generated
        && view.record.protocol == Protocol::Layout(of.layout)
    {
        let stream = view.record.placement.map(|placement| placement.stream);
        let notes = view.record.notes.iter();
        for noted in notes.filter(|noted| Some(noted.stream) == stream) {
            generated.of_note(&noted.note, emit);
        }
    }
}

impl LayoutField {
    /// Emits a generated value with the type of the field, which differs if a KEY has the same name.
    fn give(&self, value: Value<'_>, emit: Emit<'_>) {
        let Value::Text(text) = value else {
            return emit(value);
        };
        let text = String::from_utf8_lossy(text);
        if self.kind.is_number() {
            let named = self.names.iter().find(|(_, name)| *name == text);
            let number = named
                .map(|(number, _)| *number)
                .or_else(|| text.parse().ok());
            emit(number.map_or(value, Value::Number));
        } else {
            emit(value);
        }
    }
}

struct Inside<'a> {
    decoded: &'a Decoded<'a>,
    layout: &'a Layout,
    shows: bool,
}

impl Inside<'_> {
    fn values(&self, nodes: &[Node<'_>], path: &[String], emit: Emit<'_>) {
        let Some((key, inner)) = path.split_first() else {
            return;
        };
        for node in nodes {
            let field = self.layout.field(node.field);
            if field.key != *key {
                continue;
            }
            match &node.value {
                layout::Value::Record(inside) => self.values(inside, inner, emit),
                layout::Value::Records(records) => {
                    for inside in records {
                        self.values(inside, inner, emit);
                    }
                }
                _ if !self.shows && self.decoded.hides(self.layout, node) => {
                    if matches!(field.ty, Type::Text(_)) {
                        emit(Value::Text(MASK.as_bytes()));
                    } else {
                        emit(Value::Bytes(MASK.as_bytes()));
                    }
                }
                layout::Value::Integer(value) => {
                    // Larger integers saturate: filters have 64 bits with a sign.
                    let value = i64::try_from(*value).unwrap_or(i64::MAX);
                    emit(Value::Number(value));
                }
                layout::Value::Float(value) => emit(Value::Float(Real(*value))),
                layout::Value::Text(text) => emit(Value::Text(text)),
                // An incomplete number has no value.
                layout::Value::Bytes(_) if !matches!(field.ty, Type::Bytes(_)) => {}
                layout::Value::Bytes(bytes) => emit(Value::Bytes(bytes)),
            }
        }
    }
}
