//! Headers between the link layer, or a tunnel, and an IP packet: Ethernet, VLAN tags, LLC and SNAP, PPP, PPPoE, MPLS.

use std::ops::Range;

use super::vlan::VlanTags;
use super::{Layer, Other};

/// Most headers that are followed in one frame: more than any network uses.
const MAX_HEADERS: usize = 16;

/// Ethertypes (IANA registry "IEEE 802 Numbers").
mod ethertype {
    pub const IPV4: u16 = 0x0800;
    pub const IPV6: u16 = 0x86dd;
    pub const VLAN: u16 = 0x8100;
    pub const SERVICE_VLAN: u16 = 0x88a8;
    /// VLAN tags with the non-standard types of some switches.
    pub const OTHER_VLAN: [u16; 3] = [0x9100, 0x9200, 0x9300];
    pub const MPLS: u16 = 0x8847;
    pub const MPLS_UPSTREAM: u16 = 0x8848;
    pub const PPPOE_SESSION: u16 = 0x8864;
    pub const PPP: u16 = 0x880b;
    pub const ETHERNET: u16 = 0x6558;
    pub const LLC: u16 = 0x8870;
}

/// PPP protocol numbers (IANA registry "Point-to-Point (PPP) Protocol Field Assignments").
mod ppp_protocol {
    pub const IPV4: u16 = 0x0021;
    pub const IPV6: u16 = 0x0057;
    pub const MPLS: u16 = 0x0281;
    pub const MPLS_UPSTREAM: u16 = 0x0283;
}

const CUT: Other = Other::Cut(Layer::Link);

/// Kind of the header at an offset of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// An IP packet.
    Ip,
    /// An Ethernet frame (IEEE 802.3).
    Ethernet,
    /// Determined by this Ethertype.
    Ethertype(u16),
    /// Logical link control (IEEE 802.2).
    Llc,
    /// PPP, with or without address and control (RFC 1661, RFC 1662).
    Ppp,
    /// PPP or Cisco HDLC, which differ in the first byte.
    PppOrHdlc,
    /// A stack of MPLS labels (RFC 3032).
    Mpls,
}

/// Where an IP packet begins in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IpPlace {
    /// Offset of its header.
    pub start: usize,
    /// The VLANs of the tags before the header.
    pub tags: VlanTags,
}

/// A header before IP or TCP, for outputs that list headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Its name in Wireshark's `frame.protocols`, with colons between several.
    pub protocols: &'static str,
    /// Its name in messages.
    pub name: &'static str,
    /// Range of its bytes, in the bytes that were decoded.
    pub octets: Range<usize>,
}

/// Receives the headers before IP, in order.
pub(super) type Trail<'t> = &'t mut dyn FnMut(Passed);

/// Follows headers from offset `at` until an IP header. `tags` are the VLAN tags so far.
pub(super) fn follow(
    mut header: Header,
    octets: &[u8],
    mut at: usize,
    mut tags: VlanTags,
    trail: Trail<'_>,
) -> Result<IpPlace, Other> {
    for _ in 0..MAX_HEADERS {
        let rest = octets.get(at..).unwrap_or_default();
        let step = match header {
            Header::Ip => return Ok(IpPlace { start: at, tags }),
            Header::Ethernet => ethernet(rest)?,
            Header::Ethertype(kind) => ethertype(kind, rest)?,
            Header::Llc => llc(rest)?,
            Header::Ppp => ppp(rest)?,
            Header::PppOrHdlc => ppp_or_hdlc(rest)?,
            Header::Mpls => mpls(rest)?,
        };
        if !step.name.is_empty() {
            trail(Passed {
                protocols: step.protocols,
                name: step.name,
                octets: at..at + step.len,
            });
        }
        if let Some(control) = step.tag {
            tags = tags.and(control);
        }
        at += step.len;
        header = step.next;
    }
    Err(Other::NotIp)
}

/// A header that was decoded.
struct Step {
    protocols: &'static str,
    name: &'static str,
    /// Length of the header in bytes.
    len: usize,
    /// What follows it.
    next: Header,
    /// For a VLAN tag, its control information: priority and VLAN number (IEEE 802.1Q).
    tag: Option<u16>,
}

