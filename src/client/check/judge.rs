//! Compares what was received with what was expected, and describes both in words and as bytes.

use std::time::Duration;

use super::script::{Awaited, ExpectedAnswer, Then, Words};
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, LENGTH, RESPONSE_LEN, STATUS, STATUS_FAILURE, STATUS_SUCCESS,
};
use crate::protocol::{Description, MessageKind, MessageView, Response, right_header};
use crate::text::escape::Escaped;

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Open, as far as is known.
    Open,
    /// Closed by the server.
    Closed,
    /// Broken: reset, above all.
    Reset,
}

/// What was received, and how long was waited for it.
#[derive(Debug)]
pub struct Came<'a> {
    /// All bytes.
    pub octets: &'a [u8],
    /// The current state of the connection.
    pub end: End,
    /// How long was waited at the most.
    pub waited: Duration,
    /// The description of the response before, on this connection or another of the check.
    pub before: Option<&'a str>,
    /// Whether the server is meant to give the same answer for all failed logins.
    pub uniform: bool,
}

/// What the server should send: each byte, `None` where any is right. Empty where none should come, or where any may.
pub fn expected(awaited: &Awaited) -> Vec<Option<u8>> {
    let ExpectedAnswer::Response {
        action, success, ..
    } = awaited.what
    else {
        return Vec::new();
    };
    let description = Description::default();
    let response = Response {
        action,
        success,
        description,
    };
    let known = response.encode().into_iter().map(Some);
    let mut octets: Vec<Option<u8>> = known.collect();
    octets[DESCRIPTION.range()].fill(None);
    octets
}

fn outcome(success: bool) -> &'static str {
    if success { "success" } else { "failure" }
}

fn seconds(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0)
}

/// What is expected, in words.
pub fn expected_in_words(awaited: &Awaited, uniform: bool) -> String {
    let what = match &awaited.what {
        ExpectedAnswer::Response {
            action,
            success,
            words,
        } => {
            let words = match words {
                Words::Any => "",
                Words::Why if uniform => " in the same words as before",
                Words::Why => " in other words than before",
            };
            let name = action.response().name();
            format!("{name}, {}{words}", outcome(*success))
        }
        ExpectedAnswer::Nothing => "no response".into(),
        ExpectedAnswer::NoMessage => "nothing of this protocol".into(),
    };
    let then = match awaited.then {
        Then::GoesOn => "",
        Then::StaysOpen => "; the connection stays open",
        Then::Ends => "; the end of the connection",
    };
    format!("{what}{then}")
}

/// What was received, in words. Text from the server is escaped.
pub fn came_in_words(octets: &[u8], end: End) -> String {
    let (message, more) = octets.split_at(octets.len().min(RESPONSE_LEN));
    let what = match Response::decode(message) {
        _ if octets.is_empty() => "nothing".into(),
        Ok(response) => {
            let name = response.action.response().name();
            let said = outcome(response.success);
            match response.description.as_str() {
                "" => format!("{name}, {said}"),
                words => format!("{name}, {said}: {}", Escaped(words)),
            }
        }
        Err(_) => format!("{} bytes that are no response", message.len()),
    };
    let more = match more.len() {
        0 => String::new(),
        count => format!(", and {count} bytes more"),
    };
    let then = match end {
        End::Open => "",
        End::Closed => "; the end of the connection",
        End::Reset => "; the connection was reset",
    };
    format!("{what}{more}{then}")
}

/// The description of a response.
pub fn description(octets: &[u8]) -> Option<String> {
    let message = octets.get(..RESPONSE_LEN)?;
    let response = Response::decode(message).ok()?;
    Some(response.description.as_str().to_owned())
}

/// Whether a response claims success, whatever else is wrong with it.
pub fn says_success(octets: &[u8]) -> bool {
    MessageView::new(octets).status() == Some(STATUS_SUCCESS)
}

