//! Why something of a TLS connection cannot be decrypted, and what else is to be said about one.

use std::fmt;

use super::keylog::{Label, Random};
use super::record::Version;
use super::suite::CipherSuite;

/// Something to be said about a connection. Its `Display` form is the text; none holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The key logs have no secret for the connection.
    NoKeys {
        /// Its name in key logs.
        random: Random,
    },
    /// The key logs have secrets for the connection, but not the one that is needed.
    NoSecret {
        /// The connection's name in key logs.
        random: Random,
        /// What is needed.
        label: Label,
    },
    /// Neither hello message tells which secrets are needed, and none that is known fits.
    NoHandshake,
    /// The handshake's answer was not captured before records that are encrypted.
    NoServerHello,
    /// The suite's records cannot be decrypted here.
    Suite(CipherSuite),
    /// The version's records cannot be decrypted here.
    Version(Version),
    /// No secret that is known for the connection opens the first record that it should open.
    WrongKeys {
        /// Offset of the record in its direction's bytes.
        at: u64,
    },
    /// A record is not what was sent: its authentication tag is wrong.
    BadTag {
        /// Offset of the record in its direction's bytes.
        at: u64,
    },
    /// After a gap no record could be opened with any sequence number within the bound.
    OutOfStep {
        /// Offset of the gap in its direction's bytes.
        at: u64,
    },
    /// What stands at this offset is no record.
    NotTls {
        /// Offset in the direction's bytes.
        at: u64,
    },
    /// More records waited for secrets than may; the oldest were dropped.
    TooManyWait {
        /// Bytes of them.
        bytes: u64,
    },
    /// 0-RTT data, whose secret is not in the key logs.
    NoEarlySecret,
    /// The connection was negotiated anew.
    Renegotiated,
}

impl Problem {
    /// Offset in its direction's bytes of the record that it is about, where it is about one.
    #[must_use]
    pub const fn at(&self) -> Option<u64> {
        match self {
            Self::WrongKeys { at } | Self::BadTag { at } | Self::NotTls { at } => Some(*at),
            _ => None,
        }
    }

    /// Whether it keeps something but 0-RTT data from being decrypted.
    pub(super) const fn is_in_the_way(&self) -> bool {
        !matches!(self, Self::NoEarlySecret | Self::Renegotiated)
    }
}

/// A random number as far as it takes to find it in a key log.
fn short(random: &Random) -> impl fmt::Display {
    struct Short([u8; 8]);
    impl fmt::Display for Short {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
            f.write_str("...")
        }
    }
    let mut first = [0; 8];
    first.copy_from_slice(&random[..8]);
    Short(first)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKeys { random } => write!(
                f,
                "not decrypted: no key log has secrets for client random {}",
                short(random)
            ),
            Self::NoSecret { random, label } => write!(
                f,
                "not decrypted: the key logs have no {} for client random {}",
                label.name(),
                short(random)
            ),
            Self::NoHandshake => f.write_str(
                "not decrypted: the handshake was not captured, and no secret of the key logs fits",
            ),
            Self::NoServerHello => {
                f.write_str("not decrypted: the server's part of the handshake was not captured")
            }
            Self::Suite(suite) => match suite.name() {
                Some(name) => write!(f, "not decrypted: cipher suite {name} is not supported"),
                None => write!(
                    f,
                    "not decrypted: cipher suite 0x{:04x} is not supported",
                    suite.0
                ),
            },
            Self::Version(version) => match version.name() {
                Some(name) => write!(f, "not decrypted: {name} is not supported"),
                None => write!(
                    f,
                    "not decrypted: TLS version 0x{:04x} is unknown",
                    version.0
                ),
            },
            Self::WrongKeys { .. } => {
                f.write_str("not decrypted: the secrets in the key logs do not open this record: it was damaged, or they are wrong")
            }
            Self::BadTag { .. } => f.write_str(
                "a TLS record cannot be decrypted: its authentication tag is wrong; it was damaged or replaced",
            ),
            Self::OutOfStep { .. } => f.write_str(
                "not decrypted from here on: after bytes that were not captured no sequence number fits",
            ),
            Self::NotTls { .. } => f.write_str("no TLS record begins where one should"),
            Self::TooManyWait { bytes } => write!(
                f,
                "{bytes} bytes of TLS records that waited for secrets were let go"
            ),
            Self::NoEarlySecret => write!(
                f,
                "0-RTT data not decrypted: the key logs have no {}",
                Label::ClientEarlyTrafficSecret.name()
            ),
            Self::Renegotiated => f.write_str("the TLS connection was negotiated anew"),
        }
    }
}
