//! Which octets of one message are clear, and its values as they may be shown.

use std::ops::Range;

use crate::dissect::{Described, Message};
use crate::layout::{Count, Decoded, Layout, Node, Type, Value, check_of};
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, HEADER_LEN, LENGTH, MAX_LEN, PASSWORD, REQUEST_LEN, RESPONSE_LEN, STATUS,
    STATUS_SUCCESS, USER_NAME,
};
use crate::protocol::{
    Command, Field, Kind, MessageView, TextValue, is_header, length_reads_as_text, reads_as_text,
    right_header,
};
use crate::stream::Role;

const _: () = assert!(MAX_LEN <= u128::BITS as usize);

/// Which octets of a message are known to be no part of a password: a bit each, the first octet's
/// the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Clear(u128);

impl Clear {
    /// No octet.
    pub const NONE: Self = Self(0);
    /// Every octet, where passwords are shown.
    pub const ALL: Self = Self(u128::MAX);

    /// A bit for each of these octets.
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

    /// The same, of these octets alone.
    #[must_use]
    pub const fn within(self, range: &Range<usize>) -> Self {
        Self(self.0 & Self::bits(range))
    }

    /// Whether the octet at this offset in the message is clear.
    #[must_use]
    pub const fn has(self, at: usize) -> bool {
        at < u128::BITS as usize && self.0 >> at & 1 == 1
    }

    /// Whether all of these octets are clear.
    #[must_use]
    pub const fn covers(self, range: &Range<usize>) -> bool {
        Self::bits(range) & !self.0 == 0
    }

    /// The octets with a `*` in place of each that is not clear.
    #[must_use]
    pub fn masked(self, octets: &[u8]) -> Vec<u8> {
        let shown = |(at, octet): (usize, &u8)| if self.has(at) { *octet } else { super::HIDDEN };
        octets.iter().enumerate().map(shown).collect()
    }
}

/// Which octets of a message are clear, by its octets as far as they are there and by who sent it.
#[must_use]
#[inline]
pub fn clear(octets: &[u8], sender: Role) -> Clear {
    let mut clear = Clear::NONE;
    let view = MessageView::new(octets);
    let command = view.command().unwrap_or(Command::Unknown(0));
    let command_is_text = reads_as_text(command.code());
    // What is cut off does not tell what it is.
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
        (Some(Kind::Response), Role::Server) => and_response(clear, octets),
        _ if is_well_filled_request(octets) => clear.and(&USER_NAME.range()),
        _ => clear,
    }
}

/// The same of a message as it was found.
#[must_use]
#[inline]
pub fn clear_of_reglogin(message: &Message) -> Clear {
    if !message.plain {
        return clear(&message.octets, message.sender);
    }
    // Of a plain message it is known beforehand; a test holds the two against each other.
    match (message.view().kind(), message.sender) {
        (Some(Kind::Request), _) => PLAIN_REQUEST,
        (Some(Kind::Response), Role::Server) => PLAIN_RESPONSE,
        _ => HEADER,
    }
}

const HEADER: Clear = Clear(Clear::bits(&(0..HEADER_LEN)));
const PLAIN_REQUEST: Clear = HEADER.and(&USER_NAME.range());
const PLAIN_RESPONSE: Clear = HEADER.and(&(HEADER_LEN..RESPONSE_LEN));

