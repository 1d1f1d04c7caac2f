//! The verdict on a capture, in one sentence.

use super::collect::Collector;
use super::times::span;
use crate::dissect::{Protocol, Severity};
use crate::output::Sentence;
use crate::session::summary::{Finding, Summary};
use crate::text::number::{counted, thousands};

/// How good or bad the verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mood {
    /// There is nothing to judge.
    Nothing,
    /// There is nothing remarkable.
    Good,
    /// There is something worth knowing.
    Note,
    /// Something is not as it should be.
    Warning,
    /// Something is malformed, or somebody broke in.
    Error,
}

impl Mood {
    /// Its name, as that of the severity where it is one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl From<Severity> for Mood {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Chat => Self::Good,
            Severity::Note => Self::Note,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }
}

/// The sentence, and how bad it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How bad it is.
    pub mood: Mood,
    /// The sentence, with its full stop.
    pub text: String,
}

/// Requests by result, of all protocols together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Requests {
    pub registrations: u64,
    pub logins: u64,
    /// Requests of layouts, of whatever kind.
    pub described: u64,
    pub successes: u64,
    pub failures: u64,
    pub unanswered: u64,
}

impl Requests {
    pub fn of(summary: &Summary) -> Self {
        let [registrations, _, logins, ..] = summary.messages;
        let mut all = Self {
            registrations,
            logins,
            unanswered: summary.unanswered.count(),
            ..Self::default()
        };
        for outcomes in &summary.outcomes {
            all.successes += outcomes.success;
            all.failures += outcomes.failure;
        }
        for counts in &summary.described {
            let kinds = &counts.layout.plan().kinds;
            let asking = counts
                .messages
                .iter()
                .zip(0..kinds.len())
                .filter(|(_, kind)| counts.layout.plan().is_request(*kind));
            all.described += asking.map(|(count, _)| *count).sum::<u64>();
            all.successes += counts.outcomes.success;
            all.failures += counts.outcomes.failure;
            all.unanswered += counts.unanswered;
        }
        all
    }

    pub const fn count(&self) -> u64 {
        self.registrations + self.logins + self.described
    }
}

impl Verdict {
    /// The verdict on what was collected.
    #[must_use]
    pub fn of(collector: &Collector) -> Self {
        let summary = &collector.summary;
        let findings = summary.findings();
        let mut verdict = Self::of_findings(summary, &findings);
        if collector.is_damaged {
            verdict.mood = Mood::Error;
            verdict.text = format!(
                "The capture is damaged, and what comes behind the damage is missing here. {}",
                verdict.text
            );
        }
        verdict
    }

    fn of_findings(summary: &Summary, findings: &[Finding]) -> Self {
        let requests = Requests::of(summary);
        let most = findings.first().map(|finding| finding.severity);
        let mood = most.map_or(Mood::Good, Mood::from);
        if let Some(first) = findings.first().filter(|_| mood >= Mood::Warning) {
            let more = match findings.len() - 1 {
                0 => String::new(),
                more => format!(" (and {})", counted(more as u64, "more finding")),
            };
            let mut text = format!("{}{more}.", Sentence(first));
            // A sentence begins with a capital unless it begins with an address.
            if let Some(head) = text.get_mut(..1) {
                head.make_ascii_uppercase();
            }
            return Self { mood, text };
        }
        if requests.count() == 0 && requests.successes + requests.failures == 0 {
            return Self {
                mood: Mood::Nothing,
                text: nothing(summary),
            };
        }
        Self {
            mood,
            text: plainly(summary, requests, findings),
        }
    }
}

/// Of a capture without any message.
fn nothing(summary: &Summary) -> String {
    let frames = summary.frames.frames;
    if frames == 0 {
        return "The capture holds no frame.".to_owned();
    }
    let mut spoken: Vec<String> = summary
        .all_protocols()
        .filter(|(protocol, count)| *count > 0 && *protocol != Protocol::Unknown)
        .map(|(protocol, count)| format!("{} of {protocol}", counted(count, "connection")))
        .collect();
    let spoken = match spoken.pop() {
        None => "no connection carries data".to_owned(),
        Some(last) if spoken.is_empty() => format!("there is {last}"),
        Some(last) => format!("there are {} and {last}", spoken.join(", ")),
    };
    format!(
        "No registration and no login is in the capture's {}; {spoken}.",
        counted(frames, "frame")
    )
}

/// Of a capture in which nothing worse than a note is found.
fn plainly(summary: &Summary, requests: Requests, findings: &[Finding]) -> String {
    let kinds = [
        (requests.registrations, "registration"),
        (requests.logins, "login"),
        (requests.described, "request"),
    ];
    let kinds: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| counted(*count, what))
        .collect();
    let asked = match kinds.as_slice() {
        [] => "No request".to_owned(),
        all => all.join(" and "),
    };
    let outcomes = [
        (requests.successes, "succeeded"),
        (requests.failures, "failed"),
        (requests.unanswered, "got no answer"),
    ];
    let mut outcome: Vec<String> = outcomes
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", thousands(*count)))
        .collect();
    let all_succeeded = outcome.len() == 1 && requests.successes == requests.count();
    let outcome = match outcome.pop() {
        None => "how it came out is not in the capture".to_owned(),
        Some(_) if all_succeeded => match requests.successes {
            1 => "it succeeded".to_owned(),
            2 => "both succeeded".to_owned(),
            _ => "all succeeded".to_owned(),
        },
        Some(last) if outcome.is_empty() => last,
        Some(last) => format!("{} and {last}", outcome.join(", ")),
    };
    let median = summary.times[1]
        .quantiles()
        .map(|times| ("logins", times))
        .or_else(|| {
            summary.times[0]
                .quantiles()
                .map(|times| ("registrations", times))
        })
        .filter(|(_, times)| times.count > 2);
    let speed = median.map_or_else(String::new, |(what, times)| {
        format!(", half of the {what} within {}", span(times.p50))
    });
    let remarks = match findings.len() as u64 {
        0 => String::new(),
        1 => "; there is 1 thing to know".to_owned(),
        many => format!("; there are {many} things to know"),
    };
    format!("{asked}: {outcome}{speed}{remarks}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_capture_has_a_verdict() {
        let verdict = Verdict::of_findings(&Summary::default(), &[]);
        assert_eq!(verdict.mood, Mood::Nothing);
        assert_eq!(verdict.text, "The capture holds no frame.");
    }
}
