//! Makes the Wireshark plugin for RegLogin: a Lua table with data from the layout table, the commands and the notes, and the
//! code in `lua/`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::bounds::bounds;
use super::packet_layout::packet_layout;
use super::plugin_notes::{character_key, notes};
use super::rules::{named, rules, smpp};
use super::text_rules::text_rules;
use crate::dissect::proxy::{
    PROXY_V1_MAX_LEN, PROXY_V1_START, PROXY_V2_FOR_CLIENT, PROXY_V2_HEADER_LEN, PROXY_V2_PORTS,
    PROXY_V2_START, PROXY_V2_VERSION, PROXY_V2_WIDTHS,
};
use crate::dissect::reglogin::HELD;
use crate::protocol::layout::{
    DEFAULT_PORT, FIELDS, FILTER_PREFIX, FieldKind, HEADER_LEN, MAX_LEN, MessageKind,
    PROTOCOL_NAME, STATUS_FAILURE, STATUS_SUCCESS,
};
use crate::protocol::{Action, Command, Field, spaces, unregistrable_runs};

/// File name of the installed plugin.
pub const FILE_NAME: &str = "authscope-reglogin.lua";

/// The first line of a plugin, by which [`install`](super::install) recognises its files.
pub const FIRST_LINE: &str =
    "-- RegLogin dissector for Wireshark, written by `authscope wireshark plugin`.";

/// The parts of the code. Each uses only those before it.
const PARTS: [&str; 18] = [
    include_str!("lua/tcp.lua"),
    include_str!("lua/octets.lua"),
    include_str!("lua/named.lua"),
    include_str!("lua/identify.lua"),
    include_str!("lua/proxy.lua"),
    include_str!("lua/framing.lua"),
    include_str!("lua/judge.lua"),
    include_str!("lua/secret.lua"),
    include_str!("lua/pairing.lua"),
    include_str!("lua/exchange.lua"),
    include_str!("lua/connect.lua"),
    include_str!("lua/flow.lua"),
    include_str!("lua/tls.lua"),
    include_str!("lua/frame.lua"),
    include_str!("lua/message.lua"),
    include_str!("lua/show.lua"),
    include_str!("lua/segment.lua"),
    include_str!("lua/register.lua"),
];

/// The first lines of a plugin.
pub(super) fn preamble() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "{FIRST_LINE}\n-- Made by authscope {version}; changes are lost when it is installed again.\n\n\
         set_plugin_info({{ version = {}, author = \"Authscope\" }})\n",
        quote(version),
    )
}

/// The plugin's text.
#[must_use]
pub fn plugin() -> String {
    let mut lua = preamble();
    let _ = write!(
        lua,
        "local reglogin = Proto({}, {})\n\n-- The layout of the messages, and the words for what they say.\nlocal L = {{\n",
        quote(FILTER_PREFIX),
        quote(PROTOCOL_NAME),
    );
    table(&mut lua);
    lua.push_str("}\n\n-- What the parts below share.\nlocal R = {}\n");
    for part in PARTS {
        lua.push('\n');
        lua.push_str(part);
    }
    lua
}

