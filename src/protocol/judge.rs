//! Finds the faults of a message's bytes, for server, client and inspector alike.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a message of at most 73 bytes"
)]

use super::command::Command;
use super::fault::Fault;
use super::header::{kind_of_len, text_number};
use super::layout::{
    COMMAND, DESCRIPTION, Field, HEADER_LEN, LENGTH, MAX_LEN, MessageKind, PASSWORD, REQUEST_LEN,
    STATUS_SUCCESS, USER_NAME,
};
use super::name;
use super::rules::{HeaderFault, TEXT_FAULTS, TextFault, UNFILLED, ZERO_FILLING, header_faults};
use super::text::{CONTROL, first_control, is_printable};
use super::view::{MessageView, TextValue, is_header};

/// Calls `tell` with each fault of a complete or cut off message, in the order of the fields.
pub fn judge(octets: &[u8], tell: &mut impl FnMut(Fault)) {
    let view = MessageView::new(octets);
    let (Some(length), Some(command)) = (view.length(), view.command()) else {
        return;
    };
    for fault in header_faults(length, command) {
        tell(match fault {
            HeaderFault::HeaderNotCounted => Fault::HeaderNotCounted { found: length },
            HeaderFault::Length => mistaken(&LENGTH, octets).unwrap_or(Fault::Length {
                found: length,
                command,
            }),
            HeaderFault::Command => {
                mistaken(&COMMAND, octets).unwrap_or(Fault::UnknownCommand(command.code()))
            }
        });
    }
    if let Some(kind) = command.kind() {
        judge_body(octets, kind, tell);
    }
}

/// The fault of the start of a message that ended early, or that may be all its sender meant to send.
#[must_use]
pub fn judge_beginning(octets: &[u8]) -> Option<Fault> {
    let have = place(octets.len());
    is_not_filled(octets).then_some(Fault::NotFilled { have })
}

/// Whether the start of a request has text and no padding at all, as if only the characters of both values were sent.
fn is_not_filled(octets: &[u8]) -> bool {
    let is_request = MessageView::new(octets).kind() == Some(MessageKind::Request);
    let body = octets.get(HEADER_LEN..).unwrap_or_default();
    is_request && octets.len() < REQUEST_LEN && body.len() >= UNFILLED && !body.contains(&0)
}

/// The fault of an invalid header number that would be valid in reverse byte order, or as text.
fn mistaken(field: &'static Field, octets: &[u8]) -> Option<Fault> {
    let ours = |value| match field.offset {
        0 => kind_of_len(value).is_some(),
        _ => Command::from(value).kind().is_some(),
    };
    let number = field.number(octets)?;
    let value = number.swap_bytes();
    if ours(value) {
        return Some(Fault::Reversed { field, value });
    }
    let value = text_number(field.slice(octets)).filter(|value| ours(*value))?;
    Some(Fault::NumberAsText { field, value })
}

fn judge_body(octets: &[u8], kind: MessageKind, tell: &mut impl FnMut(Fault)) {
    let view = MessageView::new(octets);
    match kind {
        MessageKind::Request => {
            let second = second_text(octets);
            if let Some(user_name) = view.user_name() {
                judge_text(user_name, &USER_NAME, second.is_some(), tell);
            }
            if let Some(at) = second {
                let at = place(at);
                tell(Fault::SecondText { at });
            } else if let Some(password) = view.password() {
                judge_text(password, &PASSWORD, false, tell);
            }
        }
        MessageKind::Response => {
            if let Some(status) = view.status()
                && status > STATUS_SUCCESS
            {
                tell(Fault::Status(status));
            }
            if let Some(description) = view.description() {
                judge_text(description, &DESCRIPTION, false, tell);
            }
        }
    }
}

/// Offset of the second of exactly two texts in a request's body, each followed only by NULs, if it is not where the
/// password should be. The message must show that its fields are elsewhere: by its length, or because the second text
/// begins where the user name would if the password came first.
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

