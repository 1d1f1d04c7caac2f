//! Problems of TLS connections: mainly, why something cannot be decrypted.

use thiserror::Error;

use super::keylog::{Label, Random};
use super::record::Version;
use super::suite::CipherSuite;
use crate::text::escape::Hex;

/// A problem of a connection. `Display` writes its text, which never contains a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Problem {
    /// The key logs have no secrets for the connection.
    #[error(
        "not decrypted: no key log has secrets for client random {}",
        short(random)
    )]
    NoKeys {
        /// The connection's client random.
        random: Random,
    },
    /// The key logs have secrets for the connection, but not the needed one.
    #[error(
        "not decrypted: the key logs have no {} for client random {}",
        label.name(), short(random)
    )]
    NoSecret {
        /// The connection's client random.
        random: Random,
        /// The secret that is needed.
        label: Label,
    },
    /// No hello message identifies the needed secrets, and no known secret decrypts the records.
    #[error("not decrypted: the handshake was not captured, and no secret of the key logs fits")]
    NoHandshake,
    /// The ServerHello was not captured before encrypted records.
    #[error("not decrypted: the server's part of the handshake was not captured")]
    NoServerHello,
    /// The cipher suite is not supported.
    #[error("not decrypted: {}", of_suite(*.0))]
    Suite(CipherSuite),
    /// The version is not supported.
    #[error("not decrypted: {}", of_version(*.0))]
    Version(Version),
    /// No known secret of the connection decrypts the first record that it should decrypt.
    #[error(
        "not decrypted: the secrets in the key logs do not open this record: it was damaged, or they are wrong"
    )]
    WrongKeys {
        /// Offset of the record in its direction's bytes.
        at: u64,
    },
    /// A record is not what was sent: its authentication tag is wrong.
    #[error(
        "a TLS record cannot be decrypted: its authentication tag is wrong; it was damaged or replaced"
    )]
    BadTag {
        /// Offset of the record in its direction's bytes.
        at: u64,
    },
    /// After a gap, no record could be decrypted with any sequence number within the limit.
    #[error(
        "not decrypted from here on: after bytes that were not captured no sequence number fits"
    )]
    OutOfStep {
        /// Offset of the gap in its direction's bytes.
        at: u64,
    },
    /// There is no record at this offset, where one should begin.
    #[error("no TLS record begins where one should")]
    NotTls {
        /// Offset in its direction's bytes.
        at: u64,
    },
    /// Too many records waited for secrets; the oldest were dropped.
    #[error("{bytes} bytes of TLS records that waited for secrets were dropped")]
    TooManyWait {
        /// Bytes that were dropped.
        bytes: u64,
    },
    /// 0-RTT data, whose secret is not in the key logs.
    #[error(
        "0-RTT data not decrypted: the key logs have no {}",
        Label::ClientEarlyTrafficSecret.name()
    )]
    NoEarlySecret,
    /// The connection was renegotiated.
    #[error("the TLS connection was negotiated anew")]
    Renegotiated,
}

impl Problem {
    /// Offset, in its direction's bytes, of the record that it concerns; `None` if it concerns none.
    #[must_use]
    pub const fn at(&self) -> Option<u64> {
        match self {
            Self::WrongKeys { at } | Self::BadTag { at } | Self::NotTls { at } => Some(*at),
            _ => None,
        }
    }

    /// Whether it prevents the decryption of anything except 0-RTT data.
    pub(super) const fn prevents_decryption(&self) -> bool {
        !matches!(self, Self::NoEarlySecret | Self::Renegotiated)
    }
}

/// The start of a random number, sufficient to find it in a key log.
fn short(random: &Random) -> String {
    format!("{}...", Hex(&random[..8]))
}

fn of_suite(suite: CipherSuite) -> String {
    match suite.name() {
        Some(name) => format!("cipher suite {name} is not supported"),
        None => format!("cipher suite 0x{:04x} is not supported", suite.0),
    }
}

fn of_version(version: Version) -> String {
    match version.name() {
        Some(name) => format!("{name} is not supported"),
        None => format!("TLS version 0x{:04x} is unknown", version.0),
    }
}
