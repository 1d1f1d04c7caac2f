//! What is to be said about a message's own octets.

use smallvec::SmallVec;

use super::framing::{kind_of_len, text_number};
use super::plain::is_plain;
use crate::dissect::note::Note;
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, HEADER_LEN, Kind, LENGTH, PASSWORD, REQUEST_LEN, STATUS_SUCCESS,
    USER_NAME,
};
use crate::protocol::{Command, Field, MessageView, TextValue, is_header};
use crate::stream::Role;

/// ASCII '0's at the end of a full field from which on it looks filled up with them.
const ZEROES: usize = 2;

/// The notes on a message's fields, in order of the fields.
#[must_use]
pub fn judge(octets: &[u8]) -> SmallVec<[Note; 1]> {
    let mut notes = SmallVec::new();
    judge_into(octets, &mut notes);
    notes
}

/// Appends the notes on a message's fields to those that it has already.
pub(in crate::dissect) fn judge_into(octets: &[u8], notes: &mut SmallVec<[Note; 1]>) {
    if !is_plain(octets) {
        judge_fields(octets, notes);
    }
}

fn judge_fields(octets: &[u8], notes: &mut SmallVec<[Note; 1]>) {
    let view = MessageView::new(octets);
    let (Some(length), Some(command)) = (view.length(), view.command()) else {
        return;
    };
    match command.kind() {
        None => {
            // Where the length is that of a message, only the command is wrong.
            if kind_of_len(length).is_none() {
                let wrong = Note::Length {
                    found: length,
                    command,
                };
                notes.push(mistaken(&LENGTH, octets).unwrap_or(wrong));
            }
            let wrong = Note::UnknownCommand(command.code());
            notes.push(mistaken(&COMMAND, octets).unwrap_or(wrong));
        }
        Some(kind) => {
            if length as usize + HEADER_LEN == kind.len() {
                notes.push(Note::HeaderNotCounted { found: length });
            } else if length as usize != kind.len() {
                let wrong = Note::Length {
                    found: length,
                    command,
                };
                notes.push(mistaken(&LENGTH, octets).unwrap_or(wrong));
            }
            judge_body(octets, kind, notes);
        }
    }
}

/// What a number of the header looks like that is none of ours: one of ours in reverse order, or
/// as text.
fn mistaken(field: &'static Field, octets: &[u8]) -> Option<Note> {
    let ours = |value| match field.offset {
        0 => kind_of_len(value).is_some(),
        _ => Command::from(value).kind().is_some(),
    };
    let number = field.number(octets)?;
    let value = number.swap_bytes();
    if ours(value) {
        return Some(Note::Reversed { field, value });
    }
    let value = text_number(field.slice(octets)).filter(|value| ours(*value))?;
    Some(Note::NumberAsText { field, value })
}

fn judge_body(octets: &[u8], kind: Kind, notes: &mut SmallVec<[Note; 1]>) {
    let view = MessageView::new(octets);
    match kind {
        Kind::Request => {
            let second = second_text(octets);
            if let Some(user_name) = view.user_name() {
                judge_text(user_name, &USER_NAME, second.is_some(), notes);
                judge_user_name(user_name, notes);
            }
            if let Some(at) = second {
                notes.push(Note::SecondText { at });
            } else if let Some(password) = view.password() {
                judge_text(password, &PASSWORD, false, notes);
            }
        }
        Kind::Response => {
            if let Some(status) = view.status()
                && status > STATUS_SUCCESS
            {
                notes.push(Note::Status(status));
            }
            if let Some(description) = view.description() {
                judge_text(description, &DESCRIPTION, false, notes);
            }
        }
    }
}

