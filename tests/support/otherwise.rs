//! What is not compared with tshark because Wireshark shows a capture differently: for each comparison the captures,
//! what is left out of each, and why. The comparisons fail if a part that is left out does not differ.

/// A comparison with tshark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// `read_as_tshark`: columns of the list of frames are left out.
    Columns,
    /// `filter_like_tshark`: fields are left out whose names begin so, and filters in which they stand.
    Fields,
    /// `follow_tshark`: streams are left out.
    Streams,
    /// `wireshark_explain`: frames are left out.
    Explained,
    /// `wireshark_plugin`: fields of messages are left out, or all of them with `*`.
    Messages,
}

/// Capture, comparison, what is left out of it, and why.
type Otherwise = (&'static str, Check, &'static [&'static str], &'static str);

const NO_TAGS: &str = "Wireshark makes streams of what has the same addresses on several VLANs: from the second SYN on, \
     segments of all are one stream, so that most look sent again";
const EVERY_SYN: &str = "Wireshark takes the SYN that nobody accepted for the begin of another stream, to which all that \
     follows then belongs";
const ACKNOWLEDGED: &str = "Wireshark says 'ACKed unseen segment' of each response that was captured before its request \
     but the second; the client's bytes up to 117 come after that one too";
const ANSWERED_TWICE: &str = "Wireshark takes the SYN/ACK behind a reset that answered the same SYN for ports used again, \
     and measures the round trip from it instead of from the SYN";
const CAUSE: &str = "Wireshark has the words of a reset in tcp.reset_cause, and shows them behind the stream's bytes all \
     the same; here they are in the frame's payload, and no part of the stream";

const ENCRYPTED: &str = "follow,tcp shows what is encrypted, here the stream is what was encrypted; tls_decrypted compares that";

/// What is told of a stream, of segments' places in it, and of what was sent before.
const OF_STREAMS: &[&str] = &[
    "tcp.stream",
    "tcp.seq",
    "tcp.nxtseq",
    "tcp.ack",
    "tcp.time",
    "tcp.analysis",
];

const ALL: [Otherwise; 20] = [
    (
        "recorded-tls.pcapng",
        Check::Streams,
        &["0", "1"],
        ENCRYPTED,
    ),
    (
        "same-addresses-on-two-vlans.pcap",
        Check::Columns,
        &["tcp.stream", "_ws.col.Info"],
        NO_TAGS,
    ),
    (
        "same-addresses-on-two-vlans.pcap",
        Check::Fields,
        OF_STREAMS,
        NO_TAGS,
    ),
    (
        "same-addresses-on-two-vlans.pcap",
        Check::Streams,
        &["0"],
        NO_TAGS,
    ),
    (
        "same-addresses-on-two-vlans.pcap",
        Check::Explained,
        &["7", "9", "11", "13"],
        NO_TAGS,
    ),
    (
        "same-addresses-on-two-vlans.pcap",
        Check::Messages,
        &["*"],
        NO_TAGS,
    ),
    (
        "same-addresses-in-qinq.pcap",
        Check::Columns,
        &["tcp.stream", "_ws.col.Info"],
        NO_TAGS,
    ),
    (
        "same-addresses-in-qinq.pcap",
        Check::Fields,
        OF_STREAMS,
        NO_TAGS,
    ),
    (
        "same-addresses-in-qinq.pcap",
        Check::Streams,
        &["0", "1", "2", "3"],
        NO_TAGS,
    ),
    (
        "same-addresses-in-qinq.pcap",
        Check::Explained,
        &["14", "15", "18", "19", "22", "23", "26", "27"],
        NO_TAGS,
    ),
    (
        "same-addresses-in-qinq.pcap",
        Check::Messages,
        &["*"],
        NO_TAGS,
    ),
    (
        "syn-stray.pcap",
        Check::Columns,
        &["tcp.stream", "_ws.col.Info"],
        EVERY_SYN,
    ),
    (
        "syn-stray.pcap",
        Check::Fields,
        &[
            "tcp.stream",
            "tcp.seq",
            "tcp.nxtseq",
            "tcp.ack",
            "tcp.time",
            "tcp.analysis",
            "tcp.window_size",
        ],
        EVERY_SYN,
    ),
    ("syn-stray.pcap", Check::Streams, &["0", "1"], EVERY_SYN),
    ("syn-stray.pcap", Check::Explained, &["8"], EVERY_SYN),
    ("syn-stray.pcap", Check::Messages, &["stream"], EVERY_SYN),
    (
        "every-pair-swapped.pcap",
        Check::Fields,
        &["tcp.analysis.flags", "tcp.analysis.ack_lost_segment"],
        ACKNOWLEDGED,
    ),
    (
        "rst-answers-no-syn.pcap",
        Check::Fields,
        &[
            "tcp.analysis.flags",
            "tcp.analysis.reused_ports",
            "tcp.analysis.initial_rtt",
        ],
        ANSWERED_TWICE,
    ),
    (
        "rst-with-text.pcap",
        Check::Columns,
        &["tcp.payload"],
        CAUSE,
    ),
    ("rst-with-text.pcap", Check::Streams, &["0"], CAUSE),
];

/// What is left out of a comparison for a capture.
pub fn left_out(check: Check, capture: &str) -> &'static [&'static str] {
    let listed = ALL
        .into_iter()
        .find(|one| one.0 == capture && one.1 == check);
    listed.map_or(&[], |one| one.2)
}

/// Why.
pub fn reason(check: Check, capture: &str) -> &'static str {
    let listed = ALL
        .into_iter()
        .find(|one| one.0 == capture && one.1 == check);
    listed.map_or("", |one| one.3)
}
