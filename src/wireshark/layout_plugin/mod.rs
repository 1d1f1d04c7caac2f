//! Makes a Wireshark plugin for protocols that layout files describe: a Lua table of layouts, and code, of which the parts
//! about streams are shared with the RegLogin plugin.

mod facts;

use std::fmt::Write as _;

use super::bounds::bounds;
use super::names::{Names, Owner};
use super::packet_layout::packet_layout;
use super::plugin::{plugin, preamble, quote};
use super::plugin_notes::notes;
use super::rules::named;
use super::text_rules::text_rules;
use crate::dissect::Note;
use crate::layout::{ENOUGH, EXAMPLE, FaultKind, Layout, parse};

/// The parts of the code. Each uses only those before it.
const PARTS: [&str; 14] = [
    include_str!("../lua/tcp.lua"),
    include_str!("../lua/octets.lua"),
    include_str!("../lua/named.lua"),
    include_str!("../lua/layout/read.lua"),
    include_str!("../lua/layout/recognise.lua"),
    include_str!("../lua/pairing.lua"),
    include_str!("../lua/layout/exchange.lua"),
    include_str!("../lua/connect.lua"),
    include_str!("../lua/layout/streams.lua"),
    include_str!("../lua/tls.lua"),
    include_str!("../lua/frame.lua"),
    include_str!("../lua/message.lua"),
    include_str!("../lua/layout/show.lua"),
    include_str!("../lua/segment.lua"),
];

const REGISTER: &str = include_str!("../lua/register.lua");

/// The notes about streams, by the first part of their keys.
const OF_STREAMS: [&str; 16] = [
    "after_reset",
    "answered_before",
    "conflict",
    "cut_off",
    "gap",
    "given_up",
    "negative_time",
    "no_request",
    "no_time",
    "not_paired",
    "pipelined",
    "reset_cause",
    "reset_ignored",
    "skipped",
    "syn_ignored",
    "unanswered",
];

/// Why no plugin can be made for a layout. The text is a lower-case clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Wireshark already has a protocol with the prefix.
    #[error(
        "the filter prefix `{prefix}` is a protocol's of {whose} already, and one that is registered twice stops \
         Wireshark at its start; set another, such as: prefix = \"{suggestion}\""
    )]
    Taken {
        /// The layout's prefix.
        prefix: String,
        /// Which Wireshark has it, in words.
        whose: &'static str,
        /// A prefix that is free.
        suggestion: String,
    },
    /// Two layouts have the same prefix.
    #[error("two of the layouts have the filter prefix `{0}`; set another in one of them")]
    Twice(String),
}

/// The text of one plugin for these layouts. For RegLogin's own layout alone it is the RegLogin plugin, which knows more.
///
/// # Errors
///
/// If Wireshark, or another of the layouts, already has a prefix.
pub fn plugin_of(layouts: &[Layout], names: &Names) -> Result<String, NameError> {
    for (index, layout) in layouts.iter().enumerate() {
        let prefix = &layout.prefix;
        if layouts[..index].iter().any(|other| other.prefix == *prefix) {
            return Err(NameError::Twice(prefix.clone()));
        }
        if let Some(owner) = names.owner(prefix) {
            return Err(NameError::Taken {
                prefix: prefix.clone(),
                whose: match owner {
                    Owner::Installed => "the Wireshark installed",
                    Owner::Listed => "Wireshark's",
                },
                suggestion: names.free(prefix),
            });
        }
    }
    if let [only] = layouts
        && parse(EXAMPLE)
            .is_ok_and(|own| own.ports == only.ports && own.describes_the_same_as(only))
    {
        return Ok(plugin());
    }
    let mut lua = preamble();
    lua.push_str(
        "\n-- The layouts of the messages, and the words for what they say.\nlocal L = {\n",
    );
    let _ = writeln!(lua, "  enough = {ENOUGH},\n  layouts = {{");
    for layout in layouts {
        facts::table(&mut lua, layout);
    }
    lua.push_str("  },\n");
    bounds(&mut lua);
    named(&mut lua);
    packet_layout(&mut lua);
    text_rules(&mut lua);
    lua.push_str("  notes = {\n");
    for note in notes()
        .iter()
        .filter(|note| OF_STREAMS.contains(&note.kind()))
    {
        let _ = writeln!(lua, "    {},", note.entry());
    }
    for fault in FaultKind::ALL {
        let note = Note::Described {
            fault,
            field: None,
            at: (0, 0),
        };
        let key = fault.key();
        let _ = writeln!(
            lua,
            "    [\"fault.{key}\"] = {{ severity = \"{}\", group = \"{}\", expert = \"{key}\", in_rows = true, text = {} }},",
            note.severity().name(),
            note.group().name(),
            quote(fault.in_words()),
        );
    }
    lua.push_str("  },\n}\n\n-- What the parts below share.\nlocal R = {}\n");
    for part in PARTS.into_iter().chain([REGISTER]) {
        lua.push('\n');
        lua.push_str(part);
    }
    Ok(lua)
}
