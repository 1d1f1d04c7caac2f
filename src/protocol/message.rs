//! Requests and responses with valid values only, as client and server send and accept them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "messages of at most 73 bytes"
)]

use std::fmt;

use zeroize::Zeroize;

use super::command::{Action, Command};
use super::fault::Fault;
use super::judge::judge;
use super::layout::{
    COMMAND, DESCRIPTION, Field, HEADER_LEN, LENGTH, MessageKind, PASSWORD, REQUEST_LEN,
    RESPONSE_LEN, STATUS, STATUS_FAILURE, STATUS_SUCCESS, USER_NAME,
};
use super::name::UserName;
use super::text::{Description, Password, is_printable};
use super::view::{MessageView, TextValue, right_header};

/// What the bytes received so far are, for a reader that expects one kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// At least this many more bytes are needed.
    Need(usize),
    /// The first message is complete and has this many bytes.
    Complete(usize),
    /// The header is invalid. More bytes would not help.
    Invalid(Fault),
}

/// Finds the end of the first message in `octets`, without copying its body.
#[must_use]
pub fn frame(octets: &[u8], kind: MessageKind) -> Framing {
    if octets.len() < HEADER_LEN {
        return Framing::Need(HEADER_LEN - octets.len());
    }
    match check_header(octets, kind) {
        Err(error) => Framing::Invalid(error),
        Ok(_) if octets.len() < kind.len() => Framing::Need(kind.len() - octets.len()),
        Ok(_) => Framing::Complete(kind.len()),
    }
}

/// The action in a header of this kind. `octets` must contain the whole header.
fn check_header(octets: &[u8], kind: MessageKind) -> Result<Action, Fault> {
    let command = MessageView::new(octets).command();
    let action = command.and_then(Command::action);
    action
        .filter(|_| right_header(octets) == Some(kind))
        .ok_or_else(|| first_fault(octets, kind))
}

/// The first fault for which bytes are refused that are not a message of this kind.
fn first_fault(octets: &[u8], kind: MessageKind) -> Fault {
    let octets = &octets[..octets.len().min(kind.len())];
    if let Some(command) = MessageView::new(octets).command()
        && command.kind().is_some_and(|found| found != kind)
    {
        return Fault::WrongSender(command);
    }
    first_refused(octets).unwrap_or(Fault::Size {
        have: octets.len(),
        need: kind.len(),
    })
}

fn first_refused(octets: &[u8]) -> Option<Fault> {
    let mut first = None;
    judge(octets, &mut |fault| {
        if first.is_none() && fault.is_refused() {
            first = Some(fault);
        }
    });
    first
}

/// Checks that the message is complete and has no fault that is refused.
fn check_whole(octets: &[u8], kind: MessageKind) -> Result<Action, Fault> {
    if octets.len() < HEADER_LEN {
        return Err(first_fault(octets, kind));
    }
    let action = check_header(octets, kind)?;
    if octets.len() != kind.len() {
        return Err(Fault::Size {
            have: octets.len(),
            need: kind.len(),
        });
    }
    first_refused(octets).map_or(Ok(action), Err)
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

/// The bytes of an encoded request. They contain the password, so they are wiped from memory on drop.
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
        write!(f, "RequestOctets({REQUEST_LEN} bytes)")
    }
}

/// A registration or login request: 58 bytes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is requested.
    pub action: Action,
    /// Who asks.
    pub user_name: UserName,
    /// The password, which the protocol sends in clear text.
    pub password: Password,
}

impl Request {
    /// Encodes the request.
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

    /// Decodes exactly one request.
    ///
    /// # Errors
    ///
    /// The first fault for which a server refuses the message.
    pub fn decode(octets: &[u8]) -> Result<Self, Fault> {
        match Self::decode_plain(octets) {
            Some(request) => Ok(request),
            None => Self::decode_judged(octets),
        }
    }

    /// A request that is plain in all its parts, as nearly all are: printable ASCII, and NUL behind it. There is nothing
    /// to judge in it.
    fn decode_plain(octets: &[u8]) -> Option<Self> {
        let kind = right_header(octets).filter(|kind| octets.len() == kind.len());
        if kind != Some(MessageKind::Request) {
            return None;
        }
        let action = MessageView::new(octets).command()?.action()?;
        let user_name = plain_text(USER_NAME.slice(octets))?;
        let password = plain_text(PASSWORD.slice(octets))?;
        Some(Self {
            action,
            user_name: UserName::from_octets(user_name).ok()?,
            password: Password::new(password).ok()?,
        })
    }