/// What is wrong with what was received; `None` if nothing is.
pub fn wrong(awaited: &Awaited, came: &Came<'_>) -> Option<String> {
    let more = match &awaited.what {
        ExpectedAnswer::Response {
            action,
            success,
            words,
        } => {
            if let Some(wrong) = wrong_response(*action, *success, *words, came) {
                return Some(wrong);
            }
            &came.octets[RESPONSE_LEN..]
        }
        ExpectedAnswer::NoMessage if right_header(came.octets) != Some(MessageKind::Response) => {
            &[]
        }
        ExpectedAnswer::Nothing | ExpectedAnswer::NoMessage => came.octets,
    };
    match more.len() {
        0 => {}
        count => return Some(format!("{count} bytes came that nobody asked for")),
    }
    match (awaited.then, came.end) {
        (Then::StaysOpen, End::Closed) => {
            Some("the connection was closed, and should stay open".into())
        }
        (Then::StaysOpen, End::Reset) => {
            Some("the connection was reset, and should stay open".into())
        }
        (Then::Ends, End::Open) => Some(format!(
            "the connection is open after {}, and should be closed",
            seconds(came.waited)
        )),
        _ => None,
    }
}

fn wrong_response(
    action: crate::protocol::Action,
    success: bool,
    words: Words,
    came: &Came<'_>,
) -> Option<String> {
    let message = &came.octets[..came.octets.len().min(RESPONSE_LEN)];
    let response = match Response::decode(message) {
        Ok(response) => response,
        Err(_) if message.len() < RESPONSE_LEN && right_so_far(message) => {
            return Some(cut_off(message.len(), came));
        }
        Err(fault) => return Some(fault.to_string()),
    };
    if response.action != action {
        let (due, found) = (action.response(), response.action.response());
        let (due, found) = ((due.code(), due.name()), (found.code(), found.name()));
        return Some(format!(
            "{} {}, a {}, where {}, a {}, is due",
            COMMAND.wire_name, found.0, found.1, due.0, due.1
        ));
    }
    if response.success != success {
        let code = |success| {
            if success {
                STATUS_SUCCESS
            } else {
                STATUS_FAILURE
            }
        };
        return Some(format!(
            "{} {}, {}, where {}, {}, is due{}",
            STATUS.wire_name,
            code(response.success),
            outcome(response.success),
            code(success),
            outcome(success),
            asks_to_wait(response.description.as_str())
        ));
    }
    let alike = came.before == Some(response.description.as_str());
    match words {
        Words::Why if came.uniform && !alike => {
            Some("two logins that failed are told apart by their descriptions".into())
        }
        Words::Why if !came.uniform && alike => Some(
            "a wrong password and an unknown user have the same description: why did it fail?"
                .into(),
        ),
        _ => None,
    }
}

/// Whether the bytes of an incomplete response have a valid header, as far as it goes.
fn right_so_far(message: &[u8]) -> bool {
    let header = LENGTH.width + COMMAND.width;
    message.len() < header || right_header(message) == Some(MessageKind::Response)
}

fn cut_off(have: usize, came: &Came<'_>) -> String {
    match (have, came.end) {
        (0, End::Open) => format!("no response within {}", seconds(came.waited)),
        (0, End::Closed) => "the connection was closed without a response".into(),
        (0, End::Reset) => "the connection was reset without a response".into(),
        (_, End::Open) => format!(
            "{have} of {RESPONSE_LEN} bytes within {}, and no more",
            seconds(came.waited)
        ),
        (_, End::Closed | End::Reset) => {
            format!("the response ends after {have} of {RESPONSE_LEN} bytes")
        }
    }
}

