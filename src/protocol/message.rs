//! Requests and responses as endpoints send and accept them: legal values only.

use std::fmt;

use zeroize::Zeroize;

use super::command::{Action, Command};
use super::layout::{
    COMMAND, DESCRIPTION, Field, FieldKind, HEADER_LEN, Kind, LENGTH, PASSWORD, REQUEST_LEN,
    RESPONSE_LEN, STATUS, STATUS_FAILURE, STATUS_SUCCESS, USER_NAME,
};
use super::name::UserName;
use super::text::{Description, Password};
use super::view::{MessageView, TextValue};

/// Why octets are not a legal message: the field, where it stands, what was found there and what
/// was expected. Never holds password octets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} at octet {offset}: found {found}, expected {expected}", field.wire_name)]
pub struct DecodeError {
    /// The field that is wrong.
    pub field: &'static Field,
    /// Octets from the start of the message to the first wrong one.
    pub offset: usize,
    /// What stands there, in words.
    pub found: String,
    /// What should stand there, in words.
    pub expected: String,
}

impl DecodeError {
    fn new(
        field: &'static Field,
        within: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            field,
            offset: field.offset + within,
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// The reason without the offset, short enough for a response's description as a rule.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self {
            field,
            found,
            expected,
            ..
        } = self;
        match field.kind {
            // A text value's own error names the field already.
            FieldKind::Text if found.starts_with("the ") => found.clone(),
            FieldKind::Text => format!("{}: {found}", field.wire_name),
            FieldKind::U8 | FieldKind::U32 => {
                format!("{} {found}, expected {expected}", field.wire_name)
            }
        }
    }
}

/// What the octets received so far amount to, for a reader that waits for one kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// At least this many octets more are needed to say anything further.
    Need(usize),
    /// The first message takes this many octets.
    Complete(usize),
    /// The header is wrong; no amount of further octets mends it.
    Invalid(DecodeError),
}

/// Finds where the first message in `octets` ends, before any of its body is kept or copied.
#[must_use]
pub fn frame(octets: &[u8], kind: Kind) -> Framing {
    if octets.len() < HEADER_LEN {
        return Framing::Need(HEADER_LEN - octets.len());
    }
    match check_header(octets, kind) {
        Err(error) => Framing::Invalid(error),
        Ok(_) if octets.len() < kind.len() => Framing::Need(kind.len() - octets.len()),
        Ok(_) => Framing::Complete(kind.len()),
    }
}

/// The action that a header of `kind` names.
fn check_header(octets: &[u8], kind: Kind) -> Result<Action, DecodeError> {
    let view = MessageView::new(octets);
    let cut = |field: &'static Field| {
        DecodeError::new(
            field,
            0,
            format!("{} of {} octets", field.slice(octets).len(), field.width),
            "the whole field",
        )
    };
    let command = view.command().ok_or_else(|| cut(&COMMAND))?;
    let length = view.length().ok_or_else(|| cut(&LENGTH))?;
    let action = match (command.action(), command.kind()) {
        (Some(action), Some(found)) if found == kind => action,
        _ => {
            let (one, other) = match kind {
                Kind::Request => (Action::Register.request(), Action::Login.request()),
                Kind::Response => (Action::Register.response(), Action::Login.response()),
            };
            return Err(DecodeError::new(
                &COMMAND,
                0,
                command.code().to_string(),
                format!("{} ({one}) or {} ({other})", one.code(), other.code()),
            ));
        }
    };
    if length as usize != kind.len() {
        return Err(DecodeError::new(
            &LENGTH,
            0,
            length.to_string(),
            format!("{} for a {command}", kind.len()),
        ));
    }
    Ok(action)
}

/// Checks the header and that exactly the message's octets are there.
fn check_whole(octets: &[u8], kind: Kind) -> Result<Action, DecodeError> {
    let action = check_header(octets, kind)?;
    if octets.len() == kind.len() {
        return Ok(action);
    }
    Err(DecodeError::new(
        &LENGTH,
        0,
        format!("{} octets in the message", octets.len()),
        format!("{} octets", kind.len()),
    ))
}

/// A text field's value, with the check that nothing but NUL fills the field up.
fn text<'a>(octets: &'a [u8], field: &'static Field) -> Result<TextValue<'a>, DecodeError> {
    let value = TextValue::new(field.slice(octets));
    match value.first_after_nul() {
        Some(within) => Err(DecodeError::new(
            field,
            within,
            "an octet that is not NUL after the text's end",
            "NUL up to the field's end",
        )),
        None => Ok(value),
    }
}

fn put(message: &mut [u8], field: &Field, value: &[u8]) {
    let slot = &mut message[field.range()];
    let (text, filling) = slot.split_at_mut(value.len());
    text.copy_from_slice(value);
    filling.fill(0);
}

fn put_header(message: &mut [u8], command: Command) {
    let length = message.len() as u32;
    put(message, &LENGTH, &length.to_be_bytes());
    put(message, &COMMAND, &command.code().to_be_bytes());
}

/// The octets of an encoded request, wiped from memory on drop: they hold the password.
pub struct RequestOctets([u8; REQUEST_LEN]);

impl AsRef<[u8]> for RequestOctets {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for RequestOctets {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for RequestOctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestOctets({REQUEST_LEN} octets)")
    }
}

/// A registration or login request: 58 octets on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub action: Action,
    /// Who asks.
    pub user_name: UserName,
    /// The password, in clear as the protocol has it.
    pub password: Password,
}

impl Request {
    /// The request as it stands on the wire.
    #[must_use]
    pub fn encode(&self) -> RequestOctets {
        let mut message = RequestOctets([0; REQUEST_LEN]);
        put_header(&mut message.0, self.action.request());
        put(
            &mut message.0,
            &USER_NAME,
            self.user_name.as_str().as_bytes(),
        );
        put(&mut message.0, &PASSWORD, self.password.expose());
        message
    }

