//! Findings for an operator: guessing, probing, spraying, mistakes in messages, unanswered requests, slow answers. The
//! thresholds are defined here, and explained in `docs/statistics.md`.

use std::net::IpAddr;

use super::Summary;
use super::counts::{ACTIONS, Address, FailedLogins};
use super::slow::EXAMPLES;
use super::window::{Burst, Origin, Pace};
use crate::capture::Timestamp;
use crate::dissect::Severity;
use crate::protocol::{Action, Fault};
use crate::session::Name;

/// This many failed logins with one user name within [`GUESS_SPAN`] are guessing.
pub const GUESSES_PER_USER: usize = 10;
/// This many failed logins from one address within [`GUESS_SPAN`] are guessing.
pub const GUESSES_PER_ADDRESS: usize = 20;
/// Nanoseconds of capture time for counting guesses: a minute.
pub const GUESS_SPAN: i64 = 60 * Timestamp::SECOND;
/// This many different unknown user names from one address are probing.
pub const PROBED_NAMES: u64 = 10;
/// Failed logins with this many different user names from one address can be spraying.
pub const SPRAYED_NAMES: u64 = 10;
/// This many user names for each password are spraying.
pub const NAMES_PER_PASSWORD: u64 = 5;
/// An answer is slow if it took more than this many times the median,
pub const SLOW_FACTOR: u64 = 10;
/// and more than this many nanoseconds: a second.
pub const SLOW_FLOOR: u64 = Timestamp::SECOND.unsigned_abs();
/// Most findings of a kind that are listed.
pub const FINDINGS_PER_KIND: usize = 50;

/// Thresholds for findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// See [`GUESSES_PER_USER`].
    pub guesses_per_user: usize,
    /// See [`GUESSES_PER_ADDRESS`].
    pub guesses_per_address: usize,
    /// See [`GUESS_SPAN`].
    pub guess_span: i64,
    /// See [`PROBED_NAMES`].
    pub probed_names: u64,
    /// See [`SPRAYED_NAMES`].
    pub sprayed_names: u64,
    /// See [`NAMES_PER_PASSWORD`].
    pub names_per_password: u64,
    /// See [`SLOW_FACTOR`].
    pub slow_factor: u64,
    /// See [`SLOW_FLOOR`].
    pub slow_floor: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            guesses_per_user: GUESSES_PER_USER,
            guesses_per_address: GUESSES_PER_ADDRESS,
            guess_span: GUESS_SPAN,
            probed_names: PROBED_NAMES,
            sprayed_names: SPRAYED_NAMES,
            names_per_password: NAMES_PER_PASSWORD,
            slow_factor: SLOW_FACTOR,
            slow_floor: SLOW_FLOOR,
        }
    }
}

impl Thresholds {
    /// The rate at which failures with one user name are guessing.
    #[must_use]
    pub const fn user_pace(&self) -> Pace {
        Pace {
            failures: self.guesses_per_user,
            span: self.guess_span,
        }
    }

    /// The rate at which failures from one address are guessing.
    #[must_use]
    pub const fn address_pace(&self) -> Pace {
        Pace {
            failures: self.guesses_per_address,
            span: self.guess_span,
        }
    }
}

/// Kind of a finding, with the numbers that only this kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// Many failed logins in a short time.
    Guessing {
        /// Frame of a successful login that followed.
        broken_in: Option<u64>,
    },
    /// Many user names that the server does not know, from one address.
    Probing {
        /// Different names.
        names: u64,
    },
    /// A few passwords tried with many user names, from one address.
    Spraying {
        /// Different names.
        names: u64,
        /// Different passwords.
        passwords: u64,
    },
    /// Messages with the same kind of fault in the same field.
    Mistake {
        /// The first fault.
        fault: Fault,
        /// Whether all faults are equal.
        alike: bool,
    },
    /// Requests without a response.
    Unanswered,
    /// Responses that took much longer than usual.
    Slow {
        /// Action of the requests.
        action: Action,
        /// Nanoseconds that the slowest took.
        slowest: i64,
        /// Median in nanoseconds.
        median: i64,
    },
}

impl FindingKind {
    /// Names of the kinds.
    pub const NAMES: [&'static str; 6] = [
        "password guessing",
        "user-name probing",
        "password spraying",
        "mistake",
        "unanswered requests",
        "slow answers",
    ];

    /// Name of the kind.
    #[must_use]
    pub const fn name(self) -> &'static str {
        let place = match self {
            Self::Guessing { .. } => 0,
            Self::Probing { .. } => 1,
            Self::Spraying { .. } => 2,
            Self::Mistake { .. } => 3,
            Self::Unanswered => 4,
            Self::Slow { .. } => 5,
        };
        Self::NAMES[place]
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub what: FindingKind,
    /// How serious it is.
    pub severity: Severity,
    /// The user name that it concerns, if it is one.
    pub user: Option<Name>,
    /// The address that it concerns, if it is one.
    pub address: Option<IpAddr>,
    /// Number of failures, attempts, messages or exchanges.
    pub count: u64,
    /// Time of the first of them. For slow answers, the earliest of the listed ones.
    pub first: Timestamp,
    /// Time of the last of them. For slow answers, the latest of the listed ones.
    pub last: Timestamp,
    /// Frames of requests or faulty messages to look at; the first one comes first.
    pub frames: Vec<u64>,
}