impl Step {
    const fn new(
        (protocols, name): (&'static str, &'static str),
        len: usize,
        next: Header,
    ) -> Self {
        Self {
            protocols,
            name,
            len,
            next,
            tag: None,
        }
    }

    /// No header: what begins here is of kind `next`.
    const fn same(next: Header) -> Self {
        Self::new(("", ""), 0, next)
    }
}

pub(super) fn u16_at(octets: &[u8], at: usize) -> Result<u16, Other> {
    match octets.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(CUT),
    }
}

pub(super) fn byte_at(octets: &[u8], at: usize) -> Result<u8, Other> {
    octets.get(at).copied().ok_or(CUT)
}

/// What follows a type field. Up to 1500 it is the length of an LLC frame (IEEE 802.3 section 3.2.6).
fn behind_type(kind: u16, payload: &[u8]) -> Header {
    const MAX_LENGTH: u16 = 1500;
    /// First bytes of Novell frames without LLC, which carry only IPX.
    const NOVELL: [u8; 2] = [0xff, 0xff];
    match kind {
        0..=MAX_LENGTH if !payload.starts_with(&NOVELL) => Header::Llc,
        _ => Header::Ethertype(kind),
    }
}

fn ethernet(octets: &[u8]) -> Result<Step, Other> {
    const LEN: usize = 14;
    let kind = u16_at(octets, 12)?;
    let next = behind_type(kind, &octets[LEN..]);
    let protocols = match next {
        Header::Llc => "eth",
        _ => "eth:ethertype",
    };
    Ok(Step::new((protocols, "Ethernet"), LEN, next))
}

fn ethertype(kind: u16, octets: &[u8]) -> Result<Step, Other> {
    const TAG: usize = 4;
    const PPPOE: usize = 6;
    match kind {
        ethertype::IPV4 | ethertype::IPV6 => Ok(Step::same(Header::Ip)),
        ethertype::VLAN | ethertype::SERVICE_VLAN => vlan(octets, TAG),
        kind if ethertype::OTHER_VLAN.contains(&kind) => vlan(octets, TAG),
        ethertype::MPLS | ethertype::MPLS_UPSTREAM => Ok(Step::same(Header::Mpls)),
        ethertype::PPP => Ok(Step::same(Header::Ppp)),
        ethertype::ETHERNET => Ok(Step::same(Header::Ethernet)),
        ethertype::LLC => Ok(Step::same(Header::Llc)),
        // Version 1, type 1 and the code of session data (RFC 2516 section 6).
        ethertype::PPPOE_SESSION => match octets.get(..PPPOE).ok_or(CUT)? {
            [0x11, 0, ..] => Ok(Step::new(("pppoes", "PPPoE session"), PPPOE, Header::Ppp)),
            _ => Err(Other::NotIp),
        },
        _ => Err(Other::NotIp),
    }
}

fn vlan(octets: &[u8], len: usize) -> Result<Step, Other> {
    let kind = u16_at(octets, 2)?;
    let next = behind_type(kind, &octets[len..]);
    let protocols = match next {
        Header::Llc => "vlan",
        _ => "vlan:ethertype",
    };
    Ok(Step {
        tag: Some(u16_at(octets, 0)?),
        ..Step::new((protocols, "VLAN tag"), len, next)
    })
}

fn llc(octets: &[u8]) -> Result<Step, Other> {
    const LEN: usize = 3;
    const SNAP: u8 = 0xaa;
    const IP: u8 = 0x06;
    /// The bit of the source address that distinguishes responses from commands.
    const RESPONSE: u8 = 0x01;
    /// Control field of an unnumbered information frame.
    const INFORMATION: u8 = 0x03;
    /// Organisation codes for which the protocol is an Ethertype: the general one (RFC 1042) and Cisco's.
    const ETHERTYPES: [[u8; 3]; 2] = [[0, 0, 0], [0, 0, 0xf8]];
    let name = ("llc", "LLC");
    let (to, from, control) = (
        byte_at(octets, 0)?,
        byte_at(octets, 1)?,
        byte_at(octets, 2)?,
    );
    match (to, from & !RESPONSE, control) {
        (SNAP, SNAP, INFORMATION) => {
            let owner = octets.get(LEN..LEN + 3).ok_or(CUT)?;
            let kind = u16_at(octets, LEN + 3)?;
            if !ETHERTYPES.iter().any(|known| known == owner) {
                return Err(Other::NotIp);
            }
            Ok(Step::new(name, LEN + 5, Header::Ethertype(kind)))
        }
        (IP, IP, INFORMATION) => Ok(Step::new(name, LEN, Header::Ip)),
        _ => Err(Other::NotIp),
    }
}

