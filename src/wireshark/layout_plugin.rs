//! A Wireshark plugin for protocols that layout files describe: their facts as a Lua table, and workings of which the parts
//! that know of streams only are the RegLogin plugin's own.

use std::fmt::Write as _;

use super::names::{Names, Owner};
use super::plugin::{plugin, preamble, quote};
use super::plugin_notes::notes;
use crate::layout::{
    ByteOrder, Constant, Count, ENOUGH, EXAMPLE, FaultKind, Field, Integer, Layout, Role, Side,
    Type, parse,
};

/// The parts, in the order in which they need each other.
const PARTS: [&str; 12] = [
    include_str!("lua/tcp.lua"),
    include_str!("lua/octets.lua"),
    include_str!("lua/layout/read.lua"),
    include_str!("lua/layout/recognise.lua"),
    include_str!("lua/pairing.lua"),
    include_str!("lua/connect.lua"),
    include_str!("lua/layout/streams.lua"),
    include_str!("lua/tls.lua"),
    include_str!("lua/frame.lua"),
    include_str!("lua/message.lua"),
    include_str!("lua/layout/show.lua"),
    include_str!("lua/segment.lua"),
];

const REGISTER: &str = include_str!("lua/register.lua");

/// What is wrong with a message, and the key of its note.
const FAULTS: [(FaultKind, &str, &str, &str); 9] = [
    (FaultKind::Constant, "constant", "error", "malformed"),
    (FaultKind::Check, "check", "error", "checksum"),
    (FaultKind::Fill, "fill", "warning", "malformed"),
    (FaultKind::Utf8, "utf8", "warning", "malformed"),
    (FaultKind::Unnamed, "unnamed", "warning", "protocol"),
    (FaultKind::Missing, "missing", "error", "malformed"),
    (FaultKind::Excess, "excess", "error", "malformed"),
    (FaultKind::Kind, "kind", "error", "malformed"),
    (FaultKind::Side, "side", "warning", "protocol"),
];

/// Notes on streams, by the first part of their keys.
const OF_STREAMS: [&str; 16] = [
    "after_reset",
    "answered_before",
    "conflict",
    "cut_off",
    "gap",
    "given_up",
    "negative_time",
    "no_request",
    "no_time",
    "not_paired",
    "pipelined",
    "reset_cause",
    "reset_ignored",
    "skipped",
    "syn_ignored",
    "unanswered",
];

/// Why there is no plugin for a layout. The text is a lower-case clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Wireshark has the prefix already.
    #[error(
        "the filter prefix `{prefix}` is a protocol's of {whose} already, and one that is registered twice stops \
         Wireshark at its start; set another, such as: prefix = \"{suggestion}\""
    )]
    Taken {
        /// The layout's prefix.
        prefix: String,
        /// Which Wireshark has it.
        whose: &'static str,
        /// One that is free.
        suggestion: String,
    },
    /// Two layouts have one prefix.
    #[error("two of the layouts have the filter prefix `{0}`; set another in one of them")]
    Twice(String),
}

/// One plugin for these layouts; RegLogin's own is the plugin that knows more of it.
///
/// # Errors
///
/// A prefix that Wireshark, or another of the layouts, has already.
pub fn plugin_of(layouts: &[Layout], names: &Names) -> Result<String, NameError> {
    for (index, layout) in layouts.iter().enumerate() {
        let prefix = &layout.prefix;
        if layouts[..index].iter().any(|other| other.prefix == *prefix) {
            return Err(NameError::Twice(prefix.clone()));
        }
        if let Some(owner) = names.owner(prefix) {
            return Err(NameError::Taken {
                prefix: prefix.clone(),
                whose: match owner {
                    Owner::Installed => "the Wireshark installed",
                    Owner::Listed => "Wireshark's",
                },
                suggestion: names.free(prefix),
            });
        }
    }
    if let [only] = layouts
        && parse(EXAMPLE).is_ok_and(|example| is_same(only, &example))
    {
        return Ok(plugin());
    }
    let mut lua = preamble();
    lua.push_str(
        "\n-- The layouts of the messages, and the words for what they say.\nlocal L = {\n",
    );
    let _ = writeln!(lua, "  enough = {ENOUGH},\n  layouts = {{");
    for layout in layouts {
        table(&mut lua, layout);
    }
    lua.push_str("  },\n  notes = {\n");
    for note in notes()
        .iter()
        .filter(|note| OF_STREAMS.contains(&note.kind()))
    {
        let _ = writeln!(lua, "    {},", note.entry());
    }
    for (fault, key, severity, group) in FAULTS {
        let _ = writeln!(
            lua,
            "    [\"fault.{key}\"] = {{ severity = \"{severity}\", group = \"{group}\", expert = \"{key}\", in_rows = true, text = {} }},",
            quote(fault.in_words()),
        );
    }
    lua.push_str("  },\n}\n\n-- What the parts below share.\nlocal R = {}\n");
    for part in PARTS.into_iter().chain([REGISTER]) {
        lua.push('\n');
        lua.push_str(part);
    }
    Ok(lua)
}

