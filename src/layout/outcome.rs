//! What a response says of its request: the names of the values of a field with the role `outcome`.

use super::model::{Field, Type};

/// What a response says of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Said {
    /// The request succeeded.
    Success,
    /// It did not.
    Failure,
    /// Neither: the value has no name that tells.
    Unclear,
}

impl Said {
    /// As filters and the plugin have it; `None` if it is neither.
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
    /// What a value of this field says, of which these are the bytes.
    #[must_use]
    pub fn said(&self, bytes: &[u8]) -> Said {
        let value = self.integer().and_then(|integer| integer.read(bytes));
        value.map_or(Said::Unclear, |value| self.says(value))
    }

    /// What this value of this field says.
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
