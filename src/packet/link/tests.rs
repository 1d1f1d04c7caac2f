use proptest::prelude::*;

use super::*;

/// Offset of IP, and the headers before it as in `frame.protocols`.
fn walked(link: LinkType, octets: &[u8]) -> (Result<usize, Other>, String) {
    let mut names: Vec<&str> = Vec::new();
    let start = walk(link, octets, &mut |passed| {
        if !passed.protocols.is_empty() {
            names.push(passed.protocols);
        }
    });
    (start.map(|place| place.start), names.join(":"))
}

#[test]
fn the_table_is_in_order() {
    assert!(TABLE.is_sorted_by_key(|layer| layer.link.0));
    assert!(TABLE.iter().all(|layer| link_layer(layer.link).is_some()));
    assert!(link_layer(LinkType(147)).is_none());
}

#[test]
fn null_is_read_in_both_byte_orders_and_with_every_af_inet6() {
    for family in [2u32, 24, 28, 30, 10] {
        assert_eq!(ip_start(LinkType::NULL, &family.to_le_bytes()), Ok(4));
        assert_eq!(ip_start(LinkType::LOOP, &family.to_be_bytes()), Ok(4));
    }
    assert_eq!(
        ip_start(LinkType::NULL, &7u32.to_le_bytes()),
        Err(Other::NotIp)
    );
}

#[test]
fn headers_between_ethernet_and_ip_are_followed() {
    for (behind_addresses, protocols) in [
        (&[0x08, 0][..], "eth:ethertype"),
        (
            &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x08, 0],
            "eth:ethertype:vlan:ethertype:vlan:ethertype",
        ),
        (&[0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd], "eth:llc"),
        (&[0, 43, 6, 6, 3], "eth:llc"),
        (
            &[0x81, 0, 0, 1, 0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0],
            "eth:ethertype:vlan:llc",
        ),
        (
            &[0x88, 0x64, 0x11, 0, 0, 7, 0, 42, 0, 0x21],
            "eth:ethertype:pppoes:ppp",
        ),
        (
            &[0x81, 0, 0, 5, 0x88, 0x64, 0x11, 0, 0, 7, 0, 41, 0x57],
            "eth:ethertype:vlan:ethertype:pppoes:ppp",
        ),
        (
            &[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64, 0x45],
            "eth:ethertype:mpls",
        ),
    ] {
        let mut octets = vec![0; 12];
        octets.extend(behind_addresses);
        let ends_in_ip = octets.last() == Some(&0x45);
        let expected = octets.len() - usize::from(ends_in_ip);
        let found = walked(LinkType::ETHERNET, &octets);
        assert_eq!(found, (Ok(expected), protocols.to_owned()));
        if !ends_in_ip {
            let cut = &octets[..octets.len() - 1];
            assert_eq!(ip_start(LinkType::ETHERNET, cut), Err(CUT));
        }
    }
}

#[test]
fn ppp_may_leave_out_address_control_and_a_leading_zero() {
    for octets in [
        &[0xff, 3, 0, 0x21][..],
        &[0xff, 3, 0x21],
        &[0, 0x21],
        &[0x57],
        &[0xff, 3, 0x02, 0x81, 0, 1, 1, 64],
    ] {
        let mut octets = octets.to_vec();
        let start = octets.len();
        octets.push(0x45);
        assert_eq!(ip_start(LinkType::PPP, &octets), Ok(start), "{octets:x?}");
    }
    assert_eq!(ip_start(LinkType::PPP, &[0xc0, 0x21]), Err(Other::NotIp));
    assert_eq!(ip_start(LinkType::PPP, &[0x0f, 0, 8, 0]), Ok(4));
}

#[test]
fn a_tap_has_the_frame_of_its_interface() {
    let mut octets = vec![0; 40];
    octets[0] = 40;
    octets[4] = 1;
    let start = octets.len();
    for (link, header) in [(0u8, &[2, 0, 0, 0][..]), (12, &[]), (101, &[])] {
        octets[8] = link;
        octets.truncate(start);
        octets.extend(header);
        assert_eq!(ip_start(LinkType::PKTAP, &octets), Ok(octets.len()));
    }
    octets[8] = 147;
    assert_eq!(ip_start(LinkType::PKTAP, &octets), Err(Other::LinkType));
    octets[0] = 3;
    let malformed = Err(Other::Malformed(Layer::Link));
    assert_eq!(ip_start(LinkType::PKTAP, &octets), malformed);
}

#[test]
fn cooked_headers_name_the_protocol() {
    let mut v1 = vec![0; 16];
    v1[14] = 0x08;
    assert_eq!(ip_start(LinkType::LINUX_SLL, &v1), Ok(16));
    let mut v2 = vec![0; 20];
    v2[..2].copy_from_slice(&[0x86, 0xdd]);
    assert_eq!(ip_start(LinkType::LINUX_SLL2, &v2), Ok(20));
}

