//! Makes all fields of secret records secret, because they are also shown separately.

use std::collections::BTreeMap;

use super::model::{Layout, Type};

/// Gives each secret record its own copy of its part, in which every field is secret. The layout must not be recursive.
pub(super) fn spread(layout: &mut Layout) {
    let mut copies: BTreeMap<usize, usize> = BTreeMap::new();
    let mut part = 0;
    // Copies are visited too: a secret record may contain records.
    while part < layout.parts.len() {
        for index in 0..layout.parts[part].fields.len() {
            let field = layout.field((part, index));
            let Type::Record(inner, count) = &field.ty else {
                continue;
            };
            if !field.secret {
                continue;
            }
            let (inner, count) = (*inner, count.clone());
            let copy = copies.get(&inner).copied().unwrap_or_else(|| {
                let mut copy = layout.parts[inner].clone();
                for field in &mut copy.fields {
                    field.secret = true;
                }
                layout.parts.push(copy);
                layout.parts.len() - 1
            });
            copies.insert(inner, copy);
            layout.parts[part].fields[index].ty = Type::Record(copy, count);
        }
        part += 1;
    }
}

#[cfg(test)]
mod tests {
    use crate::layout::{Layout, Type, parse};

    #[test]
    fn a_secret_record_has_only_secret_fields_and_others_of_its_part_do_not() {
        let layout: Layout = parse(
            "name = \"A\"\n[layout]\nheader = [\"k: u8 = kind\"]\nbody = [\"a: pair\", \"b: pair[2] secret\"]\n\
             pair = [\"x: one\", \"y: u8\"]\none = [\"z: u16\"]\n[kind]\n1 = { name = \"a\", body = \"body\" }\n",
        )
        .expect("it is right");
        let all_secret = |part: usize| {
            let inside = |part: usize| layout.parts[part].fields.iter();
            inside(part).all(|field| match field.ty {
                Type::Record(inner, _) => field.secret && inside(inner).all(|field| field.secret),
                _ => field.secret,
            })
        };
        let body = &layout.parts[layout.kinds[0].body.expect("a body")];
        let inner: Vec<bool> = body
            .fields
            .iter()
            .map(|field| match field.ty {
                Type::Record(inner, _) => all_secret(inner),
                _ => unreachable!("both are records"),
            })
            .collect();
        assert_eq!(inner, [false, true]);
    }
}
