//! `ip.*`: IPv4 (RFC 791).

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use super::{Emit, Field, Needs, names, number};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::{FieldType, Value};
use crate::filter::view::View;
use crate::packet::layout::ipv4;

const OCTETS: Needs = Needs {
    octets: true,
    ..Needs::NOTHING
};

const PROTOCOLS: &[(i64, &str)] = &[(1, "ICMP"), (6, "TCP"), (17, "UDP")];

fn flag(view: &View<'_>, bit: u8, emit: Emit<'_>) {
    view.each_ip_of(4, &mut |ip, _| {
        emit(Value::Bool(ip[ipv4::FRAGMENT.start] & bit != 0));
    });
}

/// The addresses at these offsets of the headers; those of a TCP segment are known already.
fn addresses<const N: usize>(view: &View<'_>, places: [Range<usize>; N], emit: Emit<'_>) {
    if let Some(ends) = view.ends().filter(|_| !view.is_in_tunnel()) {
        for place in places {
            let end = ends[usize::from(place == ipv4::DESTINATION)];
            if let IpAddr::V4(address) = end.address {
                emit(Value::v4(address));
            }
        }
        return;
    }
    view.each_ip_of(4, &mut |ip, _| {
        for place in &places {
            if let Some(octets) = ip[place.clone()].first_chunk::<4>() {
                emit(Value::v4(Ipv4Addr::from(*octets)));
            }
        }
    });
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = vec![
        Field::of(
            "ip",
            FieldType::Protocol,
            "The IPv4 header and what follows it",
            |view, emit| {
                view.each_ip_of(4, &mut |ip, octets| {
                    if let Some(octets) = octets {
                        let seen = view.seen_in_frame(octets);
                        emit(Value::Protocol(&seen, usize::from(ip[0] & 0x0f) * 4));
                    }
                });
            },
        )
        .needing(OCTETS),
        Field::of(
            names::IP_SRC,
            FieldType::V4,
            "Source address",
            |view, emit| {
                addresses(view, [ipv4::SOURCE], emit);
            },
        ),
        Field::of(
            names::IP_DST,
            FieldType::V4,
            "Destination address",
            |view, emit| {
                addresses(view, [ipv4::DESTINATION], emit);
            },
        ),
        Field::of(
            "ip.addr",
            FieldType::V4,
            "Source and destination address",
            |view, emit| {
                addresses(view, [ipv4::SOURCE, ipv4::DESTINATION], emit);
            },
        ),
        Field::of(
            "ip.flags.rb",
            FieldType::Bool,
            "Reserved bit",
            |view, emit| {
                flag(view, 0x80, emit);
            },
        ),
        Field::of(
            "ip.flags.df",
            FieldType::Bool,
            "Do not fragment",
            |view, emit| {
                flag(view, 0x40, emit);
            },
        ),
        Field::of(
            "ip.flags.mf",
            FieldType::Bool,
            "More fragments follow",
            |view, emit| {
                flag(view, 0x20, emit);
            },
        ),
        Field::in_ip(
            4,
            names::IP_PROTO,
            FieldType::Number(8, Decimal),
            "Protocol of the payload",
            |ip| number(ip, ipv4::PROTOCOL.start, 1),
        )
        .named(PROTOCOLS),
    ];
    fields.extend(numbers());
    fields
}

fn numbers() -> Vec<Field> {
    vec![
        Field::of(
            "ip.version",
            FieldType::Number(8, Decimal),
            "Version: 4, or 6 of IPv6",
            |view, emit| {
                view.each_ip(&mut |ip, _| emit(Value::Number(i64::from(ip[0] >> 4))));
            },
        ),
        Field::in_ip(
            4,
            "ip.hdr_len",
            FieldType::Number(8, Decimal),
            "Octets of the header",
            |ip| number(ip, 0, 1).map(|octet| (octet & 0x0f) * 4),
        ),
        Field::in_ip(
            4,
            "ip.dsfield",
            FieldType::Number(8, Hex),
            "Differentiated services field",
            |ip| number(ip, 1, 1),
        ),
        Field::in_ip(
            4,
            "ip.dsfield.dscp",
            FieldType::Number(8, Decimal),
            "Differentiated services code point",
            |ip| number(ip, 1, 1).map(|octet| octet >> 2),
        ),
        Field::in_ip(
            4,
            "ip.dsfield.ecn",
            FieldType::Number(8, Decimal),
            "Explicit congestion notification",
            |ip| number(ip, 1, 1).map(|octet| octet & 3),
        ),
        Field::in_ip(
            4,
            names::IP_LEN,
            FieldType::Number(16, Decimal),
            "Octets of the packet by its header",
            |ip| number(ip, 2, 2),
        ),
        Field::in_ip(
            4,
            names::IP_ID,
            FieldType::Number(16, Hex),
            "Identification, the same in all fragments of a datagram",
            |ip| number(ip, 4, 2),
        ),
        Field::in_ip(
            4,
            "ip.flags",
            FieldType::Number(8, Hex),
            "The three flags",
            |ip| number(ip, 6, 1).map(|octet| octet >> 5),
        ),
        Field::in_ip(
            4,
            names::IP_FRAG_OFFSET,
            FieldType::Number(16, Decimal),
            "Place of a fragment in its datagram, in units of 8 octets",
            |ip| number(ip, 6, 2).map(|octets| octets & 0x1fff),
        ),
        Field::in_ip(
            4,
            names::IP_TTL,
            FieldType::Number(8, Decimal),
            "Time to live",
            |ip| number(ip, 8, 1),
        ),
        Field::in_ip(
            4,
            "ip.checksum",
            FieldType::Number(16, Hex),
            "Checksum of the header",
            |ip| number(ip, 10, 2),
        ),
    ]
}
