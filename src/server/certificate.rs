//! What is to be said about a TLS certificate and its key beside that they can be used: when the
//! certificate is valid, and who can read the key.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

/// A certificate that expires within this time is worth a warning.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Time during which a whole certificate chain is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From when on.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

/// What is wrong with a certificate's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeWarning {
    /// Clients refuse it.
    Expired,
    /// Clients refuse it still.
    NotYetValid,
    /// Clients will refuse it in less than 30 days.
    ExpiresSoon,
}

impl Validity {
    /// The time that all certificates of a chain have in common; `None` where one of them cannot
    /// be read.
    pub fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let mut common: Option<Self> = None;
        for certificate in chain {
            let (_, parsed) = parse_x509_certificate(certificate).ok()?;
            let time = parsed.validity();
            let one = Self {
                not_before: Timestamp::from_second(time.not_before.timestamp()).ok()?,
                not_after: Timestamp::from_second(time.not_after.timestamp()).ok()?,
            };
            common = Some(common.map_or(one, |all| Self {
                not_before: all.not_before.max(one.not_before),
                not_after: all.not_after.min(one.not_after),
            }));
        }
        common
    }

    /// What to warn of at `now`.
    pub fn warning(&self, now: Timestamp) -> Option<TimeWarning> {
        if now > self.not_after {
            Some(TimeWarning::Expired)
        } else if now < self.not_before {
            Some(TimeWarning::NotYetValid)
        } else if self.not_after.duration_since(now) < SOON {
            Some(TimeWarning::ExpiresSoon)
        } else {
            None
        }
    }
}

/// Whether others than its owner can read a private key's file. A key that belongs to root may be
/// readable by a group, as keys that several services share are.
pub fn key_is_exposed(key: &Path) -> io::Result<bool> {
    let metadata = File::open(key)?.metadata()?;
    let harmless = if metadata.uid() == 0 { 0o740 } else { 0o700 };
    Ok(metadata.mode() & 0o777 & !harmless != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_come_before_and_after_the_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let validity = Validity {
            not_before: at("2026-01-01T00:00:00Z"),
            not_after: at("2026-12-31T00:00:00Z"),
        };
        for (now, warning) in [
            ("2025-12-31T23:59:59Z", Some(TimeWarning::NotYetValid)),
            ("2026-01-01T00:00:00Z", None),
            ("2026-12-01T00:00:00Z", None),
            ("2026-12-01T00:00:01Z", Some(TimeWarning::ExpiresSoon)),
            ("2026-12-31T00:00:01Z", Some(TimeWarning::Expired)),
        ] {
            assert_eq!(validity.warning(at(now)), warning, "{now}");
        }
    }
}
