//! The table of checks, in the order in which they are made: one file for each kind.

mod answers;
mod ends;
mod fields;
mod portions;
mod silence;
mod wrong;

use std::time::Duration;

use super::cast::Cast;
use super::script::Script;

/// A promise of `docs/protocol.md` about servers, and how to check it.
pub struct Check {
    /// What it is called.
    pub name: &'static str,
    /// What is promised, in a clause of at most 49 characters, so that a line of a report fits 80 columns.
    pub promise: &'static str,
    /// The heading in `docs/protocol.md` under which it is promised.
    pub section: &'static str,
    /// What it does, with the users of the run.
    pub(super) script: fn(&Cast) -> Script,
    /// Whether it is about the user that the first check registers.
    pub(super) needs_alice: bool,
    /// If a server must time out: after how long at the latest, unless its options differ.
    pub(super) silence: Option<Duration>,
    /// Whether it only works on connections without TLS.
    pub(super) plain_only: bool,
}

/// A check without anything special.
const PLAIN: Check = Check {
    name: "",
    promise: "",
    section: "",
    script: |_| Script(Vec::new()),
    needs_alice: false,
    silence: None,
    plain_only: false,
};

/// The tables, each of one kind.
static TABLES: [&[Check]; 6] = [
    answers::CHECKS,
    portions::CHECKS,
    fields::CHECKS,
    wrong::CHECKS,
    ends::CHECKS,
    silence::CHECKS,
];

/// All checks, in the order in which they are made. The first registers the user that others are about; those that
/// wait for a server to lose its patience come last, all at once.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    TABLES.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::script::{Step, Then};
    use super::*;
    use crate::server::ServerLimits;

    #[test]
    fn every_check_has_a_name_of_its_own_and_fits_a_line() {
        let mut names = BTreeSet::new();
        for check in checks() {
            assert!(names.insert(check.name), "{}", check.name);
            assert!(check.name.len() <= 18, "{}", check.name);
            assert!(check.promise.len() <= 49, "{}", check.promise);
        }
        assert!(names.len() > 40);
    }

    /// Each check awaits something, and what it awaits last it also looks at to its end.
    #[test]
    fn every_check_awaits_something_at_its_end() {
        let cast = Cast::new();
        for check in checks() {
            let script = (check.script)(&cast);
            assert!(
                matches!(script.0.last(), Some(Step::Await(awaited)) if awaited.then != Then::GoesOn),
                "{}",
                check.name
            );
        }
    }

    #[test]
    fn silence_lasts_as_long_as_the_servers_limits() {
        for check in checks() {
            if let Some(limit) = check.silence {
                let limits = [ServerLimits::DEFAULT.request, ServerLimits::DEFAULT.idle];
                assert!(limits.contains(&limit), "{}", check.name);
            }
        }
    }
}
