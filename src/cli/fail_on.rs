//! `--fail-on`: the severity from which a capture fails.

use clap::ValueEnum;

use crate::dissect::Severity;
use crate::text::number::number_of;

/// The least severity that is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Notes, warnings and errors.
    Note,
    /// Warnings and errors.
    Warning,
    /// Errors.
    Error,
}

impl FailOn {
    /// Whether this severity is a failure.
    pub fn has(self, severity: Severity) -> bool {
        let least = match self {
            Self::Note => Severity::Note,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
        };
        severity >= least
    }
}

/// The counts of each severity that is a failure, the worst first: `1 error, 2 warnings`.
pub(super) fn counted(fail_on: FailOn, count: impl Fn(Severity) -> u64) -> Option<String> {
    let all = Severity::ALL.into_iter().rev();
    let failures = all.filter(|severity| fail_on.has(*severity));
    let parts: Vec<String> = failures
        .map(|severity| (severity, count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| number_of(count, severity.name()))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
