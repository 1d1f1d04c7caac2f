//! Recognises TLS by its record header.

use std::ops::RangeInclusive;

/// Length of a TLS record header in bytes (RFC 8446 section 5.1).
pub const TLS_HEADER_LEN: usize = 5;

/// Content types of records (RFC 8446 section 5.1).
pub const TLS_TYPES: RangeInclusive<u8> = 20..=23;
/// Major number of a record's version.
pub const TLS_MAJOR: u8 = 3;
/// Greatest minor number of a record's version.
pub const TLS_MAX_MINOR: u8 = 4;
/// Greatest length of a record's content in bytes (RFC 5246 section 6.2.3).
pub const TLS_MAX_RECORD: u16 = (1 << 14) + 2048;

/// Name of a content type (RFC 8446 section 5.1, RFC 5246 section 6.2.1).
const fn tls_content(kind: u8) -> Option<&'static str> {
    Some(match kind {
        20 => "Change Cipher Spec",
        21 => "Alert",
        22 => "Handshake",
        23 => "Application Data",
        _ => return None,
    })
}

pub(super) fn tls_type(octets: &[u8]) -> Option<&'static str> {
    tls_content(*octets.first()?)
}

/// Whether the bytes start with a TLS record header: a known type, version 3.0 to 3.4, and a valid length.
#[must_use]
pub fn is_tls(octets: &[u8]) -> bool {
    let Some([kind, major, minor, high, low]) = octets.get(..TLS_HEADER_LEN) else {
        return false;
    };
    let length = u16::from_be_bytes([*high, *low]);
    tls_content(*kind).is_some()
        && *major == TLS_MAJOR
        && *minor <= TLS_MAX_MINOR
        && (1..=TLS_MAX_RECORD).contains(&length)
}

/// Name of the TLS record at the start of `octets`: that of its handshake message (RFC 8446 section 4), otherwise of
/// its content type.
#[must_use]
pub fn tls_record(octets: &[u8]) -> Option<&'static str> {
    if !is_tls(octets) {
        return None;
    }
    let content = tls_type(octets)?;
    Some(match (content, octets.get(TLS_HEADER_LEN)) {
        ("Handshake", Some(kind)) => match kind {
            0 => "Hello Request",
            1 => "Client Hello",
            2 => "Server Hello",
            4 => "New Session Ticket",
            8 => "Encrypted Extensions",
            11 => "Certificate",
            12 => "Server Key Exchange",
            13 => "Certificate Request",
            14 => "Server Hello Done",
            15 => "Certificate Verify",
            16 => "Client Key Exchange",
            20 => "Finished",
            _ => "Encrypted Handshake Message",
        },
        _ => content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name() {
        for kind in 0..=u8::MAX {
            assert_eq!(TLS_TYPES.contains(&kind), tls_content(kind).is_some());
        }
    }
}
