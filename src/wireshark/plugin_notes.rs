//! The notes as the plugin needs them: their texts with places for what is known at run time only.
//!
//! The words come from [`Note`] itself: a note is made with numbers that stand for such places,
//! and they are put in where its text has the numbers.

use std::net::{IpAddr, Ipv4Addr};

use super::plugin::quote;
use crate::dissect::{CutBy, Note, judge};
use crate::packet::Endpoint;
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, HEADER_LEN, Kind, LENGTH, MAX_LEN, PASSWORD, USER_NAME,
};
use crate::protocol::{Action, Command, Password, Request, UserName};
use crate::stream::Ignored;

/// Numbers that no text has of itself.
const MARKS: [u64; 3] = [0x1f00_1f01, 0x1f00_1f03, 0x1f00_1f05];

/// An address that stands for the place `client`.
const CLIENT: Endpoint = Endpoint {
    address: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 254)),
    port: 65_535,
};

/// A note for the plugin.
pub(super) struct NoteEntry {
    /// Its kind, then what further tells its text.
    key: String,
    note: Note,
    /// Names of the places that stand for [`MARKS`].
    places: &'static [&'static str],
}

impl NoteEntry {
    /// The entry in the plugin's table.
    pub fn entry(&self) -> String {
        let mut text = self.note.to_string();
        for (mark, place) in MARKS.iter().zip(self.places) {
            text = text.replace(&mark.to_string(), &format!("{{{place}}}"));
        }
        text = text.replace(&CLIENT.to_string(), "{client}");
        let field = self
            .note
            .field()
            .map_or_else(String::new, |field| format!(", field = \"{}\"", field.key));
        let in_rows = if self.note.in_rows() {
            ", in_rows = true"
        } else {
            ""
        };
        format!(
            "[{}] = {{ severity = \"{}\", group = \"{}\"{field}{in_rows}, text = {} }}",
            quote(&self.key),
            self.note.severity().name(),
            self.note.group().name(),
            quote(&text),
        )
    }
}

/// Every note that the plugin can give.
#[allow(clippy::too_many_lines, reason = "one list of all")]
pub(super) fn notes() -> Vec<NoteEntry> {
    let mut notes = Vec::new();
    let mut add = |key: String, note: Note, places: &'static [&'static str]| {
        notes.push(NoteEntry { key, note, places });
    };
    let mark = MARKS[0];
    let found = mark as u32;
    add(
        "unknown_command".into(),
        Note::UnknownCommand(found),
        &["found"],
    );
    add(
        "length.unknown".into(),
        Note::Length {
            found,
            command: Command::Unknown(0),
        },
        &["found"],
    );
    for status in 2..=u8::MAX {
        add(format!("status.{status}"), Note::Status(status), &[]);
    }
    for command in Command::KNOWN {
        let code = command.code();
        add(
            format!("length.{code}"),
            Note::Length { found, command },
            &["found"],
        );
        add(
            format!("wrong_direction.{code}"),
            Note::WrongDirection(command),
            &[],
        );
        let request = mark;
        add(
            format!("wrong_response.{code}"),
            Note::WrongResponse { request, command },
            &["request"],
        );
    }
    mistakes(&mut add);
    proxies(&mut add);
    for field in [&USER_NAME, &PASSWORD, &DESCRIPTION] {
        let key = field.key;
        let at = mark as usize;
        add(format!("empty.{key}"), Note::Empty(field), &[]);
        add(format!("not_utf8.{key}"), Note::NotUtf8(field), &[]);
        add(format!("line_break.{key}"), Note::LineBreak(field), &[]);
        add(
            format!("control_characters.{key}"),
            Note::ControlCharacters(field),
            &[],
        );
        add(
            format!("after_nul.{key}"),
            Note::AfterNul { field, at },
            &["at"],
        );
        add(format!("zero_filled.{key}"), Note::ZeroFilled(field), &[]);
    }
    for (key, name) in [("colon", &b"a:b"[..]), ("space", b" a")] {
        for note in user_name_rules(name) {
            add(format!("user_name_rule.{key}"), note, &[]);
        }
    }
    for (key, by) in [
        ("fin", CutBy::Fin),
        ("reset", CutBy::Reset),
        ("gap", CutBy::Gap),
        ("end", CutBy::End),
    ] {
        let (have, need) = (MARKS[0] as usize, MARKS[1] as usize);
        add(
            format!("cut_off.{key}"),
            Note::CutOff { have, need, by },
            &["have", "need"],
        );
    }
    of_streams(&mut add);
    notes
}

