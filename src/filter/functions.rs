//! The functions of the filter language.

use std::cmp::Ordering;

use super::compile::{COUNT, Compiler, Typed};
use super::error::{FilterError, suggestion};
use super::eval::ValueSource;
use super::syntax::{Operand, Span};
use super::value::{Base, FieldType};

const NAMES: [&str; 8] = [
    "len", "count", "lower", "upper", "string", "abs", "max", "min",
];

/// Compiles a function call.
pub(super) fn call(
    compiler: &mut Compiler,
    name: &str,
    arguments: &[Operand],
    span: Span,
) -> Result<Typed, FilterError> {
    if name == "max" || name == "min" {
        return extreme(compiler, name, arguments);
    }
    if !NAMES.contains(&name) {
        let near = suggestion(name, NAMES.into_iter());
        return Err(FilterError::at(
            span,
            format!("no function is called \"{name}\"{near}"),
        ));
    }
    let [argument] = arguments else {
        return Err(FilterError::at(
            span,
            format!("{name}() takes one argument"),
        ));
    };
    if name == "count" {
        let counted = Box::new(compiler.counted(argument)?);
        return Ok(Typed::new(ValueSource::Count(counted), COUNT));
    }
    let typed = compiler.operand(argument, None)?;
    let kind = typed.kind;
    let takes = |what: &str| {
        let message = format!("{name}() takes {what}, and this is a {}", kind.name());
        FilterError::at(argument.span, message)
    };
    let of = Box::new(typed.source);
    match name {
        "len" if kind.is_octets() => Ok(Typed::new(ValueSource::Length(of), COUNT)),
        "len" => Err(takes("text or bytes")),
        "lower" if kind == FieldType::Text => {
            Ok(Typed::new(ValueSource::Lower(of), FieldType::Text))
        }
        "upper" if kind == FieldType::Text => {
            Ok(Typed::new(ValueSource::Upper(of), FieldType::Text))
        }
        "lower" | "upper" => Err(takes("text")),
        "abs" if kind.is_number() || kind == FieldType::Span => {
            Ok(Typed::new(ValueSource::Absolute(of), kind))
        }
        "abs" => Err(takes("numbers")),
        _ => {
            let printed = match kind {
                FieldType::Text | FieldType::Bytes | FieldType::Protocol | FieldType::Label => {
                    return Err(takes("a number, an address or a time"));
                }
                FieldType::Number(bits, Base::Hex) => FieldType::Number(bits, Base::Decimal),
                other => other,
            };
            Ok(Typed::new(
                ValueSource::Printed(of, printed),
                FieldType::Text,
            ))
        }
    }
}

fn extreme(
    compiler: &mut Compiler,
    name: &str,
    arguments: &[Operand],
) -> Result<Typed, FilterError> {
    let mut sources = Vec::with_capacity(arguments.len());
    let mut kind = None;
    for argument in arguments {
        let typed = compiler.operand(argument, None)?;
        let first = *kind.get_or_insert(typed.kind);
        let both_numbers = first.is_number() && typed.kind.is_number();
        let both_spans = first == FieldType::Span && typed.kind == FieldType::Span;
        if !both_numbers && !both_spans {
            let message = format!("{name}() takes numbers, or times in seconds, all of one kind");
            return Err(FilterError::at(argument.span, message));
        }
        sources.push(typed.source);
    }
    let order = if name == "max" {
        Ordering::Greater
    } else {
        Ordering::Less
    };
    let kind = kind.map_or(COUNT, |kind| {
        if kind.is_number() {
            super::compile::RESULT
        } else {
            kind
        }
    });
    Ok(Typed::new(ValueSource::Extreme(sources, order), kind))
}

#[cfg(test)]
mod tests {
    use crate::filter::{Filter, FilterOptions};

    #[test]
    fn wrong_calls_say_what_is_wrong_and_where() {
        for (filter, place, message) in [
            (
                "lenn(reglogin.user) == 3",
                "lenn",
                "no function is called \"lenn\"; did you mean \"len\"?",
            ),
            (
                "len(reglogin.user, reglogin.user) == 3",
                "len",
                "len() takes one argument",
            ),
            (
                "len(tcp.port) == 3",
                "tcp.port",
                "len() takes text or bytes, and this is a ",
            ),
            (
                "upper(tcp.port) == \"A\"",
                "tcp.port",
                "upper() takes text, and this is a ",
            ),
            (
                "abs(reglogin.user) == 3",
                "reglogin.user",
                "abs() takes numbers, and this is a ",
            ),
            (
                "string(reglogin.user) == \"a\"",
                "reglogin.user",
                "string() takes a number, an address or a time, and this is a ",
            ),
            (
                "max(tcp.port, reglogin.user) == 3",
                "reglogin.user",
                "max() takes numbers, or times in seconds, all of one kind",
            ),
        ] {
            let error = Filter::parse(filter, FilterOptions::default()).unwrap_err();
            assert!(error.message().starts_with(message), "{filter}: {error}");
            let marked = &filter[error.place()];
            assert!(marked.starts_with(place), "{filter}: {error}");
        }
    }

    #[test]
    fn right_calls_are_right() {
        for filter in [
            "len(reglogin.user) == 3",
            "count(reglogin) > 1",
            "lower(reglogin.user) == \"alice\"",
            "abs(reglogin.time) > 0.5",
            "string(tcp.port) matches \"^88\"",
            "string(ip.src) contains \"127\"",
            "max(tcp.srcport, tcp.dstport) == 8888",
            "min(reglogin.time, frame.time_delta) < 1",
        ] {
            let parsed = Filter::parse(filter, FilterOptions::default());
            assert!(parsed.is_ok(), "{filter}: {}", parsed.unwrap_err());
        }
    }
}
