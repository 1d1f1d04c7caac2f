//! Prints the offsets of IP and TCP header fields for a plugin, which must read some of them itself.

use std::fmt::Write as _;
use std::ops::Range;

use etherparse::IpNumber;

use crate::packet::layout::{ipv4, ipv6, tcp};

/// Appends the table `packet`: offsets of fields, and numbers of protocols and options.
pub(super) fn packet_layout(lua: &mut String) {
    let offsets = |fields: &[(&str, Range<usize>)]| -> String {
        let fields = fields
            .iter()
            .map(|(name, range)| format!("{name} = {}", range.start));
        fields.collect::<Vec<_>>().join(", ")
    };
    let passed = [
        IpNumber::IPV6_HEADER_HOP_BY_HOP,
        IpNumber::IPV6_ROUTE_HEADER,
        IpNumber::IPV6_DESTINATION_OPTIONS,
    ];
    let passed: Vec<String> = passed
        .iter()
        .map(|number| format!("[{}] = true", number.0))
        .collect();
    let _ = writeln!(
        lua,
        "  -- Offsets in the headers of IP and TCP, and their sizes without options.
  packet = {{
    ipv4 = {{ len = {}, {} }},
    ipv6 = {{ len = {}, {} }},
    tcp = {{ len = {}, {}, low_flags = {} }},
    -- Protocols that a header names as the next one; those that are passed over are options and routing.
    protocols = {{ tcp = {}, fragment = {}, passed = {{ {} }} }},
    options = {{ end_of_list = {}, no_operation = {}, window_scale = {}, window_scale_len = {} }},
  }},",
        ipv4::LEN,
        offsets(&[
            ("length", ipv4::LENGTH),
            ("fragment", ipv4::FRAGMENT),
            ("protocol", ipv4::PROTOCOL),
            ("source", ipv4::SOURCE),
            ("destination", ipv4::DESTINATION),
        ]),
        ipv6::LEN,
        offsets(&[
            ("length", ipv6::LENGTH),
            ("next_header", ipv6::NEXT_HEADER),
            ("source", ipv6::SOURCE),
            ("destination", ipv6::DESTINATION),
        ]),
        tcp::LEN,
        offsets(&[
            ("source", tcp::SOURCE),
            ("destination", tcp::DESTINATION),
            ("sequence", tcp::SEQUENCE),
            ("acknowledgement", tcp::ACKNOWLEDGEMENT),
            ("header_length", tcp::HEADER_LENGTH),
            ("window", tcp::WINDOW),
        ]),
        tcp::FLAGS.end - 1,
        IpNumber::TCP.0,
        IpNumber::IPV6_FRAGMENTATION_HEADER.0,
        passed.join(", "),
        tcp::END_OF_LIST,
        tcp::NO_OPERATION,
        tcp::WINDOW_SCALE,
        tcp::WINDOW_SCALE_LEN,
    );
}
