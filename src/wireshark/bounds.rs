//! Prints the bounds that a plugin shares with the inspector into its table of constants.

use std::fmt::Write as _;

use crate::capture::Timestamp;
use crate::dissect::reglogin::framing::LOOK_AHEAD;
use crate::layout::recognise::{BUDGET, NEARLY, ROW, SEARCHED, SOME};
use crate::packet::Flags;
use crate::session::MAX_WAITING;
use crate::stream::{MAX_STEPS, OVERTAKEN_BY, SETTLED_AFTER, StreamLimits};

/// The longest link-layer header in bytes, radiotap and 802.11 included. A plugin must search for the IP header if Wireshark
/// gives it no tree.
const FARTHEST: usize = 128;

/// Appends the tables `bounds` and `flags` (TCP's).
pub(super) fn bounds(lua: &mut String) {
    let ahead = StreamLimits::default().buffer_per_direction;
    let settled = SETTLED_AFTER / Timestamp::SECOND;
    let _ = writeln!(
        lua,
        "  bounds = {{
    -- Bytes out of order of a direction, and by how many one is overtaken; runs of bytes that are compared; seconds
    -- without contradiction after which a reset is taken for accepted.
    ahead = {ahead}, overtaken_by = {OVERTAKEN_BY}, compared = {MAX_STEPS}, settled_after = {settled},
    -- Requests that wait for their responses, bytes that tell a header, and before an IP header at most.
    waiting = {MAX_WAITING}, look_ahead = {LOOK_AHEAD}, farthest = {FARTHEST},
    -- Of the search for a layout's messages: bytes that a length may be wrong by, bits that speak for one, messages in a row,
    -- bytes of a message, bytes of all of them.
    nearly = {NEARLY}, some = {SOME}, row = {ROW}, searched = {SEARCHED}, budget = {BUDGET},
  }},"
    );
    let flags = [
        ("FIN", Flags::FIN),
        ("SYN", Flags::SYN),
        ("RST", Flags::RST),
        ("ACK", Flags::ACK),
    ];
    let flags: Vec<String> = flags
        .iter()
        .map(|(name, flag)| format!("{name} = {:#05x}", flag.0))
        .collect();
    let _ = writeln!(lua, "  flags = {{ {} }},", flags.join(", "));
}