/// Whether two layouts are the same but for the places where they stand in their files.
fn is_same(one: &Layout, other: &Layout) -> bool {
    let mut one = one.clone();
    let all = one.parts.iter_mut().zip(&other.parts);
    for (part, other) in all {
        part.at = other.at.clone();
        for (field, other) in part.fields.iter_mut().zip(&other.fields) {
            field.at = other.at.clone();
        }
    }
    for (kind, other) in one.kinds.iter_mut().zip(&other.kinds) {
        kind.at = other.at.clone();
    }
    one == *other
}

/// Octets as Lua source.
fn octets(bytes: &[u8]) -> String {
    let mut quoted = "\"".to_owned();
    for byte in bytes {
        let _ = write!(quoted, "\\{byte:03}");
    }
    quoted.push('"');
    quoted
}

/// An integer's octets, the most significant first.
fn value(integer: Integer, value: i128) -> String {
    octets(&value.to_be_bytes()[16 - usize::from(integer.width)..])
}

fn integer(integer: Integer) -> String {
    let little = if integer.order == ByteOrder::Little {
        ", little = true"
    } else {
        ""
    };
    let signed = if integer.signed {
        ", signed = true"
    } else {
        ""
    };
    format!("width = {}{little}{signed}", integer.width)
}

fn integer_of(field: &Field) -> Option<Integer> {
    match field.ty {
        Type::Integer(integer, _) | Type::Flags(integer, _) => Some(integer),
        _ => None,
    }
}

fn table(lua: &mut String, layout: &Layout) {
    let ports: Vec<String> = layout.ports.iter().map(u16::to_string).collect();
    let bits: Vec<u32> = layout
        .kinds
        .iter()
        .map(|kind| layout.evidence(kind))
        .collect();
    let best = bits.iter().copied().max().unwrap_or(0);
    let _ = writeln!(
        lua,
        "    {{\n      name = {}, title = {}, prefix = {}, ports = \"{}\", max = {}, best_bits = {best}, anywhere = {},",
        quote(&layout.name),
        quote(&format!("{} (by a layout file)", layout.name)),
        quote(&layout.prefix),
        ports.join(","),
        layout.max,
        best >= ENOUGH,
    );
    let header = layout.header().size(&layout.parts);
    let length = layout.header_field(|role| matches!(role, Role::Length(_)));
    let mut least = header.unwrap_or(0);
    if let Some((field, at)) = length
        && let (Some(found), Some(Role::Length(offset))) = (integer_of(field), field.role)
    {
        let _ = writeln!(
            lua,
            "      length = {{ at = {at}, offset = {offset}, {} }},",
            integer(found)
        );
        least = header.unwrap_or(at as u64 + u64::from(found.width));
    }
    let kind = layout.header_field(|role| role == Role::Kind);
    let kind = kind.and_then(|(field, at)| Some((integer_of(field)?, at)));
    if let Some((found, at)) = kind {
        let _ = writeln!(lua, "      kind = {{ at = {at}, {} }},", integer(found));
    }
    let constants = constants(layout);
    let constant_bits: usize = constants.iter().map(|(_, octets)| octets.len() * 8).sum();
    let kind_bits = kind.map_or(0, |(integer, _)| usize::from(integer.width) * 8);
    let shown: Vec<String> = constants
        .iter()
        .map(|(at, bytes)| format!("{{ at = {at}, octets = {} }}", octets(bytes)))
        .collect();
    let _ = writeln!(
        lua,
        "      least = {}, header = {}, has_secrets = {}, header_bits = {}, constants = {{ {} }},",
        least.max(1),
        layout.header + 1,
        layout.has_secrets(),
        constant_bits + kind_bits,
        shown.join(", "),
    );
    let sizes: Vec<String> = [Side::Client, Side::Server]
        .into_iter()
        .filter_map(|side| Some(format!("{} = {}", side.name(), size_from(layout, side)?)))
        .collect();
    let _ = writeln!(
        lua,
        "      sizes = {{ {} }},\n      kinds = {{",
        sizes.join(", ")
    );
    for (index, bits) in bits.into_iter().enumerate() {
        let _ = writeln!(lua, "        {},", kind_entry(layout, index, bits));
    }
    lua.push_str("      },\n      parts = {\n");
    for part in &layout.parts {
        let size = part
            .size(&layout.parts)
            .map_or("nil".to_owned(), |size| size.to_string());
        let _ = writeln!(lua, "        {{ size = {size}, fields = {{");
        for field in &part.fields {
            let _ = writeln!(lua, "          {},", field_entry(layout, field));
        }
        lua.push_str("        } },\n");
    }
    lua.push_str("      },\n      shown = {\n");
    let mut paths = Vec::new();
    reached(layout, layout.header, "", &mut paths);
    for body in layout.kinds.iter().filter_map(|kind| kind.body) {
        reached(layout, body, "", &mut paths);
    }
    for (part, path) in paths {
        let _ = writeln!(
            lua,
            "        {{ part = {}, path = {} }},",
            part + 1,
            quote(&path)
        );
    }
    lua.push_str("      },\n    },\n");
}