/// Offset of the second of exactly two texts in a request's body, each with nothing but NUL behind
/// it, where it is not where the password should be and the message shows that its fields have
/// other places: by its length, or because the second text stands where the user name does when
/// the password comes first.
fn second_text(octets: &[u8]) -> Option<usize> {
    let body = octets.get(HEADER_LEN..)?;
    let first = body.iter().position(|octet| *octet == 0)?;
    let gap = body[first..].iter().position(|octet| *octet != 0)?;
    let at = first + gap;
    let end = body[at..].iter().position(|octet| *octet == 0);
    let rest = end.map_or(&[][..], |end| &body[at + end..]);
    let two = first > 0 && rest.iter().all(|octet| *octet == 0);
    let at = HEADER_LEN + at;
    let elsewhere = at != PASSWORD.offset
        && (!is_header(octets) || at == HEADER_LEN + PASSWORD.width)
        && octets.len() >= REQUEST_LEN;
    (two && elsewhere).then_some(at)
}

/// `moved` says that what stands behind a NUL is another field's text.
fn judge_text(
    text: TextValue<'_>,
    field: &'static Field,
    moved: bool,
    notes: &mut SmallVec<[Note; 1]>,
) {
    let octets = text.octets();
    if octets.is_empty() && field.offset != DESCRIPTION.offset {
        notes.push(Note::Empty(field));
    }
    if !is_printable(octets) {
        let line = octets.strip_suffix(b"\n").unwrap_or(octets);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !text.is_utf8() {
            notes.push(Note::NotUtf8(field));
        }
        if line.len() < octets.len() {
            notes.push(Note::LineBreak(field));
        }
        if has_control_characters(line) {
            notes.push(Note::ControlCharacters(field));
        }
    }
    if let Some(at) = text.first_after_nul().filter(|_| !moved) {
        notes.push(Note::AfterNul { field, at });
    }
    let zeroes = octets.iter().rev().take_while(|octet| **octet == b'0');
    if octets.len() == field.width && zeroes.count() >= ZEROES {
        notes.push(Note::ZeroFilled(field));
    }
}

/// What is to be said of a message that ended early: whether it looks as if its fields were not
/// filled up.
pub(in crate::dissect) fn judge_cut(octets: &[u8], notes: &mut SmallVec<[Note; 1]>) {
    if is_not_filled(octets) {
        notes.push(Note::NotFilled { have: octets.len() });
    }
}

/// Whether the beginning of a request has text and not one octet of filling, as where only the
/// characters of both values were sent.
#[must_use]
pub fn is_not_filled(octets: &[u8]) -> bool {
    let is_request = MessageView::new(octets).kind() == Some(Kind::Request);
    let body = octets.get(HEADER_LEN..).unwrap_or_default();
    is_request && octets.len() < REQUEST_LEN && body.len() >= 2 && !body.contains(&0)
}

/// Appends what speaks for a command of the other kind, in a message that its sender's side does
/// not send.
pub(in crate::dissect) fn judge_sender(
    octets: &[u8],
    sender: Role,
    notes: &mut SmallVec<[Note; 1]>,
) {
    let kind = match sender {
        Role::Client => Kind::Request,
        Role::Server => Kind::Response,
    };
    if octets.len() == kind.len() {
        notes.push(Note::FitsOther(kind));
    }
}

/// Whether all is printable ASCII, as nearly all text is.
fn is_printable(octets: &[u8]) -> bool {
    octets.iter().all(|octet| matches!(octet, 0x20..=0x7e))
}

/// C0, DEL and C1 controls. In text that is not UTF-8 only the ASCII ones can be told.
fn has_control_characters(octets: &[u8]) -> bool {
    if octets.iter().any(u8::is_ascii_control) {
        return true;
    }
    !octets.is_ascii()
        && String::from_utf8_lossy(octets)
            .chars()
            .any(char::is_control)
}

fn judge_user_name(user_name: TextValue<'_>, notes: &mut SmallVec<[Note; 1]>) {
    let octets = user_name.octets();
    if octets.contains(&b':') {
        notes.push(Note::UserNameRule("a colon"));
    }
    if octets.starts_with(b" ") || octets.ends_with(b" ") {
        notes.push(Note::UserNameRule("a space at its start or end"));
    }
}