/// Bytes that end with the first byte of an IP header, and the offset of that byte.
fn before_ip(parts: &[&[u8]]) -> (Vec<u8>, usize) {
    let mut octets = parts.concat();
    let start = octets.len();
    octets.push(0x45);
    (octets, start)
}

const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0];

#[test]
fn a_wifi_data_frame_has_its_packet_behind_snap() {
    // Frame control, its flags, and the resulting header length: QoS, four addresses, HT control.
    for (control, flags, len) in [
        (0x08, 0x01, 24),
        (0x08, 0x03, 30),
        (0x88, 0x02, 26),
        (0x88, 0x83, 36),
    ] {
        let mut header = vec![control, flags];
        header.resize(len, 0);
        let (octets, start) = before_ip(&[&header, &SNAP]);
        assert_eq!(ip_start(LinkType::IEEE802_11, &octets), Ok(start));
        let radiotap = [0, 0, 9, 0, 0, 0, 0, 0, 0];
        let (octets, start) = before_ip(&[&radiotap, &header, &SNAP]);
        let found = walked(LinkType::IEEE802_11_RADIOTAP, &octets);
        assert_eq!(found.0, Ok(start));
    }
    // Encrypted, a management frame, a data frame without data.
    for (control, flags) in [(0x08, 0x41), (0x80, 0x00), (0x48, 0x01)] {
        let mut octets = vec![control, flags];
        octets.resize(24, 0);
        octets.extend(SNAP);
        assert_eq!(ip_start(LinkType::IEEE802_11, &octets), Err(Other::NotIp));
    }
}

#[test]
fn firewall_logs_and_ipsec_say_the_family_of_the_packet() {
    const INET: u8 = 2;
    let mut pflog = vec![61, INET];
    pflog.resize(64, 0);
    let (octets, start) = before_ip(&[&pflog]);
    assert_eq!(ip_start(LinkType::PFLOG, &octets), Ok(start));
    pflog[1] = 7;
    assert_eq!(ip_start(LinkType::PFLOG, &pflog), Err(Other::NotIp));

    let (octets, start) = before_ip(&[&[INET, 0, 0, 0], &[0; 8]]);
    assert_eq!(ip_start(LinkType::OPENBSD_IPSEC, &octets), Ok(start));
    assert_eq!(
        ip_start(LinkType::OPENBSD_IPSEC, &[7; 12]),
        Err(Other::NotIp)
    );

    // A value of five bytes and its padding, then the packet, in either byte order.
    for (value, packet) in [([9, 0, 1, 0], [5, 0, 9, 0]), ([0, 9, 0, 1], [0, 5, 0, 9])] {
        let header = [INET, 0, 0, 0];
        let (octets, start) = before_ip(&[&header, &value, &[0; 8], &packet]);
        assert_eq!(ip_start(LinkType::NFLOG, &octets), Ok(start));
    }
    assert_eq!(ip_start(LinkType::NFLOG, &[7, 0, 0, 0]), Err(Other::NotIp));
    let malformed = Err(Other::Malformed(Layer::Link));
    let short = [INET, 0, 0, 0, 3, 0, 1, 0];
    assert_eq!(ip_start(LinkType::NFLOG, &short), malformed);
}

#[test]
fn ppp_says_who_sent_in_an_octet() {
    for sent in [&[0x00, 0x03, 0, 0x21][..], &[0x01, 0, 0x21]] {
        let (octets, start) = before_ip(&[sent]);
        for link in [LinkType::PPP_PPPD, LinkType::PPP_WITH_DIRECTION] {
            assert_eq!(ip_start(link, &octets), Ok(start), "{sent:x?}");
        }
    }
}

#[test]
fn no_link_type_reads_behind_the_end() {
    for layer in &TABLE {
        for filling in [0x00, 0x02, 0x08, 0x45, 0xaa, 0xff] {
            for len in 0..96 {
                let octets = vec![filling; len];
                if let Ok(start) = ip_start(layer.link, &octets) {
                    assert!(start <= len, "{}: {start} of {len}", layer.name);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn where_ip_begins_at_a_glance_it_begins_by_steps(
        link in 0..TABLE.len(),
        mut octets in proptest::collection::vec(any::<u8>(), 0..40),
        kind in 0..40usize,
    ) {
        let link = TABLE[link].link;
        if let Some(place) = octets.get_mut(kind..kind + 2) {
            place.copy_from_slice(if link == LinkType::NULL { &[0, 2] } else { &[8, 0] });
        }
        if let Some(start) = fast_path::ip_start(link, &octets) {
            prop_assert_eq!(walked(link, &octets).0, Ok(start));
        }
    }
}