/// The parts that messages have, with the keys of the records that they stand in.
fn reached(layout: &Layout, part: usize, path: &str, paths: &mut Vec<(usize, String)>) {
    if paths.iter().any(|(known, of)| *known == part && of == path) {
        return;
    }
    paths.push((part, path.to_owned()));
    for field in &layout.parts[part].fields {
        if let Type::Record(inner, _) = field.ty {
            reached(layout, inner, &format!("{path}{}.", field.key), paths);
        }
    }
}

/// The header's constants as they stand on the wire, and where.
fn constants(layout: &Layout) -> Vec<(usize, Vec<u8>)> {
    let mut constants = Vec::new();
    let mut at = 0;
    for field in &layout.header().fields {
        let Some(size) = field.size(&layout.parts) else {
            break;
        };
        let size = usize::try_from(size).unwrap_or(0);
        match (&field.constant, integer_of(field)) {
            (Some(Constant::Integer(value)), Some(integer)) => {
                let mut bytes = value.to_be_bytes()[16 - size..].to_vec();
                if integer.order == ByteOrder::Little {
                    bytes.reverse();
                }
                constants.push((at, bytes));
            }
            (Some(Constant::Bytes(bytes)), _)
                if matches!(field.ty, Type::Bytes(_)) || field.fill == 0 =>
            {
                constants.push((at, bytes.clone()));
            }
            _ => {}
        }
        at += size;
    }
    constants
}

/// The size of every message that a side sends, where all have one.
fn size_from(layout: &Layout, side: Side) -> Option<u64> {
    let own = layout.kinds.iter().enumerate().filter(|(index, kind)| {
        let answers = answers(layout, *index);
        // A kind that answers comes from the server where the file does not say, and one that is answered from the client.
        let likely = match (answers, kind.responses.is_empty()) {
            (true, true) => Some(Side::Server),
            (false, false) => Some(Side::Client),
            _ => None,
        };
        kind.is_from(side)
            && kind
                .side
                .or(kind.from)
                .or(likely)
                .is_none_or(|of| of == side)
    });
    let mut sizes = own.map(|(_, kind)| layout.size(kind));
    let first = sizes.next()??;
    sizes.all(|size| size == Some(first)).then_some(first)
}

/// Whether a kind answers another.
fn answers(layout: &Layout, index: usize) -> bool {
    layout
        .kinds
        .iter()
        .any(|other| other.responses.contains(&index))
}

