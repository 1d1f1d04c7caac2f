//! Warnings about a TLS certificate and its key that can be used: the certificate's validity, and who can read the
//! key.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

/// A certificate that expires within this time causes a warning.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A warning is repeated after this time.
const DAY: Duration = Duration::from_hours(24);
/// Margin after which a point in time has certainly passed.
const PAST: Duration = Duration::from_millis(10);

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
    /// Clients refuse it for now.
    NotYetValid,
    /// Clients will refuse it in less than 30 days.
    ExpiresSoon,
}

impl Validity {
    /// The time that all certificates of a chain have in common; `None` if one of them cannot
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

    /// Time until there is something to report again, from `now`: when a warning begins or changes, and after a day
    /// in any case.
    pub fn next_look(&self, now: Timestamp) -> Duration {
        let soon = self.not_after.checked_sub(SOON).unwrap_or(Timestamp::MIN);
        [self.not_before, soon, self.not_after]
            .into_iter()
            .filter(|moment| *moment >= now)
            .filter_map(|moment| Duration::try_from(moment.duration_since(now)).ok())
            .map(|left| left + PAST)
            .fold(DAY, Duration::min)
    }
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

    #[test]
    fn each_warning_is_said_when_it_begins_and_once_a_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let validity = Validity {
            not_before: at("2026-10-01T12:00:00Z"),
            not_after: at("2026-12-31T06:00:00Z"),
        };
        let mut now = at("2026-09-30T18:00:00Z");
        let mut said = Vec::new();
        while now < at("2027-01-03T00:00:00Z") {
            said.push((now, validity.warning(now)));
            let next = SignedDuration::try_from(validity.next_look(now)).unwrap();
            assert!(next > SignedDuration::ZERO && next <= SignedDuration::from_hours(24));
            now += next;
        }
        let first = |warning| said.iter().find(|(_, said)| *said == warning).unwrap().0;
        for (warning, begins) in [
            (None, "2026-10-01T12:00:00Z"),
            (Some(TimeWarning::ExpiresSoon), "2026-12-01T06:00:00Z"),
            (Some(TimeWarning::Expired), "2026-12-31T06:00:00Z"),
        ] {
            let late = first(warning).duration_since(at(begins));
            assert!(
                late >= SignedDuration::ZERO && late <= SignedDuration::from_secs(1),
                "{late}"
            );
        }
        let days = said
            .iter()
            .filter(|(_, said)| *said == Some(TimeWarning::ExpiresSoon));
        assert_eq!(days.count(), 30);
    }
}
