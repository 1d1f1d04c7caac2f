//! From a request to its response, and the words of every description.

use std::net::SocketAddr;
use std::time::Instant;

use crate::accounts::{Accounts, AccountsError, HashingError, Login, Registration};
use crate::protocol::{Action, DecodeError, Description, Request, Response};

/// What the server says in descriptions: at most 64 octets each.
pub mod words {
    /// A registration is on disk.
    pub const REGISTERED: &str = "registered";
    /// Another user has the name.
    pub const NAME_TAKEN: &str = "user name taken";
    /// A registration could not be put on disk.
    pub const NOT_STORED: &str = "the server could not store the registration";
    /// The password is right.
    pub const LOGIN_SUCCESSFUL: &str = "login successful";
    /// The user has another password.
    pub const WRONG_PASSWORD: &str = "wrong password";
    /// There is no user of that name.
    pub const NO_SUCH_USER: &str = "no such user";
    /// The queue of passwords to be hashed is full.
    pub const BUSY: &str = "server busy, try again";
    /// A fault in the server; its log says more.
    pub const SERVER_ERROR: &str = "server error, try again later";
    /// The server is stopping.
    pub const STOPPING: &str = "server is shutting down";
    /// A request that started did not end in time.
    pub const TOO_SLOW: &str = "request not complete in time";

    /// All of them.
    pub const ALL: [&str; 10] = [
        REGISTERED,
        NAME_TAKEN,
        NOT_STORED,
        LOGIN_SUCCESSFUL,
        WRONG_PASSWORD,
        NO_SUCH_USER,
        BUSY,
        SERVER_ERROR,
        STOPPING,
        TOO_SLOW,
    ];
}

/// Who asks, for the log.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The connection's number, from 1.
    pub connection: u64,
    /// The client's address.
    pub address: SocketAddr,
}

/// A response that says no.
pub fn failure(action: Action, words: &str) -> Response {
    Response {
        action,
        success: false,
        description: Description::cut(words),
    }
}

/// Answers one request and logs the outcome.
pub async fn answer(accounts: &Accounts, peer: Peer, request: Request) -> Response {
    let started = Instant::now();
    let Request {
        action,
        user_name,
        password,
    } = request;
    let user = user_name.clone();
    let result = match action {
        Action::Register => {
            accounts
                .register(user_name, password)
                .await
                .map(|outcome| match outcome {
                    Registration::Registered => (true, words::REGISTERED),
                    Registration::NameTaken => (false, words::NAME_TAKEN),
                })
        }
        Action::Login => accounts
            .log_in(user_name, password)
            .await
            .map(|outcome| match outcome {
                Login::Successful => (true, words::LOGIN_SUCCESSFUL),
                Login::NoSuchUser => (false, words::NO_SUCH_USER),
                Login::WrongPassword => (false, words::WRONG_PASSWORD),
            }),
    };
    let (success, description) = result.unwrap_or_else(|error| {
        let description = match error {
            AccountsError::Hashing(HashingError::Busy) => words::BUSY,
            AccountsError::Store(_) => words::NOT_STORED,
            AccountsError::Hashing(_) | AccountsError::Read(_) => {
                tracing::error!(
                    conn = peer.connection,
                    peer = %peer.address,
                    request = action.noun(),
                    %user,
                    %error,
                    "request failed"
                );
                words::SERVER_ERROR
            }
        };
        (false, description)
    });
    tracing::info!(
        conn = peer.connection,
        peer = %peer.address,
        %user,
        outcome = description,
        success,
        ms = started.elapsed().as_millis() as u64,
        "{}",
        action.noun()
    );
    Response {
        action,
        success,
        description: Description::cut(description),
    }
}

/// The response to octets that are no request: `None` where their command is not a request's, so
/// that there is no telling which response is waited for.
pub fn refuse(octets: &[u8], error: &DecodeError) -> Option<Response> {
    let command = crate::protocol::MessageView::new(octets).command()?;
    let action = command.action()?;
    (command == action.request()).then(|| failure(action, &error.summary()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Password, UserName};

    #[test]
    fn every_description_fits() {
        for words in words::ALL {
            assert_eq!(Description::cut(words).as_str(), words);
        }
    }

    #[test]
    fn a_refusal_names_the_reason() {
        let octets = Request {
            action: Action::Login,
            user_name: UserName::new("alice").unwrap(),
            password: Password::new("secret").unwrap(),
        }
        .encode();
        for (index, octet, words) in [
            (3, 57, "totalLength 57, expected 58 for a login request"),
            (
                9,
                b':',
                "the user name has a colon at octet 1, which is not allowed",
            ),
            (
                57,
                1,
                "password: an octet that is not NUL after the text's end",
            ),
        ] {
            let mut octets = octets.as_ref().to_vec();
            octets[index] = octet;
            let error = Request::decode(&octets).unwrap_err();
            let response = refuse(&octets, &error).unwrap();
            assert_eq!(response, failure(Action::Login, words));
        }
    }

    #[test]
    fn what_is_no_request_gets_no_response() {
        for command in [0, 2, 4, 5] {
            let mut octets = [0; 58];
            octets[3] = 58;
            octets[7] = command;
            let error = Request::decode(&octets).unwrap_err();
            assert_eq!(refuse(&octets, &error), None);
        }
    }
}
