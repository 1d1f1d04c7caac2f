//! The names of fields that outputs show: in filters, as a label in the details tree, and as a key in JSON, one row each.
//!
//! RegLogin's wire fields have their names in [`layout`](crate::protocol::layout), those of other protocols in their layout
//! files. A field in neither table is used only by its name: in filters, with `-e`, and in forms that list fields.

use std::borrow::Cow;

use crate::protocol::layout::LENGTH;

/// A field's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Its name in filters and for `-e`.
    pub filter: &'static str,
    /// The label that its line in the details tree begins with.
    pub label: Option<&'static str>,
    /// Its key in JSON.
    pub key: Option<&'static str>,
    /// Why it lacks a label or a key; empty if it has both.
    pub why: &'static str,
}

impl Names {
    const fn all(filter: &'static str, label: &'static str, key: &'static str) -> Self {
        Self {
            filter,
            label: Some(label),
            key: Some(key),
            why: "",
        }
    }

    const fn in_tree(filter: &'static str, label: &'static str, why: &'static str) -> Self {
        Self {
            filter,
            label: Some(label),
            key: None,
            why,
        }
    }

    const fn in_json(filter: &'static str, key: &'static str, why: &'static str) -> Self {
        Self {
            filter,
            label: None,
            key: Some(key),
            why,
        }
    }

    /// Its label.
    ///
    /// # Panics
    ///
    /// If it has none.
    #[must_use]
    pub const fn in_line(self) -> &'static str {
        self.label.expect("the field has a label")
    }

    /// Its key.
    ///
    /// # Panics
    ///
    /// If it has none.
    #[must_use]
    pub const fn json(self) -> &'static str {
        self.key.expect("the field has a key in JSON")
    }
}

/// A field that is used only by its name.
impl From<&'static str> for Names {
    fn from(filter: &'static str) -> Self {
        Self {
            filter,
            label: None,
            key: None,
            why: "only asked for by name",
        }
    }
}

/// The label, the key and the reason for a missing one, of a generated field of a layout.
pub(super) fn of_generated(
    name: &str,
) -> (
    Option<Cow<'static, str>>,
    Option<Cow<'static, str>>,
    &'static str,
) {
    let last = name.split_once('.').map(|(_, last)| last);
    let is_same = |names: &&Names| names.filter.strip_prefix("reglogin.") == last;
    let names = match ALL.iter().find(is_same) {
        Some(names) => *names,
        None if last == Some(LENGTH.key) => Names::in_json("", LENGTH.key, IN_LINE),
        None => "".into(),
    };
    (
        names.label.map(Cow::Borrowed),
        names.key.map(Cow::Borrowed),
        names.why,
    )
}

const HEADER: &str = "JSON is about messages; -e and -T fields give headers";
const IN_ENDPOINT: &str = "JSON has it in src or dst";
const IN_LINE: &str = "part of the line of another field";
const IN_NOTE: &str = "a note's line gives severity, group and words";

/// Declares the names of fields, and the list of all.
macro_rules! names {
    ($($name:ident = $how:ident($filter:literal, $($word:expr),+);)+) => {
        $(
            #[doc = concat!("`", $filter, "`.")]
            pub const $name: Names = Names::$how($filter, $($word),+);
        )+

        /// The names of all fields in this table.
        pub const ALL: &[Names] = &[$($name),+];
    };
}