/// A string as Lua source.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_ascii_control() => {
                let _ = write!(quoted, "\\{:03}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn table(lua: &mut String) {
    let _ = writeln!(
        lua,
        "  name = {}, prefix = {}, port = {DEFAULT_PORT}, header_len = {HEADER_LEN}, max_len = {MAX_LEN}, held = {HELD},",
        quote(PROTOCOL_NAME),
        quote(FILTER_PREFIX),
    );
    lua.push_str("  fields = {\n");
    for field in FIELDS {
        let _ = writeln!(lua, "    {},", field_entry(field));
    }
    lua.push_str("  },\n  kinds = {\n");
    for kind in [MessageKind::Request, MessageKind::Response] {
        let name = kind.name();
        let _ = writeln!(
            lua,
            "    {name} = {{ name = \"{name}\", len = {}, fields = {{ {} }} }},",
            kind.len(),
            keys(kind.fields()),
        );
    }
    let header: Vec<&Field> = FIELDS
        .into_iter()
        .filter(|field| field.end() <= HEADER_LEN)
        .collect();
    let _ = writeln!(lua, "  }},\n  header_fields = {{ {} }},", keys(&header));
    lua.push_str("  commands = {\n");
    for command in Command::KNOWN {
        if let (Some(kind), Some(action)) = (command.kind(), command.action()) {
            let _ = writeln!(
                lua,
                "    [{}] = {{ name = {}, title = {}, kind = \"{}\", action = {}, registers = {} }},",
                command.code(),
                quote(command.name()),
                quote(command.title()),
                kind.name(),
                quote(Action::noun(action)),
                action == Action::Register,
            );
        }
    }
    let _ = writeln!(
        lua,
        "  }},\n  statuses = {{ [{STATUS_SUCCESS}] = \"success\", [{STATUS_FAILURE}] = \"failure\" }},"
    );
    lua.push_str("  notes = {\n");
    for note in notes() {
        let _ = writeln!(lua, "    {},", note.entry());
    }
    lua.push_str("  },\n");
    unregistrable(lua);
    smpp(lua);
    bounds(lua);
    rules(lua);
    named(lua);
    packet_layout(lua);
    text_rules(lua);
    proxy(lua);
}

/// Appends the table `proxy`: the constants of PROXY protocol headers.
fn proxy(lua: &mut String) {
    let starts: Vec<String> = [PROXY_V1_START, PROXY_V2_START].map(quote_octets).into();
    let _ = writeln!(
        lua,
        "  proxy = {{ starts = {{ {} }}, max_len = {PROXY_V1_MAX_LEN}, header_len = {PROXY_V2_HEADER_LEN},\n    \
         version = {PROXY_V2_VERSION}, for_client = {PROXY_V2_FOR_CLIENT}, widths = {{ {} }}, ports = {PROXY_V2_PORTS} }},",
        starts.join(", "),
        PROXY_V2_WIDTHS
            .map(|(family, width)| format!("[{family}] = {width}"))
            .join(", "),
    );
}

/// Appends the table `unregistrable`: the first and the last code point of each run of characters that are not allowed in
/// new user names, by the key of the note; and the table `spaces`.
fn unregistrable(lua: &mut String) {
    let mut by_words: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for &(first, last, words) in unregistrable_runs() {
        let run = format!("{}, {}", u32::from(first), u32::from(last));
        by_words.entry(words).or_default().push(run);
    }
    lua.push_str("  unregistrable = {\n");
    for (words, runs) in by_words {
        let _ = writeln!(lua, "    {} = {{", character_key(words));
        for runs in runs.chunks(8) {
            let _ = writeln!(lua, "      {},", runs.join(", "));
        }
        lua.push_str("    },\n");
    }
    let spaces: Vec<String> = spaces()
        .iter()
        .map(|space| format!("[{}] = true", u32::from(*space)))
        .collect();
    let _ = writeln!(lua, "  }},\n  spaces = {{ {} }},", spaces.join(", "));
}

/// Bytes as a string in Lua source. They must be UTF-8.
pub(super) fn quote_octets(octets: &[u8]) -> String {
    quote(&String::from_utf8_lossy(octets))
}

fn keys(fields: &[&Field]) -> String {
    let keys: Vec<String> = fields.iter().map(|field| quote(field.key)).collect();
    keys.join(", ")
}

fn field_entry(field: &Field) -> String {
    let kind = match field.kind {
        FieldKind::U8 => "u8",
        FieldKind::U32 => "u32",
        FieldKind::Text => "text",
    };
    format!(
        "{key} = {{ key = \"{key}\", label = {label}, meaning = {meaning}, offset = {offset}, width = {width}, kind = \"{kind}\" }}",
        key = field.key,
        label = quote(field.label),
        meaning = quote(field.meaning),
        offset = field.offset,
        width = field.width,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_holds_the_layout_table() {
        let lua = plugin();
        assert!(lua.starts_with(FIRST_LINE));
        for field in FIELDS {
            assert!(lua.contains(&field_entry(field)), "{}", field.key);
        }
    }

    #[test]
    fn strings_are_quoted() {
        assert_eq!(quote("a\"b\\c\n"), r#""a\"b\\c\010""#);
    }
}
