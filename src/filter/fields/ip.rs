//! `ip.*`: IPv4 (RFC 791).

use std::net::{IpAddr, Ipv4Addr};

use super::{Field, Needs, number};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::{Kind, Value};
use crate::filter::view::View;

const OCTETS: Needs = Needs {
    octets: true,
    ..Needs::NOTHING
};

const PROTOCOLS: &[(i64, &str)] = &[(1, "ICMP"), (6, "TCP"), (17, "UDP")];

fn is_set(view: &View<'_>, at: usize, bit: u8) -> Option<Value<'static>> {
    view.ipv4().map(|ip| Value::Bool(ip[at] & bit != 0))
}

fn of(view: &View<'_>, at: usize, width: usize) -> Option<i64> {
    number(view.ipv4()?, at, width)
}

/// The address at this offset of the header; those of a TCP segment are known already.
fn address(view: &View<'_>, at: usize) -> Option<Value<'static>> {
    if let Some(ends) = view.ends() {
        return match ends[usize::from(at == DESTINATION)].address {
            IpAddr::V4(address) => Some(Value::v4(address)),
            IpAddr::V6(_) => None,
        };
    }
    let octets: [u8; 4] = view.ipv4()?.get(at..at + 4)?.try_into().ok()?;
    Some(Value::v4(Ipv4Addr::from(octets)))
}

const SOURCE: usize = 12;
const DESTINATION: usize = 16;

pub(super) fn fields() -> Vec<Field> {
    let mut fields = vec![
        Field::of(
            "ip",
            Kind::Protocol,
            "The IPv4 header and what follows it",
            |view, emit| {
                if let Some(ip) = view.ipv4() {
                    let octets = view.seen_in_frame(view.ip_range().unwrap_or_default());
                    emit(Value::Protocol(&octets, usize::from(ip[0] & 0x0f) * 4));
                }
            },
        )
        .needing(OCTETS),
        Field::one("ip.src", Kind::V4, "Source address", |view| {
            address(view, SOURCE)
        }),
        Field::one("ip.dst", Kind::V4, "Destination address", |view| {
            address(view, DESTINATION)
        }),
        Field::of(
            "ip.addr",
            Kind::V4,
            "Source and destination address",
            |view, emit| {
                let both = [SOURCE, DESTINATION].into_iter();
                both.filter_map(|at| address(view, at)).for_each(emit);
            },
        ),
        Field::one("ip.flags.rb", Kind::Bool, "Reserved bit", |view| {
            is_set(view, 6, 0x80)
        }),
        Field::one("ip.flags.df", Kind::Bool, "Do not fragment", |view| {
            is_set(view, 6, 0x40)
        }),
        Field::one("ip.flags.mf", Kind::Bool, "More fragments follow", |view| {
            is_set(view, 6, 0x20)
        }),
        Field::of(
            "ip.proto",
            Kind::Number(8, Decimal),
            "Protocol of the payload",
            |view, emit| {
                of(view, 9, 1).map(Value::Number).into_iter().for_each(emit);
            },
        )
        .named(PROTOCOLS),
    ];
    fields.extend(numbers());
    fields
}

fn numbers() -> Vec<Field> {
    vec![
        Field::number(
            "ip.version",
            Kind::Number(8, Decimal),
            "Version: 4, or 6 of IPv6",
            |view| {
                let first = view.ipv4().or_else(|| view.ipv6())?.first()?;
                Some(i64::from(first >> 4))
            },
        ),
        Field::number(
            "ip.hdr_len",
            Kind::Number(8, Decimal),
            "Octets of the header",
            |view| of(view, 0, 1).map(|octet| (octet & 0x0f) * 4),
        ),
        Field::number(
            "ip.dsfield",
            Kind::Number(8, Hex),
            "Differentiated services field",
            |view| of(view, 1, 1),
        ),
        Field::number(
            "ip.dsfield.dscp",
            Kind::Number(8, Decimal),
            "Differentiated services code point",
            |view| of(view, 1, 1).map(|octet| octet >> 2),
        ),
        Field::number(
            "ip.dsfield.ecn",
            Kind::Number(8, Decimal),
            "Explicit congestion notification",
            |view| of(view, 1, 1).map(|octet| octet & 3),
        ),
        Field::number(
            "ip.len",
            Kind::Number(16, Decimal),
            "Octets of the packet by its header",
            |view| of(view, 2, 2),
        ),
        Field::number(
            "ip.id",
            Kind::Number(16, Hex),
            "Identification, the same in all fragments of a datagram",
            |view| of(view, 4, 2),
        ),
        Field::number(
            "ip.flags",
            Kind::Number(8, Hex),
            "The three flags",
            |view| of(view, 6, 1).map(|octet| octet >> 5),
        ),
        Field::number(
            "ip.frag_offset",
            Kind::Number(16, Decimal),
            "Place of a fragment in its datagram, in units of 8 octets",
            |view| of(view, 6, 2).map(|octets| octets & 0x1fff),
        ),
        Field::number("ip.ttl", Kind::Number(8, Decimal), "Time to live", |view| {
            of(view, 8, 1)
        }),
        Field::number(
            "ip.checksum",
            Kind::Number(16, Hex),
            "Checksum of the header",
            |view| of(view, 10, 2),
        ),
    ]
}
