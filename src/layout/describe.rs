//! Describes a layout for a person: how its file was understood.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::evidence::ENOUGH;
use super::model::{
    ByteOrder, Constant, Count, Field, Integer, Layout, LayoutKind, Part, Role, Type,
};
use super::outcome::Said;

/// A table for each kind with offset, width, name, key and type of its fields; how its messages are recognised; what is
/// ambiguous. `smpp`: whether Wireshark's SMPP heuristic claims a segment that begins with the given 16 bytes.
#[must_use]
pub fn describe(layout: &Layout, smpp: impl Fn(&[u8]) -> bool) -> String {
    let mut out = String::new();
    let ports: Vec<String> = layout.ports.iter().map(u16::to_string).collect();
    let ports = match &ports[..] {
        [] => "no port".to_owned(),
        [one] => format!("port {one}"),
        many => format!("ports {}", many.join(", ")),
    };
    let Layout { name, prefix, .. } = layout;
    let _ = writeln!(out, "{name}: filter prefix {prefix}, {ports}");
    for kind in &layout.kinds {
        let _ = writeln!(out, "\n{}", heading(layout, kind));
        let _ = writeln!(out, "{}", table(layout, kind));
    }
    let _ = writeln!(out);
    for remark in remarks(layout, smpp) {
        let _ = writeln!(out, "{remark}");
    }
    out
}

fn heading(layout: &Layout, kind: &LayoutKind) -> String {
    let value = match (kind.value, kind.side) {
        (Some(value), Some(side)) => format!("{value} {}: ", side.name()),
        (Some(value), None) => format!("{value}: "),
        (None, Some(side)) => format!("{}: ", side.name()),
        (None, None) => String::new(),
    };
    let size = match layout.size(kind) {
        Some(1) => "1 byte".to_owned(),
        Some(size) => format!("{size} bytes"),
        None => "of any size".to_owned(),
    };
    let mut text = format!("{value}{}, {size}", kind.name);
    if let Some(from) = kind.from {
        let _ = write!(text, ", from the {}", from.name());
    }
    if !kind.responses.is_empty() {
        let responses = kind.responses.iter();
        let names = responses.map(|index| layout.kinds[*index].name.as_str());
        let names: Vec<&str> = names.collect();
        let _ = write!(text, ", answered by {}", names.join(" or "));
    }
    let _ = write!(text, "; {} bits of evidence", layout.evidence(kind));
    text
}

fn table(layout: &Layout, kind: &LayoutKind) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["Offset", "Width", "Field", "Key", "Type", ""]);
    let mut offset = Some(0);
    for part in layout.parts_of(kind) {
        rows(layout, &layout.parts[part], &mut offset, "", &mut table);
    }
    for column in 0..2 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Adds a row for each field. A record's fields are indented below it. After a field of varying size there are no offsets.
fn rows(layout: &Layout, part: &Part, offset: &mut Option<u64>, inset: &str, table: &mut Table) {
    for field in &part.fields {
        let size = field.size(&layout.parts);
        let number =
            |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        table.add_row([
            Cell::new(number(*offset)),
            Cell::new(number(size)),
            Cell::new(format!("{inset}{}", field.name)),
            Cell::new(format!("{inset}{}", field.key)),
            Cell::new(type_in_words(layout, field)),
            Cell::new(remarks_on(field)),
        ]);
        if let Type::Record(inner, _) = field.ty {
            let mut inside = *offset;
            let inset = format!("{inset}  ");
            rows(layout, &layout.parts[inner], &mut inside, &inset, table);
        }
        *offset = offset
            .zip(size)
            .and_then(|(offset, size)| offset.checked_add(size));
    }
}

const fn order_in_words(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Big => ", big-endian",
        ByteOrder::Little => ", little-endian",
    }
}

fn integer_in_words(integer: Integer) -> String {
    let sign = if integer.signed { "i" } else { "u" };
    let order = match integer.width {
        1 => "",
        _ => order_in_words(integer.order),
    };
    format!("{sign}{}{order}", u32::from(integer.width) * 8)
}

fn type_in_words(layout: &Layout, field: &Field) -> String {
    let count = |count: &Count| match count {
        Count::Fixed(count) => count.to_string(),
        Count::Slot(slot) => layout.slots[*slot].clone(),
        Count::Prefix(integer) => integer_in_words(*integer),
        Count::Rest => "*".to_owned(),
        Count::Nul => "nul".to_owned(),
    };
    match &field.ty {
        Type::Integer(integer, _) => integer_in_words(*integer),
        Type::Flags(integer, _) => format!("flags in {}", integer_in_words(*integer)),
        Type::Float(width, order) => {
            format!("f{}{}", width * 8, order_in_words(*order))
        }
        Type::Text(length) => format!("text[{}]", count(length)),
        Type::Bytes(length) => format!("bytes[{}]", count(length)),
        Type::Record(part, None) => layout.parts[*part].name.clone(),
        Type::Record(part, Some(number)) => {
            format!("{}[{}]", layout.parts[*part].name, count(number))
        }
    }
}

