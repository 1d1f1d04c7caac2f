//! The outcome that a response reports, from the names of the values of its field with the role `outcome`.

use super::model::{Field, Type};

/// The outcome that a response reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Said {
    /// The request succeeded.
    Success,
    /// The request failed.
    Failure,
    /// Neither: the value has no name that shows it.
    Unclear,
}

impl Said {
    /// Its name in filters and in the plugin; `None` if it is unclear.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Success => Some("success"),
            Self::Failure => Some("failure"),
            Self::Unclear => None,
        }
    }
}

impl Field {
    /// The outcome for the bytes of this field's value.
    #[must_use]
    pub fn said(&self, bytes: &[u8]) -> Said {
        let value = self.integer().and_then(|integer| integer.read(bytes));
        value.map_or(Said::Unclear, |value| self.says(value))
    }

    /// The outcome for a value of this field.
    #[must_use]
    pub fn says(&self, value: i128) -> Said {
        let Type::Integer(_, names) = &self.ty else {
            return Said::Unclear;
        };
        let Some((_, name)) = names.iter().find(|(known, _)| *known == value) else {
            return Said::Unclear;
        };
        let called = |words: &[&str]| {
            let is = |name: &str| words.iter().any(|word| name.eq_ignore_ascii_case(word));
            names.iter().find(|(_, name)| is(name))
        };
        let success = called(&["success"]).or_else(|| called(&["ok", "accepted"]));
        match success {
            Some((success, _)) if *success == value => Said::Success,
            Some(_) => Said::Failure,
            None if name.eq_ignore_ascii_case("failure") => Said::Failure,
            None => Said::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::parse;

    #[test]
    fn names_tell_success_from_failure() {
        use Said::{Failure, Success, Unclear};
        for (names, said) in [
            ("0 failure, 1 success", [Failure, Success, Unclear]),
            ("0 ok, 1 refused", [Success, Failure, Unclear]),
            ("0 refused, 2 Accepted", [Failure, Unclear, Success]),
            ("0 OK, 1 success, 2 no", [Failure, Success, Failure]),
            ("1 failure, 2 later", [Unclear, Failure, Unclear]),
            ("0 yes, 1 no", [Unclear, Unclear, Unclear]),
        ] {
            let file = format!(
                "name = \"A\"\n[layout]\nheader = [\"k: u8 = kind\", \"code: u8 {{{names}}} = outcome\"]\n[kind]\n1 = {{ name = \"a\" }}\n"
            );
            let layout = parse(&file).expect("it is right");
            let field = &layout.header().fields[1];
            assert_eq!([0, 1, 2].map(|value| field.says(value)), said, "{names}");
        }
    }
}