/// What to do about a server that refuses for a while.
fn asks_to_wait(description: &str) -> &'static str {
    if description.contains("try again") {
        "; it asks to wait: check it later, or have it make an exception of this address (--throttle-exempt)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Action;

    fn awaited(then: Then) -> Awaited {
        Awaited {
            what: ExpectedAnswer::Response {
                action: Action::Login,
                success: false,
                words: Words::Any,
            },
            then,
            who: None,
        }
    }

    fn response(action: Action, success: bool, description: &str) -> Vec<u8> {
        let description = Description::cut(description);
        let response = Response {
            action,
            success,
            description,
        };
        response.encode().to_vec()
    }

    fn judged(awaited: &Awaited, octets: &[u8], end: End) -> Option<String> {
        let waited = Duration::from_millis(1500);
        let came = Came {
            octets,
            end,
            waited,
            before: None,
            uniform: false,
        };
        wrong(awaited, &came)
    }

    #[test]
    fn each_way_to_be_wrong_has_words() {
        let right = response(Action::Login, false, "wrong password");
        let swapped = [&[0x49, 0, 0, 0, 0, 0, 0, 4], &right[8..]].concat();
        let unknown = [&right[..8], &[7], &right[9..]].concat();
        let dirty = [&right[..72], b"x"].concat();
        for (octets, end, said) in [
            (&right[..], End::Open, None),
            (&[], End::Open, Some("no response within 1.5 s")),
            (
                &[],
                End::Closed,
                Some("the connection was closed without a response"),
            ),
            (
                &right[..9],
                End::Reset,
                Some("the response ends after 9 of 73 bytes"),
            ),
            (
                &right[..3],
                End::Open,
                Some("3 of 73 bytes within 1.5 s, and no more"),
            ),
            (
                &swapped,
                End::Open,
                Some(
                    "total length 49 00 00 00 is 73 in reverse order: numbers are big-endian, htonl",
                ),
            ),
            (
                &response(Action::Register, false, ""),
                End::Open,
                Some("commandID 2, a registration response, where 4, a login response, is due"),
            ),
            (
                &response(Action::Login, true, ""),
                End::Open,
                Some("status 1, success, where 0, failure, is due"),
            ),
            (
                &unknown,
                End::Open,
                Some("status 7 is unknown; 1 means success and 0 failure"),
            ),
            (
                &dirty,
                End::Open,
                Some(
                    "leftovers after the text: clear the buffer before it is filled (offset 72 of the message, description)",
                ),
            ),
            (
                &[&right[..], b"ab"].concat(),
                End::Open,
                Some("2 bytes came that nobody asked for"),
            ),
            (
                &right,
                End::Closed,
                Some("the connection was closed, and should stay open"),
            ),
        ] {
            let found = judged(&awaited(Then::StaysOpen), octets, end);
            assert_eq!(found.as_deref(), said);
        }
        assert_eq!(
            judged(&awaited(Then::Ends), &right, End::Open).as_deref(),
            Some("the connection is open after 1.5 s, and should be closed")
        );
        assert_eq!(judged(&awaited(Then::Ends), &right, End::Reset), None);
    }

    #[test]
    fn why_a_login_failed_is_told_or_not_as_it_is_meant() {
        let mut awaited = awaited(Then::GoesOn);
        if let ExpectedAnswer::Response { words, .. } = &mut awaited.what {
            *words = Words::Why;
        }
        let octets = response(Action::Login, false, "no");
        for (before, uniform, right) in [
            ("no", false, false),
            ("other", false, true),
            ("no", true, true),
            ("other", true, false),
        ] {
            let came = Came {
                octets: &octets,
                end: End::Open,
                waited: Duration::ZERO,
                before: Some(before),
                uniform,
            };
            assert_eq!(
                wrong(&awaited, &came).is_none(),
                right,
                "{before} {uniform}"
            );
        }
    }

    #[test]
    fn what_came_is_told_without_obeying_it() {
        let octets = response(Action::Login, false, "\u{1b}[2J");
        assert_eq!(
            came_in_words(&octets, End::Closed),
            "login response, failure: \\u{1b}[2J; the end of the connection"
        );
        assert_eq!(
            came_in_words(b"HTTP", End::Open),
            "4 bytes that are no response"
        );
        assert_eq!(came_in_words(&[], End::Open), "nothing");
    }

    #[test]
    fn what_is_expected_leaves_the_words_open() {
        let octets = expected(&awaited(Then::Ends));
        assert_eq!(octets.len(), 73);
        assert_eq!(octets[..9], [0, 0, 0, 0x49, 0, 0, 0, 4, 0].map(Some));
        assert!(octets[9..].iter().all(Option::is_none));
    }
}
