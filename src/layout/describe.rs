//! What was understood of a layout file, in words for a person.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::evidence::ENOUGH;
use super::model::{
    ByteOrder, Constant, Count, Field, Integer, Layout, LayoutKind, Part, Role, Type,
};
use super::outcome::Said;

/// A table of each kind with offset, width, name, key and type; what finding its messages rests on; what is ambiguous.
/// `smpp` tells whether Wireshark's SMPP heuristic claims a segment that begins with these 16 bytes.
#[must_use]
pub fn describe(layout: &Layout, smpp: impl Fn(&[u8]) -> bool) -> String {
    let mut out = String::new();
    let ports: Vec<String> = layout.ports.iter().map(u16::to_string).collect();
    let ports = match &ports[..] {
        [] => "no port".to_owned(),
        [one] => format!("port {one}"),
        many => format!("ports {}", many.join(", ")),
    };
    let _ = writeln!(
        out,
        "{}: filter prefix {}, {ports}",
        layout.name, layout.prefix
    );
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
        let names = kind
            .responses
            .iter()
            .map(|index| layout.kinds[*index].name.as_str());
        let _ = write!(
            text,
            ", answered by {}",
            names.collect::<Vec<_>>().join(" or ")
        );
    }
    let _ = write!(text, "; {} bits of evidence", layout.evidence(kind));
    text
}

fn table(layout: &Layout, kind: &LayoutKind) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["Offset", "Width", "Field", "Key", "Type", ""]);
    let mut offset = Some(0);
    let mut parts = vec![layout.header];
    parts.extend(kind.body);
    for part in parts {
        rows(layout, &layout.parts[part], &mut offset, "", &mut table);
    }
    for column in 0..2 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A row a field. A record's fields stand below it, further in; behind a size that varies there are no offsets.
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
            rows(
                layout,
                &layout.parts[inner],
                &mut inside,
                &format!("{inset}  "),
                table,
            );
        }
        *offset = offset
            .zip(size)
            .and_then(|(offset, size)| offset.checked_add(size));
    }
}

fn integer_in_words(integer: Integer) -> String {
    let sign = if integer.signed { "i" } else { "u" };
    let order = match integer.order {
        _ if integer.width == 1 => "",
        ByteOrder::Big => ", big-endian",
        ByteOrder::Little => ", little-endian",
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
            let order = if *order == ByteOrder::Big {
                "big"
            } else {
                "little"
            };
            format!("f{}, {order}-endian", width * 8)
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

/// What a person should know of the layout as a whole.
fn remarks(layout: &Layout, smpp: impl Fn(&[u8]) -> bool) -> Vec<String> {
    let mut remarks = Vec::new();
    let names = |kinds: Vec<&LayoutKind>| {
        kinds
            .iter()
            .map(|kind| kind.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let weak: Vec<&LayoutKind> = layout
        .kinds
        .iter()
        .filter(|kind| layout.evidence(kind) < ENOUGH)
        .collect();
    if weak.is_empty() {
        remarks.push(format!(
            "Every message carries at least {ENOUGH} bits of evidence: recognised on any port."
        ));
    } else {
        let ports = if layout.ports.is_empty() {
            "; it names no port, so give one with -p or -d"
        } else {
            ""
        };
        remarks.push(format!(
            "Under {ENOUGH} bits of evidence, recognised on its own ports only{ports}: {}.",
            names(weak)
        ));
    }
    let is_claimed = |kind: &&LayoutKind| {
        // The least size that the heuristic looks at, and no more than the message has.
        layout.size(kind).is_none_or(|size| size >= 16) && smpp(&layout.opening(kind, 16))
    };
    let claimed: Vec<&LayoutKind> = layout.kinds.iter().filter(is_claimed).collect();
    if claimed.is_empty() {
        remarks.push("Wireshark's SMPP heuristic claims none of these messages.".to_owned());
    } else {
        remarks.push(format!(
            "Wireshark's SMPP heuristic claims: {}.",
            names(claimed)
        ));
    }
    let unanswered = layout.kinds.iter().all(|kind| kind.responses.is_empty());
    if unanswered {
        remarks
            .push("No kind names its response: requests and responses are not paired.".to_owned());
    }
    let both: Vec<&LayoutKind> = layout
        .kinds
        .iter()
        .filter(|kind| kind.side.is_none() && kind.from.is_none())
        .collect();
    if !both.is_empty() {
        remarks.push(format!(
            "Either side may send (no `from`): {}.",
            names(both)
        ));
    }
    remarks.extend(ambiguities(layout));
    // A part for secret records has the name of that which the file has.
    let mut used: Vec<&str> = vec![&layout.header().name];
    let mut fields = layout.parts.iter().flat_map(|part| &part.fields);
    used.extend(
        layout
            .kinds
            .iter()
            .filter_map(|kind| Some(layout.parts[kind.body?].name.as_str())),
    );
    used.extend(fields.by_ref().filter_map(|field| match field.ty {
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

/// What of the file can be taken in two ways, and in which it is taken.
fn ambiguities(layout: &Layout) -> Vec<String> {
    let mut told = Vec::new();
    let has = |kind: &LayoutKind, role: Role| {
        let parts = [Some(layout.header), kind.body];
        let mut fields = parts
            .into_iter()
            .flatten()
            .flat_map(|part| &layout.parts[part].fields);
        fields.any(|field| field.role == Some(role))
    };
    for kind in &layout.kinds {
        let mut answers = kind.responses.iter().map(|index| &layout.kinds[*index]);
        if let Some(bare) = answers.find(|answer| has(kind, Role::Id) != has(answer, Role::Id)) {
            told.push(format!(
                "Only one of `{}` and `{}` has an id: they are paired by order.",
                kind.name, bare.name
            ));
        }
    }
    for field in layout.parts.iter().flat_map(|part| &part.fields) {
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
