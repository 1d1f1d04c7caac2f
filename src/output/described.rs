//! Messages that a layout file describes: their summary line, and their fields as a tree.

use std::fmt::Write as _;

use super::details::{Node, Space};
use super::highlight::Highlight;
use crate::dissect::{Described, Message, Note};
use crate::layout::{
    Decoded, FaultKind, Field, Layout, Node as Read, Plan, Role, Said, Type, Value,
};
use crate::text::escape::{Escaped, EscapedOctets, Hex};
use crate::text::secret::MASK;

/// At most so many bytes of a value are shown.
const MOST_BYTES: usize = 256;

/// Appends the summary of a message: its kind, its user, its outcome, and the first text without a role.
pub fn summary(out: &mut String, message: &Message, described: &Described, show_secrets: bool) {
    let plan = described.plan();
    if described.bytes.len() < plan.least() {
        out.push_str("Beginning of a message");
        return;
    }
    let Some(decoded) = message.decoded() else {
        return;
    };
    if described.kind.is_some() {
        let start = out.len();
        let _ = write!(out, "{}", Escaped(described.kind_name()));
        if let Some(first) = out.get_mut(start..=start) {
            first.make_ascii_uppercase();
        }
    } else {
        out.push_str("Unknown kind");
        if let Some((node, _)) = of_role(&decoded, &plan.layout, Role::Kind)
            && let Value::Integer(value) = node.value
        {
            let _ = write!(out, " {value}");
        }
    }
    if let Some((node, field)) = of_role(&decoded, &plan.layout, Role::User) {
        let value = value(node, field, &decoded, &plan.layout, show_secrets);
        if value.is_empty() {
            out.push_str(", no user");
        } else {
            let _ = write!(out, ", user {value}");
        }
    }
    if let Some((node, field)) = of_role(&decoded, &plan.layout, Role::Outcome) {
        match described.said {
            Some(Said::Success) => out.push_str(", success"),
            Some(Said::Failure) => out.push_str(", failure"),
            Some(Said::Unclear) | None => {
                let value = value(node, field, &decoded, &plan.layout, show_secrets);
                let _ = write!(out, ", {} {value}", field.label.to_lowercase());
            }
        }
        if let Some(value) = first_text(&decoded, plan, show_secrets) {
            let _ = write!(out, ": {value}");
        }
    }
}

/// The description in a response: the first text without a role. `None` if there is none, or it is empty.
pub fn description(message: &Message, show_secrets: bool) -> Option<String> {
    let plan = message.described.as_ref()?.plan();
    first_text(&message.decoded()?, plan, show_secrets)
}

fn first_text(decoded: &Decoded<'_>, plan: &Plan, show_secrets: bool) -> Option<String> {
    let mut texts = decoded
        .nodes
        .iter()
        .map(|node| (node, plan.field(node.field)))
        .filter(|(_, field)| {
            matches!(field.ty, Type::Text(_)) && field.role.is_none() && field.constant.is_none()
        });
    let (node, field) = texts.next()?;
    let value = value(node, field, decoded, &plan.layout, show_secrets);
    (!value.is_empty()).then_some(value)
}

/// The value with a role, and its field.
fn of_role<'d, 'l>(
    decoded: &'d Decoded<'_>,
    layout: &'l Layout,
    role: Role,
) -> Option<(&'d Read<'d>, &'l Field)> {
    let mut nodes = decoded.nodes.iter();
    nodes.find_map(|node| {
        let field = layout.field(node.field);
        (field.role == Some(role)).then_some((node, field))
    })
}

/// A value as text. A record has none, because its fields are shown.
fn value(
    node: &Read<'_>,
    field: &Field,
    decoded: &Decoded<'_>,
    layout: &Layout,
    show_secrets: bool,
) -> String {
    if !show_secrets && decoded.hides(layout, node) {
        return MASK.to_owned();
    }
    match (&node.value, &field.ty) {
        (Value::Integer(value), Type::Integer(_, names)) => {
            let name = names.iter().find(|(known, _)| known == value);
            match name {
                Some((_, name)) => format!("{value} ({})", Escaped(name)),
                None if names.is_empty() => value.to_string(),
                None => format!("{value} (unknown)"),
            }
        }
        (Value::Integer(value), Type::Flags(integer, names)) => {
            let set = names.iter().filter(|(bit, _)| value >> bit & 1 == 1);
            let names: Vec<String> = set.map(|(_, name)| Escaped(name).to_string()).collect();
            let digits = usize::from(integer.width) * 2;
            format!("0x{value:0digits$x} ({})", names.join(", "))
        }
        (Value::Integer(value), _) => value.to_string(),
        (Value::Float(value), Type::Float(4, _)) => {
            // The shortest digits that identify a 32-bit float.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the number was read as these four bytes"
            )]
            let short = *value as f32;
            short.to_string()
        }
        (Value::Float(value), _) => value.to_string(),
        (Value::Text(text), _) => {
            let hex = if std::str::from_utf8(text).is_ok() {
                String::new()
            } else {
                format!(" ({})", Hex(&text[..text.len().min(MOST_BYTES)]))
            };
            format!("{}{hex}", EscapedOctets(text))
        }
        (Value::Bytes(bytes), _) if bytes.len() > MOST_BYTES => {
            let left = bytes.len() - MOST_BYTES;
            format!("{} and {left} more bytes", Hex(&bytes[..MOST_BYTES]))
        }
        (Value::Bytes(bytes), _) => Hex(bytes).to_string(),
        (Value::Record(_), _) => String::new(),
        (Value::Records(records), _) => match records.len() {
            1 => "1 record".to_owned(),
            more => format!("{more} records"),
        },
    }
}

