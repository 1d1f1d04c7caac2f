//! Makes responses: yes, no, and what is sent to bytes that are not a request.

use crate::protocol::{Action, Description, Fault, MessageView, Response};

/// A response with these words.
pub fn response(action: Action, success: bool, words: &str) -> Response {
    Response {
        action,
        success,
        description: Description::cut(words),
    }
}

/// A failure response.
pub fn failure(action: Action, words: &str) -> Response {
    response(action, false, words)
}

/// The response to bytes that are not a request: `None` if their command is not a request's, because then the
/// expected kind of response is unknown.
pub fn refuse(octets: &[u8], fault: &Fault) -> Option<Response> {
    let command = MessageView::new(octets).command()?;
    let action = command.action()?;
    (command == action.request()).then(|| failure(action, &fault.summary()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Password, Request, UserName};

    #[test]
    fn a_refusal_names_the_reason() {
        let octets = Request {
            action: Action::Login,
            user_name: UserName::new("alice").unwrap(),
            password: Password::new("secret").unwrap(),
        }
        .encode();
        for (index, octet, words) in [
            (
                3,
                57,
                "total length is 57, but a login request has 58 bytes",
            ),
            (9, b':', "the user name has a colon at its offset 1"),
            (
                57,
                1,
                "leftovers after the text (offset 57 of the message, password)",
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