/// Whether a message of this command has the direction that its sender's role calls for.
#[must_use]
pub fn direction_fits(command: Command, sender: Role) -> bool {
    match command.kind() {
        Some(Kind::Request) => sender == Role::Client,
        Some(Kind::Response) => sender == Role::Server,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::layout::{MAX_LEN, RESPONSE_LEN};
    use crate::protocol::{Action, Description, Password, Request, Response, UserName};

    fn request() -> Vec<u8> {
        let request = Request {
            action: Action::Login,
            user_name: UserName::new("alice").unwrap(),
            password: Password::new(b"secret".to_vec()).unwrap(),
        };
        request.encode().as_ref().to_vec()
    }

    proptest! {
        /// A request with a fault or two, or with none.
        #[test]
        fn nothing_is_to_be_noted_of_what_is_plain(
            command in 1..6u8,
            text in "[ -~]{0,20}",
            faults in proptest::collection::vec((0..MAX_LEN, any::<u8>()), 0..3),
        ) {
            let response = command % 2 == 0;
            let mut octets = vec![0; if response { RESPONSE_LEN } else { REQUEST_LEN }];
            octets[LENGTH.end() - 1] = octets.len() as u8;
            octets[COMMAND.end() - 1] = command;
            let field = if response { &DESCRIPTION } else { &USER_NAME };
            octets[field.offset..field.offset + text.len()].copy_from_slice(text.as_bytes());
            if !response {
                octets[PASSWORD.offset] = b'x';
            }
            for (at, octet) in faults {
                if let Some(place) = octets.get_mut(at) {
                    *place = octet;
                }
            }
            let mut notes = SmallVec::new();
            judge_fields(&octets, &mut notes);
            prop_assert!(notes.is_empty() || !is_plain(&octets), "{notes:?}");
        }
    }

    fn texts(octets: &[u8]) -> Vec<String> {
        judge(octets).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_message_has_no_notes() {
        assert!(texts(&request()).is_empty());
        let response = Response {
            action: Action::Login,
            success: true,
            description: Description::default(),
        };
        assert!(texts(&response.encode()).is_empty());
    }

    #[test]
    fn each_fault_is_noted_at_its_field() {
        let fault = |index: usize, octet: u8| {
            let mut octets = request();
            octets[index] = octet;
            let notes = judge(&octets);
            assert_eq!(notes.len(), 1, "{notes:?}");
            (notes[0].field().unwrap().key, notes[0].to_string())
        };
        assert_eq!(
            fault(3, 57),
            (
                "length",
                "total length is 57, but a login request has 58 octets".to_owned()
            )
        );
        assert_eq!(
            fault(7, 9),
            (
                "command",
                "command 9 is unknown; the protocol has 1 to 4".to_owned()
            )
        );
        assert_eq!(fault(20, b'x').0, "username");
        assert_eq!(fault(9, 0xff).1, "the user name is not valid UTF-8");
        assert_eq!(fault(9, 0x1b).1, "the user name holds control characters");
        assert_eq!(
            fault(9, b':').1,
            "the user name has a colon, which the protocol does not allow"
        );
        assert_eq!(
            fault(50, b'x').1,
            "rubbish behind the text, at offset 22 of the password: clear the buffer before it is filled"
        );
    }

    #[test]
    fn filling_with_zeroes_is_guessed() {
        let mut octets = request();
        octets[13..28].fill(b'0');
        assert_eq!(judge(&octets).as_slice(), [Note::ZeroFilled(&USER_NAME)]);
        octets[27] = 0;
        assert!(judge(&octets).is_empty());
    }

    #[test]
    fn an_empty_name_is_noted() {
        let mut octets = request();
        octets[8..28].fill(0);
        assert_eq!(judge(&octets).as_slice(), [Note::Empty(&USER_NAME)]);
    }

    #[test]
    fn a_cut_message_is_judged_as_far_as_it_goes() {
        let octets = request();
        for end in 0..octets.len() {
            assert!(judge(&octets[..end]).is_empty(), "{end}");
        }
    }

    #[test]
    fn c1_controls_in_utf8_are_controls() {
        let mut octets = request();
        octets[8..13].copy_from_slice("a\u{9b}bc".as_bytes());
        assert_eq!(
            judge(&octets).as_slice(),
            [Note::ControlCharacters(&USER_NAME)]
        );
    }
}
