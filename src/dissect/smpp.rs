//! Recognises SMPP (Short Message Peer-to-Peer) by its header.
//!
//! In SMPP, the command ids 1 to 4 are requests: `command_status` must be 0, and `sequence_number` 1 to 0x7FFFFFFF
//! (SMPP 3.4 sections 5.1.3 and 5.1.4). Read as RegLogin, that is a text field that starts with NUL and then has
//! another byte, which correct padding never does. So no bytes are strictly valid as both.

use crate::protocol::layout::{DESCRIPTION, MessageKind, USER_NAME};
use crate::protocol::right_header;

/// Length in bytes of an SMPP header: length, id, status and sequence number, each a `u32` (SMPP 3.4 section 3.2).
pub const SMPP_HEADER_LEN: usize = 16;

fn word(octets: &[u8], at: usize) -> Option<u32> {
    let bytes = octets.get(at..at + 4)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// Lengths of a PDU in bytes that are accepted, as in Wireshark's heuristic.
pub const SMPP_LENGTHS: std::ops::RangeInclusive<u32> = 16..=65536;
/// Valid sequence numbers of a PDU (SMPP 3.4 section 3.2).
pub const SMPP_SEQUENCES: std::ops::RangeInclusive<u32> = 1..=0x7fff_ffff;
/// Command ids reserved for vendors, without the response bit (SMPP 3.4 section 5.1.2.1).
pub const SMPP_VENDOR: std::ops::RangeInclusive<u32> = 0x0001_0200..=0x0001_02ff;

/// Whether the bytes start with a strictly valid SMPP header: a known command id, a length of
/// 16 to 65536, status 0 on a request, and a sequence number of 1 to 0x7FFFFFFF.
#[must_use]
pub fn is_smpp(octets: &[u8]) -> bool {
    let Some([length, id, status, sequence]) = header(octets) else {
        return false;
    };
    SMPP_LENGTHS.contains(&length)
        && smpp_command(id).is_some()
        && (status == 0 || id & SMPP_RESPONSE != 0)
        && SMPP_SEQUENCES.contains(&sequence)
}

fn header(octets: &[u8]) -> Option<[u32; 4]> {
    Some([
        word(octets, 0)?,
        word(octets, 4)?,
        word(octets, 8)?,
        word(octets, 12)?,
    ])
}

/// Whether the first segment of a stream starts with a PDU as it occurs in practice: valid by [`is_smpp`], with a
/// vendor's command, or with sequence number 0, which many clients send and a `generic_nack` may have (SMPP 3.4 section
/// 4.3.1).
///
/// A PDU that is not strictly valid must be a response, or the PDUs must end exactly with the segment, and it must not
/// be a correct RegLogin header with an empty text. A request whose sequence number is printable text is not accepted:
/// it may be a name in someone's own protocol.
#[must_use]
pub fn begins_smpp(octets: &[u8]) -> bool {
    let Some([length, id, status, sequence]) = header(octets) else {
        return false;
    };
    let printable = |octet: &u8| (b' '..=b'~').contains(octet);
    if id & SMPP_RESPONSE == 0 && sequence.to_be_bytes().iter().all(printable) {
        return false;
    }
    if is_smpp(octets) {
        return true;
    }
    let clean = id & !SMPP_RESPONSE;
    let response = id & SMPP_RESPONSE != 0;
    let known = smpp_command(id).is_some() || SMPP_VENDOR.contains(&clean);
    let header = SMPP_LENGTHS.contains(&length)
        && known
        && (status == 0 || response)
        && sequence <= *SMPP_SEQUENCES.end();
    header && (response || ends_with_a_pdu(octets)) && !is_empty_reglogin(octets)
}

/// Whether this is a correct RegLogin header, and the captured part of the text after it is all NUL.
fn is_empty_reglogin(octets: &[u8]) -> bool {
    let text = match right_header(octets) {
        Some(MessageKind::Request) => &USER_NAME,
        Some(MessageKind::Response) => &DESCRIPTION,
        None => return false,
    };
    text.slice(octets).iter().all(|octet| *octet == 0)
}

/// Whether the lengths of the PDUs lead exactly to the end of the bytes.
fn ends_with_a_pdu(octets: &[u8]) -> bool {
    let mut rest = octets;
    while let Some(length) = word(rest, 0) {
        match rest.get(length.max(*SMPP_LENGTHS.start()) as usize..) {
            Some([]) => return true,
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    false
}

/// The bit of an SMPP command id that distinguishes responses from requests.
pub const SMPP_RESPONSE: u32 = 0x8000_0000;

/// The name of an SMPP command as in Wireshark, by its id (SMPP 3.4 section 5.1.2.1, SMPP 5.0 section 4.7.5).
#[must_use]
pub const fn smpp_command(id: u32) -> Option<&'static str> {
    Some(match id {
        0x0000_0001 => "Bind_receiver",
        0x0000_0002 => "Bind_transmitter",
        0x0000_0003 => "Query_sm",
        0x0000_0004 => "Submit_sm",
        0x0000_0005 => "Deliver_sm",
        0x0000_0006 => "Unbind",
        0x0000_0007 => "Replace_sm",
        0x0000_0008 => "Cancel_sm",
        0x0000_0009 => "Bind_transceiver",
        0x0000_000b => "Outbind",
        0x0000_0015 => "Enquire_link",
        0x0000_0021 => "Submit_multi",
        0x0000_0102 => "Alert_notification",
        0x0000_0103 => "Data_sm",
        0x0000_0111 => "Broadcast_sm",
        0x0000_0112 => "Query_broadcast_sm",
        0x0000_0113 => "Cancel_broadcast_sm",
        0x8000_0000 => "Generic_nack",
        0x8000_0001 => "Bind_receiver - resp",
        0x8000_0002 => "Bind_transmitter - resp",
        0x8000_0003 => "Query_sm - resp",
        0x8000_0004 => "Submit_sm - resp",
        0x8000_0005 => "Deliver_sm - resp",
        0x8000_0006 => "Unbind - resp",
        0x8000_0007 => "Replace_sm - resp",
        0x8000_0008 => "Cancel_sm - resp",
        0x8000_0009 => "Bind_transceiver - resp",
        0x8000_0015 => "Enquire_link - resp",
        0x8000_0021 => "Submit_multi - resp",
        0x8000_0103 => "Data_sm - resp",
        0x8000_0111 => "Broadcast_sm - resp",
        0x8000_0112 => "Query_broadcast_sm - resp",
        0x8000_0113 => "Cancel_broadcast_sm - resp",
        _ => return None,
    })
}
