//! User names: which names requests and the passwd file can contain, and which can be registered.

use std::fmt;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::layout::USER_NAME;
use super::text::{CONTROL, TextError, check_length, first_control};

const WHAT: &str = "user name";

/// A user name: 1 to 20 bytes of UTF-8 without control characters and `:`, and without a space at either end.
///
/// A login can use any such name, and the passwd file can contain it. Registration has more rules:
/// [`UserName::registrable`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(String);

impl UserName {
    /// Checks `name` against the rules of the wire format and of the passwd file.
    ///
    /// # Errors
    ///
    /// The first rule that the name violates.
    pub fn new(name: impl Into<String>) -> Result<Self, TextError> {
        let name = name.into();
        Self::check(&name)?;
        Ok(Self(name))
    }

    /// Whether a name can be in a request and in the passwd file.
    pub(crate) fn check(name: &str) -> Result<(), TextError> {
        let octets = name.as_bytes();
        check_length(WHAT, &USER_NAME, octets.len())?;
        let plain = |octet: &u8| matches!(octet, 0x20..=0x7e) && *octet != b':';
        let spaced = octets.starts_with(b" ") || octets.ends_with(b" ");
        if !spaced && octets.iter().all(plain) {
            // As nearly all names are.
            return Ok(());
        }
        match refusals(octets).next() {
            Some((found, offset)) => Err(bad(found, offset)),
            None => Ok(()),
        }
    }

    /// Checks bytes from the wire.
    ///
    /// # Errors
    ///
    /// If they are not UTF-8, otherwise as for [`new`](Self::new).
    pub fn from_octets(octets: &[u8]) -> Result<Self, TextError> {
        let name = std::str::from_utf8(octets).map_err(|error| TextError::NotUtf8 {
            what: WHAT,
            offset: error.valid_up_to(),
        })?;
        Self::new(name)
    }

    /// The name as registration stores it: in NFC (Unicode Standard Annex 15). It may contain only characters that RFC
    /// 8264's FreeformClass allows and that are not format characters, and no kind of space at either end, so that no
    /// two names differ only in invisible characters. Spaces inside and symbols are allowed. Contextual rules are not
    /// applied.
    ///
    /// # Errors
    ///
    /// If the name cannot be registered, or is too long in NFC.
    pub fn registrable(&self) -> Result<Self, TextError> {
        // Checked before normalisation, so that the offset is that in the name as sent.
        if let Some((offset, found)) = unregistrable(&self.0) {
            return Err(bad(found, offset));
        }
        let space = |c: char| c.general_category() == GeneralCategory::SpaceSeparator;
        if self.0.starts_with(space) {
            return Err(bad("a leading space", 0));
        }
        if self.0.ends_with(space) {
            return Err(bad(
                "a trailing space",
                self.0.trim_end_matches(space).len(),
            ));
        }
        let composed: String = self.0.nfc().collect();
        if composed.len() > USER_NAME.width {
            return Err(TextError::TooLongInNfc {
                what: WHAT,
                composed: composed.len(),
                limit: USER_NAME.width,
            });
        }
        Self::new(composed)
    }

    /// The name in NFC; `None` if it is then no valid name for a request.
    #[must_use]
    pub fn composed(&self) -> Option<Self> {
        if self.0.is_ascii() {
            // ASCII is always in NFC.
            return Some(self.clone());
        }
        Self::new(self.0.nfc().collect::<String>()).ok()
    }

