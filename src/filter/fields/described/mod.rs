//! The fields of protocols that layout files describe: one for each KEY, and the generated fields of every layout.

mod generated;
mod values;

use std::borrow::Cow;
use std::sync::OnceLock;

use super::reglogin::SEVERITIES;
use super::{Extractor, Field, Needs, names};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::FieldType;
use crate::layout::FieldId;
use crate::layout::{Layout, LayoutId, MOST_LAYOUTS, Type};
use generated::{GENERATED, Generated};
pub(super) use values::values;

/// How the values of a layout's field are read.
#[derive(Debug)]
pub(super) struct LayoutField {
    layout: LayoutId,
    /// The keys from the outermost field to the value's; empty for a generated field.
    path: Vec<String>,
    /// The generated field that gives the values of messages without these keys.
    generated: Option<Generated>,
    /// The type of its values, and the names of some.
    kind: FieldType,
    names: &'static [(i64, &'static str)],
}

/// The fields of each layout, made at their first use.
static FIELDS: [OnceLock<Vec<Field>>; MOST_LAYOUTS] = [const { OnceLock::new() }; MOST_LAYOUTS];

/// The fields of all layouts of this process.
pub(super) fn fields() -> impl Iterator<Item = &'static Field> {
    LayoutId::all().flat_map(|layout| FIELDS[layout.number()].get_or_init(|| of_layout(layout)))
}

fn of_layout(id: LayoutId) -> Vec<Field> {
    let layout = &id.plan().layout;
    let mut fields = vec![field(id, Vec::new(), Some(Generated::Protocol), {
        let meaning = format!("A message of {}", layout.name);
        (layout.prefix.clone(), FieldType::Protocol, meaning)
    })];
    fields[0].needs.octets = true;
    let bodies = layout.kinds.iter().filter_map(|kind| kind.body);
    let mut parts = vec![layout.header];
    parts.extend(bodies);
    let mut found = Vec::new();
    for part in parts {
        keys(layout, part, &mut Vec::new(), &mut found);
    }
    for (path, places) in found {
        // The same key in several parts is one field.
        let owns = || places.iter().map(|place| id.plan().field(*place));
        let Some(first) = owns().next() else {
            continue;
        };
        let name = format!("{}.{}", layout.prefix, path.join("."));
        let kind = kind_of(&first.ty);
        let same_name = GENERATED.iter().find(|(generated, name, of, _)| {
            [*name] == path[..] && (*of == kind || generated.is_of_both())
        });
        let generated = same_name.map(|(generated, ..)| *generated);
        let mut made = field(id, path, generated, (name, kind, first.label.clone()));
        made.secret = places.iter().any(|place| layout.may_hide(*place));
        made.names = names_of(owns().map(|own| &own.ty));
        if let Extractor::Layout(of) = &mut made.source {
            of.names = made.names;
        }
        fields.push(made);
    }
    for &(generated, name, kind, meaning) in GENERATED {
        let name = format!("{}.{name}", layout.prefix);
        if fields.iter().any(|field| field.name == name) {
            continue;
        }
        let described = (name, kind, meaning.to_owned());
        let mut made = field(id, Vec::new(), Some(generated), described);
        made.needs.responses = generated == Generated::ResponseIn;
        if generated == Generated::Severity {
            made.names = SEVERITIES;
        }
        fields.push(made);
    }
    fields
}

fn field(
    layout: LayoutId,
    path: Vec<String>,
    generated: Option<Generated>,
    (name, kind, meaning): (String, FieldType, String),
) -> Field {
    // A field of the layout has its own label and innermost KEY; a generated one has the names of RegLogin's field.
    let own = path.last().map(|key| (meaning.clone(), key.clone()));
    let (label, key, why) = match own {
        Some((label, key)) => (Some(label.into()), Some(key.into()), ""),
        None => names::of_generated(&name),
    };
    Field {
        name: Cow::Owned(name),
        label,
        key,
        why,
        kind,
        meaning: Cow::Owned(meaning),
        names: &[],
        needs: Needs {
            outcomes: generated == Some(Generated::Outcome),
            notes: matches!(
                generated,
                Some(Generated::Note | Generated::NoteGroup | Generated::Severity)
            ),
            ..Needs::NOTHING
        },
        // A KEY with the same name also has other values.
        closed: generated
            .filter(|_| path.is_empty())
            .map_or(Cow::Borrowed(&[]), |generated| generated.closed(layout)),
        secret: false,
        source: Extractor::Layout(LayoutField {
            layout,
            path,
            generated,
            kind,
            names: &[],
        }),
    }
}

/// Collects the fields of a part and of the records in it, by the path of keys to them.
fn keys(
    layout: &Layout,
    part: usize,
    path: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, Vec<FieldId>)>,
) {
    for (index, field) in layout.parts[part].fields.iter().enumerate() {
        path.push(field.key.clone());
        if let Type::Record(inner, _) = field.ty {
            keys(layout, inner, path, found);
        } else {
            let place = (part, index);
            match found.iter_mut().find(|(other, _)| other == path) {
                Some((_, places)) => places.push(place),
                None => found.push((path.clone(), vec![place])),
            }
        }
        path.pop();
    }
}

fn kind_of(ty: &Type) -> FieldType {
    match ty {
        Type::Integer(integer, _) if integer.signed => FieldType::Signed,
        Type::Integer(integer, _) => FieldType::Number(integer.width * 8, Decimal),
        Type::Flags(integer, _) => FieldType::Number(integer.width * 8, Hex),
        Type::Float(..) => FieldType::Float,
        Type::Text(_) => FieldType::Text,
        Type::Bytes(_) | Type::Record(..) => FieldType::Bytes,
    }
}

/// The names of values. They live as long as the process, like the layouts.
fn names_of<'l>(types: impl Iterator<Item = &'l Type>) -> &'static [(i64, &'static str)] {
    let mut all: Vec<(i64, &'static str)> = Vec::new();
    for ty in types {
        let Type::Integer(_, names) = ty else {
            continue;
        };
        for (value, name) in names {
            let Ok(value) = i64::try_from(*value) else {
                continue;
            };
            if !all.contains(&(value, name)) {
                all.push((value, name.clone().leak()));
            }
        }
    }
    all.leak()
}
