//! Which bytes of a RegLogin message are clear: certainly not part of a password.

use std::ops::{Range, RangeInclusive};

use crate::dissect::Message;
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, HEADER_LEN, LENGTH, MAX_LEN, PASSWORD, REQUEST_LEN, RESPONSE_LEN, STATUS,
    STATUS_SUCCESS, USER_NAME,
};
use crate::protocol::{
    Command, MessageKind, MessageView, TextValue, is_header, length_reads_as_text, reads_as_text,
    right_header,
};
use crate::stream::Role;

const _: () = assert!(MAX_LEN <= u128::BITS as usize);

/// Which bytes of a message are clear: one bit per byte, the lowest for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Clear(u128);

impl Clear {
    /// No byte.
    pub const NONE: Self = Self(0);
    /// Every byte, for when passwords are shown.
    pub const ALL: Self = Self(u128::MAX);

    /// The bits of these bytes.
    const fn bits(range: &Range<usize>) -> u128 {
        let len = range.end.saturating_sub(range.start);
        if range.start >= u128::BITS as usize || len == 0 {
            return 0;
        }
        let ones = if len < u128::BITS as usize {
            (1 << len) - 1
        } else {
            u128::MAX
        };
        ones << range.start
    }

    const fn and(self, range: &Range<usize>) -> Self {
        Self(self.0 | Self::bits(range))
    }

    /// Those of the clear bytes that are in the range.
    #[must_use]
    pub const fn within(self, range: &Range<usize>) -> Self {
        Self(self.0 & Self::bits(range))
    }

    /// Whether the byte at this offset in the message is clear.
    #[must_use]
    pub const fn has(self, at: usize) -> bool {
        at < u128::BITS as usize && self.0 >> at & 1 == 1
    }

    /// Whether all of these bytes are clear.
    #[must_use]
    pub const fn covers(self, range: &Range<usize>) -> bool {
        Self::bits(range) & !self.0 == 0
    }

    /// The bytes, with a `*` for each that is not clear.
    #[must_use]
    pub fn masked(self, octets: &[u8]) -> Vec<u8> {
        let shown = |(at, octet): (usize, &u8)| if self.has(at) { *octet } else { super::HIDDEN };
        octets.iter().enumerate().map(shown).collect()
    }
}

/// Which bytes of a message are clear, judging by its bytes (it may be incomplete) and its sender.
#[must_use]
#[inline]
pub fn clear(octets: &[u8], sender: Role) -> Clear {
    let mut clear = Clear::NONE;
    let view = MessageView::new(octets);
    let command = view.command().unwrap_or(Command::Unknown(0));
    let command_is_text = reads_as_text(command.code());
    // An incomplete number does not show what it is.
    if view
        .length()
        .is_some_and(|length| !length_reads_as_text(length, command) && !command_is_text)
    {
        clear = clear.and(&LENGTH.range());
    }
    if view.command().is_some() && !command_is_text {
        clear = clear.and(&COMMAND.range());
    }
    match (view.kind(), sender) {
        (Some(MessageKind::Response), Role::Server) => and_response(clear, octets),
        _ if is_well_filled_request(octets) => clear.and(&USER_NAME.range()),
        _ => clear,
    }
}

/// Which bytes of a message are clear: as [`clear`], with a fast path for messages without notes.
#[must_use]
#[inline]
pub fn clear_of_reglogin(message: &Message) -> Clear {
    if !message.clean {
        return clear(&message.octets, message.sender);
    }
    // The answers for messages without notes are constants; a test compares them with the general rule.
    match (message.view().kind(), message.sender) {
        (Some(MessageKind::Request), _) => CLEAN_REQUEST,
        (Some(MessageKind::Response), Role::Server) => CLEAN_RESPONSE,
        _ => HEADER,
    }
}

const HEADER: Clear = Clear(Clear::bits(&(0..HEADER_LEN)));
const CLEAN_REQUEST: Clear = HEADER.and(&USER_NAME.range());
const CLEAN_RESPONSE: Clear = HEADER.and(&(HEADER_LEN..RESPONSE_LEN));

