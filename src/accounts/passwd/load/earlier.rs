//! Replacements of the earlier format (`:=name:hash`), which can be confused with another user's line: the earlier
//! format overwrote a line's first character with `:`.

use super::super::open::PasswdError;
use crate::protocol::UserName;

/// A replacement of the earlier format, or what it left of another user's line.
struct Replacement {
    line: u64,
    name: String,
    /// Offset of the name in the file.
    place: u64,
    /// The number of a later line of a user of this name.
    later: Option<u64>,
}

/// Those before the first commit line.
#[derive(Default)]
pub struct Earlier(Vec<Replacement>);

/// A fault that prevents a start; lines are numbered from 1.
pub enum Doubt {
    /// The replacement for `name` on `line` may be what is left of the line of `other`.
    Ambiguous {
        line: u64,
        name: String,
        other: String,
    },
    /// `name` has a replacement on the line `first` and a line of its own behind it.
    Twice { line: u64, name: String, first: u64 },
}

impl Earlier {
    /// Notes the replacement on `line` for `name`, which is at offset `place`.
    pub fn add(&mut self, line: u64, name: &str, place: u64) {
        self.0.push(Replacement {
            line,
            name: name.to_owned(),
            place,
            later: None,
        });
    }

    /// Whether the name at `place` is a replacement's, and `line` thus a later line of its user.
    pub fn comes_later(&mut self, place: u64, line: u64) -> bool {
        let replacement = self.0.iter_mut().find(|one| one.place == place);
        if let Some(replacement) = replacement {
            replacement.later.get_or_insert(line);
            return true;
        }
        false
    }

    /// Returns the replacements that may also be what the earlier format left of the line of another
    /// user: one whose name has one character and `=` more at its start. That user's line would be in
    /// the file too, because the earlier format overwrote a line only when its replacement was on disk.
    /// `find` tells where a user's line is.
    pub fn doubts(
        self,
        find: impl Fn(&str) -> Result<Option<u64>, PasswdError>,
    ) -> Result<Vec<Doubt>, PasswdError> {
        let mut doubts = Vec::new();
        for Replacement {
            line, name, later, ..
        } in self.0
        {
            let mut others = (b'!'..=b'~')
                .map(char::from)
                .map(|first| format!("{first}={name}"))
                .filter(|other| UserName::check(other).is_ok());
            let other = others.find_map(|other| match find(&other) {
                Ok(place) => place.map(|_| Ok(other)),
                Err(error) => Some(Err(error)),
            });
            if let Some(other) = other.transpose()? {
                doubts.push(Doubt::Ambiguous { line, name, other });
            } else if let Some(later) = later {
                let (line, first) = (later, line);
                doubts.push(Doubt::Twice { line, name, first });
            }
        }
        Ok(doubts)
    }
}
