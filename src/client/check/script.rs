//! The steps of a check: bytes and ends that are sent, and what is expected between them.

use crate::protocol::Action;

/// What is sent to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// Bytes, in one segment unless the system splits them.
    Octets(Vec<u8>),
    /// Bytes, each in a segment of its own.
    OneByOne(Vec<u8>),
    /// Bytes, sent so slowly that a request takes longer than a server waits.
    Dripping(Vec<u8>),
    /// Nothing, for long enough that what came before is not joined with what follows.
    Pause,
    /// The end of what is sent; the other side can go on.
    HalfClose,
    /// Nothing more, and nothing is read any more.
    HangUp,
    /// Another connection, beside those that are open; what follows goes there.
    Connection,
    /// What follows goes to the check's first connection.
    FirstConnection,
}

/// What a response must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// Anything.
    Any,
    /// Why a login failed: something else than the response before it, or the same where the server is meant to
    /// answer both alike.
    Why,
}

/// The state in which a connection must be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Open or not: the next step tells.
    GoesOn,
    /// Open, and silent.
    StaysOpen,
    /// Ended by the server.
    Ends,
}

/// What the server must send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedAnswer {
    /// A response.
    Response {
        /// What it answers.
        action: Action,
        /// What it says.
        success: bool,
        /// In which words.
        words: Words,
    },
    /// No byte.
    Nothing,
    /// Anything but a message of this protocol.
    NoMessage,
}

/// What is expected of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// What it has to send.
    pub what: ExpectedAnswer,
    /// How it has to leave the connection.
    pub then: Then,
    /// The user whose registration may be answered.
    pub who: Option<String>,
}

/// A step of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Something is sent.
    Send(Sent),
    /// Something is awaited.
    Await(Awaited),
}

/// What a check does, on a connection that is open when it begins.
#[derive(Debug, Clone, Default)]
pub struct Script(pub Vec<Step>);

impl Script {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// Does something other than sending bytes at once.
    pub fn does(self, sent: Sent) -> Self {
        self.step(Step::Send(sent))
    }

    /// Sends bytes.
    pub fn send(self, octets: impl Into<Vec<u8>>) -> Self {
        self.does(Sent::Octets(octets.into()))
    }

    fn awaits(self, what: ExpectedAnswer, then: Then, who: Option<String>) -> Self {
        self.step(Step::Await(Awaited { what, then, who }))
    }

    fn response(self, action: Action, success: bool, then: Then) -> Self {
        let words = Words::Any;
        let what = ExpectedAnswer::Response {
            action,
            success,
            words,
        };
        self.awaits(what, then, None)
    }

    /// Awaits that this user is registered.
    pub fn registers(self, name: &str, then: Then) -> Self {
        self.response(Action::Register, true, then).of(name)
    }

    /// Awaits that this user is not registered.
    pub fn does_not_register(self, name: &str, then: Then) -> Self {
        self.response(Action::Register, false, then).of(name)
    }

    /// Says whose registration is answered.
    fn of(mut self, name: &str) -> Self {
        if let Some(Step::Await(awaited)) = self.0.last_mut() {
            awaited.who = Some(name.to_owned());
        }
        self
    }

    /// Awaits that a login succeeds.
    pub fn logs_in(self, then: Then) -> Self {
        self.response(Action::Login, true, then)
    }

    /// Awaits that a login fails.
    pub fn does_not_log_in(self, then: Then) -> Self {
        self.response(Action::Login, false, then)
    }

    /// Awaits that a login fails, with words that tell why.
    pub fn does_not_log_in_and_says_why(self) -> Self {
        let what = ExpectedAnswer::Response {
            action: Action::Login,
            success: false,
            words: Words::Why,
        };
        self.awaits(what, Then::StaysOpen, None)
    }

    /// Awaits the end of the connection, without a response.
    pub fn ends(self) -> Self {
        self.awaits(ExpectedAnswer::Nothing, Then::Ends, None)
    }

    /// Awaits the end of the connection, without a message of this protocol.
    pub fn ends_without_message(self) -> Self {
        self.awaits(ExpectedAnswer::NoMessage, Then::Ends, None)
    }
}