/// The notes on streams and on exchanges.
fn of_streams(add: &mut impl FnMut(String, Note, &'static [&'static str])) {
    let mark = MARKS[0];
    for (suffix, octets) in [("", mark), (".one", 1)] {
        let places: &[&str] = &["octets"];
        add(format!("gap{suffix}"), Note::Gap { octets }, places);
        add(format!("skipped{suffix}"), Note::Skipped { octets }, places);
        add(
            format!("given_up{suffix}"),
            Note::GivenUp { octets },
            places,
        );
    }
    let (frame, from, to) = (MARKS[0], MARKS[1], MARKS[2] + 1);
    add(
        "conflict".into(),
        Note::Conflict { frame, from, to },
        &["frame", "from", "to"],
    );
    let reset = mark;
    add("after_reset".into(), Note::AfterReset { reset }, &["reset"]);
    add(
        "reset_cause".into(),
        Note::ResetCause("{words}".to_owned()),
        &[],
    );
    for (key, why) in [
        ("out_of_window", Ignored::OutOfWindow),
        ("checksum", Ignored::Checksum),
        ("answers_no_syn", Ignored::AnswersNoSyn),
        ("goes_on", Ignored::GoesOn),
    ] {
        let frame = mark;
        add(
            format!("reset_ignored.{key}"),
            Note::ResetIgnored { frame, why },
            &["frame"],
        );
        add(
            format!("syn_ignored.{key}"),
            Note::SynIgnored { frame, why },
            &["frame"],
        );
    }
    add("unanswered".into(), Note::Unanswered, &[]);
    add("no_request".into(), Note::NoRequest, &[]);
    add(
        "no_request_for".into(),
        Note::NoRequestFor { frame: mark },
        &["frame"],
    );
    add(
        "answered_before".into(),
        Note::AnsweredBefore { response: mark },
        &["response"],
    );
    add("not_paired".into(), Note::NotPaired, &[]);
    let request = mark;
    add("no_time".into(), Note::NoTime { request }, &["request"]);
    add(
        "negative_time".into(),
        Note::NegativeTime { request },
        &["request"],
    );
    add(
        "pipelined".into(),
        Note::Pipelined { after: mark },
        &["after"],
    );
}

/// The notes on PROXY headers.
fn proxies(add: &mut impl FnMut(String, Note, &'static [&'static str])) {
    for (key, client) in [("proxy", Some(CLIENT)), ("proxy.unknown", None)] {
        for version in [1, 2] {
            let note = Note::Proxy { version, client };
            add(format!("{key}.{version}"), note, &[]);
        }
    }
}

/// The notes that name a mistake of whoever wrote the sender.
fn mistakes(add: &mut impl FnMut(String, Note, &'static [&'static str])) {
    for kind in [Kind::Request, Kind::Response] {
        let length = kind.len() as u32;
        let found = length - HEADER_LEN as u32;
        let note = Note::HeaderNotCounted { found };
        add(format!("header_not_counted.{found}"), note, &[]);
        for (field, values) in [(&LENGTH, length..=length), (&COMMAND, 1..=4)] {
            // The commands are the same for both kinds.
            if kind == Kind::Response && field == &COMMAND {
                continue;
            }
            for value in values {
                let key = field.key;
                let reversed = Note::Reversed { field, value };
                add(format!("reversed.{key}.{value}"), reversed, &[]);
                let text = Note::NumberAsText { field, value };
                add(format!("number_as_text.{key}.{value}"), text, &[]);
            }
        }
        add(
            format!("fits_other.{}", kind.name()),
            Note::FitsOther(kind),
            &[],
        );
    }
    for at in HEADER_LEN..=MAX_LEN {
        add(format!("second_text.{at}"), Note::SecondText { at }, &[]);
    }
    let have = MARKS[0] as usize;
    add("not_filled".into(), Note::NotFilled { have }, &["have"]);
}

/// The notes on a user name of `name`.
fn user_name_rules(name: &[u8]) -> Vec<Note> {
    let (Ok(user_name), Ok(password)) = (UserName::new("x"), Password::new(*b"x")) else {
        return Vec::new();
    };
    let action = Action::Login;
    let request = Request {
        action,
        user_name,
        password,
    };
    let encoded = request.encode();
    let mut octets = encoded.as_ref().to_vec();
    octets[USER_NAME.offset..USER_NAME.offset + name.len()].copy_from_slice(name);
    judge(&octets).into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> String {
        let all = notes();
        let mut of_key = all.iter().filter(|note| note.key == key);
        let found = of_key.next().expect(key).entry();
        assert!(of_key.next().is_none(), "{key} is there twice");
        found
    }

    #[test]
    fn numbers_become_places() {
        assert_eq!(
            entry("length.3"),
            r#"["length.3"] = { severity = "error", group = "malformed", field = "length", in_rows = true, text = "total length is {found}, but a login request has 58 octets" }"#
        );
        assert!(entry("conflict").contains(
            "frame {frame} carried other octets for stream offsets {from} to {to}; the first copy counts"
        ));
        assert!(entry("cut_off.fin").contains("cut off after {have} of {need} octets"));
        assert!(entry("gap.one").contains("\"1 octet of the stream"));
    }

    #[test]
    fn each_rule_of_user_names_has_its_entry() {
        assert!(entry("user_name_rule.colon").contains("a colon"));
        assert!(entry("user_name_rule.space").contains("a space"));
    }
}