names! {
    FRAME_FILE = all("frame.file", "File", "file");
    FRAME_NUMBER = all("frame.number", "Frame", "frame");
    FRAME_TIME = in_tree("frame.time", "Time", "JSON has it as a number: frame.time_epoch");
    FRAME_TIME_EPOCH = in_json("frame.time_epoch", "time", "the tree has it as a date: frame.time");
    FRAME_TIME_RELATIVE = in_tree(
        "frame.time_relative",
        "Seconds since the first frame",
        "the difference of two times"
    );
    FRAME_TIME_DELTA = in_tree(
        "frame.time_delta",
        "Seconds since the frame before",
        "the difference of two times"
    );
    FRAME_LEN = in_json("frame.len", "length", IN_LINE);
    FRAME_CAP_LEN = in_json("frame.cap_len", "captured", IN_LINE);

    IP_LEN = in_tree("ip.len", "Total length", HEADER);
    IP_ID = in_tree("ip.id", "Identification", HEADER);
    IP_FRAG_OFFSET = in_tree("ip.frag_offset", "Fragmentation", HEADER);
    IP_TTL = in_tree("ip.ttl", "Time to live", HEADER);
    IP_PROTO = in_tree("ip.proto", "Protocol", HEADER);
    IP_SRC = in_tree("ip.src", "Source", IN_ENDPOINT);
    IP_DST = in_tree("ip.dst", "Destination", IN_ENDPOINT);

    IPV6_PLEN = in_tree("ipv6.plen", "Payload length", HEADER);
    IPV6_HLIM = in_tree("ipv6.hlim", "Hop limit", HEADER);
    IPV6_SRC = in_tree("ipv6.src", "Source", IN_ENDPOINT);
    IPV6_DST = in_tree("ipv6.dst", "Destination", IN_ENDPOINT);

    TCP_STREAM = all("tcp.stream", "Stream", "stream");
    TCP_SRCPORT = in_tree("tcp.srcport", "Source port", IN_ENDPOINT);
    TCP_DSTPORT = in_tree("tcp.dstport", "Destination port", IN_ENDPOINT);
    TCP_SEQ = all("tcp.seq", "Sequence number", "seq");
    TCP_ACK = all("tcp.ack", "Acknowledgement number", "ack");
    TCP_HDR_LEN = in_tree("tcp.hdr_len", "Header length", HEADER);
    TCP_FLAGS = all("tcp.flags", "Flags", "flags");
    TCP_WINDOW = all("tcp.window_size_value", "Window", "window");
    TCP_CHECKSUM = in_tree("tcp.checksum", "Checksum", HEADER);
    TCP_OPTIONS = in_tree("tcp.options", "Options", HEADER);
    TCP_LEN = in_json("tcp.len", "payload_length", IN_LINE);
    TCP_PAYLOAD = all("tcp.payload", "Data", "payload_hex");

    TLS_CONTENT_TYPE = in_tree("tls.record.content_type", "Content type", HEADER);
    TLS_OPAQUE_TYPE = in_tree("tls.record.opaque_type", "Opaque type", HEADER);
    TLS_RECORD_VERSION = in_tree("tls.record.version", "Version", HEADER);
    TLS_RECORD_LENGTH = in_tree("tls.record.length", "Length", HEADER);
    TLS_HANDSHAKE_TYPE = in_tree("tls.handshake.type", "Handshake", HEADER);
    TLS_SERVER_NAME = in_tree("tls.handshake.extensions_server_name", "Server name", HEADER);
    TLS_ALERT = in_tree("tls.alert_message.desc", "Alert", HEADER);

    TYPE = in_json("reglogin.type", "type", IN_LINE);
    SENDER = in_json("reglogin.sender", "from", IN_LINE);
    ACTION = in_json("reglogin.action", "action", IN_LINE);
    USER = in_json("reglogin.user", "user", "the line of reglogin.username, or of the request");
    RESPONSE_IN = all("reglogin.response_in", "Response in frame", "response_in");
    RESPONSE_TO = all("reglogin.response_to", "Response to frame", "response_to");
    RESPONSE_TIME = in_json("reglogin.time", "response_time", IN_LINE);
    NOTE = in_json("reglogin.note", "text", IN_NOTE);
    NOTE_GROUP = in_json("reglogin.note.group", "group", IN_NOTE);
    SEVERITY = in_json("reglogin.severity", "severity", IN_NOTE);
}
