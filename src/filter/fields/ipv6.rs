//! `ipv6.*`: IPv6 (RFC 8200).

use std::net::{IpAddr, Ipv6Addr};

use super::{Field, Needs, number};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::{Kind, Value};
use crate::filter::view::View;

const SOURCE: usize = 8;
const DESTINATION: usize = 24;
const HEADER_LEN: usize = 40;
/// Octets of the fragment header.
const FRAGMENT_LEN: usize = 8;

fn of(view: &View<'_>, at: usize, width: usize) -> Option<i64> {
    number(view.ipv6()?, at, width)
}

/// The address at this offset of the header; those of a TCP segment are known already.
fn address(view: &View<'_>, at: usize) -> Option<Value<'static>> {
    if let Some(ends) = view.ends() {
        return match ends[usize::from(at == DESTINATION)].address {
            IpAddr::V6(address) => Some(Value::v6(address)),
            IpAddr::V4(_) => None,
        };
    }
    let octets: [u8; 16] = view.ipv6()?.get(at..at + 16)?.try_into().ok()?;
    Some(Value::v6(Ipv6Addr::from(octets)))
}

/// The fragment header: it stands right before the fragment's payload.
fn fragment<'a>(view: &View<'a>) -> Option<&'a [u8]> {
    let start = view.fragment()?.payload_start as usize;
    view.ipv6()?;
    view.record
        .frame
        .octets
        .get(start.checked_sub(FRAGMENT_LEN)?..start)
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = vec![
        Field::of(
            "ipv6",
            Kind::Protocol,
            "The IPv6 header and what follows it",
            |view, emit| {
                if view.ipv6().is_some() {
                    let octets = view.seen_in_frame(view.ip_range().unwrap_or_default());
                    emit(Value::Protocol(&octets, HEADER_LEN));
                }
            },
        )
        .needing(Needs {
            octets: true,
            ..Needs::NOTHING
        }),
        Field::one("ipv6.src", Kind::V6, "Source address", |view| {
            address(view, SOURCE)
        }),
        Field::one("ipv6.dst", Kind::V6, "Destination address", |view| {
            address(view, DESTINATION)
        }),
        Field::of(
            "ipv6.addr",
            Kind::V6,
            "Source and destination address",
            |view, emit| {
                let both = [SOURCE, DESTINATION].into_iter();
                both.filter_map(|at| address(view, at)).for_each(emit);
            },
        ),
        Field::of(
            "ipv6.fraghdr.more",
            Kind::Bool,
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
    fields.extend([
        Field::number(
            "ipv6.version",
            Kind::Number(8, Decimal),
            "Version, 6",
            |view| of(view, 0, 1).map(|octet| octet >> 4),
        ),
        Field::number(
            "ipv6.tclass",
            Kind::Number(32, Hex),
            "Traffic class",
            |view| of(view, 0, 2).map(|octets| octets >> 4 & 0xff),
        ),
        Field::number("ipv6.flow", Kind::Number(24, Hex), "Flow label", |view| {
            of(view, 0, 4).map(|octets| octets & 0xf_ffff)
        }),
        Field::number(
            "ipv6.plen",
            Kind::Number(16, Decimal),
            "Octets of the payload by the header",
            |view| of(view, 4, 2),
        ),
        Field::number(
            "ipv6.nxt",
            Kind::Number(8, Decimal),
            "Number of the next header",
            |view| of(view, 6, 1),
        ),
        Field::number("ipv6.hlim", Kind::Number(8, Decimal), "Hop limit", |view| {
            of(view, 7, 1)
        }),
        Field::number(
            "ipv6.fraghdr.nxt",
            Kind::Number(8, Decimal),
            "Number of the header after the fragment header",
            |view| number(fragment(view)?, 0, 1),
        ),
        Field::number(
            "ipv6.fraghdr.offset",
            Kind::Number(16, Decimal),
            "Place of a fragment in its datagram, in units of 8 octets",
            |view| number(fragment(view)?, 2, 2).map(|octets| octets >> 3),
        ),
        Field::number(
            "ipv6.fraghdr.ident",
            Kind::Number(32, Hex),
            "Identification, the same in all fragments of a datagram",
            |view| number(fragment(view)?, 4, 4),
        ),
    ]);
    fields
}