/// All findings, the most serious first, and how many more there were than are listed.
#[must_use]
pub(super) fn find(summary: &Summary) -> (Vec<Finding>, usize) {
    let thresholds = summary.logins.thresholds;
    let mut kinds = [const { Vec::new() }; 3];
    for (name, user) in summary.users.iter() {
        let Some(window) = user.failed_at_least(thresholds.user_pace().failures) else {
            continue;
        };
        if let Some(burst) = window.longest() {
            let address = match window.origin {
                Origin::One(address) => Some(address),
                _ => None,
            };
            kinds[0].push(guessing(burst, Some(*name), address));
        }
    }
    for (address, row) in summary.addresses.iter() {
        if let Some(failed) = row.failed() {
            of_address(*address, row, failed, thresholds, &mut kinds);
        }
    }
    let mut more = 0;
    let mut all = Vec::new();
    for mut kind in kinds {
        kind.sort_by(by_weight);
        more += kind.len().saturating_sub(FINDINGS_PER_KIND);
        kind.truncate(FINDINGS_PER_KIND);
        all.extend(kind);
    }
    all.extend(summary.mistakes.findings());
    all.extend(unanswered(summary));
    all.extend(slow(summary));
    all.sort_by(by_weight);
    (all, more)
}

/// The most serious and largest first, then in an order that does not depend on hashes.
fn by_weight(one: &Finding, other: &Finding) -> std::cmp::Ordering {
    let key = |finding: &Finding| {
        (
            std::cmp::Reverse((finding.severity, finding.count)),
            finding.first,
            finding.frames.first().copied(),
            finding.user,
        )
    };
    key(one).cmp(&key(other))
}

fn guessing(burst: Burst, user: Option<Name>, address: Option<IpAddr>) -> Finding {
    let broken_in = burst.broken_in;
    Finding {
        what: FindingKind::Guessing { broken_in },
        severity: if broken_in.is_some() {
            Severity::Error
        } else {
            Severity::Warning
        },
        user,
        address,
        count: burst.count,
        first: burst.first,
        last: burst.last,
        frames: std::iter::once(burst.frame).chain(broken_in).collect(),
    }
}

fn of_address(
    address: IpAddr,
    row: &Address,
    failed: &FailedLogins,
    thresholds: Thresholds,
    kinds: &mut [Vec<Finding>; 3],
) {
    let (unknown, tried) = (failed.unknown, failed.tried);
    let mut explained = 0;
    if unknown.names >= thresholds.probed_names {
        explained += unknown.attempts;
        kinds[1].push(Finding {
            what: FindingKind::Probing {
                names: unknown.names,
            },
            severity: Severity::Warning,
            user: None,
            address: Some(address),
            count: unknown.attempts,
            first: unknown.times[0],
            last: unknown.times[1],
            frames: vec![unknown.frame],
        });
    }
    let many_to_each = failed.passwords * thresholds.names_per_password <= tried.names;
    if tried.names >= thresholds.sprayed_names && failed.passwords > 0 && many_to_each {
        explained += tried.attempts;
        kinds[2].push(Finding {
            what: FindingKind::Spraying {
                names: tried.names,
                passwords: failed.passwords,
            },
            severity: Severity::Warning,
            user: None,
            address: Some(address),
            count: tried.attempts,
            first: tried.times[0],
            last: tried.times[1],
            frames: vec![tried.frame],
        });
    }
    // Failures with one name are a finding about that name, and probing and spraying are findings already.
    let one_name = unknown.names + tried.names == 1;
    let reported = explained * 2 >= row.counts().failures[1];
    if let Some(burst) = failed.window.longest()
        && !one_name
        && !(reported && explained > 0)
    {
        kinds[0].push(guessing(burst, None, Some(address)));
    }
}

fn unanswered(summary: &Summary) -> Option<Finding> {
    let [first, last] = summary.unanswered.times?;
    Some(Finding {
        what: FindingKind::Unanswered,
        severity: Severity::Note,
        user: None,
        address: None,
        count: summary.unanswered.count(),
        first,
        last,
        frames: summary.unanswered.frames.clone(),
    })
}

fn slow(summary: &Summary) -> impl Iterator<Item = Finding> {
    (0..ACTIONS.len()).filter_map(|action| {
        let quantiles = summary.times[action].quantiles()?;
        let Thresholds {
            slow_factor,
            slow_floor,
            ..
        } = summary.logins.thresholds;
        let median = u64::try_from(quantiles.p50).unwrap_or(0);
        let limit = slow_floor.max(median.saturating_mul(slow_factor));
        let is_slow = |elapsed: i64| u64::try_from(elapsed).is_ok_and(|elapsed| elapsed > limit);
        let answers = summary.slowest[action].answers();
        let listed: Vec<_> = answers.iter().filter(|one| is_slow(one.elapsed)).collect();
        let slowest = listed.first()?;
        let all = summary.times[action].longer_than(limit);
        let (first, last) = listed
            .iter()
            .fold((slowest.time, slowest.time), |(first, last), one| {
                (first.min(one.time), last.max(one.time))
            });
        let single = listed.len() == 1;
        Some(Finding {
            what: FindingKind::Slow {
                action: ACTIONS[action],
                slowest: slowest.elapsed,
                median: quantiles.p50,
            },
            severity: Severity::Note,
            user: single.then_some(slowest.user),
            address: single.then_some(slowest.client),
            // A histogram's limits between buckets are not exact.
            count: all.max(listed.len() as u64),
            first,
            last,
            frames: listed.iter().take(EXAMPLES).map(|one| one.frame).collect(),
        })
    })
}