    /// Reads one whole request; the error says which field is wrong.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let action = check_whole(octets, Kind::Request)?;
        let user_name = UserName::from_octets(text(octets, &USER_NAME)?.octets())
            .map_err(|error| DecodeError::new(&USER_NAME, 0, error.to_string(), "a user name"))?;
        let password = Password::new(text(octets, &PASSWORD)?.octets())
            .map_err(|error| DecodeError::new(&PASSWORD, 0, error.to_string(), "a password"))?;
        Ok(Self {
            action,
            user_name,
            password,
        })
    }
}

/// A registration or login response: 73 octets on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// What is answered.
    pub action: Action,
    /// Whether the answer is yes.
    pub success: bool,
    /// The answer in words.
    pub description: Description,
}

impl Response {
    /// The response as it stands on the wire.
    #[must_use]
    pub fn encode(&self) -> [u8; RESPONSE_LEN] {
        let mut message = [0; RESPONSE_LEN];
        put_header(&mut message, self.action.response());
        let status = if self.success {
            STATUS_SUCCESS
        } else {
            STATUS_FAILURE
        };
        put(&mut message, &STATUS, &[status]);
        put(
            &mut message,
            &DESCRIPTION,
            self.description.as_str().as_bytes(),
        );
        message
    }

    /// Reads one whole response; the error says which field is wrong.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let action = check_whole(octets, Kind::Response)?;
        let success = match octets[STATUS.offset] {
            STATUS_SUCCESS => true,
            STATUS_FAILURE => false,
            other => {
                return Err(DecodeError::new(
                    &STATUS,
                    0,
                    other.to_string(),
                    "1 (success) or 0 (failure)",
                ));
            }
        };
        let description =
            std::str::from_utf8(text(octets, &DESCRIPTION)?.octets()).map_err(|error| {
                DecodeError::new(
                    &DESCRIPTION,
                    error.valid_up_to(),
                    "octets that are not UTF-8",
                    "UTF-8 text",
                )
            })?;
        Ok(Self {
            action,
            success,
            description: Description::cut(description),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::is_strict;
    use super::*;

    fn request() -> Request {
        Request {
            action: Action::Register,
            user_name: UserName::new("alice").unwrap(),
            password: Password::new(b"secret".to_vec()).unwrap(),
        }
    }

    #[test]
    fn a_request_has_the_octets_of_the_specification() {
        let mut expected = vec![0, 0, 0, 0x3a, 0, 0, 0, 1];
        expected.extend_from_slice(b"alice\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        expected.extend_from_slice(b"secret");
        expected.resize(58, 0);
        assert_eq!(request().encode().as_ref(), expected);
        assert_eq!(Request::decode(&expected), Ok(request()));
        assert!(is_strict(&expected));
    }

    #[test]
    fn a_response_has_the_octets_of_the_specification() {
        let response = Response {
            action: Action::Login,
            success: false,
            description: Description::cut("wrong password"),
        };
        let octets = response.encode();
        assert_eq!(octets[..9], [0, 0, 0, 0x49, 0, 0, 0, 4, 0]);
        assert_eq!(&octets[9..24], b"wrong password\0");
        assert_eq!(Response::decode(&octets), Ok(response));
        assert!(is_strict(&octets));
    }

    #[test]
    fn encoding_leaves_no_octet_of_the_buffer_as_it_was() {
        let mut message = [0xa5; RESPONSE_LEN];
        put_header(&mut message, Command::LoginResponse);
        put(&mut message, &STATUS, &[1]);
        put(&mut message, &DESCRIPTION, b"");
        assert!(!message.contains(&0xa5));
    }

    #[test]
    fn framing_waits_for_what_is_missing() {
        let octets = request().encode();
        let octets = octets.as_ref();
        assert_eq!(frame(&[], Kind::Request), Framing::Need(8));
        assert_eq!(frame(&octets[..7], Kind::Request), Framing::Need(1));
        assert_eq!(frame(&octets[..8], Kind::Request), Framing::Need(50));
        assert_eq!(frame(octets, Kind::Request), Framing::Complete(58));
    }

    #[test]
    fn the_error_names_field_offset_found_and_expected() {
        let cases: [(usize, u8, &str); 6] = [
            (
                3,
                57,
                "totalLength at octet 0: found 57, expected 58 for a registration request",
            ),
            (
                7,
                9,
                "commandID at octet 4: found 9, expected 1 (registration request) or 3 (login request)",
            ),
            (
                20,
                b'x',
                "userName at octet 20: found an octet that is not NUL after the text's end, expected NUL up to the field's end",
            ),
            (
                8,
                0xff,
                "userName at octet 8: found the user name is not valid UTF-8 at octet 0, expected a user name",
            ),
            (
                9,
                b':',
                "userName at octet 8: found the user name has a colon at octet 1, expected a user name",
            ),
            (
                28,
                0,
                "password at octet 29: found an octet that is not NUL after the text's end, expected NUL up to the field's end",
            ),
        ];
        for (index, octet, text) in cases {
            let mut octets = request().encode().as_ref().to_vec();
            octets[index] = octet;
            assert_eq!(Request::decode(&octets).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn a_status_is_zero_or_one() {
        let mut octets = Response {
            action: Action::Register,
            success: true,
            description: Description::cut("ok"),
        }
        .encode();
        octets[STATUS.offset] = 7;
        let error = Response::decode(&octets).unwrap_err();
        assert_eq!(
            error.to_string(),
            "status at octet 8: found 7, expected 1 (success) or 0 (failure)"
        );
    }
}