/// Bytes that are characters of a typed text.
pub const CHARACTERS: RangeInclusive<u8> = b' '..=b'~';
/// Characters that a status may be nevertheless.
pub const DIGITS: RangeInclusive<u8> = b'0'..=b'9';

/// Adds the clear bytes of a server's response. A server that echoes a request, or writes its response over one, reveals what
/// the client sent. This shows in a status that is a character, in a description that begins with a control character (as
/// in a length), and after the NUL of the description.
fn and_response(clear: Clear, octets: &[u8]) -> Clear {
    let Some(status) = STATUS.slice(octets).first().copied() else {
        return clear;
    };
    let is_number = DIGITS.contains(&status) || !CHARACTERS.contains(&status);
    if status > STATUS_SUCCESS && !(is_header(octets) && is_number) {
        return clear;
    }
    let field = DESCRIPTION.slice(octets);
    let text = TextValue::new(field);
    let value = text.octets();
    if value.first().is_some_and(u8::is_ascii_control) {
        return clear;
    }
    let clear = clear.and(&STATUS.range());
    let start = DESCRIPTION.offset;
    if text.first_after_nul().is_none() {
        return clear.and(&(start..start + field.len()));
    }
    let nuls = (value.len()..field.len()).filter(|at| field[*at] == 0);
    nuls.map(|at| start + at)
        .fold(clear.and(&(start..start + value.len())), |clear, at| {
            clear.and(&(at..at + 1))
        })
}

/// Whether a message is a complete request whose fields are certainly name and password: both contain text with only NULs
/// after it.
///
/// A name that fills its field has no NUL after it: name and password joined without padding look the same. If the password's
/// field is full as well they do not, because no name and password are so long together, unless they are padded with
/// something other than NUL.
fn is_well_filled_request(octets: &[u8]) -> bool {
    if right_header(octets) != Some(MessageKind::Request) || octets.len() < REQUEST_LEN {
        return false;
    }
    let [name, password] = [&USER_NAME, &PASSWORD].map(|field| {
        let text = TextValue::new(field.slice(octets));
        let filled = !text.octets().is_empty() && text.first_after_nul().is_none();
        filled.then_some(text.octets().len())
    });
    match (name, password) {
        (Some(name), Some(password)) => {
            name < USER_NAME.width
                || password == PASSWORD.width
                    && are_filled_alike(USER_NAME.slice(octets), PASSWORD.slice(octets))
        }
        _ => false,
    }
}

/// Whether two full fields may be name and password: if the password is padded, the name ends with the same byte, and the
/// password does not begin with a padding byte.
fn are_filled_alike(name: &[u8], password: &[u8]) -> bool {
    let are_text = [name, password].map(|text| std::str::from_utf8(text).is_ok());
    let [of_name, of_password] = [name, password].map(filling);
    let begins = |filling: Option<u8>| filling.is_some_and(|octet| password[0] == octet);
    are_text == [true; 2]
        && of_password.is_none_or(|octet| name.ends_with(&[octet]))
        && !begins(of_name)
        && !begins(of_password)
}

/// Bytes that fields are usually padded with, and how many of them at a field's end count as padding.
pub const FILLINGS: [(u8, usize); 2] = [(b'0', 2), (b' ', 2)];
/// How many equal bytes of another value at a field's end count as padding.
pub const OTHER_FILLING: usize = 4;