    fn decode_judged(octets: &[u8]) -> Result<Self, Fault> {
        let action = check_whole(octets, MessageKind::Request)?;
        let view = MessageView::new(octets);
        let user_name = view.user_name().map(TextValue::octets).unwrap_or_default();
        let password = view.password().map(TextValue::octets).unwrap_or_default();
        // These cannot fail: no fault was found.
        Ok(Self {
            action,
            user_name: UserName::from_octets(user_name).map_err(|_| Fault::Empty(&USER_NAME))?,
            password: Password::new(password).map_err(|_| Fault::Empty(&PASSWORD))?,
        })
    }
}

/// The text of a field that is printable ASCII with at least one NUL behind it and nothing but NULs.
fn plain_text(field: &[u8]) -> Option<&[u8]> {
    let (text, filling) = field.split_at(memchr::memchr(0, field)?);
    let is_filled = filling.iter().fold(0, |all, octet| all | octet) == 0;
    (is_filled && is_printable(text)).then_some(text)
}

/// A registration or login response: 73 bytes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The action that is answered.
    pub action: Action,
    /// Whether the request succeeded.
    pub success: bool,
    /// The outcome in words.
    pub description: Description,
}

impl Response {
    /// Encodes the response.
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

    /// Decodes exactly one response.
    ///
    /// # Errors
    ///
    /// The first fault for which a client refuses the message.
    pub fn decode(octets: &[u8]) -> Result<Self, Fault> {
        let action = check_whole(octets, MessageKind::Response)?;
        let view = MessageView::new(octets);
        let description = view.description().map(TextValue::lossy).unwrap_or_default();
        Ok(Self {
            action,
            success: view.status() == Some(STATUS_SUCCESS),
            description: Description::cut(&description),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

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
    fn a_request_has_the_bytes_of_the_specification() {
        let mut expected = vec![0, 0, 0, 0x3a, 0, 0, 0, 1];
        expected.extend_from_slice(b"alice\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        expected.extend_from_slice(b"secret");
        expected.resize(58, 0);
        assert_eq!(request().encode().as_ref(), expected);
        assert_eq!(Request::decode(&expected), Ok(request()));
        assert!(is_strict(&expected));
    }

    #[test]
    fn a_response_has_the_bytes_of_the_specification() {
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
    fn encoding_overwrites_every_byte_of_the_buffer() {
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
        assert_eq!(frame(&[], MessageKind::Request), Framing::Need(8));
        assert_eq!(frame(&octets[..7], MessageKind::Request), Framing::Need(1));
        assert_eq!(frame(&octets[..8], MessageKind::Request), Framing::Need(50));
        assert_eq!(frame(octets, MessageKind::Request), Framing::Complete(58));
    }

    #[test]
    fn the_error_says_what_is_wrong_and_where() {
        let cases: [(usize, u8, &str); 8] = [
            (
                3,
                57,
                "total length is 57, but a registration request has 58 bytes",
            ),
            (3, 50, "total length 50 = 58 - 8: the header counts too"),
            (7, 9, "command 9 is unknown; the protocol has 1 to 4"),
            (7, 2, "a registration response that the client sent"),
            (
                20,
                b'x',
                "leftovers after the text: clear the buffer before it is filled (offset 20 of the message, user name)",
            ),
            (
                8,
                0xff,
                "the user name is not valid UTF-8 from its offset 0 on",
            ),
            (9, b':', "the user name has a colon at its offset 1"),
            (28, 0, "the password is empty; it takes 1 to 30 bytes"),
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
        assert_eq!(
            Response::decode(&octets).unwrap_err().to_string(),
            "status 7 is unknown; 1 means success and 0 failure"
        );
    }

    proptest! {
        /// A message without faults can be decoded, and an encoded message has no faults.
        #[test]
        fn what_is_not_refused_is_a_message(
            name in prop_oneof!["[ -~]{0,20}".prop_map(String::into_bytes), vec(any::<u8>(), 0..21)],
            password in prop_oneof!["[ -~]{0,30}".prop_map(String::into_bytes), vec(any::<u8>(), 0..31)],
            faults in vec((0..REQUEST_LEN, any::<u8>()), 0..3),
        ) {
            let mut octets = [0; REQUEST_LEN];
            put_header(&mut octets, Command::LoginRequest);
            put(&mut octets, &USER_NAME, &name);
            put(&mut octets, &PASSWORD, &password);
            for (at, octet) in faults {
                octets[at] = octet;
            }
            prop_assert_eq!(Request::decode(&octets), Request::decode_judged(&octets));
            if let Ok(request) = Request::decode(&octets) {
                let again = request.encode();
                prop_assert_eq!(again.as_ref(), &octets[..]);
                prop_assert_eq!(first_refused(&octets), None);
            } else {
                let mut found = false;
                judge(&octets, &mut |fault| found |= fault.is_refused());
                let other_kind = MessageView::new(&octets).kind() == Some(MessageKind::Response);
                prop_assert!(found || other_kind);
            }
        }
    }
}