/// Adds what a server's response says. A server that sends back what it was sent, or writes its
/// response over it, gives away what the client said: that shows in a status that is a character,
/// in a description that begins with a control character, as a length is, and behind the NUL of
/// the description.
fn and_response(clear: Clear, octets: &[u8]) -> Clear {
    let Some(status) = STATUS.slice(octets).first().copied() else {
        return clear;
    };
    let is_number = status.is_ascii_digit() || !(0x20..0x7f).contains(&status);
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

/// Whether a message is a whole request whose fields cannot be anything else than they are taken
/// for: both hold text and nothing but NUL behind it.
///
/// A name that fills its field has no NUL that says where it ends: name and password one after
/// the other without filling look the same. With the password's field full too they cannot, as no
/// name and password together are that long, unless something else than NUL fills them up.
fn is_well_filled_request(octets: &[u8]) -> bool {
    if right_header(octets) != Some(Kind::Request) || octets.len() < REQUEST_LEN {
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

/// Whether two full fields can be what they are taken for: an octet that fills the password's up
/// stands at the end of the name's too, and the password begins with none that fills.
fn are_filled_alike(name: &[u8], password: &[u8]) -> bool {
    let are_text = [name, password].map(|text| std::str::from_utf8(text).is_ok());
    let [of_name, of_password] = [name, password].map(filling);
    let begins = |filling: Option<u8>| filling.is_some_and(|octet| password[0] == octet);
    are_text == [true; 2]
        && of_password.is_none_or(|octet| name.ends_with(&[octet]))
        && !begins(of_name)
        && !begins(of_password)
}

/// The octet that a full field seems filled up with; what stands for a hidden password is none.
fn filling(field: &[u8]) -> Option<u8> {
    let octet = *field.last()?;
    let run = match octet {
        super::HIDDEN => return None,
        b'0' | b' ' => 2,
        _ => 4,
    };
    let octets = field.iter().rev().take_while(|other| **other == octet);
    (octets.count() >= run).then_some(octet)
}

/// Which bytes of a message are known to be no part of a secret, whatever protocol it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageClear {
    /// Of a RegLogin message.
    RegLogin(Clear),
    /// Of a message that a layout describes: one for each byte.
    Described(Vec<bool>),
}

impl MessageClear {
    /// Whether the byte at this offset in the message is clear.
    #[must_use]
    pub fn has(&self, at: usize) -> bool {
        match self {
            Self::RegLogin(clear) => clear.has(at),
            Self::Described(clear) => clear.get(at) == Some(&true),
        }
    }

    /// The bytes with a `*` in place of each that is not clear.
    #[must_use]
    pub fn masked(&self, bytes: &[u8]) -> Vec<u8> {
        let shown = |(at, byte): (usize, &u8)| if self.has(at) { *byte } else { super::HIDDEN };
        bytes.iter().enumerate().map(shown).collect()
    }
}

/// Which bytes of a message are clear; all of them where secrets are shown.
#[must_use]
pub fn clear_of(message: &Message, show_passwords: bool) -> MessageClear {
    match &message.described {
        None if show_passwords => MessageClear::RegLogin(Clear::ALL),
        None => MessageClear::RegLogin(clear_of_reglogin(message)),
        Some(described) => {
            let shown = show_passwords || !described.plan().has_secrets;
            MessageClear::Described(if shown {
                vec![true; described.bytes.len()]
            } else {
                described_clear(message, described)
            })
        }
    }
}

/// A byte of a message as a redacted file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Redacted {
    /// As it stands there.
    Clear(u8),
    /// An asterisk, unless it is NUL.
    Hidden,
    /// Of a check over what is hidden: worked out anew.
    Anew(u8),
}

/// A message that a layout describes as a redacted file has it.
#[must_use]
pub fn redacted(message: &Message) -> Option<Vec<Redacted>> {
    let bytes = message.bytes();
    let clear = clear_of(message, false);
    let decoded = message.decoded()?;
    let described = message.described.as_ref()?;
    let hidden = |at: usize| !clear.has(at);
    let mut written: Vec<u8> = (0..bytes.len())
        .map(|at| match bytes[at] {
            0 => 0,
            _ if hidden(at) => super::HIDDEN,
            byte => byte,
        })
        .collect();
    let mut redacted: Vec<Redacted> = (0..bytes.len())
        .map(|at| {
            if hidden(at) {
                Redacted::Hidden
            } else {
                Redacted::Clear(bytes[at])
            }
        })
        .collect();
    let layout = &described.plan().layout;
    check_anew(&decoded.nodes, layout, bytes, &mut written, &mut redacted);
    Some(redacted)
}

/// Works out the checks in order of the bytes, as one may cover another.
fn check_anew(
    nodes: &[Node<'_>],
    layout: &Layout,
    bytes: &[u8],
    written: &mut [u8],
    redacted: &mut [Redacted],
) {
    for node in nodes {
        let field = &layout.parts[node.field.0].fields[node.field.1];
        match &node.value {
            Value::Record(inside) => check_anew(inside, layout, bytes, written, redacted),
            Value::Records(records) => {
                for inside in records {
                    check_anew(inside, layout, bytes, written, redacted);
                }
            }
            Value::Integer(value) => {
                let start = node.range.start;
                let is_hidden = redacted[node.range.clone()].contains(&Redacted::Hidden);
                if written[..start] == bytes[..start] && !is_hidden {
                    continue;
                }
                let of = |before: &[u8]| field.role.and_then(|role| check_of(role, before));
                if let (Some(check), Type::Integer(integer, _)) = (of(&written[..start]), &field.ty)
                {
                    // What was wrong stays wrong.
                    let was_right = of(&bytes[..start]) == Some(*value);
                    let check = if was_right {
                        check
                    } else {
                        integer.range().end() - check
                    };
                    for (at, byte) in node.range.clone().zip(integer.encode(check)) {
                        written[at] = byte;
                        redacted[at] = Redacted::Anew(byte);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Of a layout with secrets a byte is clear that stands in a field which is none, and no check over one: what stands behind
/// a text's end, behind the last field, or in a message of no known kind may be what was left in a buffer.
fn described_clear(message: &Message, described: &Described) -> Vec<bool> {
    let mut clear = vec![false; described.bytes.len()];
    if let Some(decoded) = message.decoded() {
        let layout = &described.plan().layout;
        clear_nodes(
            &decoded.nodes,
            &decoded,
            layout,
            &described.bytes,
            &mut clear,
        );
    }
    clear
}

fn clear_nodes(
    nodes: &[Node<'_>],
    decoded: &Decoded<'_>,
    layout: &Layout,
    bytes: &[u8],
    clear: &mut [bool],
) {
    for node in nodes {
        let field = &layout.parts[node.field.0].fields[node.field.1];
        match &node.value {
            Value::Record(inside) => {
                clear_nodes(inside, decoded, layout, bytes, clear);
            }
            Value::Records(records) => {
                if let Some(first) = records.first().and_then(|inside| inside.first()) {
                    clear[node.range.start..first.range.start].fill(true);
                } else {
                    clear[node.range.clone()].fill(true);
                }
                for inside in records {
                    clear_nodes(inside, decoded, layout, bytes, clear);
                }
            }
            // How long a secret is its octets' places tell anyway.
            _ if decoded.hides(layout, node) => {
                let prefix = node.range.start..node.content.start;
                if matches!(
                    field.ty,
                    Type::Text(Count::Prefix(_)) | Type::Bytes(Count::Prefix(_))
                ) {
                    clear[prefix].fill(true);
                }
            }
            _ => {
                clear[node.range.start..node.content.end].fill(true);
                for at in node.content.end..node.range.end {
                    clear[at] = bytes[at] == field.fill || bytes[at] == 0;
                }
            }
        }
    }
}

/// A value, or that there is one which is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masked<T> {
    /// The value.
    Clear(T),
    /// It may tell part of a password.
    Hidden,
}

impl<T> Masked<T> {
    fn new(is_clear: bool, value: T) -> Self {
        if is_clear {
            Self::Clear(value)
        } else {
            Self::Hidden
        }
    }

    /// The value, where it is shown.
    #[must_use]
    pub fn clear(self) -> Option<T> {
        match self {
            Self::Clear(value) => Some(value),
            Self::Hidden => None,
        }
    }

    /// What is shown: of the value, or in its place.
    pub fn map_or<U>(self, hidden: U, shown: impl FnOnce(T) -> U) -> U {
        match self {
            Self::Clear(value) => shown(value),
            Self::Hidden => hidden,
        }
    }
}

/// A message's values as they may be shown. Each is `None` where the message has none.
#[derive(Debug, Clone, Copy)]
pub struct MaskedView<'a> {
    view: MessageView<'a>,
    clear: Clear,
}

/// A message's values; all of them where passwords are shown.
#[must_use]
pub fn view(message: &Message, show_passwords: bool) -> MaskedView<'_> {
    MaskedView {
        view: message.view(),
        clear: if show_passwords {
            Clear::ALL
        } else {
            clear_of_reglogin(message)
        },
    }
}

/// A request's user name as it may be shown, whether passwords are or not.
#[must_use]
#[inline]
pub fn user_name(message: &Message) -> Option<Masked<TextValue<'_>>> {
    view(message, false).user_name()
}

impl<'a> MaskedView<'a> {
    /// Which octets are shown.
    #[must_use]
    pub const fn clear(self) -> Clear {
        self.clear
    }

    /// `totalLength`.
    #[must_use]
    pub fn length(self) -> Option<Masked<u32>> {
        let shown = self.clear.covers(&LENGTH.range());
        self.view.length().map(|length| Masked::new(shown, length))
    }

    /// `commandID`.
    #[must_use]
    pub fn command(self) -> Option<Masked<Command>> {
        let shown = self.clear.covers(&COMMAND.range());
        let command = self.view.command();
        command.map(|command| Masked::new(shown, command))
    }

    /// `userName` up to its first NUL.
    #[must_use]
    pub fn user_name(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&USER_NAME)
    }

    /// `password` up to its first NUL.
    #[must_use]
    pub fn password(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&PASSWORD)
    }

    /// `status`.
    #[must_use]
    pub fn status(self) -> Option<Masked<u8>> {
        let shown = self.clear.covers(&STATUS.range());
        self.view.status().map(|status| Masked::new(shown, status))
    }

    /// `description` up to its first NUL.
    #[must_use]
    pub fn description(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&DESCRIPTION)
    }

    /// A text field up to its first NUL; `None` where the command's messages do not have it, or
    /// where it is cut off.
    #[must_use]
    pub fn text(self, field: &Field) -> Option<Masked<TextValue<'a>>> {
        let kind = self.view.kind()?;
        let octets = field.slice(self.view.octets());
        if octets.is_empty() || !kind.fields().contains(&field) {
            return None;
        }
        let all = self.clear == Clear::ALL;
        if *field == PASSWORD && !all {
            // That it is empty, the notes say.
            return Some(Masked::Hidden);
        }
        let text = TextValue::new(octets);
        let end = field.offset + text.octets().len();
        let shown = all || self.clear.covers(&(field.offset..end));
        Some(Masked::new(shown, text))
    }

    /// Whether a field's octets, as far as they are there, are all shown.
    #[must_use]
    pub fn shows(self, field: &Field) -> bool {
        let end = field.end().min(self.view.octets().len());
        self.clear.covers(&(field.offset..end))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::net::Ipv4Addr;

    use super::*;
    use crate::capture::Timestamp;
    use crate::dissect::reglogin::is_plain;
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

    /// A message of these octets as an inspector finds it.
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
            plain: is_plain(octets),
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
        // One octet over and over may be what fills the fields up.
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

    #[test]
    fn numbers_that_read_as_text_are_hidden() {
        let octets = *b"\0\0\0:hunter2!";
        let view = MaskedView {
            view: MessageView::new(&octets),
            clear: clear(&octets, Role::Client),
        };
        // A colon is 58, and what follows is text: this is no header.
        assert_eq!(view.length(), Some(Masked::Hidden));
        assert_eq!(view.command(), Some(Masked::Hidden));
    }
}
