//! The fields `ip.*`: IPv4 (RFC 791).

use std::net::IpAddr;

use super::{Emit, Extractor, Field, Needs, names, number};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::FieldType::{Bool, Number, Protocol, V4};
use crate::filter::value::Value;
use crate::filter::view::View;
use crate::packet::layout::{ipv4, ipv6};

const PROTOCOLS: &[(i64, &str)] = &[(1, "ICMP"), (6, "TCP"), (17, "UDP")];

fn flag(view: &View<'_>, bit: u8, emit: Emit<'_>) {
    view.each_ip_of(4, &mut |ip, _| {
        emit(Value::Bool(ip[ipv4::FRAGMENT.start] & bit != 0));
    });
}

/// Indices of a packet's addresses: 0 is the source, 1 the destination.
pub(super) const SOURCE: &[usize] = &[0];
pub(super) const DESTINATION: &[usize] = &[1];
pub(super) const BOTH: &[usize] = &[0, 1];

/// Emits the addresses with these indices from headers of this IP version. Those of a TCP segment are already decoded.
pub(super) fn addresses(view: &View<'_>, version: u8, of: &[usize], emit: Emit<'_>) {
    let is_v4 = version == 4;
    if let Some(ends) = view.ends().filter(|_| !view.is_in_tunnel()) {
        let addresses = of.iter().map(|end| ends[*end].address);
        let of_version = addresses.filter(|address| address.is_ipv4() == is_v4);
        return of_version.for_each(|address| emit(address.into()));
    }
    let places = if is_v4 {
        [ipv4::SOURCE, ipv4::DESTINATION]
    } else {
        [ipv6::SOURCE, ipv6::DESTINATION]
    };
    view.each_ip_of(version, &mut |ip, _| {
        for end in of {
            let octets = &ip[places[*end].clone()];
            let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
            address.map(Value::from).into_iter().for_each(&mut *emit);
        }
    });
}

pub(super) fn fields() -> Vec<Field> {
    fields! {
        "ip", Protocol, "The IPv4 header and what follows it", Of(|view, emit| {
            view.each_ip_of(4, &mut |ip, octets| {
                if let Some(octets) = octets {
                    let seen = view.seen_in_frame(octets);
                    emit(Value::Protocol(&seen, usize::from(ip[0] & 0x0f) * 4));
                }
            });
        }).needing(Needs::OCTETS);
        names::IP_SRC, V4, "Source address", Of(|view, emit| addresses(view, 4, SOURCE, emit));
        names::IP_DST, V4, "Destination address", Of(|view, emit| addresses(view, 4, DESTINATION, emit));
        "ip.addr", V4, "Source and destination address", Of(|view, emit| addresses(view, 4, BOTH, emit));
        "ip.flags.rb", Bool, "Reserved bit", Of(|view, emit| flag(view, 0x80, emit));
        "ip.flags.df", Bool, "Do not fragment", Of(|view, emit| flag(view, 0x40, emit));
        "ip.flags.mf", Bool, "More fragments follow", Of(|view, emit| flag(view, 0x20, emit));
        names::IP_PROTO, Number(8, Decimal), "Protocol of the payload",
            Ip(4, |ip| number(ip, ipv4::PROTOCOL.start, 1)).named(PROTOCOLS);
        "ip.version", Number(8, Decimal), "Version: 4, or 6 of IPv6", Of(|view, emit| {
            view.each_ip(&mut |ip, _| emit(Value::Number(i64::from(ip[0] >> 4))));
        });
        "ip.hdr_len", Number(8, Decimal), "Bytes of the header",
            Ip(4, |ip| number(ip, 0, 1).map(|octet| (octet & 0x0f) * 4));
        "ip.dsfield", Number(8, Hex), "Differentiated services field", Ip(4, |ip| number(ip, 1, 1));
        "ip.dsfield.dscp", Number(8, Decimal), "Differentiated services code point",
            Ip(4, |ip| number(ip, 1, 1).map(|octet| octet >> 2));
        "ip.dsfield.ecn", Number(8, Decimal), "Explicit congestion notification",
            Ip(4, |ip| number(ip, 1, 1).map(|octet| octet & 3));
        names::IP_LEN, Number(16, Decimal), "Bytes of the packet by its header", Ip(4, |ip| number(ip, 2, 2));
        names::IP_ID, Number(16, Hex), "Identification, the same in all fragments of a datagram",
            Ip(4, |ip| number(ip, 4, 2));
        "ip.flags", Number(8, Hex), "The three flags", Ip(4, |ip| number(ip, 6, 1).map(|octet| octet >> 5));
        names::IP_FRAG_OFFSET, Number(16, Decimal), "Place of a fragment in its datagram, in units of 8 bytes",
            Ip(4, |ip| number(ip, 6, 2).map(|octets| octets & 0x1fff));
        names::IP_TTL, Number(8, Decimal), "Time to live", Ip(4, |ip| number(ip, 8, 1));
        "ip.checksum", Number(16, Hex), "Checksum of the header", Ip(4, |ip| number(ip, 10, 2));
    }
}
