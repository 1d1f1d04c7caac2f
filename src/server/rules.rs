//! Which passwords may be chosen: a least length, and none of a list.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::words;
use crate::protocol::Password;

/// Rules for passwords that users choose. Existing passwords are not checked.
#[derive(Default)]
pub struct PasswordRules {
    /// The least number of characters; of bytes if it is not UTF-8.
    pub least: usize,
    /// Refused whatever their case.
    blocked: HashSet<String>,
}

impl PasswordRules {
    /// Passwords have at least `least` characters, and are on no line of the file `blocklist`.
    pub fn new(least: usize, blocklist: Option<&Path>) -> io::Result<Self> {
        let mut blocked = HashSet::new();
        if let Some(path) = blocklist {
            let text = std::fs::read(path)?;
            let text = String::from_utf8_lossy(&text);
            let lines = text.lines().filter(|line| !line.is_empty());
            blocked.extend(lines.map(str::to_lowercase));
        }
        Ok(Self { least, blocked })
    }

    /// Why a password cannot be chosen.
    pub fn judge(&self, password: &Password) -> Result<(), Cow<'static, str>> {
        let octets = password.expose();
        let text = std::str::from_utf8(octets);
        let length = text.map_or(octets.len(), |text| text.chars().count());
        if length < self.least {
            return Err(words::too_short(self.least).into());
        }
        if !self.blocked.is_empty() {
            let lower = text.map(str::to_lowercase).map(zeroize::Zeroizing::new);
            if lower.is_ok_and(|lower| self.blocked.contains(&*lower)) {
                return Err(words::PASSWORD_TOO_COMMON.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_common_passwords_are_refused_with_the_reason() {
        let list = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(list.path(), "Password1\n\nletmein99\n").unwrap();
        let rules = PasswordRules::new(8, Some(list.path())).unwrap();
        let judge = |text: &str| rules.judge(&Password::new(text).unwrap());
        assert!(judge("short").unwrap_err().contains("at least 8"));
        assert!(
            judge("\u{e4}\u{e4}\u{e4}\u{e4}").is_err(),
            "characters, not bytes"
        );
        assert_eq!(judge("pAssword1").unwrap_err(), words::PASSWORD_TOO_COMMON);
        assert_eq!(judge("something else"), Ok(()));
        assert_eq!(
            PasswordRules::default().judge(&Password::new("x").unwrap()),
            Ok(())
        );
    }
}