    /// The name for a terminal: characters that cannot be registered are escaped, as in `\u{202e}`, and backslashes are
    /// doubled.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = String::with_capacity(self.0.len());
        for character in self.0.chars() {
            if character == '\\' || refusal(character).is_some() {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        shown
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The violations of the rules of the wire format and of the passwd file, each with its offset in bytes.
pub(super) fn refusals(name: &[u8]) -> impl Iterator<Item = (&'static str, usize)> {
    let first = |octet| memchr::memchr(octet, name);
    let colon = first(b':').map(|at| ("a colon", at));
    let nul = first(b'\0').map(|at| ("a NUL", at));
    let control = first_control(name).filter(|_| nul.is_none());
    let control = control.map(|at| (CONTROL, at));
    let leading = name.starts_with(b" ").then_some(("a leading space", 0));
    let trailing = name.ends_with(b" ");
    let trailing = trailing.then(|| ("a trailing space", name.len() - 1));
    [colon, nul, control, leading, trailing]
        .into_iter()
        .flatten()
}

const fn bad(found: &'static str, offset: usize) -> TextError {
    TextError::Character {
        what: WHAT,
        found,
        offset,
    }
}

/// Offset in bytes and description of the first character that cannot be registered.
fn unregistrable(name: &str) -> Option<(usize, &'static str)> {
    if name.bytes().all(|octet| matches!(octet, 0x20..=0x7e)) {
        return None;
    }
    name.char_indices()
        .find_map(|(offset, character)| Some((offset, refusal(character)?)))
}

/// All characters that cannot be registered, in order, as runs.
#[must_use]
pub fn unregistrable_runs() -> &'static [Run] {
    // Computed once, because it checks every code point.
    static RUNS: LazyLock<Vec<Run>> = LazyLock::new(find_runs);
    &RUNS
}

/// First and last character of a run, and a description of its characters.
type Run = (char, char, &'static str);

fn find_runs() -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    // The range does not include surrogates.
    for character in '\0'..=char::MAX {
        let Some(found) = refusal(character) else {
            continue;
        };
        match runs.last_mut() {
            Some((_, last, words)) if *words == found && next(*last) == Some(character) => {
                *last = character;
            }
            _ => runs.push((character, character, found)),
        }
    }
    runs
}

fn next(character: char) -> Option<char> {
    (character..=char::MAX).nth(1)
}

/// All kinds of spaces (general category Zs), with which no registered name can begin or end.
#[must_use]
pub fn spaces() -> &'static [char] {
    static SPACES: LazyLock<Vec<char>> = LazyLock::new(|| {
        let space = |c: &char| c.general_category() == GeneralCategory::SpaceSeparator;
        ('\0'..=char::MAX).filter(space).collect()
    });
    &SPACES
}

/// The reason if RFC 8264 section 4.3 does not allow a character. ZERO WIDTH JOINER and NON-JOINER, which it allows in
/// some contexts, are treated as format characters.
fn refusal(character: char) -> Option<&'static str> {
    match character {
        // Old Hangul letters (section 9.9).
        '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7fb}' => {
            return Some("an old Hangul letter");
        }
        // Default ignorable characters (section 9.13) that their general category does not exclude.
        '\u{34f}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}'
        | '\u{e0100}'..='\u{e01ef}' => return Some("an invisible character"),
        _ => {}
    }
    match character.general_category() {
        GeneralCategory::Control => Some("a control character"),
        GeneralCategory::Format => Some("a format character"),
        GeneralCategory::Unassigned => Some("an unassigned character"),
        GeneralCategory::PrivateUse => Some("a private-use character"),
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => {
            Some("a line separator")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn user_names_are_counted_in_octets() {
        assert!(UserName::new("é".repeat(10)).is_ok());
        assert_eq!(
            UserName::new("é".repeat(11)),
            Err(TextError::TooLong {
                what: "user name",
                given: 22,
                limit: 20
            })
        );
    }

    #[test]
    fn user_names_keep_the_passwd_file_and_the_terminal_safe() {
        for bad in ["", "a:b", " a", "a ", "a\tb", "a\u{85}b", "a\0"] {
            assert!(UserName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "a b", "naïve", "0000", "名前"] {
            let name = UserName::new(good).unwrap();
            assert_eq!(name.registrable(), Ok(name));
        }
    }

    #[test]
    fn what_looks_like_another_name_cannot_be_registered() {
        for (look_alike, found) in [
            ("ali\u{200b}ce", "a format character"),
            ("ali\u{200d}ce", "a format character"),
            ("\u{202e}ecila", "a format character"),
            ("ali\u{ad}ce", "a format character"),
            ("\u{feff}alice", "a format character"),
            ("ali\u{34f}ce", "an invisible character"),
            ("alice\u{fe0f}", "an invisible character"),
            ("ali\u{3164}ce", "an invisible character"),
            ("ali\u{115f}ce", "an old Hangul letter"),
            ("ali\u{378}ce", "an unassigned character"),
            ("ali\u{fdd0}ce", "an unassigned character"),
            ("ali\u{e000}ce", "a private-use character"),
            ("ali\u{2028}ce", "a line separator"),
            ("\u{3000}alice", "a leading space"),
            ("alice\u{a0}", "a trailing space"),
        ] {
            // It can still be stored and used for logins.
            let name = UserName::new(look_alike).unwrap();
            let refused = name.registrable().unwrap_err();
            assert!(refused.to_string().contains(found), "{refused}");
        }
        for good in [
            "a—b",
            "☺",
            "Ⅸ",
            "½",
            "x²",
            "日本 語",
            "مرحبا",
            "नमस्ते",
            "₿uck",
            "ｆｕｌｌ",
        ] {
            let name = UserName::new(good).unwrap();
            assert_eq!(name.registrable(), Ok(name));
        }
    }

    #[test]
    fn the_runs_are_what_is_refused_and_nothing_else() {
        let mut runs = unregistrable_runs().iter().peekable();
        for character in '\0'..=char::MAX {
            while runs.peek().is_some_and(|(_, last, _)| *last < character) {
                runs.next();
            }
            let in_run = runs.peek().filter(|(first, ..)| *first <= character);
            assert_eq!(in_run.map(|(.., found)| *found), refusal(character));
        }
        assert!(spaces().contains(&'\u{3000}') && spaces().contains(&' '));
    }

    #[test]
    fn names_are_registered_in_nfc() {
        let decomposed = UserName::new("e\u{301}ric").unwrap();
        assert_eq!(decomposed.registrable().unwrap().as_str(), "éric");
        assert_eq!(decomposed.composed().unwrap().as_str(), "éric");
        // U+FB2C is one of the few characters that NFC decomposes: 3 bytes become 6.
        let growing = UserName::new("\u{fb2c}".repeat(6)).unwrap();
        assert_eq!(
            growing.registrable(),
            Err(TextError::TooLongInNfc {
                what: "user name",
                composed: 36,
                limit: 20
            })
        );
        assert_eq!(growing.composed(), None);
    }

    #[test]
    fn what_is_shown_is_visible() {
        for (name, shown) in [
            ("naïve 名前", "naïve 名前"),
            ("\u{202e}ecila", "\\u{202e}ecila"),
            ("a\\b", "a\\\\b"),
        ] {
            assert_eq!(UserName::new(name).unwrap().shown(), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_registered_stays_as_it_is(name in "\\PC{1,8}") {
            let Ok(name) = UserName::new(name) else { return Ok(()) };
            if let Ok(registered) = name.registrable() {
                prop_assert_eq!(registered.registrable(), Ok(registered.clone()));
                prop_assert_eq!(name.composed(), Some(registered));
            }
        }

        /// Whatever is wrong with a name, a response's description can contain the reason.
        #[test]
        fn every_refusal_fits_a_description(name in "\\PC{1,8}|.{1,20}") {
            let refused = UserName::new(name).and_then(|name| name.registrable());
            match refused {
                // A request cannot contain that many bytes.
                Ok(_) | Err(TextError::TooLong { .. }) => {}
                Err(error) => {
                    let words = error.to_string();
                    let whole = crate::protocol::Description::cut(&words);
                    prop_assert_eq!(whole.as_str(), &words);
                }
            }
        }
    }
}
