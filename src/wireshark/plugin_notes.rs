//! The notes for the plugin: their texts, with placeholders such as `{frame}` for values that are known only at run time.
//!
//! The words come from [`Note`]: each note is made with special numbers, which are then replaced in its text by placeholders.

#![expect(
    clippy::cast_possible_truncation,
    reason = "places in a message of at most 73 bytes, and marks of one's own"
)]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::plugin::quote;
use crate::dissect::{CutBy, Goes, Note};
use crate::packet::Endpoint;
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, HEADER_LEN, LENGTH, MAX_LEN, MessageKind, PASSWORD, USER_NAME,
};
use crate::protocol::{
    Action, Command, Fault, Password, Request, UserName, judge, unregistrable_runs,
};
use crate::stream::Ignored;

/// Special numbers, which no text contains otherwise.
const MARKS: [u64; 3] = [0x1f00_1f01, 0x1f00_1f03, 0x1f00_1f05];

/// The special number for an offset in a message.
const OFFSET: u8 = 201;

/// The placeholder for [`OFFSET`].
const OFFSET_PLACE: &str = "at";

/// The special address for the placeholder `client`.
const CLIENT: Endpoint = Endpoint {
    address: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 254)),
    port: 65_535,
};

/// A note for the plugin.
pub(super) struct NoteEntry {
    /// Its kind, and what else its text depends on, with dots between.
    key: String,
    note: Note,
    /// The names of the placeholders for [`MARKS`], in the same order.
    places: &'static [&'static str],
    /// The name of its expert information, if that is not the key's first part: in Wireshark each has only one severity.
    expert: Option<&'static str>,
}

impl NoteEntry {
    /// The first part of its key.
    pub fn kind(&self) -> &str {
        self.key.split('.').next().unwrap_or_default()
    }

    /// Its entry in the plugin's table.
    pub fn entry(&self) -> String {
        let mut text = self.note.to_string();
        for (mark, &place) in MARKS.iter().zip(self.places) {
            let mark = match place {
                OFFSET_PLACE => u64::from(OFFSET),
                _ => *mark,
            };
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
        let expert = self
            .expert
            .map_or_else(String::new, |kind| format!(", expert = \"{kind}\""));
        format!(
            "[{}] = {{ severity = \"{}\", group = \"{}\"{field}{in_rows}{expert}, text = {} }}",
            quote(&self.key),
            self.note.severity().name(),
            self.note.group().name(),
            quote(&text),
        )
    }
}

/// All notes that the plugin can show.
#[allow(clippy::too_many_lines, reason = "one list of all")]
pub(super) fn notes() -> Vec<NoteEntry> {
    let mut notes = Vec::new();
    let mut add = |key: String, note: Note, places: &'static [&'static str]| {
        let expert = match &note {
            Note::Fault(Fault::NotUtf8 { field, .. }) if *field == &PASSWORD => {
                Some("not_utf8_password")
            }
            Note::Fault(Fault::Character { field, .. }) if *field == &PASSWORD => {
                Some("character_in_password")
            }
            begun if begun.asks_for_filling() => Some("begun_unfilled"),
            _ => None,
        };
        notes.push(NoteEntry {
            key,
            note,
            places,
            expert,
        });
    };
    let mark = MARKS[0];
    let found = mark as u32;
    add(
        "unknown_command".into(),
        Note::Fault(Fault::UnknownCommand(found)),
        &["found"],
    );
    add(
        "length.unknown".into(),
        Note::Fault(Fault::Length {
            found,
            command: Command::Unknown(0),
        }),
        &["found"],
    );
    for status in 2..=u8::MAX {
        let fault = Fault::Status(status);
        add(format!("status.{status}"), Note::Fault(fault), &[]);
    }
    for command in Command::KNOWN {
        let code = command.code();
        add(
            format!("length.{code}"),
            Note::Fault(Fault::Length { found, command }),
            &["found"],
        );
        add(
            format!("wrong_direction.{code}"),
            Note::Fault(Fault::WrongSender(command)),
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
    texts(&mut add);
    unregistrable(&mut add);
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

/// Adds the faults of texts.
fn texts(add: &mut impl FnMut(String, Note, &'static [&'static str])) {
    const AT: &[&str] = &[OFFSET_PLACE];
    for field in [&USER_NAME, &PASSWORD, &DESCRIPTION] {
        let key = field.key;
        let at = OFFSET;
        // The text gives the offset in the message.
        let after_nul = Fault::AfterNul {
            field,
            at: OFFSET - field.offset as u8,
        };
        for (kind, fault, places) in [
            ("empty", Fault::Empty(field), &[][..]),
            ("line_break", Fault::LineBreak(field), &[]),
            ("zero_filled", Fault::ZeroFilled(field), &[]),
            ("after_nul", after_nul, AT),
            ("not_utf8", Fault::NotUtf8 { field, at }, AT),
        ] {
            add(format!("{kind}.{key}"), Note::Fault(fault), places);
        }
    }
    for (key, name) in CHARACTERS {
        for fault in faults_of_name(name) {
            let Fault::Character { found, .. } = fault else {
                continue;
            };
            for field in [&USER_NAME, &PASSWORD, &DESCRIPTION] {
                let at = OFFSET;
                let note = Note::Fault(Fault::Character { field, found, at });
                add(format!("character.{}.{key}", field.key), note, AT);
            }
        }
    }
}

/// Adds the faults of characters that are not allowed in new user names.
fn unregistrable(add: &mut impl FnMut(String, Note, &'static [&'static str])) {
    let (field, at) = (&USER_NAME, OFFSET);
    let all: BTreeSet<&str> = unregistrable_runs().iter().map(|run| run.2).collect();
    for found in all {
        let key = format!("character.{}.{}", field.key, character_key(found));
        let fault = Fault::Character { field, found, at };
        add(key, Note::Fault(fault), &[OFFSET_PLACE]);
    }
}

/// The plugin's key for a class of characters: `a format character` is `format_character`.
pub(super) fn character_key(found: &str) -> String {
    let (_, noun) = found.split_once(' ').unwrap_or(("", found));
    noun.to_lowercase().replace([' ', '-'], "_")
}

/// Adds the notes about streams and exchanges.
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

/// Adds the notes about PROXY headers.
fn proxies(add: &mut impl FnMut(String, Note, &'static [&'static str])) {
    for (key, client) in [("proxy", Some(CLIENT)), ("proxy.unknown", None)] {
        for version in [1, 2] {
            let note = Note::Proxy { version, client };
            add(format!("{key}.{version}"), note, &[]);
        }
    }
}

