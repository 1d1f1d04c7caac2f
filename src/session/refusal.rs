//! What a response says about its request, as far as its status and words tell.

use crate::protocol::layout::DESCRIPTION;

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The server said yes.
    Success,
    /// The server said no.
    Failure(Refusal),
    /// The response has no status, or one that is neither success nor failure.
    Unclear,
    /// No response came.
    Unanswered,
}

impl Outcome {
    /// Whether the server said no.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failure(_))
    }
}

/// Why a server said no, told from the words of its description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// There is no such user.
    UnknownUser,
    /// The password is wrong.
    WrongPassword,
    /// The server could not do its work, whatever was asked.
    Unavailable,
    /// The words do not say, or leave open which of them it is.
    Unsaid,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::UnknownUser,
        Self::WrongPassword,
        Self::Unavailable,
        Self::Unsaid,
    ];

    /// The name that rows have for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown user",
            Self::WrongPassword => "wrong password",
            Self::Unavailable => "unavailable",
            Self::Unsaid => "unsaid",
        }
    }
}

/// Words by which servers say that they do not know a user, in lower case. The first is this
/// project's server's.
const UNKNOWN_USER: [&str; 9] = [
    "no such user",
    "unknown user",
    "user unknown",
    "user not found",
    "not registered",
    "does not exist",
    "doesn't exist",
    "user not exist",
    "no user",
];
/// Words by which servers say that they are in trouble, in lower case. All are this project's
/// server's.
const UNAVAILABLE: [&str; 7] = [
    "busy",
    "try again",
    "shutting down",
    "server error",
    "could not store",
    "outcome unknown",
    "not complete in time",
];
/// A word of every description that is about a password.
const PASSWORD: &str = "password";

impl Refusal {
    /// Reads a description's bytes.
    #[must_use]
    pub fn of(description: &[u8]) -> Self {
        let says = |words: &str| {
            description
                .windows(words.len())
                .any(|part| part.eq_ignore_ascii_case(words.as_bytes()))
        };
        if UNAVAILABLE.iter().any(|words| says(words)) {
            return Self::Unavailable;
        }
        match (UNKNOWN_USER.iter().any(|words| says(words)), says(PASSWORD)) {
            (true, false) => Self::UnknownUser,
            (false, true) if !says("or password") && !says("user") => Self::WrongPassword,
            _ => Self::Unsaid,
        }
    }
}

/// Descriptions of which it was told before: a server says the same few things again and again,
/// and looking for words takes 1,500 instructions.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    known: [Option<(Field, Refusal)>; 8],
    next: usize,
}

/// A description's field as it stood on the wire.
type Field = [u8; DESCRIPTION.width];

impl Refusals {
    /// As [`Refusal::of`], for a description in this field.
    pub fn of(&mut self, field: &[u8], description: &[u8]) -> Refusal {
        let Ok(field) = <&Field>::try_from(field) else {
            return Refusal::of(description);
        };
        let mut known = self.known.iter().flatten();
        if let Some((_, refusal)) = known.find(|(known, _)| known == field) {
            return *refusal;
        }
        let refusal = Refusal::of(description);
        self.known[self.next] = Some((*field, refusal));
        self.next = (self.next + 1) % self.known.len();
        refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::words;

    #[test]
    fn what_came_before_is_told_alike() {
        let mut refusals = Refusals::default();
        for _ in 0..3 {
            for words in words::ALL {
                let mut field = [0; DESCRIPTION.width];
                field[..words.len()].copy_from_slice(words.as_bytes());
                let told = refusals.of(&field, words.as_bytes());
                assert_eq!(told, Refusal::of(words.as_bytes()), "{words}");
            }
        }
    }

    #[test]
    fn this_projects_words_are_understood() {
        let of = |words: &str| Refusal::of(words.as_bytes());
        assert_eq!(of(words::NO_SUCH_USER), Refusal::UnknownUser);
        assert_eq!(of(words::WRONG_PASSWORD), Refusal::WrongPassword);
        for trouble in [
            words::BUSY,
            words::SERVER_ERROR,
            words::NOT_STORED,
            words::OUTCOME_UNKNOWN,
            words::TOO_SLOW,
        ] {
            assert_eq!(of(trouble), Refusal::Unavailable, "{trouble}");
        }
        for other in [words::NAME_TAKEN, ""] {
            assert_eq!(of(other), Refusal::Unsaid, "{other}");
        }
    }

    #[test]
    fn words_that_leave_it_open_say_nothing() {
        for (text, refusal) in [
            ("No Such User!", Refusal::UnknownUser),
            ("login failed: Unknown user", Refusal::UnknownUser),
            ("Incorrect password.", Refusal::WrongPassword),
            ("no such user or wrong password", Refusal::Unsaid),
            ("wrong user name or password", Refusal::Unsaid),
            ("login failed", Refusal::Unsaid),
        ] {
            assert_eq!(Refusal::of(text.as_bytes()), refusal, "{text}");
        }
    }
}
