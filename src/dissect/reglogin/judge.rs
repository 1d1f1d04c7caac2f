//! Notes on a message's own bytes.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a message of at most 73 bytes"
)]

use smallvec::SmallVec;

use super::fast_path::is_clean;
use crate::dissect::note::Note;
use crate::protocol::layout::{MessageKind, USER_NAME};
use crate::protocol::{
    self, Command, Fault, MessageView, TextError, TextValue, UserName, is_strict,
};
use crate::stream::Role;

/// The notes on a message's fields, in the order of the fields.
#[must_use]
pub fn judge(octets: &[u8]) -> SmallVec<[Note; 1]> {
    let mut notes = SmallVec::new();
    judge_into(octets, &mut notes);
    notes
}

/// Appends the notes on a message's fields. Returns whether the message is on the fast path and has none.
pub(in crate::dissect) fn judge_into(octets: &[u8], notes: &mut SmallVec<[Note; 1]>) -> bool {
    let clean = is_clean(octets);
    if !clean {
        judge_fields(octets, notes);
    }
    clean
}

fn judge_fields(octets: &[u8], notes: &mut SmallVec<[Note; 1]>) {
    judge_registration(octets, notes);
    protocol::judge(octets, &mut |fault| notes.push(Note::Fault(fault)));
}

/// Notes what would make a server refuse to register the name. Only in a correct request whose name does not fill its
/// field: a full field could contain bytes of a password. Names that are too long in NFC are not noted.
fn judge_registration(octets: &[u8], notes: &mut SmallVec<[Note; 1]>) {
    let view = MessageView::new(octets);
    let Some(name) = view.user_name().map(TextValue::octets) else {
        return;
    };
    let registers = view.command() == Some(Command::RegistrationRequest);
    if !registers || name.is_ascii() || name.len() >= USER_NAME.width || !is_strict(octets) {
        return;
    }
    // A name that no request can contain is a fault of its own.
    let registered = UserName::from_octets(name).map(|name| name.registrable());
    if let Ok(Err(TextError::Character { found, offset, .. })) = registered {
        let (field, at) = (&USER_NAME, offset as u8);
        notes.push(Note::Fault(Fault::Character { field, found, at }));
    }
}

/// Notes on a message that was cut off: whether its fields seem not to be padded.
pub(in crate::dissect) fn judge_cut(octets: &[u8], notes: &mut SmallVec<[Note; 1]>) {
    notes.extend(protocol::judge_beginning(octets).map(Note::Fault));
}

/// Adds a note to a message from the wrong side if its size is that of the other kind.
pub(in crate::dissect) fn judge_sender(
    octets: &[u8],
    sender: Role,
    notes: &mut SmallVec<[Note; 1]>,
) {
    let kind = match sender {
        Role::Client => MessageKind::Request,
        Role::Server => MessageKind::Response,
    };
    if octets.len() == kind.len() {
        notes.push(Note::Fault(Fault::FitsOther(kind)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::layout::{
        COMMAND, DESCRIPTION, LENGTH, MAX_LEN, PASSWORD, REQUEST_LEN, RESPONSE_LEN, USER_NAME,
    };
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
        /// A request with up to two faults.
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
            prop_assert!(notes.is_empty() || !is_clean(&octets), "{notes:?}");
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
    fn a_name_that_no_server_registers_is_noted_where_it_is_to_be_registered() {
        let ask = |action, name: &str| {
            let request = Request {
                action,
                user_name: UserName::new(name).unwrap(),
                password: Password::new(b"secret".to_vec()).unwrap(),
            };
            texts(request.encode().as_ref())
        };
        for (name, found) in [
            ("ali\u{200b}ce", "a format character at its offset 3"),
            ("alice\u{fe0f}", "an invisible character at its offset 5"),
            ("alice\u{378}", "an unassigned character at its offset 5"),
            ("\u{3000}alice", "a leading space at its offset 0"),
            ("alice\u{3000}\u{a0}", "a trailing space at its offset 5"),
        ] {
            let said = format!("the user name has {found}");
            assert_eq!(ask(Action::Register, name), [said]);
            assert_eq!(ask(Action::Login, name), [""; 0]);
        }
        assert_eq!(ask(Action::Register, "\u{e9}ric \u{540d}"), [""; 0]);
        // Bytes that may belong to a password are not shown.
        assert_eq!(ask(Action::Register, "seventeen-octets-\u{200b}"), [""; 0]);
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
                "total length is 57, but a login request has 58 bytes".to_owned()
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
        assert_eq!(
            fault(9, 0xff).1,
            "the user name is not valid UTF-8 from its offset 1 on"
        );
        assert_eq!(
            fault(9, 0x1b).1,
            "the user name has a control character at its offset 1"
        );
        assert_eq!(
            fault(9, b':').1,
            "the user name has a colon at its offset 1"
        );
        assert_eq!(
            fault(50, b'x').1,
            "leftovers after the text: clear the buffer before it is filled (offset 50 of the message, password)"
        );
    }

    #[test]
    fn filling_with_zeroes_is_guessed() {
        let mut octets = request();
        octets[13..28].fill(b'0');
        assert_eq!(
            judge(&octets).as_slice(),
            [Note::Fault(Fault::ZeroFilled(&USER_NAME))]
        );
        octets[27] = 0;
        assert!(judge(&octets).is_empty());
    }

    #[test]
    fn an_empty_name_is_noted() {
        let mut octets = request();
        octets[8..28].fill(0);
        assert_eq!(
            judge(&octets).as_slice(),
            [Note::Fault(Fault::Empty(&USER_NAME))]
        );
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
            [Note::Fault(Fault::Character {
                field: &USER_NAME,
                found: "a control character",
                at: 1
            })]
        );
    }
}