/// Adds the notes about typical programming errors of the sender.
fn mistakes(add: &mut impl FnMut(String, Note, &'static [&'static str])) {
    for kind in [MessageKind::Request, MessageKind::Response] {
        let mut add = |key, fault| add(key, Note::Fault(fault), &[]);
        let length = kind.len() as u32;
        let found = length - HEADER_LEN as u32;
        let fault = Fault::HeaderNotCounted { found };
        add(format!("header_not_counted.{found}"), fault);
        for (field, values) in [(&LENGTH, length..=length), (&COMMAND, 1..=4)] {
            // Both kinds have the same notes about commands.
            if kind == MessageKind::Response && field == &COMMAND {
                continue;
            }
            for value in values {
                let key = field.key;
                let reversed = Fault::Reversed { field, value };
                add(format!("reversed.{key}.{value}"), reversed);
                let text = Fault::NumberAsText { field, value };
                add(format!("number_as_text.{key}.{value}"), text);
            }
        }
        let key = format!("fits_other.{}", kind.name());
        add(key, Fault::FitsOther(kind));
    }
    for at in HEADER_LEN as u8..=MAX_LEN as u8 {
        let note = Note::Fault(Fault::SecondText { at });
        add(format!("second_text.{at}"), note, &[]);
    }
    let [have, need] = [MARKS[0], MARKS[1]].map(|mark| mark as usize);
    for have in HEADER_LEN as u8..=MAX_LEN as u8 {
        let note = Note::Fault(Fault::NotFilled { have });
        add(format!("not_filled.{have}"), note, &[]);
        let note = Note::Begun {
            have: have.into(),
            need: MAX_LEN,
            unfilled: true,
            goes: Goes::Unknown,
        };
        add(format!("begun.unfilled.{have}"), note, &[]);
    }
    for (key, goes, places) in [
        ("begun", Goes::Unknown, &["have", "need"][..]),
        (
            "begun.goes_on",
            Goes::In(MARKS[2]),
            &["have", "need", "frame"],
        ),
    ] {
        let note = Note::Begun {
            have,
            need,
            unfilled: false,
            goes,
        };
        add(key.into(), note, places);
    }
}

/// The plugin's key for each character that is not allowed in a name, with an example.
const CHARACTERS: [(&str, &[u8]); 4] = [
    ("colon", b"a:b"),
    ("leading_space", b" a"),
    ("trailing_space", b"a "),
    ("control", b"a\x01b"),
];

/// The faults of a request with the user name `name`.
fn faults_of_name(name: &[u8]) -> Vec<Fault> {
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
    let mut faults = Vec::new();
    judge(&octets, &mut |fault| faults.push(fault));
    faults
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
            r#"["length.3"] = { severity = "error", group = "malformed", field = "length", in_rows = true, text = "total length is {found}, but a login request has 58 bytes" }"#
        );
        assert!(entry("conflict").contains(
            "frame {frame} carried other bytes for stream offsets {from} to {to}; the first copy counts"
        ));
        assert!(entry("cut_off.fin").contains("cut off after {have} of {need} bytes"));
        assert!(entry("gap.one").contains("\"1 byte of the stream"));
    }

    #[test]
    fn each_rule_of_user_names_has_its_entry() {
        let colon = entry("character.username.colon");
        assert!(colon.contains("the user name has a colon at its offset {at}"));
        assert!(entry("character.username.leading_space").contains("a leading space"));
        let after_nul = entry("after_nul.username");
        assert!(
            after_nul.contains("offset {at} of the message, user name"),
            "{after_nul}"
        );
    }
}
