//! Why something of a TLS connection cannot be decrypted, and what else is to be said about one.

use thiserror::Error;

use super::keylog::{Label, Random};
use super::record::Version;
use super::suite::CipherSuite;

/// Something to be said about a connection. Its `Display` form is the text; none holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Problem {
    /// The key logs have no secret for the connection.
    #[error(
        "not decrypted: no key log has secrets for client random {}",
        short(random)
    )]
    NoKeys {
        /// Its name in key logs.
        random: Random,
    },
    /// The key logs have secrets for the connection, but not the one that is needed.
    #[error(
        "not decrypted: the key logs have no {} for client random {}",
        label.name(), short(random)
    )]
    NoSecret {
        /// The connection's name in key logs.
        random: Random,
        /// What is needed.
        label: Label,
    },
    /// Neither hello message tells which secrets are needed, and none that is known fits.
    #[error("not decrypted: the handshake was not captured, and no secret of the key logs fits")]
    NoHandshake,
    /// The handshake's answer was not captured before records that are encrypted.
    #[error("not decrypted: the server's part of the handshake was not captured")]
    NoServerHello,
    /// The suite's records cannot be decrypted here.
    #[error("not decrypted: {}", of_suite(*.0))]
    Suite(CipherSuite),
    /// The version's records cannot be decrypted here.
    #[error("not decrypted: {}", of_version(*.0))]
    Version(Version),
    /// No secret that is known for the connection opens the first record that it should open.
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
    /// After a gap no record could be opened with any sequence number within the bound.
    #[error(
        "not decrypted from here on: after bytes that were not captured no sequence number fits"
    )]
    OutOfStep {
        /// Offset of the gap in its direction's bytes.
        at: u64,
    },
    /// What stands at this offset is no record.
    #[error("no TLS record begins where one should")]
    NotTls {
        /// Offset in the direction's bytes.
        at: u64,
    },
    /// More records waited for secrets than may; the oldest were dropped.
    #[error("{bytes} bytes of TLS records that waited for secrets were let go")]
    TooManyWait {
        /// Bytes of them.
        bytes: u64,
    },
    /// 0-RTT data, whose secret is not in the key logs.
    #[error(
        "0-RTT data not decrypted: the key logs have no {}",
        Label::ClientEarlyTrafficSecret.name()
    )]
    NoEarlySecret,
    /// The connection was negotiated anew.
    #[error("the TLS connection was negotiated anew")]
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
fn short(random: &Random) -> String {
    let first = random.iter().take(8).map(|byte| format!("{byte:02x}"));
    first.collect::<String>() + "..."
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
