//! TLS records: the five bytes before each, and where one ends and the next begins
//! (RFC 8446 section 5.1, RFC 5246 section 6.2).

/// Bytes of a record's header.
pub const HEADER_LEN: usize = 5;

/// The most bytes behind a header: 2^14 and what protection may add in TLS 1.2; TLS 1.3 allows
/// 256 instead of 2048.
pub const MAX_BODY: usize = (1 << 14) + 2048;

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentType(pub u8);

impl ContentType {
    /// Protection begins behind it in TLS 1.2; of no meaning in TLS 1.3.
    pub const CHANGE_CIPHER_SPEC: Self = Self(20);
    /// A warning, an error, or the end.
    pub const ALERT: Self = Self(21);
    /// Handshake messages or parts of them.
    pub const HANDSHAKE: Self = Self(22);
    /// What TLS is there for; in TLS 1.3 any protected record says so outside.
    pub const APPLICATION_DATA: Self = Self(23);
    /// A sign of life (RFC 6520).
    pub const HEARTBEAT: Self = Self(24);

    /// Wireshark's name; `None` for types that TLS does not have.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::CHANGE_CIPHER_SPEC => "Change Cipher Spec",
            Self::ALERT => "Alert",
            Self::HANDSHAKE => "Handshake",
            Self::APPLICATION_DATA => "Application Data",
            Self::HEARTBEAT => "Heartbeat",
            _ => return None,
        })
    }
}

/// A protocol version as records and handshake messages state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u16);

impl Version {
    /// TLS 1.0, also on the records of a first ClientHello of any version.
    pub const TLS10: Self = Self(0x0301);
    /// TLS 1.2, also on all later records of TLS 1.3.
    pub const TLS12: Self = Self(0x0303);
    /// TLS 1.3, in the supported_versions extension only.
    pub const TLS13: Self = Self(0x0304);

    /// Wireshark's name; `None` for numbers that are no version.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0300 => "SSL 3.0",
            0x0301 => "TLS 1.0",
            0x0302 => "TLS 1.1",
            0x0303 => "TLS 1.2",
            0x0304 => "TLS 1.3",
            _ => return None,
        })
    }
}

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the record says that it holds.
    pub content: ContentType,
    /// The version that the record says.
    pub version: Version,
    /// Bytes behind the header.
    pub length: u16,
}

impl Header {
    /// Reads a header that a TLS record can have: a known content, SSL 3.0 to TLS 1.3, and a length
    /// within the bounds. Only application data may be empty.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[content, 3, minor @ 0..=4, high, low] = bytes.first_chunk::<HEADER_LEN>()? else {
            return None;
        };
        let content = ContentType(content);
        content.name()?;
        let length = u16::from_be_bytes([high, low]);
        let fits = match content {
            ContentType::CHANGE_CIPHER_SPEC | ContentType::ALERT => (1..=512).contains(&length),
            ContentType::APPLICATION_DATA => usize::from(length) <= MAX_BODY,
            _ => length > 0 && usize::from(length) <= MAX_BODY,
        };
        fits.then_some(Self {
            content,
            version: Version(0x0300 | u16::from(minor)),
            length,
        })
    }

    /// Bytes of the whole record.
    #[must_use]
    pub const fn record_len(self) -> usize {
        HEADER_LEN + self.length as usize
    }

    /// The header as it stands before the record.
    #[must_use]
    pub const fn bytes(self) -> [u8; HEADER_LEN] {
        let [major, minor] = self.version.0.to_be_bytes();
        let [high, low] = self.length.to_be_bytes();
        [self.content.0, major, minor, high, low]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_can_be_a_header() {
        let header = Header::read(&[23, 3, 3, 0x40, 0x11, 0xff]).unwrap();
        assert_eq!(header.content, ContentType::APPLICATION_DATA);
        assert_eq!(header.record_len(), 16_406);
        assert_eq!(Header::read(&header.bytes()), Some(header));
        for bytes in [
            &[23, 3, 3, 0x40][..],
            &[25, 3, 3, 0, 1],
            &[23, 2, 3, 0, 1],
            &[23, 3, 5, 0, 1],
            &[23, 3, 3, 0x48, 1],
            &[22, 3, 3, 0, 0],
            &[21, 3, 3, 2, 1],
        ] {
            assert_eq!(Header::read(bytes), None, "{bytes:?}");
        }
    }
}
