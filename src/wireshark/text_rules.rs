//! Prints for a plugin how UTF-8 is read, and the numbers of the rule for passwords.

use std::fmt::Write as _;

use crate::protocol::MAX_SHORT_LENGTH;
use crate::text::secret::{CHARACTERS, DIGITS, FILLINGS, HIDDEN, MASK, OTHER_FILLING};

use super::plugin::{quote, quote_octets};

/// A range of first bytes of UTF-8 characters, the number of bytes that follow, and the range of the first of those.
type Lead = ([u8; 2], usize, [u8; 2]);

/// The first bytes of all characters of more than one byte.
fn leads() -> Vec<Lead> {
    let mut leads: Vec<Lead> = Vec::new();
    for character in '\u{80}'..=char::MAX {
        let mut octets = [0; 4];
        let octets = character.encode_utf8(&mut octets).as_bytes();
        let (first, second, more) = (octets[0], octets[1], octets.len() - 1);
        match leads.last_mut() {
            Some(([_, last], _, [_, high])) if *last == first => *high = second,
            _ => leads.push(([first; 2], more, [second; 2])),
        }
    }
    leads.dedup_by(|next, row| {
        let alike = (next.1, next.2) == (row.1, row.2);
        if alike {
            row.0[1] = next.0[1];
        }
        alike
    });
    leads
}

/// Appends the tables `utf8` and `secret`.
pub(super) fn text_rules(lua: &mut String) {
    let rows: Vec<String> = leads()
        .iter()
        .map(|([first, last], more, [low, high])| {
            format!("{{ {first:#x}, {last:#x}, {more}, {low:#x}, {high:#x} }}")
        })
        .collect();
    let further = [u8::MIN, u8::MAX >> 2].map(|bits| bits | 0x80);
    let fillings = FILLINGS.map(|(octet, run)| format!("[{}] = {run}", quote_octets(&[octet])));
    let _ = writeln!(
        lua,
        "  -- First bytes of characters from one to another, how many follow, what the first of those can be; what further ones can be.
  utf8 = {{
    {},
    further = {{ {:#x}, {:#x} }},
  }},
  -- What stands for a value and for a byte that is hidden; lengths, characters and digits by which a number of a header or a
  -- status is told from text; bytes at a field's end that are taken for filling.
  secret = {{
    mask = {}, hidden = {}, max_length = {MAX_SHORT_LENGTH},
    characters = {{ {:#x}, {:#x} }}, digits = {{ {:#x}, {:#x} }},
    fillings = {{ {} }}, other_filling = {OTHER_FILLING},
  }},",
        rows.join(",\n    "),
        further[0],
        further[1],
        quote(MASK),
        quote_octets(&[HIDDEN]),
        CHARACTERS.start(),
        CHARACTERS.end(),
        DIGITS.start(),
        DIGITS.end(),
        fillings.join(", "),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_are_those_of_the_unicode_standard() {
        // Table 3-7 of the Unicode standard.
        assert_eq!(
            leads(),
            [
                ([0xc2, 0xdf], 1, [0x80, 0xbf]),
                ([0xe0, 0xe0], 2, [0xa0, 0xbf]),
                ([0xe1, 0xec], 2, [0x80, 0xbf]),
                ([0xed, 0xed], 2, [0x80, 0x9f]),
                ([0xee, 0xef], 2, [0x80, 0xbf]),
                ([0xf0, 0xf0], 3, [0x90, 0xbf]),
                ([0xf1, 0xf3], 3, [0x80, 0xbf]),
                ([0xf4, 0xf4], 3, [0x80, 0x8f]),
            ]
        );
    }
}
