//! Checks a parsed layout as a whole, so that every message that it describes can be found and decoded.

use super::error::LayoutError;
use super::model::{Count, Field, Integer, Layout, Part, Role, Side, Type};

/// All errors of a layout whose names are resolved, in order of place.
pub(super) fn check(layout: &Layout) -> Vec<LayoutError> {
    let mut errors = Vec::new();
    recursion(layout, &mut errors);
    if !errors.is_empty() {
        // The other checks walk through records, and would not end.
        return errors;
    }
    header(layout, &mut errors);
    for part in &layout.parts {
        roles_fit(part, &mut errors);
        records(layout, part, &mut errors);
        rest(layout, part, &mut errors);
    }
    one_type_per_key(layout, &mut errors);
    kinds(layout, &mut errors);
    for body in bodies(layout) {
        message(layout, body, &mut errors);
    }
    // A part that several kinds share is checked several times.
    errors.sort_by(|a, b| (a.at.start, &a.message).cmp(&(b.at.start, &b.message)));
    errors.dedup();
    errors
}

/// The different bodies of kinds. `None` stands for kinds without a body.
fn bodies(layout: &Layout) -> Vec<Option<usize>> {
    let mut bodies: Vec<Option<usize>> = layout.kinds.iter().map(|kind| kind.body).collect();
    bodies.sort_unstable();
    bodies.dedup();
    bodies
}

fn at(field: &Field, message: impl Into<String>) -> LayoutError {
    LayoutError::new(field.at.clone(), message)
}

/// Finds parts that contain themselves, directly or through others.
fn recursion(layout: &Layout, errors: &mut Vec<LayoutError>) {
    fn reaches(layout: &Layout, from: usize, goal: usize, seen: &mut Vec<usize>) -> bool {
        layout.parts[from]
            .fields
            .iter()
            .any(|field| match field.ty {
                Type::Record(part, _) if part == goal => true,
                Type::Record(part, _) if !seen.contains(&part) => {
                    seen.push(part);
                    reaches(layout, part, goal, seen)
                }
                _ => false,
            })
    }
    for (index, part) in layout.parts.iter().enumerate() {
        for field in &part.fields {
            if let Type::Record(inner, _) = field.ty
                && (inner == index || reaches(layout, inner, index, &mut vec![inner]))
            {
                errors.push(at(
                    field,
                    format!("`{}` contains itself, through `{}`", part.name, field.name),
                ));
            }
        }
    }
}

fn header(layout: &Layout, errors: &mut Vec<LayoutError>) {
    let mut fixed = true;
    let mut seen: Vec<&'static str> = Vec::new();
    for field in &layout.header().fields {
        if let Some(role @ (Role::Length(_) | Role::Kind)) = field.role {
            let name = role.name();
            if seen.contains(&name) {
                errors.push(at(field, format!("two fields have the role `{name}`")));
            }
            seen.push(name);
            if !fixed {
                let message =
                    format!("before the field with the role `{name}` all has a fixed size");
                errors.push(at(field, message));
            }
        }
        fixed &= field.size(&layout.parts).is_some();
    }
    let (before, behind) = layout.parts.split_at(layout.header);
    for field in before
        .iter()
        .chain(&behind[1..])
        .flat_map(|part| &part.fields)
    {
        if let Some(role @ (Role::Length(_) | Role::Kind)) = field.role {
            let name = role.name();
            let message = format!("the field with the role `{name}` stands in the header");
            errors.push(at(field, message));
        }
    }
}

fn roles_fit(part: &Part, errors: &mut Vec<LayoutError>) {
    let is_unsigned = |field: &Field, width| matches!(field.ty, Type::Integer(Integer { width: found, signed: false, .. }, _) if found == width);
    for field in &part.fields {
        let Some(role) = field.role else { continue };
        let is_integer = matches!(field.ty, Type::Integer(..));
        let is_value = is_integer || matches!(field.ty, Type::Text(_) | Type::Bytes(_));
        let (right, wanted) = match role {
            Role::Length(_) | Role::Kind | Role::Outcome => (is_integer, "an integer type"),
            Role::Id => (is_value, "an integer type, text or bytes"),
            Role::User => (is_value, "text, bytes or an integer type"),
            Role::Crc32 => (is_unsigned(field, 4), "the type u32"),
            Role::Sum8 => (is_unsigned(field, 1), "the type u8"),
            Role::Internet => (is_unsigned(field, 2), "the type u16"),
        };
        if !right {
            let message = format!("a field with the role `{}` has {wanted}", role.name());
            errors.push(at(field, message));
        }
    }
}

/// The minimum size of a part in bytes.
fn least(layout: &Layout, part: &Part) -> u64 {
    let fields = part.fields.iter();
    fields.map(|field| least_of(layout, field)).sum()
}

