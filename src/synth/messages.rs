//! Generates RegLogin messages, valid and invalid.

use super::SynthError;
use crate::protocol::layout::{DESCRIPTION, HEADER_LEN, PASSWORD, STATUS, USER_NAME};
use crate::protocol::{
    Action, Command, Description, Field, MessageKind, Password, Request, Response, UserName,
};

/// A valid request.
///
/// # Errors
///
/// If the name or the password is invalid.
pub fn request(action: Action, name: &str, password: &str) -> Result<Vec<u8>, SynthError> {
    let request = Request {
        action,
        user_name: UserName::new(name)?,
        password: Password::new(password)?,
    };
    Ok(request.encode().as_ref().to_vec())
}

/// A valid response.
#[must_use]
pub fn response(action: Action, success: bool, description: &str) -> Vec<u8> {
    Response {
        action,
        success,
        description: Description::cut(description),
    }
    .encode()
    .to_vec()
}

/// Any header and body. The length need not be correct.
#[must_use]
pub fn raw(length: u32, command: u32, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_LEN + body.len());
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(&command.to_be_bytes());
    message.extend_from_slice(body);
    message
}

/// A request of the correct size with any bytes in its fields, padded with `filling`.
#[must_use]
pub fn raw_request(command: Command, name: &[u8], password: &[u8], filling: u8) -> Vec<u8> {
    let mut message = sized(MessageKind::Request, command, filling);
    put(&mut message, &USER_NAME, name);
    put(&mut message, &PASSWORD, password);
    message
}

/// A response of the correct size with any bytes in its fields, padded with `filling`.
#[must_use]
pub fn raw_response(command: Command, status: u8, description: &[u8], filling: u8) -> Vec<u8> {
    let mut message = sized(MessageKind::Response, command, filling);
    put(&mut message, &STATUS, &[status]);
    put(&mut message, &DESCRIPTION, description);
    message
}

fn sized(kind: MessageKind, command: Command, filling: u8) -> Vec<u8> {
    let body = vec![filling; kind.len() - HEADER_LEN];
    raw(kind.len() as u32, command.code(), &body)
}

/// Writes as many bytes of `value` as fit.
fn put(message: &mut [u8], field: &Field, value: &[u8]) {
    for (slot, octet) in message[field.range()].iter_mut().zip(value) {
        *slot = *octet;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::is_strict;

    #[test]
    fn raw_and_valid_messages_have_the_same_bytes() {
        assert_eq!(
            request(Action::Login, "alice", "secret").unwrap(),
            raw_request(Command::LoginRequest, b"alice", b"secret", 0)
        );
        assert_eq!(
            response(Action::Register, true, "ok"),
            raw_response(Command::RegistrationResponse, 1, b"ok", 0)
        );
        assert!(!is_strict(&raw_response(Command::LoginResponse, 2, b"", 0)));
    }
}
