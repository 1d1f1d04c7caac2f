//! The outcome that a response states, by its status and description.

use crate::protocol::layout::DESCRIPTION;
use crate::protocol::{MessageView, TextValue};

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The server accepted the request.
    Success,
    /// The server refused the request.
    Failure(Refusal),
    /// The response has no status, or one that is neither success nor failure.
    Unclear,
    /// No response came.
    Unanswered,
}

impl Outcome {
    /// Whether the server refused.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failure(_))
    }
}

/// Why a server refused, according to its description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// There is no such user.
    UnknownUser,
    /// The password is wrong.
    WrongPassword,
    /// The server could not process the request, whatever it asked for.
    Unavailable,
    /// The description does not say, or is ambiguous.
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

    /// The name used in rows.
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

/// Phrases that mean an unknown user, in lower case. The first is that of this project's server.
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
/// Phrases that mean that the server has a problem, in lower case. All are those of this project's server.
const UNAVAILABLE: [&str; 7] = [
    "busy",
    "try again",
    "shutting down",
    "server error",
    "could not store",
    "outcome unknown",
    "not complete in time",
];
/// A word in every description about a password.
const PASSWORD: &str = "password";

impl Refusal {
    /// Classifies a description.
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

/// Cache of classified descriptions: a server repeats a few of them, and a search takes 1,500 instructions.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    known: [Option<(Field, Refusal)>; 8],
    next: usize,
}

/// The description field as it was on the wire.
type Field = [u8; DESCRIPTION.width];

impl Refusals {
    /// Like [`Refusal::of`], for the description of a response.
    pub fn of(&mut self, response: &[u8]) -> Refusal {
        let classified = || {
            let words = MessageView::new(response).description();
            Refusal::of(words.map(TextValue::octets).unwrap_or_default())
        };
        let Some(field) = DESCRIPTION.array(response) else {
            return classified();
        };
        let mut known = self.known.iter().flatten();
        if let Some((_, refusal)) = known.find(|(known, _)| known == field) {
            return *refusal;
        }
        let refusal = classified();
        self.known[self.next] = Some((*field, refusal));
        self.next = (self.next + 1) % self.known.len();
        refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Command;
    use crate::protocol::layout::{COMMAND, RESPONSE_LEN};
    use crate::server::words;

    #[test]
    fn a_cached_description_gives_the_same_refusal() {
        let mut refusals = Refusals::default();
        for _ in 0..3 {
            for words in words::ALL {
                let mut response = [0; RESPONSE_LEN];
                let code = Command::LoginResponse.code().to_be_bytes();
                response[COMMAND.offset..COMMAND.end()].copy_from_slice(&code);
                let field = &mut response[DESCRIPTION.offset..];
                field[..words.len()].copy_from_slice(words.as_bytes());
                let told = refusals.of(&response);
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
