//! Completion of a filter that is being typed: the fields or values that may come next.

use std::ops::Range;

use super::fields::{described_fields, field, fields};
use super::{Base, FieldType};

/// The candidates for a part of a filter's text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// The byte range that a candidate replaces.
    pub place: Range<usize>,
    /// The texts that may replace it.
    pub candidates: Vec<String>,
}

/// The most candidates that are returned.
const MOST: usize = 64;
/// Words that are operators, not fields.
const JOINTS: [&str; 3] = ["and", "or", "not"];
/// Comparison operators, which are followed by a value.
const COMPARISONS: [&str; 12] = [
    "==", "!=", "eq", "ne", ">=", "<=", ">", "<", "contains", "matches", "~", "in",
];

const fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

/// The candidates at byte `at` of a filter: after a comparison the values of its field, otherwise fields. `known`: returns
/// the values that a field has in the capture, by its name.
#[must_use]
pub fn complete(text: &str, at: usize, known: impl Fn(&str) -> Vec<String>) -> Completion {
    let before = &text[..at];
    let mut start = before.trim_end_matches(is_of_word).len();
    let in_quotes = before.matches('"').count() % 2 == 1;
    if in_quotes {
        start = before.rfind('"').unwrap_or(start);
    }
    let word = before[start..].trim_start_matches('"');
    let place = start..at;
    if let Some(compared) = compared_field(before[..start].trim_end()) {
        let wanted = |value: &String| {
            let bare = value.trim_start_matches('"');
            bare.starts_with(word) && bare.trim_end_matches('"') != word
        };
        let mut candidates = values(compared, known);
        candidates.retain(wanted);
        candidates.truncate(MOST);
        return Completion { place, candidates };
    }
    if in_quotes {
        return Completion::default();
    }
    let all = fields().iter().chain(described_fields());
    let names = all.map(|field| field.name.as_ref());
    let mut candidates: Vec<String> = names
        .filter(|name| name.starts_with(word) && *name != word)
        .map(str::to_owned)
        .collect();
    // RegLogin's fields come first, because most filters are about them.
    candidates.sort_by_key(|name| (!name.starts_with("reglogin"), name.clone()));
    candidates.truncate(MOST);
    Completion { place, candidates }
}

/// The field of the comparison that `before` ends with; `None` if it ends with something else.
fn compared_field(before: &str) -> Option<&'static super::Field> {
    let comparison = COMPARISONS.iter().find(|sign| before.ends_with(**sign))?;
    let rest = before.strip_suffix(comparison)?;
    let is_word = comparison.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_word && !rest.ends_with(' ') {
        return None;
    }
    let rest = rest.trim_end();
    let name = &rest[rest.trim_end_matches(is_of_word).len()..];
    field(name).filter(|_| !JOINTS.contains(&name))
}

fn values(field: &super::Field, known: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    if !field.closed.is_empty() {
        return field.closed.iter().map(|text| quoted(text)).collect();
    }
    if !field.names.is_empty() {
        let shown = |(number, name): &(i64, &str)| match field.kind {
            FieldType::Number(_, Base::Name) => quoted(name),
            _ => number.to_string(),
        };
        return field.names.iter().map(shown).collect();
    }
    match field.kind {
        FieldType::Bool => vec!["true".to_owned(), "false".to_owned()],
        FieldType::Text => known(&field.name).iter().map(|text| quoted(text)).collect(),
        _ => known(&field.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Filter, FilterOptions};

    fn candidates(text: &str) -> Vec<String> {
        let known = |name: &str| match name {
            "reglogin.user" => vec!["alice".to_owned(), "bob".to_owned()],
            _ => Vec::new(),
        };
        complete(text, text.len(), known).candidates
    }

    #[test]
    fn fields_and_values_are_offered_where_they_may_stand() {
        assert!(candidates("regl").contains(&"reglogin.status".to_owned()));
        assert_eq!(candidates("tcp.srcp"), ["tcp.srcport"]);
        assert!(candidates("tcp.srcport == 1 and tcp.dstp").contains(&"tcp.dstport".to_owned()));
        assert_eq!(candidates("reglogin.user == "), ["\"alice\"", "\"bob\""]);
        assert_eq!(candidates("reglogin.user == \"a"), ["\"alice\""]);
        assert_eq!(candidates("reglogin.user contains \"b"), ["\"bob\""]);
        assert!(candidates("\"tcp").is_empty());
    }

    #[test]
    fn what_is_offered_can_be_put_in_place() {
        for text in [
            "reglogin.user == \"a",
            "reglogin.type == ",
            "reglogin.status == ",
        ] {
            let found = complete(text, text.len(), |_| vec!["alice".to_owned()]);
            for candidate in &found.candidates {
                let mut whole = text.to_owned();
                whole.replace_range(found.place.clone(), candidate);
                Filter::parse(&whole, FilterOptions::default()).expect(&whole);
            }
            assert!(!found.candidates.is_empty(), "{text}");
        }
    }
}