fn remarks_on(field: &Field) -> String {
    let mut remarks = Vec::new();
    match &field.ty {
        Type::Integer(_, names) => {
            remarks.extend(names.iter().map(|(value, name)| format!("{value} {name}")));
        }
        Type::Flags(_, names) => {
            remarks.extend(names.iter().map(|(bit, name)| format!("bit {bit} {name}")));
        }
        _ => {}
    }
    match &field.constant {
        Some(Constant::Integer(value)) => remarks.push(format!("always {value} (0x{value:X})")),
        Some(Constant::Bytes(bytes)) => {
            remarks.push(format!("always \"{}\"", bytes.escape_ascii()));
        }
        None => {}
    }
    match field.role {
        Some(Role::Length(0)) => remarks.push("the message's length".to_owned()),
        Some(Role::Length(offset)) => {
            let sign = if offset < 0 { '-' } else { '+' };
            remarks.push(format!("the message's length {sign} {}", offset.abs()));
        }
        Some(role) => remarks.push(role.name().to_owned()),
        None => {}
    }
    if field.fill != 0 {
        remarks.push(format!("filled with '{}'", field.fill.escape_ascii()));
    }
    if field.secret {
        remarks.push("secret".to_owned());
    }
    remarks.join(", ")
}

/// Remarks on the layout as a whole.
fn remarks(layout: &Layout, smpp: impl Fn(&[u8]) -> bool) -> Vec<String> {
    let mut remarks = Vec::new();
    let names = |is: &dyn Fn(&LayoutKind) -> bool| {
        let kinds = layout.kinds.iter().filter(|kind| is(kind));
        let names: Vec<&str> = kinds.map(|kind| kind.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    remarks.push(match names(&|kind| layout.evidence(kind) < ENOUGH) {
        None => format!(
            "Every message carries at least {ENOUGH} bits of evidence: recognised on any port."
        ),
        Some(weak) => {
            let ports = if layout.ports.is_empty() {
                "; it names no port, so give one with -p or -d"
            } else {
                ""
            };
            format!(
                "Under {ENOUGH} bits of evidence, recognised on its own ports only{ports}: {weak}."
            )
        }
    });
    let claimed = names(&|kind| {
        // The heuristic needs 16 bytes, so shorter messages are not claimed.
        layout.size(kind).is_none_or(|size| size >= 16) && smpp(&layout.opening(kind, 16))
    });
    remarks.push(match claimed {
        None => "Wireshark's SMPP heuristic claims none of these messages.".to_owned(),
        Some(claimed) => format!("Wireshark's SMPP heuristic claims: {claimed}."),
    });
    let unanswered = layout.kinds.iter().all(|kind| kind.responses.is_empty());
    if unanswered {
        remarks
            .push("No kind names its response: requests and responses are not paired.".to_owned());
    }
    if let Some(both) = names(&|kind| kind.side.is_none() && kind.from.is_none()) {
        remarks.push(format!("Either side may send (no `from`): {both}."));
    }
    remarks.extend(ambiguities(layout));
    // A part that was copied for secret records has the name of the original.
    let mut used: Vec<&str> = vec![&layout.header().name];
    let bodies = layout.kinds.iter().filter_map(|kind| kind.body);
    used.extend(bodies.map(|body| layout.parts[body].name.as_str()));
    used.extend(layout.fields().filter_map(|field| match field.ty {
        Type::Record(inner, _) => Some(layout.parts[inner].name.as_str()),
        _ => None,
    }));
    for part in &layout.parts {
        if !used.contains(&part.name.as_str()) {
            remarks.push(format!("No kind has the part `{}`.", part.name));
        }
    }
    remarks
}

/// What is ambiguous in the file, and how it is understood.
fn ambiguities(layout: &Layout) -> Vec<String> {
    let mut told = Vec::new();
    let has_id = |kind: &LayoutKind| layout.has_role(kind, Role::Id);
    for kind in &layout.kinds {
        let mut answers = kind.responses.iter().map(|index| &layout.kinds[*index]);
        if let Some(bare) = answers.find(|answer| has_id(kind) != has_id(answer)) {
            told.push(format!(
                "Only one of `{}` and `{}` has an id: they are paired by order.",
                kind.name, bare.name
            ));
        }
    }
    for field in layout.fields() {
        if let (Some(Role::Outcome), Type::Integer(_, names)) = (field.role, &field.ty)
            && names
                .iter()
                .all(|(value, _)| field.says(*value) != Said::Success)
        {
            told.push(format!(
                "No value of `{}` is called success, ok or accepted: no response counts as a success.",
                field.name
            ));
        }
        if let (Type::Text(Count::Fixed(_)), 1..) = (&field.ty, field.fill)
            && field.fill != b' '
        {
            told.push(format!(
                "`{}`: a value that ends with '{}' and its filling cannot be told apart.",
                field.name,
                field.fill.escape_ascii()
            ));
        }
    }
    told.dedup();
    told
}
