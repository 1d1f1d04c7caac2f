//! Short Message Peer-to-Peer, recognised by its header.
//!
//! In SMPP each of the command ids 1 to 4 is a request: its `command_status` must be 0 and its
//! `sequence_number` 1 to 0x7FFFFFFF (SMPP 3.4 sections 5.1.3 and 5.1.4). Read as RegLogin that
//! is a text field which starts with NUL and then has another octet: never well filled. So no
//! octets are strictly both.

/// Octets of an SMPP header: length, id, status, sequence number, each a u32 (SMPP 3.4
/// section 3.2).
pub const SMPP_HEADER_LEN: usize = 16;

fn word(octets: &[u8], at: usize) -> Option<u32> {
    let bytes = octets.get(at..at + 4)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// Whether the octets start with a strictly valid SMPP header: a known command id, a length of
/// 16 to 65536, status 0 on a request, and a sequence number of 1 to 0x7FFFFFFF.
#[must_use]
pub fn is_smpp(octets: &[u8]) -> bool {
    const LENGTHS: std::ops::RangeInclusive<u32> = 16..=65536;
    const SEQUENCES: std::ops::RangeInclusive<u32> = 1..=0x7fff_ffff;
    let (Some(length), Some(id), Some(status), Some(sequence)) = (
        word(octets, 0),
        word(octets, 4),
        word(octets, 8),
        word(octets, 12),
    ) else {
        return false;
    };
    LENGTHS.contains(&length)
        && smpp_command(id).is_some()
        && (status == 0 || id & SMPP_RESPONSE != 0)
        && SEQUENCES.contains(&sequence)
}

/// The bit of an SMPP command id that tells a response from a request.
pub const SMPP_RESPONSE: u32 = 0x8000_0000;

/// The command's name by its id (SMPP 3.4 section 5.1.2.1, SMPP 5.0 section 4.7.5), written as
/// Wireshark writes it.
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
