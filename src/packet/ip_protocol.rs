//! Names of IP protocols.

/// An IP protocol (IANA registry "Protocol Numbers").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpProtocol {
    /// Its number in IP headers.
    pub number: u8,
    /// Its name in Wireshark's Protocol column.
    pub name: &'static str,
    /// Its name in display filters; empty if it has no entry here.
    pub filter_name: &'static str,
}

/// Every protocol that has a name here.
static TABLE: [IpProtocol; 17] = [
    row(1, "ICMP", "icmp"),
    row(2, "IGMP", "igmp"),
    row(4, "IPv4", "ip"),
    row(6, "TCP", "tcp"),
    row(17, "UDP", "udp"),
    row(33, "DCCP", "dccp"),
    row(41, "IPv6", "ipv6"),
    row(46, "RSVP", "rsvp"),
    row(47, "GRE", "gre"),
    row(50, "ESP", "esp"),
    row(58, "ICMPv6", "icmpv6"),
    row(88, "EIGRP", "eigrp"),
    row(89, "OSPF", "ospf"),
    row(103, "PIM", "pim"),
    row(112, "VRRP", "vrrp"),
    row(115, "L2TPv3", "l2tp"),
    row(132, "SCTP", "sctp"),
];

const fn row(number: u8, name: &'static str, filter_name: &'static str) -> IpProtocol {
    IpProtocol {
        number,
        name,
        filter_name,
    }
}

/// The protocol with this number; it is named `IP` if it has no entry here.
#[must_use]
pub fn ip_protocol(number: u8) -> IpProtocol {
    let named = TABLE.iter().find(|protocol| protocol.number == number);
    named.copied().unwrap_or(row(number, "IP", ""))
}