/// `moved` says that bytes after a NUL are another field's text.
fn judge_text(
    text: TextValue<'_>,
    field: &'static Field,
    moved: bool,
    tell: &mut impl FnMut(Fault),
) {
    let octets = text.octets();
    let is_name = field == &USER_NAME;
    let is_odd = is_name || !is_printable(octets);
    let line = octets.strip_suffix(b"\n").unwrap_or(octets);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    for (fault, fields) in &TEXT_FAULTS {
        if !fields.contains(&field) {
            continue;
        }
        let mut character = |(found, at): (_, usize)| {
            let at = place(at);
            tell(Fault::Character { field, found, at });
        };
        match fault {
            TextFault::Empty if octets.is_empty() => tell(Fault::Empty(field)),
            TextFault::NotUtf8 if is_odd => {
                if let Err(error) = std::str::from_utf8(octets) {
                    let at = place(error.valid_up_to());
                    tell(Fault::NotUtf8 { field, at });
                }
            }
            TextFault::LineBreak if line.len() < octets.len() => tell(Fault::LineBreak(field)),
            TextFault::Characters if is_name => name::refusals(line).for_each(character),
            TextFault::Characters if is_odd => {
                first_control(line)
                    .map(|at| (CONTROL, at))
                    .into_iter()
                    .for_each(&mut character);
            }
            TextFault::AfterNul if !moved => {
                if let Some(at) = text.first_after_nul() {
                    let at = place(at);
                    tell(Fault::AfterNul { field, at });
                }
            }
            TextFault::ZeroFilled
                if octets.len() == field.width && octets.ends_with(ZERO_FILLING) =>
            {
                tell(Fault::ZeroFilled(field));
            }
            _ => {}
        }
    }
}

/// An offset in a message as a `u8`, which suffices for every message.
const fn place(at: usize) -> u8 {
    const { assert!(MAX_LEN <= u8::MAX as usize) };
    at as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The faults of a header and two texts, each padded to its width.
    fn faults(header: &[u8], texts: [(&str, usize); 2]) -> Vec<Fault> {
        let mut octets = header.to_vec();
        for (text, width) in texts {
            let end = octets.len() + width;
            octets.extend_from_slice(text.as_bytes());
            octets.resize(end, 0);
        }
        let mut faults = Vec::new();
        judge(&octets, &mut |fault| faults.push(fault));
        faults
    }

    proptest! {
        /// Digits in any of the usual forms, before any name and password.
        #[test]
        fn numbers_as_text_are_named(
            name in "[a-z][ -~]{0,18}[a-z]",
            password in "[ -~]{1,30}",
            command in 1..=4u32,
            form in 0..4usize,
        ) {
            let kind = if command % 2 == 1 { MessageKind::Request } else { MessageKind::Response };
            let digits = |number: u32| match form {
                0 => format!("{number:04}"),
                1 => format!("{number:<4}"),
                2 => format!("{number:>4}"),
                _ => format!("{number:\0<4}"),
            };
            let length = kind.len() as u32;
            let header = digits(length) + &digits(command);
            let found = faults(header.as_bytes(), [(&name, 20), (&password, 30)]);
            let text = |field, value| Fault::NumberAsText { field, value };
            prop_assert_eq!(found, [text(&LENGTH, length), text(&COMMAND, command)]);
        }

        /// Any name and password in exchanged places, unless the password fills its field: then they cannot be
        /// distinguished.
        #[test]
        fn a_password_before_the_name_is_named(
            name in "[a-z][ -~]{0,18}[a-z]",
            password in "[!-9;-~]{1,29}",
            command in prop_oneof![Just(1u8), Just(3)],
        ) {
            let header = [0, 0, 0, REQUEST_LEN as u8, 0, 0, 0, command];
            let found = faults(&header, [(&password, PASSWORD.width), (&name, USER_NAME.width)]);
            let at = (HEADER_LEN + PASSWORD.width) as u8;
            prop_assert!(found.contains(&Fault::SecondText { at }), "{found:?}");
            let in_place = faults(&header, [(&name, USER_NAME.width), (&password, PASSWORD.width)]);
            let second = |fault: &Fault| matches!(fault, Fault::SecondText { .. });
            prop_assert!(!in_place.iter().any(second), "{in_place:?}");
        }

        /// Name and password without padding, as far as they were received.
        #[test]
        fn a_request_without_filling_is_named(name in "[a-z]{1,20}", password in "[ -~]{1,29}") {
            let header = [0, 0, 0, REQUEST_LEN as u8, 0, 0, 0, 3];
            let octets = [&header[..], name.as_bytes(), password.as_bytes()].concat();
            let have = octets.len() as u8;
            prop_assert_eq!(judge_beginning(&octets), Some(Fault::NotFilled { have }));
            // A padded field is not reported as such a start.
            let mut filled = octets[..HEADER_LEN + name.len()].to_vec();
            filled.push(0);
            prop_assert_eq!(judge_beginning(&filled), None);
        }
    }
}
