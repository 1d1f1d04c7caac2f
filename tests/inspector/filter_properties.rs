//! Properties of any filter text and of any filter.

#[allow(dead_code)]
use authscope::filter::{Filter, FilterOptions, fields};
use proptest::prelude::*;

const SHOWN: FilterOptions = FilterOptions {
    show_passwords: true,
};

/// Parts of filters, right and wrong, in any order.
fn scrap() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "and",
        "or",
        "not",
        "in",
        "any",
        "all",
        "==",
        "!=",
        "===",
        "~=",
        "<",
        ">=",
        "contains",
        "matches",
        "&",
        "+",
        "-",
        "*",
        "(",
        ")",
        "{",
        "}",
        "[0:4]",
        "[-1]",
        ",",
        "..",
        "tcp",
        "tcp.port",
        "ip.addr",
        "reglogin.username",
        "frame.time",
        "len(",
        "\"a\"",
        "r\"\\d\"",
        "'x'",
        "10.0.0.0/8",
        "::1",
        "0x1f",
        "1.5",
        "61:62",
        "\"",
        "\\",
        "ä",
        "2024-01-15",
    ]);
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

fn number() -> impl Strategy<Value = String> {
    any::<u16>().prop_flat_map(|n| {
        prop::sample::select(vec![n.to_string(), format!("{n:#x}"), format!("{n:#b}")])
    })
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| {
        let plain = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{plain}\"")
    })
}

fn comparison() -> impl Strategy<Value = String> {
    let numeric = prop::sample::select(vec!["tcp.port", "tcp.srcport", "ip.id", "tcp.flags"]);
    let operator = prop::sample::select(vec![
        "==", "eq", "!=", "~=", "===", "!==", "<", "le", ">", "ge", "any_ne", "all_eq",
    ]);
    let quantifier = prop::sample::select(vec!["", "any ", "all "]);
    let numbers = (quantifier, numeric.clone(), operator, number());
    let octets = prop::sample::select(vec![
        "tcp.payload",
        "tcp.payload[0:4]",
        "frame[2-5,7]",
        "reglogin.username",
        "lower(reglogin.username)",
    ]);
    let search = prop::sample::select(vec!["contains", "==", ">"]);
    prop_oneof![
        numbers.prop_map(|(quantifier, field, operator, number)| {
            format!("{quantifier}{field} {operator} {number}")
        }),
        (octets, search, text()).prop_map(|(a, b, c)| format!("{a} {b} {c}")),
        (numeric.clone(), number(), number())
            .prop_map(|(f, a, b)| format!("{f} in {{{a}, {a}..{b}}}")),
        (numeric.clone(), number()).prop_map(|(f, n)| format!("{f} & {n}")),
        (numeric, number(), number()).prop_map(|(f, a, b)| format!("{f} + {a} * 2 == {b}")),
        prop::sample::select(
            fields()
                .iter()
                .map(|field| field.name.to_string())
                .collect::<Vec<_>>()
        ),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    comparison().prop_recursive(5, 40, 4, |inner| {
        let word = prop::sample::select(vec![" and ", " or ", "&&", "||"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 1..4), word)
                .prop_map(|(parts, word)| parts.join(word)),
            inner.clone().prop_map(|part| format!("({part})")),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_scraps_are_a_filter_or_an_error_with_a_place(text in scrap()) {
        crate::checks::filter(&text);
    }

    #[test]
    fn a_filter_that_is_printed_and_read_again_is_the_same(text in filter()) {
        prop_assert!(Filter::parse(&text, SHOWN).is_ok(), "{text}");
        crate::checks::filter(&text);
    }
}
