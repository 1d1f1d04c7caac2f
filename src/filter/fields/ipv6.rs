//! `ipv6.*`: IPv6 (RFC 8200).

use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

use super::{Emit, Field, Needs, names, number};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::{FieldType, Value};
use crate::filter::view::View;
use crate::packet::layout::ipv6;

/// Bytes of the fragment header.
const FRAGMENT_LEN: usize = 8;

/// The addresses at these offsets of the headers; those of a TCP segment are known already.
fn addresses<const N: usize>(view: &View<'_>, places: [Range<usize>; N], emit: Emit<'_>) {
    if let Some(ends) = view.ends().filter(|_| !view.is_in_tunnel()) {
        for place in places {
            let end = ends[usize::from(place == ipv6::DESTINATION)];
            if let IpAddr::V6(address) = end.address {
                emit(Value::v6(address));
            }
        }
        return;
    }
    view.each_ip_of(6, &mut |ip, _| {
        for place in &places {
            if let Some(octets) = ip[place.clone()].first_chunk::<16>() {
                emit(Value::v6(Ipv6Addr::from(*octets)));
            }
        }
    });
}

/// The fragment header: it stands right before the fragment's payload.
fn fragment<'a>(view: &View<'a>) -> Option<&'a [u8]> {
    let fragment = view.fragment().filter(|ip| ip.source.is_ipv6())?;
    let start = fragment.payload_start as usize;
    let octets = view.record.frame.octets;
    octets.get(start.checked_sub(FRAGMENT_LEN)?..start)
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = vec![
        Field::of(
            "ipv6",
            FieldType::Protocol,
            "The IPv6 header and what follows it",
            |view, emit| {
                view.each_ip_of(6, &mut |_, octets| {
                    if let Some(octets) = octets {
                        let seen = view.seen_in_frame(octets);
                        emit(Value::Protocol(&seen, ipv6::LEN));
                    }
                });
            },
        )
        .needing(Needs {
            octets: true,
            ..Needs::NOTHING
        }),
        Field::of(
            names::IPV6_SRC,
            FieldType::V6,
            "Source address",
            |view, emit| {
                addresses(view, [ipv6::SOURCE], emit);
            },
        ),
        Field::of(
            names::IPV6_DST,
            FieldType::V6,
            "Destination address",
            |view, emit| {
                addresses(view, [ipv6::DESTINATION], emit);
            },
        ),
        Field::of(
            "ipv6.addr",
            FieldType::V6,
            "Source and destination address",
            |view, emit| {
                addresses(view, [ipv6::SOURCE, ipv6::DESTINATION], emit);
            },
        ),
        Field::of(
            "ipv6.fraghdr.more",
            FieldType::Bool,
            "More fragments follow",
            |view, emit| {
                let header = fragment(view);
                header
                    .map(|header| Value::Bool(header[3] & 1 != 0))
                    .into_iter()
                    .for_each(emit);
            },
        ),
    ];
    fields.extend(numbers());
    fields
}

fn numbers() -> Vec<Field> {
    vec![
        Field::in_ip(
            6,
            "ipv6.version",
            FieldType::Number(8, Decimal),
            "Version, 6",
            |ip| number(ip, 0, 1).map(|octet| octet >> 4),
        ),
        Field::in_ip(
            6,
            "ipv6.tclass",
            FieldType::Number(32, Hex),
            "Traffic class",
            |ip| number(ip, 0, 2).map(|octets| octets >> 4 & 0xff),
        ),
        Field::in_ip(
            6,
            "ipv6.flow",
            FieldType::Number(24, Hex),
            "Flow label",
            |ip| number(ip, 0, 4).map(|octets| octets & 0xf_ffff),
        ),
        Field::in_ip(
            6,
            names::IPV6_PLEN,
            FieldType::Number(16, Decimal),
            "Octets of the payload by the header",
            |ip| number(ip, 4, 2),
        ),
        Field::in_ip(
            6,
            "ipv6.nxt",
            FieldType::Number(8, Decimal),
            "Number of the next header",
            |ip| number(ip, 6, 1),
        ),
        Field::in_ip(
            6,
            names::IPV6_HLIM,
            FieldType::Number(8, Decimal),
            "Hop limit",
            |ip| number(ip, 7, 1),
        ),
        Field::number(
            "ipv6.fraghdr.nxt",
            FieldType::Number(8, Decimal),
            "Number of the header after the fragment header",
            |view| number(fragment(view)?, 0, 1),
        ),
        Field::number(
            "ipv6.fraghdr.offset",
            FieldType::Number(16, Decimal),
            "Place of a fragment in its datagram, in units of 8 octets",
            |view| number(fragment(view)?, 2, 2).map(|octets| octets >> 3),
        ),
        Field::number(
            "ipv6.fraghdr.ident",
            FieldType::Number(32, Hex),
            "Identification, the same in all fragments of a datagram",
            |view| number(fragment(view)?, 4, 4),
        ),
    ]
}