fn kind_entry(layout: &Layout, index: usize, bits: u32) -> String {
    let kind = &layout.kinds[index];
    let mut entry = format!("{{ name = {}, bits = {bits}", quote(&kind.name));
    let field = layout.header_field(|role| role == Role::Kind);
    if let (Some(number), Some(found)) =
        (kind.value, field.and_then(|(field, _)| integer_of(field)))
    {
        let _ = write!(entry, ", value = {}", value(found, number));
    }
    for (key, side) in [("side", kind.side), ("from", kind.from.or(kind.side))] {
        if let Some(side) = side {
            let _ = write!(entry, ", {key} = \"{}\"", side.name());
        }
    }
    if let Some(body) = kind.body {
        let _ = write!(entry, ", body = {}", body + 1);
    }
    if let Some(size) = layout.size(kind) {
        let _ = write!(entry, ", size = {size}");
    }
    if answers(layout, index) {
        entry.push_str(", answers = true");
    }
    let responses: Vec<String> = kind
        .responses
        .iter()
        .map(|index| format!("[{}] = true", index + 1))
        .collect();
    let _ = write!(entry, ", responses = {{ {} }} }}", responses.join(", "));
    entry
}

fn field_entry(layout: &Layout, field: &Field) -> String {
    let mut entry = format!(
        "{{ key = {}, label = {}",
        quote(&field.key),
        quote(&field.label)
    );
    let mut count_of = None;
    match &field.ty {
        Type::Integer(found, names) => {
            let _ = write!(entry, ", kind = \"integer\", {}", integer(*found));
            if !names.is_empty() {
                let names: Vec<String> = names
                    .iter()
                    .map(|(number, name)| format!("[{}] = {}", value(*found, *number), quote(name)))
                    .collect();
                let _ = write!(entry, ", names = {{ {} }}", names.join(", "));
            }
            if field.role == Some(Role::Outcome) {
                let _ = write!(entry, ", said = {{ {} }}", said(*found, names));
            }
        }
        Type::Flags(found, names) => {
            let bits: Vec<String> = names
                .iter()
                .map(|(bit, name)| format!("{{ {bit}, {} }}", quote(name)))
                .collect();
            let _ = write!(
                entry,
                ", kind = \"flags\", {}, bits = {{ {} }}",
                integer(*found),
                bits.join(", ")
            );
        }
        Type::Float(width, order) => {
            let little = if *order == ByteOrder::Little {
                ", little = true"
            } else {
                ""
            };
            let _ = write!(entry, ", kind = \"float\", width = {width}{little}");
        }
        Type::Text(count) => {
            let _ = write!(entry, ", kind = \"text\", fill = {}", field.fill);
            count_of = Some(count);
        }
        Type::Bytes(count) => {
            entry.push_str(", kind = \"bytes\"");
            count_of = Some(count);
        }
        Type::Record(part, count) => {
            let _ = write!(entry, ", kind = \"record\", part = {}", part + 1);
            count_of = count.as_ref();
        }
    }
    if let Some(found) = count_of {
        let _ = write!(entry, ", count = {{ {} }}", count(found));
    }
    if let Some(size) = field.size(&layout.parts) {
        let _ = write!(entry, ", size = {size}");
    }
    match (&field.constant, integer_of(field)) {
        (Some(Constant::Integer(number)), Some(found)) => {
            let _ = write!(entry, ", constant = {}", value(found, *number));
        }
        (Some(Constant::Bytes(bytes)), _) => {
            let _ = write!(entry, ", constant = {}", octets(bytes));
        }
        _ => {}
    }
    if let Some(role) = field.role {
        let _ = write!(entry, ", role = \"{}\"", role.name());
    }
    if let Some(slot) = field.slot {
        let _ = write!(entry, ", slot = {}", slot + 1);
    }
    if field.secret {
        entry.push_str(", secret = true");
    }
    entry.push_str(" }");
    entry
}

fn count(count: &Count) -> String {
    match count {
        Count::Fixed(number) => format!("how = \"fixed\", n = {number}"),
        Count::Slot(slot) => format!("how = \"slot\", slot = {}", slot + 1),
        Count::Prefix(found) => format!("how = \"prefix\", {}", integer(*found)),
        Count::Rest => "how = \"rest\"".to_owned(),
        Count::Nul => "how = \"nul\"".to_owned(),
    }
}

/// What the named values of an outcome say.
fn said(found: Integer, names: &[(i128, String)]) -> String {
    let is_good =
        |name: &str| ["ok", "success", "accepted"].contains(&name.to_lowercase().as_str());
    let good = names
        .iter()
        .find(|(_, name)| is_good(name))
        .map(|(number, _)| *number);
    let said: Vec<String> = names
        .iter()
        .map(|(number, _)| {
            let word = if Some(*number) == good {
                "success"
            } else {
                "failure"
            };
            format!("[{}] = \"{word}\"", value(found, *number))
        })
        .collect();
    said.join(", ")
}
