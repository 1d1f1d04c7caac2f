//! `commandID`: the four commands, and any other value on the wire.

use std::fmt;

use super::layout::MessageKind;

/// What a request asks for, and what a response answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Store a new user.
    Register,
    /// Check a user's password.
    Login,
}

impl Action {
    /// The command of a request for this action.
    #[must_use]
    pub const fn request(self) -> Command {
        match self {
            Self::Register => Command::RegistrationRequest,
            Self::Login => Command::LoginRequest,
        }
    }

    /// The command of a response to this action.
    #[must_use]
    pub const fn response(self) -> Command {
        match self {
            Self::Register => Command::RegistrationResponse,
            Self::Login => Command::LoginResponse,
        }
    }

    /// The action as a noun in lower case: `registration` or `login`.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Register => "registration",
            Self::Login => "login",
        }
    }
}

/// The `commandID` field. Holds any `u32`, so every value survives a round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// 1, from the client.
    RegistrationRequest,
    /// 2, from the server.
    RegistrationResponse,
    /// 3, from the client.
    LoginRequest,
    /// 4, from the server.
    LoginResponse,
    /// Any other value.
    Unknown(u32),
}

impl Command {
    /// The four commands of the protocol, by number.
    pub const KNOWN: [Self; 4] = [
        Self::RegistrationRequest,
        Self::RegistrationResponse,
        Self::LoginRequest,
        Self::LoginResponse,
    ];

    /// The value on the wire.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::RegistrationRequest => 1,
            Self::RegistrationResponse => 2,
            Self::LoginRequest => 3,
            Self::LoginResponse => 4,
            Self::Unknown(code) => code,
        }
    }

    /// The kind of message with this command; `None` for an unknown command.
    #[must_use]
    pub const fn kind(self) -> Option<MessageKind> {
        match self {
            Self::RegistrationRequest | Self::LoginRequest => Some(MessageKind::Request),
            Self::RegistrationResponse | Self::LoginResponse => Some(MessageKind::Response),
            Self::Unknown(_) => None,
        }
    }

    /// The action that is requested or answered; `None` for an unknown command.
    #[must_use]
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::RegistrationRequest | Self::RegistrationResponse => Some(Action::Register),
            Self::LoginRequest | Self::LoginResponse => Some(Action::Login),
            Self::Unknown(_) => None,
        }
    }

    /// The name in lower case, such as `registration request`; `unknown` for an unknown command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegistrationRequest => "registration request",
            Self::RegistrationResponse => "registration response",
            Self::LoginRequest => "login request",
            Self::LoginResponse => "login response",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The name with a capital letter, for the start of an Info column; `Unknown command` for an unknown command.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RegistrationRequest => "Registration request",
            Self::RegistrationResponse => "Registration response",
            Self::LoginRequest => "Login request",
            Self::LoginResponse => "Login response",
            Self::Unknown(_) => "Unknown command",
        }
    }
}

/// A command that the protocol has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownCommand {
    /// The kind of message that has it.
    pub kind: MessageKind,
    /// The action that is requested or answered.
    pub action: Action,
}

impl Command {
    /// What a known command says; `None` for an unknown one.
    #[must_use]
    #[inline]
    pub const fn known(self) -> Option<KnownCommand> {
        match (self.kind(), self.action()) {
            (Some(kind), Some(action)) => Some(KnownCommand { kind, action }),
            _ => None,
        }
    }
}

impl From<KnownCommand> for Command {
    #[inline]
    fn from(KnownCommand { kind, action }: KnownCommand) -> Self {
        match kind {
            MessageKind::Request => action.request(),
            MessageKind::Response => action.response(),
        }
    }
}

impl From<u32> for Command {
    #[inline]
    fn from(code: u32) -> Self {
        match code {
            1 => Self::RegistrationRequest,
            2 => Self::RegistrationResponse,
            3 => Self::LoginRequest,
            4 => Self::LoginResponse,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(code) => write!(f, "unknown command {code}"),
            known => f.write_str(known.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_a_round_trip() {
        for code in (0..10).chain([u32::MAX]) {
            assert_eq!(Command::from(code).code(), code);
        }
    }

    #[test]
    fn action_and_kind_name_the_command() {
        for command in Command::KNOWN {
            let known = command.known().unwrap();
            assert_eq!(Command::from(known), command);
        }
        assert_eq!(Command::Unknown(9).known(), None);
    }
}
