//! Prints the rules that are tables for a plugin: each row with the names of its conditions and results.

use std::fmt::{Debug, Write as _};

use super::plugin::{quote, quote_octets};
use crate::dissect::named::{LEAST_METHOD, Mark, NAMED};
use crate::dissect::reglogin::evidence::LENGTH_ZEROS;
use crate::dissect::reglogin::rules::{
    BODIES, EXTENTS, FITTING, RIGHT_HEADER, SIZES, UNEXPECTED, WRONG_HEADER, Worth,
};
use crate::dissect::smpp::{
    SMPP_HEADER_LEN, SMPP_LENGTHS, SMPP_RESPONSE, SMPP_SEQUENCES, SMPP_VENDOR, smpp_command,
};
use crate::dissect::tls::{TLS_HEADER_LEN, TLS_MAJOR, TLS_MAX_MINOR, TLS_MAX_RECORD, TLS_TYPES};
use crate::protocol::layout::MessageKind;
use crate::protocol::rules::{Content, HEADER_FAULTS, STRICT, TEXT_FAULTS, UNFILLED, ZERO_FILLING};

/// Appends the table `rules`: what a strictly valid message is, faults, extents, and evidence.
pub(super) fn rules(lua: &mut String) {
    lua.push_str("  rules = {\n    strict = {\n");
    for kind in [MessageKind::Request, MessageKind::Response] {
        let rows = STRICT
            .iter()
            .filter(|(field, _)| kind.fields().contains(field))
            .map(|(field, content)| match content {
                Content::AtMost(most) => format!("{{ {}, \"at_most\", {most} }}", quote(field.key)),
                other => format!("{{ {}, {} }}", quote(field.key), word(other)),
            });
        let _ = writeln!(lua, "      {} = {},", kind.name(), list(rows));
    }
    lua.push_str("    },\n");
    table(
        lua,
        "header_faults",
        HEADER_FAULTS.iter().map(|(command, length, faults)| {
            let faults = list(faults.iter().map(word));
            format!("{{ {}, {}, {faults} }}", word(command), word(length))
        }),
    );
    table(
        lua,
        "text_faults",
        TEXT_FAULTS.iter().map(|(fault, fields)| {
            let fields = fields.iter().map(|field| format!("{} = true", field.key));
            format!("{{ {}, {} }}", word(fault), list(fields))
        }),
    );
    table(
        lua,
        "extents",
        EXTENTS
            .iter()
            .map(|(form, taken)| format!("{{ {}, {} }}", word(form), word(taken))),
    );
    table(
        lua,
        "wrong_header",
        WRONG_HEADER.iter().map(|(form, looks)| {
            let looks = list(looks.iter().map(word));
            format!("{{ {}, {looks} }}", word(form))
        }),
    );
    worths(lua, "right_header", &RIGHT_HEADER);
    worths(lua, "sizes", &SIZES);
    worths(lua, "bodies", &BODIES);
    worths(lua, "fitting", &FITTING);
    worths(lua, "unexpected", &UNEXPECTED);
    let _ = writeln!(
        lua,
        "    zero_filling = {}, unfilled = {UNFILLED}, length_zeros = {LENGTH_ZEROS},\n  }},",
        quote_octets(ZERO_FILLING),
    );
}

/// Appends the table `smpp`: the valid values of an SMPP header (SMPP 3.4 section 5.1).
pub(super) fn smpp(lua: &mut String) {
    let range = |start: &u32, end: &u32| format!("{{ {start:#x}, {end:#x} }}");
    let _ = writeln!(
        lua,
        "  smpp = {{\n    header_len = {SMPP_HEADER_LEN}, lengths = {}, sequences = {}, response = {SMPP_RESPONSE:#x}, vendor = {},\n    commands = {{",
        range(SMPP_LENGTHS.start(), SMPP_LENGTHS.end()),
        range(SMPP_SEQUENCES.start(), SMPP_SEQUENCES.end()),
        range(SMPP_VENDOR.start(), SMPP_VENDOR.end()),
    );
    for id in smpp_commands() {
        let _ = writeln!(lua, "      [{id:#010x}] = true,");
    }
    lua.push_str("    },\n  },\n");
}

