//! The fields `ipv6.*`: IPv6 (RFC 8200).

use super::ip::{BOTH, DESTINATION, SOURCE, addresses};
use super::{Extractor, Field, Needs, names, number};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::FieldType::{Bool, Number, Protocol, V6};
use crate::filter::value::Value;
use crate::filter::view::View;
use crate::packet::layout::ipv6;

/// Length of the fragment header in bytes (RFC 8200, section 4.5).
const FRAGMENT_LEN: usize = 8;

/// The fragment header, which is directly before the fragment's payload.
fn fragment<'a>(view: &View<'a>) -> Option<&'a [u8]> {
    let fragment = view.fragment().filter(|ip| ip.source.is_ipv6())?;
    let start = fragment.payload_start as usize;
    let octets = view.record.frame.octets;
    octets.get(start.checked_sub(FRAGMENT_LEN)?..start)
}

pub(super) fn fields() -> Vec<Field> {
    fields! {
        "ipv6", Protocol, "The IPv6 header and what follows it", Of(|view, emit| {
            view.each_ip_of(6, &mut |_, octets| {
                if let Some(octets) = octets {
                    let seen = view.seen_in_frame(octets);
                    emit(Value::Protocol(&seen, ipv6::LEN));
                }
            });
        }).needing(Needs::OCTETS);
        names::IPV6_SRC, V6, "Source address", Of(|view, emit| addresses(view, 6, SOURCE, emit));
        names::IPV6_DST, V6, "Destination address", Of(|view, emit| addresses(view, 6, DESTINATION, emit));
        "ipv6.addr", V6, "Source and destination address", Of(|view, emit| addresses(view, 6, BOTH, emit));
        "ipv6.fraghdr.more", Bool, "More fragments follow",
            One(|view| Some(Value::Bool(fragment(view)?[3] & 1 != 0)));
        "ipv6.version", Number(8, Decimal), "Version, 6", Ip(6, |ip| number(ip, 0, 1).map(|octet| octet >> 4));
        "ipv6.tclass", Number(32, Hex), "Traffic class",
            Ip(6, |ip| number(ip, 0, 2).map(|octets| octets >> 4 & 0xff));
        "ipv6.flow", Number(24, Hex), "Flow label", Ip(6, |ip| number(ip, 0, 4).map(|octets| octets & 0xf_ffff));
        names::IPV6_PLEN, Number(16, Decimal), "Bytes of the payload by the header", Ip(6, |ip| number(ip, 4, 2));
        "ipv6.nxt", Number(8, Decimal), "Number of the next header", Ip(6, |ip| number(ip, 6, 1));
        names::IPV6_HLIM, Number(8, Decimal), "Hop limit", Ip(6, |ip| number(ip, 7, 1));
        "ipv6.fraghdr.nxt", Number(8, Decimal), "Number of the header after the fragment header",
            Number(|view| number(fragment(view)?, 0, 1));
        "ipv6.fraghdr.offset", Number(16, Decimal), "Place of a fragment in its datagram, in units of 8 bytes",
            Number(|view| number(fragment(view)?, 2, 2).map(|octets| octets >> 3));
        "ipv6.fraghdr.ident", Number(32, Hex), "Identification, the same in all fragments of a datagram",
            Number(|view| number(fragment(view)?, 4, 4));
    }
}
