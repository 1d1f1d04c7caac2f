//! The checksums that a field can hold. Each covers all bytes of the message before it.

use super::model::Role;

/// The right value of a checksum field after the bytes `before`. `None` if the role is not a checksum.
#[must_use]
pub fn check_of(role: Role, before: &[u8]) -> Option<i128> {
    Some(match role {
        Role::Crc32 => crc32fast::hash(before).into(),
        Role::Sum8 => before
            .iter()
            .fold(0u8, |sum, byte| sum.wrapping_add(*byte))
            .into(),
        Role::Internet => internet(before).into(),
        _ => return None,
    })
}

/// The Internet checksum (RFC 1071) of `bytes`, padded with a zero to an even number.
fn internet(bytes: &[u8]) -> u16 {
    let mut sum: u64 = bytes
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value from the catalogue of CRCs, and the example of RFC 1071.
    #[test]
    fn checks_are_those_of_their_sources() {
        assert_eq!(check_of(Role::Crc32, b"123456789"), Some(0xcbf4_3926));
        assert_eq!(check_of(Role::Sum8, &[200, 100]), Some(44));
        let example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(check_of(Role::Internet, &example), Some(0x220d));
        assert_eq!(check_of(Role::Internet, &[1]), Some(0xfeff));
        assert_eq!(check_of(Role::User, b"x"), None);
    }
}