fn least_of(layout: &Layout, field: &Field) -> u64 {
    let count = |count: &Count, one: u64| match count {
        Count::Fixed(count) => u64::from(*count).saturating_mul(one),
        Count::Prefix(integer) => integer.width.into(),
        Count::Nul => 1,
        Count::Slot(_) | Count::Rest => 0,
    };
    match &field.ty {
        Type::Integer(integer, _) | Type::Flags(integer, _) => integer.width.into(),
        Type::Float(width, _) => (*width).into(),
        Type::Text(bytes) | Type::Bytes(bytes) => count(bytes, 1),
        Type::Record(part, None) => least(layout, &layout.parts[*part]),
        Type::Record(part, Some(records)) => count(records, least(layout, &layout.parts[*part])),
    }
}

fn records(layout: &Layout, part: &Part, errors: &mut Vec<LayoutError>) {
    for field in &part.fields {
        if let Type::Record(inner, _) = field.ty {
            let record = &layout.parts[inner];
            let name = &record.name;
            if inner == layout.header {
                errors.push(at(field, "the header is no record"));
            } else if least(layout, record) == 0 {
                let message = format!("a record takes at least one byte; `{name}` may take none");
                errors.push(at(field, message));
            }
            if record.fields.iter().any(is_rest) {
                let message = format!(
                    "`{name}` takes all that is left with `*`, so it is a body and no record"
                );
                errors.push(at(field, message));
            }
        }
    }
}

fn is_rest(field: &Field) -> bool {
    matches!(
        field.ty,
        Type::Text(Count::Rest) | Type::Bytes(Count::Rest) | Type::Record(_, Some(Count::Rest))
    )
}

fn rest(layout: &Layout, part: &Part, errors: &mut Vec<LayoutError>) {
    let Some(index) = part.fields.iter().position(is_rest) else {
        return;
    };
    let field = &part.fields[index];
    for behind in &part.fields[index + 1..] {
        if behind.size(&layout.parts).is_none() {
            let message = format!(
                "behind `*` all has a fixed size; `{}` has none",
                behind.name
            );
            errors.push(at(field, message));
        }
    }
    let is_header = std::ptr::eq(part, layout.header());
    if is_header && layout.kinds.iter().any(|kind| kind.body.is_some()) {
        errors.push(at(field, "`*` in the header leaves nothing for the bodies"));
    }
}

/// The class of a type, within which a filter compares values. Widths and byte orders do not matter.
fn class(ty: &Type) -> &'static str {
    match ty {
        Type::Integer(Integer { signed: false, .. }, _) => "an unsigned integer",
        Type::Integer(..) => "a signed integer",
        Type::Flags(..) => "flags",
        Type::Float(..) => "a float",
        Type::Text(_) => "text",
        Type::Bytes(_) => "bytes",
        Type::Record(_, None) => "a record",
        Type::Record(..) => "records",
    }
}

/// Checks that each filter name has one class of types in all kinds. The name of a record's field begins with the record's
/// key.
fn one_type_per_key(layout: &Layout, errors: &mut Vec<LayoutError>) {
    fn collect<'a>(
        layout: &'a Layout,
        part: &'a Part,
        path: &str,
        all: &mut Vec<(String, &'a Field)>,
    ) {
        for field in &part.fields {
            let path = format!("{path}{}", field.key);
            if let Type::Record(inner, _) = field.ty {
                collect(layout, &layout.parts[inner], &format!("{path}."), all);
            }
            all.push((path, field));
        }
    }
    let mut all = Vec::new();
    collect(layout, layout.header(), "", &mut all);
    for body in bodies(layout).into_iter().flatten() {
        collect(layout, &layout.parts[body], "", &mut all);
    }
    all.sort_by_key(|(_, field)| field.at.start);
    let mut seen: Vec<(String, &Field)> = Vec::new();
    for (path, field) in all {
        match seen.iter().find(|(other, _)| *other == path) {
            Some((_, other)) if class(&other.ty) != class(&field.ty) => {
                let message = format!(
                    "`{path}` is {} here and {} before: one key has one type",
                    class(&field.ty),
                    class(&other.ty)
                );
                errors.push(at(field, message).suggest("`NAME as KEY` gives it another key"));
            }
            Some(_) => {}
            None => seen.push((path, field)),
        }
    }
}