/// The fields of a message's body as pairs of label and value, without those inside records.
pub fn lines(message: &Message, show_secrets: bool) -> Vec<(String, String)> {
    let (Some(described), Some(decoded)) = (&message.described, message.decoded()) else {
        return Vec::new();
    };
    let layout = &described.plan().layout;
    let body = decoded
        .nodes
        .iter()
        .filter(|node| node.field.0 != layout.header);
    body.map(|node| {
        let field = layout.field(node.field);
        let value = value(node, field, &decoded, layout, show_secrets);
        let value = if value.is_empty() {
            "(empty)".to_owned()
        } else {
            value
        };
        (field.label.clone(), value)
    })
    .collect()
}

/// The tree of a message's fields. `base`: the offset of the message in `space`.
pub fn nodes(message: &Message, space: Space, base: usize, show_secrets: bool) -> Vec<Node> {
    let (Some(described), Some(decoded)) = (&message.described, message.decoded()) else {
        return Vec::new();
    };
    let layout = &described.plan().layout;
    let mut tree = Tree {
        layout,
        decoded: &decoded,
        space,
        base,
        show_secrets,
        notes: message.notes.iter().collect(),
    };
    let mut nodes = tree.fields(&decoded.nodes, &layout.prefix);
    if !decoded.data.is_empty() {
        let data = base + decoded.data.start..base + decoded.data.end;
        let text = format!("Data: {} bytes", data.len());
        nodes.push(Node::at(space, data, text));
    }
    nodes.extend(tree.notes.into_iter().map(Node::note));
    nodes
}

struct Tree<'a> {
    layout: &'a Layout,
    decoded: &'a Decoded<'a>,
    space: Space,
    base: usize,
    show_secrets: bool,
    /// Notes that are not attached to a field yet.
    notes: Vec<&'a Note>,
}

impl Tree<'_> {
    /// The fields of a part. `path`: the prefix of their names in display filters.
    fn fields(&mut self, read: &[Read<'_>], path: &str) -> Vec<Node> {
        read.iter().map(|node| self.field(node, path)).collect()
    }

    fn field(&mut self, read: &Read<'_>, path: &str) -> Node {
        let field = self.layout.field(read.field);
        let value = value(read, field, self.decoded, self.layout, self.show_secrets);
        let text = match value.as_str() {
            "" if matches!(read.value, Value::Record(_)) => field.label.clone(),
            "" => format!("{}: (empty)", field.label),
            value => format!("{}: {value}", field.label),
        };
        let is_hidden_check = value == MASK && field.role.is_some_and(Role::is_check);
        let text = if is_hidden_check && matches!(read.value, Value::Integer(_)) {
            format!("{text} ({})", self.judged(read))
        } else {
            text
        };
        let range = self.base + read.range.start..self.base + read.range.end;
        let path = format!("{path}.{}", field.key);
        let mut node = Node::at(self.space, range, text).of(path.clone());
        match &read.value {
            Value::Record(inside) => node.children = self.fields(inside, &path),
            Value::Records(records) => {
                for (number, inside) in records.iter().enumerate() {
                    let start = inside.first().map_or(0, |first| first.range.start);
                    let end = inside.last().map_or(0, |last| last.range.end);
                    let range = self.base + start..self.base + end;
                    let mut record =
                        Node::at(self.space, range, format!("{} {}", field.label, number + 1));
                    record.children = self.fields(inside, &path);
                    record.highlight = tone_of(&record.children);
                    node.children.push(record);
                }
            }
            _ => {}
        }
        let is_own = |note: &&Note| match note {
            Note::Described {
                field: Some(of),
                at: (start, _),
                ..
            } => {
                let start = *start as usize;
                of.id() == read.field && read.range.start <= start && start <= read.range.end
            }
            _ => false,
        };
        let own = self.notes.extract_if(.., |note| is_own(note));
        node.children.extend(own.map(Node::note));
        node.highlight = tone_of(&node.children);
        node
    }

    /// Whether a checksum whose value is hidden is right.
    fn judged(&self, read: &Read<'_>) -> &'static str {
        let mut faults = self.decoded.faults.iter();
        let is_wrong = faults
            .any(|fault| fault.kind == FaultKind::Check && fault.range.start == read.range.start);
        if is_wrong { "wrong" } else { "right" }
    }
}

fn tone_of(children: &[Node]) -> Highlight {
    let tones = children.iter().map(|child| child.highlight);
    tones.max().unwrap_or_default()
}
