//! A finding of the summary as a sentence.

#![expect(
    clippy::cast_precision_loss,
    reason = "times in a sentence, shown with few digits"
)]

use std::fmt;

use crate::capture::Timestamp;
use crate::session::summary::{Finding, FindingKind};
use crate::text::escape::EscapedOctets;

/// Displays a finding as a sentence. User names are escaped.
#[derive(Debug, Clone, Copy)]
pub struct Sentence<'a>(pub &'a Finding);

/// Displays a duration in nanoseconds as seconds, with fewer decimals the longer it is.
pub(in crate::output) struct Span(pub i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 as f64 / Timestamp::SECOND as f64;
        let decimals = match seconds {
            s if s >= 100.0 => 0,
            s if s >= 1.0 => 1,
            s if s >= 0.01 => 3,
            _ => 6,
        };
        write!(f, "{seconds:.decimals$} s")
    }
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = self.0;
        let count = finding.count;
        let span = Span(finding.last.since(finding.first));
        let address = |f: &mut fmt::Formatter<'_>| match finding.address {
            Some(address) => write!(f, "{address}"),
            None => f.write_str("several addresses"),
        };
        match finding.what {
            FindingKind::Guessing { broken_in } => {
                match &finding.user {
                    Some(user) => write!(f, "{count} logins as \"{}\"", EscapedOctets(user))?,
                    None => write!(f, "{count} logins with different user names")?,
                }
                f.write_str(" from ")?;
                address(f)?;
                write!(f, " failed within {span}: somebody is guessing passwords")?;
                if let Some(frame) = broken_in {
                    write!(
                        f,
                        "; a login then succeeded in frame {frame}, so a guess may have been right"
                    )?;
                }
            }
            FindingKind::Probing { names } => {
                address(f)?;
                write!(
                    f,
                    " tried {names} user names that do not exist: somebody is finding out who is \
                     registered"
                )?;
            }
            FindingKind::Spraying { names, passwords } => {
                address(f)?;
                let word = if passwords == 1 {
                    "password"
                } else {
                    "passwords"
                };
                write!(
                    f,
                    " tried {passwords} {word} on {names} user names: somebody hopes that one of \
                     them has a usual password"
                )?;
            }
            FindingKind::Mistake { fault, .. } if count == 1 => write!(f, "1 message: {fault}")?,
            FindingKind::Mistake { fault, alike: true } => write!(f, "{count} messages: {fault}")?,
            FindingKind::Mistake { fault, .. } => {
                write!(f, "{count} messages, the first: {fault}")?;
            }
            FindingKind::Unanswered if count == 1 => f.write_str("1 request got no response")?,
            FindingKind::Unanswered => write!(f, "{count} requests got no response")?,
            FindingKind::Slow {
                action,
                slowest,
                median,
            } => {
                let noun = action.noun();
                if count == 1 {
                    write!(f, "1 {noun} took {}", Span(slowest))?;
                } else {
                    write!(
                        f,
                        "{count} {noun}s were slow, the slowest took {}",
                        Span(slowest)
                    )?;
                }
                let median = Span(median);
                write!(f, "; half of all took {median} at most")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Severity;
    use crate::protocol::{Action, Fault};

    fn finding(what: FindingKind, count: u64) -> Finding {
        Finding {
            what,
            severity: Severity::Warning,
            user: None,
            address: Some([10, 0, 0, 5].into()),
            count,
            first: Timestamp(0),
            last: Timestamp(12_340_000_000),
            frames: vec![4],
        }
    }

    #[test]
    fn findings_read_as_sentences() {
        let mut guessed = finding(
            FindingKind::Guessing {
                broken_in: Some(90),
            },
            25,
        );
        guessed.user = Some(crate::session::Name::new(b"al\x1bice"));
        let cases = [
            (
                guessed,
                "25 logins as \"al\\u{1b}ice\" from 10.0.0.5 failed within 12.3 s: somebody is \
                 guessing passwords; a login then succeeded in frame 90, so a guess may have been \
                 right",
            ),
            (
                finding(FindingKind::Guessing { broken_in: None }, 20),
                "20 logins with different user names from 10.0.0.5 failed within 12.3 s: somebody \
                 is guessing passwords",
            ),
            (
                finding(FindingKind::Probing { names: 12 }, 13),
                "10.0.0.5 tried 12 user names that do not exist: somebody is finding out who is \
                 registered",
            ),
            (
                finding(
                    FindingKind::Spraying {
                        names: 40,
                        passwords: 2,
                    },
                    80,
                ),
                "10.0.0.5 tried 2 passwords on 40 user names: somebody hopes that one of them has \
                 a usual password",
            ),
            (
                finding(FindingKind::Unanswered, 1),
                "1 request got no response",
            ),
            (
                finding(
                    FindingKind::Mistake {
                        fault: Fault::HeaderNotCounted { found: 50 },
                        alike: true,
                    },
                    2,
                ),
                "2 messages: total length 50 = 58 - 8: the header counts too",
            ),
            (
                finding(
                    FindingKind::Mistake {
                        fault: Fault::Status(7),
                        alike: false,
                    },
                    3,
                ),
                "3 messages, the first: status 7 is unknown; 1 means success and 0 failure",
            ),
            (
                finding(
                    FindingKind::Slow {
                        action: Action::Login,
                        slowest: 5_000_000_000,
                        median: 81_000_000,
                    },
                    3,
                ),
                "3 logins were slow, the slowest took 5.0 s; half of all took 0.081 s at most",
            ),
        ];
        for (finding, text) in cases {
            assert_eq!(Sentence(&finding).to_string(), text);
        }
    }
}
