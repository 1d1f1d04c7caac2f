//! The protocol `ip` (IPv4), as Wireshark 4.0 names and describes its fields.

use super::header::{Header, is_set, listed};
use super::{Bytes, Item, Tree, drawn};
use crate::packet::layout::ipv4;

/// Wireshark's short and long name of a code point (RFC 2474, RFC 2597, RFC 3246).
fn code_point(dscp: i64) -> (String, String) {
    let both = |short: String, long: String| (short, long);
    match dscp {
        0 => both("CS0".into(), "Default".into()),
        46 => both("EF PHB".into(), "Expedited Forwarding".into()),
        8 | 16 | 24 | 32 | 40 | 48 | 56 => {
            let class = dscp / 8;
            both(format!("CS{class}"), format!("Class Selector {class}"))
        }
        10..=38 if dscp % 2 == 0 && dscp % 8 != 0 => {
            let name = format!("{}{}", dscp / 8, dscp % 8 / 2);
            both(format!("AF{name}"), format!("Assured Forwarding {name}"))
        }
        _ => both("Unknown".into(), "Unknown".into()),
    }
}

/// Wireshark's short and long names for explicit congestion notification (RFC 3168).
const ECN: [(&str, &str); 4] = [
    ("Not-ECT", "Not ECN-Capable Transport"),
    ("ECT(1)", "ECN-Capable Transport codepoint '01'"),
    ("ECT(0)", "ECN-Capable Transport codepoint '10'"),
    ("CE", "Congestion Experienced"),
];

/// Writes each IPv4 header of the frame.
pub(super) fn ip(tree: &mut Tree<'_>) {
    let mut headers: Vec<(usize, Vec<u8>)> = Vec::new();
    tree.view.each_ip_of(4, &mut |octets, range| {
        let len = usize::from(octets[0] & 0x0f) * 4;
        let header = octets.get(..len.max(ipv4::LEN)).unwrap_or(octets);
        headers.push((range.map_or(0, |range| range.start), header.to_vec()));
    });
    for (index, (start, octets)) in headers.iter().enumerate() {
        let header = Header {
            start: *start,
            octets,
            index,
        };
        ip_header(tree, &header);
    }
}

fn ip_header(tree: &mut Tree<'_>, header: &Header<'_>) {
    let index = header.index;
    let [source, destination] = ["ip.src", "ip.dst"].map(|name| tree.shown(name, index));
    let showname = format!(
        "Internet Protocol Version 4, Src: {}, Dst: {}",
        source.as_deref().unwrap_or_default(),
        destination.as_deref().unwrap_or_default()
    );
    let size = header.octets.len();
    tree.protocol("ip", &showname, (header.start, size), |tree| {
        let first = header.octets[0];
        let drawn_in = |mask: u8| drawn(first.into(), 8, mask.into());
        // Wireshark gives the whole byte for these two. The version cannot be taken by index, because its values include
        // those of IPv6 headers.
        tree.leaf(&Item {
            name: "ip.version",
            showname: &format!("{} = Version: 4", drawn_in(0xf0)),
            hidden: false,
            at: (header.start, 1),
            show: Some("4"),
            bytes: Bytes::All(&header.octets[..1]),
        });
        header.whole(tree, "ip.hdr_len", &(0..1), false, |show| {
            let words = first & 0x0f;
            format!("{} = Header Length: {show} bytes ({words})", drawn_in(0x0f))
        });
        services(tree, header);
        header.whole(tree, "ip.len", &ipv4::LENGTH, false, |show| {
            format!("Total Length: {show}")
        });
        header.whole(tree, "ip.id", &ipv4::IDENTIFICATION, false, |show| {
            let number = header.octets(&ipv4::IDENTIFICATION);
            let number = number
                .iter()
                .fold(0, |all, octet| all << 8 | u32::from(*octet));
            format!("Identification: {show} ({number})")
        });
        fragmentation(tree, header);
        header.whole(tree, "ip.ttl", &ipv4::TTL, false, |show| {
            format!("Time to Live: {show}")
        });
        header.whole(tree, "ip.proto", &ipv4::PROTOCOL, false, |show| {
            let named = show.parse().map(crate::packet::ip_protocol);
            let name = named.map_or("", |named| named.name);
            format!("Protocol: {name} ({show})")
        });
        header.whole(tree, "ip.checksum", &ipv4::CHECKSUM, false, |show| {
            format!("Header Checksum: {show} [validation disabled]")
        });
        let at = header.start + ipv4::CHECKSUM.start;
        let unverified = "Header checksum status: Unverified";
        tree.fixed("ip.checksum.status", unverified, at, "2");
        for (name, label, host, host_label, range) in [
            (
                "ip.src",
                "Source Address",
                "ip.src_host",
                "Source Host",
                ipv4::SOURCE,
            ),
            (
                "ip.dst",
                "Destination Address",
                "ip.dst_host",
                "Destination Host",
                ipv4::DESTINATION,
            ),
        ] {
            let Some(show) = tree.shown(name, index) else {
                continue;
            };
            for (name, label, hidden) in [
                (name, label, false),
                ("ip.addr", "Source or Destination Address", true),
                (host, host_label, true),
                ("ip.host", "Source or Destination Host", true),
            ] {
                tree.leaf(&Item {
                    name,
                    showname: &format!("{label}: {show}"),
                    hidden,
                    at: header.at(&range),
                    show: Some(&show),
                    bytes: Bytes::All(header.octets(&range)),
                });
            }
        }
    });
}