/// The byte that a full field seems padded with. The mask of a redacted password does not count.
fn filling(field: &[u8]) -> Option<u8> {
    let octet = *field.last()?;
    if octet == super::HIDDEN {
        return None;
    }
    let usual = FILLINGS.iter().find(|(filling, _)| *filling == octet);
    let run = usual.map_or(OTHER_FILLING, |(_, run)| *run);
    let octets = field.iter().rev().take_while(|other| **other == octet);
    (octets.count() >= run).then_some(octet)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::net::Ipv4Addr;

    use super::*;
    use crate::capture::Timestamp;
    use crate::dissect::reglogin::is_clean;
    use crate::packet::Endpoint;

    proptest! {
        #[test]
        fn of_plain_messages_it_is_known_beforehand(
            command in 1..5u8,
            status in 0..2u8,
            texts in ["[ -~]{0,64}", "[ -~]{0,30}"],
            faults in proptest::collection::vec((0..MAX_LEN, any::<u8>()), 0..3),
        ) {
            let [first, second] = texts;
            let mut octets = if command % 2 == 1 {
                request(&first.as_bytes()[..first.len().min(USER_NAME.width)], second.as_bytes())
            } else {
                let mut octets = vec![0, 0, 0, RESPONSE_LEN as u8, 0, 0, 0, 0, status];
                octets.extend(first.bytes());
                octets.resize(RESPONSE_LEN, 0);
                octets
            };
            octets[7] = command;
            for (at, octet) in faults {
                if let Some(place) = octets.get_mut(at) {
                    *place = octet;
                }
            }
            for sender in [Role::Client, Role::Server] {
                let message = found(&octets, sender);
                prop_assert_eq!(clear_of_reglogin(&message), clear(&octets, sender));
            }
        }
    }

    /// A message of these bytes, as the inspector finds it.
    fn found(octets: &[u8], sender: Role) -> Message {
        let end = Endpoint {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 8888,
        };
        Message {
            frame: 1,
            time: Timestamp(0),
            stream: 0,
            sender,
            source: end,
            destination: end,
            octets: octets.iter().copied().collect(),
            sources: smallvec::SmallVec::new(),
            notes: smallvec::SmallVec::new(),
            described: None,
            encrypted: false,
            clean: is_clean(octets),
            peer: None,
            answered: None,
        }
    }

    fn request(name: &[u8], password: &[u8]) -> Vec<u8> {
        let mut octets = vec![0, 0, 0, 58, 0, 0, 0, 3];
        octets.extend(name);
        octets.resize(PASSWORD.offset, 0);
        octets.extend(password);
        octets.resize(REQUEST_LEN, 0);
        octets
    }

    fn shown(octets: &[u8], sender: Role) -> String {
        let masked = clear(octets, sender).masked(octets);
        String::from_utf8_lossy(&masked[8.min(masked.len())..]).replace('\0', "")
    }

    #[test]
    fn a_name_is_shown_where_both_fields_are_well_filled() {
        let stars = "*".repeat(30);
        let all = "*".repeat(50);
        let of_client = |octets: &[u8]| shown(octets, Role::Client);
        assert_eq!(
            of_client(&request(b"alice", b"secret")),
            format!("alice{stars}")
        );
        // Left by an earlier use of the buffer.
        assert_eq!(of_client(&request(b"bob\0ecret1", b"secret1")), all);
        assert_eq!(of_client(&request(b"alice", b"secret1\0x")), all);
        // Name and password without filling, long enough to reach the password's field.
        assert_eq!(
            of_client(&request(b"alice.in.wonderland.", b"secret1")),
            all
        );
        assert_eq!(of_client(&request(b"alicesecret1", b"")), all);
        let full = request(b"alice.in.wonderland.", b"a-password-of-thirty-octets-ok");
        assert_eq!(of_client(&full), format!("alice.in.wonderland.{stars}"));
        // One byte over and over may be what fills the fields up.
        assert_eq!(of_client(&request(&[b'a'; 20], &[b's'; 30])), all);
        assert_eq!(
            of_client(&request(b"alice", b"secret")[..40]),
            "*".repeat(32)
        );
    }

    #[test]
    fn what_a_client_sends_is_a_requests() {
        for command in [2, 4, 9] {
            let mut octets = request(b"alice", b"secret");
            octets[7] = command;
            assert_eq!(shown(&octets, Role::Client), "*".repeat(50));
            assert_eq!(shown(&octets, Role::Server), "*".repeat(50));
        }
    }

    #[test]
    fn a_response_is_shown_up_to_its_nul() {
        let mut octets = vec![0, 0, 0, 73, 0, 0, 0, 4, 1];
        octets.extend(b"welcome\0ecret1");
        octets.resize(73, 0);
        assert_eq!(shown(&octets, Role::Server), "\u{1}welcome******");
        assert_eq!(shown(&octets, Role::Client), "*".repeat(65));
        octets[8] = b'a';
        assert_eq!(shown(&octets, Role::Server), "*".repeat(65));
    }
}