/// Appends the table `named`: how streams of other known protocols begin.
pub(super) fn named(lua: &mut String) {
    lua.push_str("  named = {\n");
    for (protocol, marks) in &NAMED {
        let marks = marks.iter().map(|mark| match mark {
            Mark::TlsRecord => "{ tls_record = true }".to_owned(),
            Mark::Starts(starts) => {
                let starts = list(starts.iter().map(|start| quote_octets(start)));
                format!("{{ starts = {starts} }}")
            }
            Mark::RequestLine(version) => format!("{{ request_line = {} }}", quote_octets(version)),
        });
        let name = quote(protocol.filter_name());
        let _ = writeln!(lua, "    {{ name = {name}, marks = {} }},", list(marks));
    }
    let _ = writeln!(
        lua,
        "  }},\n  least_method = {LEAST_METHOD},\n  tls_record = {{ header_len = {TLS_HEADER_LEN}, types = {{ {}, {} }}, major = {TLS_MAJOR}, max_minor = {TLS_MAX_MINOR}, max_len = {TLS_MAX_RECORD} }},",
        TLS_TYPES.start(),
        TLS_TYPES.end(),
    );
}

/// All command_ids of SMPP. Without the response bit none is above 0x1ff.
fn smpp_commands() -> impl Iterator<Item = u32> {
    (0..0x200)
        .flat_map(|id| [id, id | SMPP_RESPONSE])
        .filter(|id| smpp_command(*id).is_some())
}

fn worths<T: Debug>(lua: &mut String, name: &str, rows: &[(T, Worth)]) {
    let rows = rows.iter().map(|(asked, worth)| {
        format!(
            "{{ {}, {}, {} }}",
            word(asked),
            word(&worth.so_far),
            word(&worth.at_end)
        )
    });
    table(lua, name, rows);
}

fn table(lua: &mut String, name: &str, rows: impl Iterator<Item = String>) {
    let _ = writeln!(lua, "    {name} = {{");
    for row in rows {
        let _ = writeln!(lua, "      {row},");
    }
    lua.push_str("    },\n");
}

fn list(rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() {
        return "{}".to_owned();
    }
    format!("{{ {} }}", rows.join(", "))
}

/// The plugin's name of a condition or result, in quotes: `AtMost` is `"at_most"`.
fn word(of: &impl Debug) -> String {
    let mut word = String::from("\"");
    for character in format!("{of:?}").chars() {
        if character.is_ascii_uppercase() && word.len() > 1 {
            word.push('_');
        }
        word.push(character.to_ascii_lowercase());
    }
    word.push('"');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smpp_has_33_commands() {
        assert_eq!(smpp_commands().count(), 33);
    }

    /// Each condition in a table is a function of that name in the parts.
    #[test]
    fn the_plugin_knows_what_each_rule_asks() {
        let plugin = crate::wireshark::plugin::plugin();
        let (_, parts) = plugin.split_once("local R = {}").unwrap();
        let mut asked = vec!["at_most".to_owned()];
        asked.extend([Content::Filled, Content::NotEmpty].iter().map(word));
        for (_, length, faults) in &HEADER_FAULTS {
            asked.push(word(length));
            asked.extend(faults.iter().map(word));
        }
        asked.extend(TEXT_FAULTS.iter().map(|row| word(&row.0)));
        asked.extend(EXTENTS.iter().map(|row| word(&row.0)));
        for (form, looks) in &WRONG_HEADER {
            asked.push(word(form));
            asked.extend(looks.iter().map(word));
        }
        asked.extend(RIGHT_HEADER.iter().map(|row| word(&row.0)));
        asked.extend(SIZES.iter().map(|row| word(&row.0)));
        asked.extend(BODIES.iter().map(|row| word(&row.0)));
        asked.extend(FITTING.iter().map(|row| word(&row.0)));
        asked.extend(UNEXPECTED.iter().map(|row| word(&row.0)));
        for word in asked {
            let word = word.trim_matches('"');
            let answers = [format!(" {word} = "), format!("[\"{word}\"] = ")];
            let known = answers.iter().any(|answer| parts.contains(answer));
            assert!(known, "the plugin does not know {word}");
        }
    }
}
