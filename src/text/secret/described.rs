//! Which bytes of a message of any protocol may be shown, and how a redacted file replaces the others.

use super::message::{Clear, clear_of_reglogin};
use crate::dissect::{Described, Message};
use crate::layout::{Count, Decoded, Layout, Node, Type, Value, check_of};

/// Which bytes of a message are clear: certainly not part of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageClear {
    /// The bytes of a RegLogin message.
    RegLogin(Clear),
    /// The bytes of a message of a layout: for each, whether it is clear.
    Described(Vec<bool>),
}

impl MessageClear {
    /// Whether the byte at this offset in the message is clear.
    #[must_use]
    pub fn has(&self, at: usize) -> bool {
        match self {
            Self::RegLogin(clear) => clear.has(at),
            Self::Described(clear) => clear.get(at) == Some(&true),
        }
    }

    /// The bytes, with a `*` for each that is not clear.
    #[must_use]
    pub fn masked(&self, bytes: &[u8]) -> Vec<u8> {
        let shown = |(at, byte): (usize, &u8)| if self.has(at) { *byte } else { super::HIDDEN };
        bytes.iter().enumerate().map(shown).collect()
    }
}

/// Which bytes of a message are clear; all of them if passwords are shown.
#[must_use]
pub fn clear_of(message: &Message, show_passwords: bool) -> MessageClear {
    match &message.described {
        None if show_passwords => MessageClear::RegLogin(Clear::ALL),
        None => MessageClear::RegLogin(clear_of_reglogin(message)),
        Some(described) => {
            let shown = show_passwords || !described.plan().has_secrets;
            MessageClear::Described(if shown {
                vec![true; described.bytes.len()]
            } else {
                described_clear(message, described)
            })
        }
    }
}

/// A byte of a message in a redacted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Redacted {
    /// It is unchanged.
    Clear(u8),
    /// It becomes an asterisk, unless it is NUL.
    Hidden,
    /// It belongs to a checksum over hidden bytes, and is recomputed.
    Anew(u8),
}

/// The bytes of a message of a layout in a redacted file. `None` for other messages.
#[must_use]
pub fn redacted(message: &Message) -> Option<Vec<Redacted>> {
    let bytes = message.bytes();
    let clear = clear_of(message, false);
    let decoded = message.decoded()?;
    let described = message.described.as_ref()?;
    let hidden = |at: usize| !clear.has(at);
    let mut written: Vec<u8> = (0..bytes.len())
        .map(|at| match bytes[at] {
            0 => 0,
            _ if hidden(at) => super::HIDDEN,
            byte => byte,
        })
        .collect();
    let mut redacted: Vec<Redacted> = (0..bytes.len())
        .map(|at| {
            if hidden(at) {
                Redacted::Hidden
            } else {
                Redacted::Clear(bytes[at])
            }
        })
        .collect();
    let layout = &described.plan().layout;
    check_anew(&decoded.nodes, layout, bytes, &mut written, &mut redacted);
    Some(redacted)
}

/// Recomputes checksums, in order of their offsets, because one may cover another.
fn check_anew(
    nodes: &[Node<'_>],
    layout: &Layout,
    bytes: &[u8],
    written: &mut [u8],
    redacted: &mut [Redacted],
) {
    for node in nodes {
        let field = layout.field(node.field);
        match &node.value {
            Value::Record(inside) => check_anew(inside, layout, bytes, written, redacted),
            Value::Records(records) => {
                for inside in records {
                    check_anew(inside, layout, bytes, written, redacted);
                }
            }
            Value::Integer(value) => {
                let start = node.range.start;
                let is_hidden = redacted[node.range.clone()].contains(&Redacted::Hidden);
                if written[..start] == bytes[..start] && !is_hidden {
                    continue;
                }
                let of = |before: &[u8]| field.role.and_then(|role| check_of(role, before));
                if let (Some(check), Type::Integer(integer, _)) = (of(&written[..start]), &field.ty)
                {
                    // A wrong checksum stays wrong.
                    let was_right = of(&bytes[..start]) == Some(*value);
                    let check = if was_right {
                        check
                    } else {
                        integer.range().end() - check
                    };
                    for (at, byte) in node.range.clone().zip(integer.encode(check)) {
                        written[at] = byte;
                        redacted[at] = Redacted::Anew(byte);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The clear bytes of a message of a layout with secrets: those of fields that are neither secret nor a checksum over a
/// secret. Bytes after a text's end, after the last field, or of an unknown kind are not: they may be left from an earlier
/// use of a buffer.
fn described_clear(message: &Message, described: &Described) -> Vec<bool> {
    let mut clear = vec![false; described.bytes.len()];
    if let Some(decoded) = message.decoded() {
        let layout = &described.plan().layout;
        clear_nodes(
            &decoded.nodes,
            &decoded,
            layout,
            &described.bytes,
            &mut clear,
        );
    }
    clear
}

fn clear_nodes(
    nodes: &[Node<'_>],
    decoded: &Decoded<'_>,
    layout: &Layout,
    bytes: &[u8],
    clear: &mut [bool],
) {
    for node in nodes {
        let field = layout.field(node.field);
        match &node.value {
            Value::Record(inside) => {
                clear_nodes(inside, decoded, layout, bytes, clear);
            }
            Value::Records(records) => {
                if let Some(first) = records.first().and_then(|inside| inside.first()) {
                    clear[node.range.start..first.range.start].fill(true);
                } else {
                    clear[node.range.clone()].fill(true);
                }
                for inside in records {
                    clear_nodes(inside, decoded, layout, bytes, clear);
                }
            }
            // The length of a secret is no secret: its place in the message shows it.
            _ if decoded.hides(layout, node) => {
                let prefix = node.range.start..node.content.start;
                if matches!(
                    field.ty,
                    Type::Text(Count::Prefix(_)) | Type::Bytes(Count::Prefix(_))
                ) {
                    clear[prefix].fill(true);
                }
            }
            _ => {
                clear[node.range.start..node.content.end].fill(true);
                for at in node.content.end..node.range.end {
                    clear[at] = bytes[at] == field.fill || bytes[at] == 0;
                }
            }
        }
    }
}