/// Cisco HDLC has an Ethertype after its address, for which PPP uses other values.
fn ppp_or_hdlc(octets: &[u8]) -> Result<Step, Other> {
    const UNICAST: u8 = 0x0f;
    const BROADCAST: u8 = 0x8f;
    match byte_at(octets, 0)? {
        UNICAST | BROADCAST => {
            let kind = u16_at(octets, 2)?;
            Ok(Step::new(
                ("chdlc", "Cisco HDLC"),
                4,
                Header::Ethertype(kind),
            ))
        }
        _ => ppp(octets),
    }
}

fn ppp(octets: &[u8]) -> Result<Step, Other> {
    const ADDRESS_AND_CONTROL: [u8; 2] = [0xff, 0x03];
    let start = if octets.starts_with(&ADDRESS_AND_CONTROL) {
        2
    } else {
        0
    };
    // The last byte of a protocol number is odd, those before it are even, so that a leading zero may be omitted (RFC
    // 1661 section 6.5).
    let first = byte_at(octets, start)?;
    let (protocol, len) = if first & 1 == 1 {
        (u16::from(first), start + 1)
    } else {
        (u16_at(octets, start)?, start + 2)
    };
    let next = match protocol {
        ppp_protocol::IPV4 | ppp_protocol::IPV6 => Header::Ip,
        ppp_protocol::MPLS | ppp_protocol::MPLS_UPSTREAM => Header::Mpls,
        _ => return Err(Other::NotIp),
    };
    Ok(Step::new(("ppp", "PPP"), len, next))
}

fn mpls(octets: &[u8]) -> Result<Step, Other> {
    const LABEL: usize = 4;
    const BOTTOM: u8 = 0x01;
    const MAX_LABELS: usize = 16;
    /// Length of the control word before a pseudowire frame (RFC 4385 section 3).
    const CONTROL_WORD: usize = 4;
    let mut labels = octets.chunks_exact(LABEL).take(MAX_LABELS);
    let count = labels.position(|label| label[2] & BOTTOM != 0).ok_or(CUT)? + 1;
    let len = count * LABEL;
    let name = ("mpls", "MPLS");
    // Labels do not say what they carry. The first four bits of the content do (RFC 4928 section 3).
    match byte_at(octets, len)? >> 4 {
        4 | 6 => Ok(Step::new(name, len, Header::Ip)),
        0 if is_ethernet(&octets[len..], CONTROL_WORD) => Ok(Step::new(
            ("mpls:pwethheuristic:pwethcw", "MPLS pseudowire"),
            len + CONTROL_WORD,
            Header::Ethernet,
        )),
        0 => Ok(Step::new(
            ("mpls:pwethheuristic:pwethnocw", "MPLS pseudowire"),
            len,
            Header::Ethernet,
        )),
        _ => Err(Other::NotIp),
    }
}

/// Whether an Ethernet frame probably begins at an offset: its type is one that leads to IP.
fn is_ethernet(octets: &[u8], at: usize) -> bool {
    const TYPE: usize = 12;
    let kind = u16_at(octets, at + TYPE).unwrap_or_default();
    let leads_to_ip = [
        ethertype::IPV4,
        ethertype::IPV6,
        ethertype::VLAN,
        ethertype::SERVICE_VLAN,
        ethertype::MPLS,
        ethertype::PPPOE_SESSION,
    ];
    leads_to_ip.contains(&kind)
}