fn services(tree: &mut Tree<'_>, header: &Header<'_>) {
    let range = ipv4::SERVICES..ipv4::SERVICES + 1;
    let index = header.index;
    let Some(show) = tree.shown("ip.dsfield", index) else {
        return;
    };
    let dscp = tree.number("ip.dsfield.dscp", index).unwrap_or_default();
    let ecn = tree.number("ip.dsfield.ecn", index).unwrap_or_default();
    let (short, long) = code_point(dscp);
    let (ecn_short, ecn_long) = ECN[usize::try_from(ecn & 3).unwrap_or_default()];
    let showname =
        format!("Differentiated Services Field: {show} (DSCP: {short}, ECN: {ecn_short})");
    let item = Item {
        name: "ip.dsfield",
        showname: &showname,
        hidden: false,
        at: header.at(&range),
        show: Some(&show),
        bytes: Bytes::All(header.octets(&range)),
    };
    tree.node(&item, |tree| {
        let says = format!("Differentiated Services Codepoint: {long} ({dscp})");
        header.bits(tree, "ip.dsfield.dscp", &range, (8, 0xfc), &says, None);
        let says = format!("Explicit Congestion Notification: {ecn_long} ({ecn})");
        header.bits(tree, "ip.dsfield.ecn", &range, (8, 0x03), &says, None);
    });
}

fn fragmentation(tree: &mut Tree<'_>, header: &Header<'_>) {
    const FLAGS: [(&str, &str, u32); 3] = [
        ("ip.flags.rb", "Reserved bit", 0x80),
        ("ip.flags.df", "Don't fragment", 0x40),
        ("ip.flags.mf", "More fragments", 0x20),
    ];
    let range = ipv4::FRAGMENT.start..ipv4::FRAGMENT.start + 1;
    let octet = u32::from(header.octets[range.start]);
    let set = FLAGS.iter().filter(|(_, _, bit)| octet & bit != 0);
    let names: Vec<&str> = set.map(|(_, name, _)| *name).collect();
    let names = listed(&names);
    let says = format!("Flags: {:#x}{names}", octet >> 5);
    let inside = |tree: &mut Tree<'_>| {
        for (name, label, bit) in FLAGS {
            let says = format!("{label}: {}", is_set(octet & bit != 0));
            header.bits(tree, name, &range, (8, bit), &says, None);
        }
    };
    header.bits(tree, "ip.flags", &range, (8, 0xe0), &says, Some(&inside));
    let index = header.index;
    let units = tree.number("ip.frag_offset", index).unwrap_or_default();
    let says = format!("Fragment Offset: {}", units * 8);
    let range = ipv4::FRAGMENT;
    header.bits(tree, "ip.frag_offset", &range, (16, 0x1fff), &says, None);
}