fn kinds(layout: &Layout, errors: &mut Vec<LayoutError>) {
    let header = &layout.header().fields;
    let kind_field = header.iter().find(|field| field.role == Some(Role::Kind));
    let mut roles = header.iter().filter_map(|field| field.role);
    let has_length = roles.any(|role| matches!(role, Role::Length(_)));
    for kind in &layout.kinds {
        let fault = |message: String| LayoutError::new(kind.at.clone(), message);
        if let (Some(value), Some(field)) = (kind.value, kind_field)
            && let Type::Integer(integer, _) = field.ty
            && !integer.range().contains(&value)
        {
            errors.push(fault(format!(
                "{value} does not fit into the field with the role `kind`"
            )));
        }
        if let (Some(side), Some(from)) = (kind.side, kind.from)
            && side != from
        {
            errors.push(fault(format!(
                "this kind is about the {}, so it is not from the {}",
                side.name(),
                from.name()
            )));
        }
        let size = layout.size(kind);
        if !has_length && size.is_none() {
            errors.push(
                fault(format!(
                    "`{}` has no fixed size, and no field has the role `length`",
                    kind.name
                ))
                .suggest(
                    "write `= length` behind the header's field that says how long a message is",
                ),
            );
        }
        if let Some(size) = size.filter(|size| *size > u64::from(layout.max)) {
            errors.push(fault(format!(
                "`{}` takes {size} bytes, more than `max`, {}",
                kind.name, layout.max
            )));
        }
        if size == Some(0) {
            errors.push(fault(format!("`{}` has no byte at all", kind.name)));
        }
    }
    for side in [Side::Client, Side::Server] {
        let mut own = layout.kinds.iter().filter(|kind| kind.is_from(side));
        if let (None, Some(first), Some(second)) = (kind_field, own.next(), own.next()) {
            let (side, first) = (side.name(), &first.name);
            let message = format!("no field tells this kind of the {side} from `{first}`");
            errors.push(LayoutError::new(second.at.clone(), message));
        }
    }
}

/// Checks the keys and counts of one message: the header, then a body.
fn message(layout: &Layout, body: Option<usize>, errors: &mut Vec<LayoutError>) {
    let mut walk = Walk {
        layout,
        seen: Vec::new(),
        visible: Vec::new(),
        errors,
    };
    walk.part(layout.header());
    if let Some(body) = body.filter(|body| *body != layout.header) {
        walk.part(&layout.parts[body]);
    }
}

struct Walk<'a> {
    layout: &'a Layout,
    /// The fields so far, at this level.
    seen: Vec<&'a Field>,
    /// The keys of the integer fields that may count a following field.
    visible: Vec<&'a str>,
    errors: &'a mut Vec<LayoutError>,
}

impl<'a> Walk<'a> {
    fn part(&mut self, part: &'a Part) {
        for field in &part.fields {
            self.field(field);
        }
    }

    fn field(&mut self, field: &'a Field) {
        let other = self.seen.iter().find(|other| other.key == field.key);
        match other {
            Some(other) if !std::ptr::eq(*other, field) => {
                let message = format!("`{}` is in one message twice", field.key);
                self.errors
                    .push(at(field, message).suggest("`NAME as KEY` gives it another key"));
            }
            Some(_) => {}
            None => self.seen.push(field),
        }
        if let Some(role @ (Role::Id | Role::User | Role::Outcome)) = field.role
            && self
                .seen
                .iter()
                .any(|other| other.role == Some(role) && !std::ptr::eq(*other, field))
        {
            let message = format!("two fields of one message have the role `{}`", role.name());
            self.errors.push(at(field, message));
        }
        if let Type::Text(Count::Slot(slot))
        | Type::Bytes(Count::Slot(slot))
        | Type::Record(_, Some(Count::Slot(slot))) = &field.ty
        {
            self.counted(field, &self.layout.slots[*slot]);
        }
        if let Type::Record(part, _) = field.ty {
            // A record has its own keys, and its integers count only inside it.
            let outside = (self.visible.len(), std::mem::take(&mut self.seen));
            self.part(&self.layout.parts[part]);
            self.visible.truncate(outside.0);
            self.seen = outside.1;
        }
        if matches!(field.ty, Type::Integer(..)) {
            self.visible.push(&field.key);
        }
    }

    fn counted(&mut self, field: &Field, key: &str) {
        if self.visible.contains(&key) {
            return;
        }
        let message = match self.layout.fields().find(|other| other.key == key) {
            Some(other) if !matches!(other.ty, Type::Integer(..)) => {
                format!("`{key}`, which counts `{}`, is no integer", field.name)
            }
            Some(_) => format!(
                "`{key}`, which counts `{}`, does not stand before it",
                field.name
            ),
            None => format!(
                "`{key}`, which counts `{}`, is neither a type nor an earlier field",
                field.name
            ),
        };
        let error = at(field, message);
        self.errors
            .push(error.nearest(key, self.visible.iter().copied()));
    }
}
