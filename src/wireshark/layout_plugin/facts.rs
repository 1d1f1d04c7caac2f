//! Prints a layout as a Lua table, for the plugin's code.

use std::fmt::Write as _;

use crate::layout::{
    ByteOrder, Constant, Count, ENOUGH, Field, Integer, Layout, Plan, Role, Side, Type,
};
use crate::wireshark::plugin::quote;

/// Bytes as a string in Lua source.
fn octets(bytes: &[u8]) -> String {
    let mut quoted = "\"".to_owned();
    for byte in bytes {
        let _ = write!(quoted, "\\{byte:03}");
    }
    quoted.push('"');
    quoted
}

/// The bytes of an integer as Lua source, the most significant first.
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

/// Appends the table of a layout.
pub(super) fn table(lua: &mut String, layout: &Layout) {
    let plan = Plan::new(layout.clone());
    let ports: Vec<String> = layout.ports.iter().map(u16::to_string).collect();
    let _ = writeln!(
        lua,
        "    {{\n      name = {}, title = {}, prefix = {}, ports = \"{}\", max = {}, best_bits = {}, anywhere = {},",
        quote(&layout.name),
        quote(&format!("{} (by a layout file)", layout.name)),
        quote(&layout.prefix),
        ports.join(","),
        layout.max,
        plan.best_bits(),
        plan.best_bits() >= ENOUGH,
    );
    if let Some((at, found, offset)) = plan.length {
        let found = integer(found);
        let _ = writeln!(
            lua,
            "      length = {{ at = {at}, offset = {offset}, {found} }},"
        );
    }
    if let Some((at, found)) = plan.kind {
        let _ = writeln!(lua, "      kind = {{ at = {at}, {} }},", integer(found));
    }
    let constants: Vec<String> = plan
        .constants
        .iter()
        .map(|(at, bytes)| format!("{{ at = {at}, octets = {} }}", octets(bytes)))
        .collect();
    let _ = writeln!(
        lua,
        "      least = {}, header = {}, has_secrets = {}, header_bits = {}, constants = {{ {} }},",
        plan.least(),
        layout.header + 1,
        plan.has_secrets,
        plan.header_bits(),
        constants.join(", "),
    );
    let sizes: Vec<String> = [Side::Client, Side::Server]
        .into_iter()
        .filter_map(|side| Some(format!("{} = {}", side.name(), plan.size_from(side)?)))
        .collect();
    let _ = writeln!(
        lua,
        "      sizes = {{ {} }},\n      kinds = {{",
        sizes.join(", ")
    );
    for index in 0..layout.kinds.len() {
        let _ = writeln!(lua, "        {},", kind_entry(&plan, index));
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

/// Collects the parts that messages contain, each with the path of keys to it.
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

fn kind_entry(plan: &Plan, index: usize) -> String {
    let kind = &plan.layout.kinds[index];
    let known = &plan.kinds[index];
    let mut entry = format!("{{ name = {}, bits = {}", quote(&kind.name), known.bits);
    if let (Some(number), Some((_, found))) = (kind.value, plan.kind) {
        let _ = write!(entry, ", value = {}", value(found, number));
    }
    for (key, side) in [
        ("side", kind.side),
        ("from", kind.from.or(kind.side)),
        ("sender", known.sender),
    ] {
        if let Some(side) = side {
            let _ = write!(entry, ", {key} = \"{}\"", side.name());
        }
    }
    if let Some(body) = kind.body {
        let _ = write!(entry, ", body = {}", body + 1);
    }
    if let Some(size) = known.size {
        let _ = write!(entry, ", size = {size}");
    }
    if known.is_response {
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
                let said: Vec<String> = names
                    .iter()
                    .filter_map(|(number, _)| {
                        let said = field.says(*number).name()?;
                        Some(format!("[{}] = \"{said}\"", value(*found, *number)))
                    })
                    .collect();
                let _ = write!(entry, ", said = {{ {} }}", said.join(", "));
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
