//! TLS record headers (RFC 8446 section 5.1, RFC 5246 section 6.2).

/// Length of a record's header in bytes.
pub const HEADER_LEN: usize = 5;

/// Most bytes after a header: 2^14 and up to 2048 for encryption in TLS 1.2; TLS 1.3 allows 256 instead of 2048.
pub const MAX_BODY: usize = (1 << 14) + 2048;

/// Content type of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentType(pub u8);

impl ContentType {
    /// Encryption begins after it in TLS 1.2; without meaning in TLS 1.3.
    pub const CHANGE_CIPHER_SPEC: Self = Self(20);
    /// A warning, an error, or the end of the connection.
    pub const ALERT: Self = Self(21);
    /// Handshake messages, or parts of them.
    pub const HANDSHAKE: Self = Self(22);
    /// Application data; in TLS 1.3, the header of every encrypted record has this type.
    pub const APPLICATION_DATA: Self = Self(23);
    /// A heartbeat (RFC 6520).
    pub const HEARTBEAT: Self = Self(24);

    /// Wireshark's name; `None` for unknown types.
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

/// A protocol version in records and handshake messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u16);

impl Version {
    /// TLS 1.0, also in the records of the first ClientHello of any version.
    pub const TLS10: Self = Self(0x0301);
    /// TLS 1.2, also in all later records of TLS 1.3.
    pub const TLS12: Self = Self(0x0303);
    /// TLS 1.3, only in the supported_versions extension.
    pub const TLS13: Self = Self(0x0304);

    /// Wireshark's name; `None` for unknown versions.
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
    /// Content type in the header.
    pub content: ContentType,
    /// Version in the header.
    pub version: Version,
    /// Length in bytes of what follows the header.
    pub length: u16,
}

impl Header {
    /// Decodes a header; `None` unless it is valid: a known content type, SSL 3.0 to TLS 1.3, and a possible length.
    /// Only application data may be empty.
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

    /// Length of the whole record in bytes.
    #[must_use]
    pub const fn record_len(self) -> usize {
        HEADER_LEN + self.length as usize
    }

    /// The encoded header.
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
