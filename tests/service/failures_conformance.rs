//! The same tests for every store of failed logins, in memory or in a database: when a wait begins and how long it is,
//! that failures expire gradually, that each name and address is counted on its own, and that concurrent failures are
//! all counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use authscope::accounts::{Count, Failures, LocalFailures, Seen, Whom};
use authscope::protocol::UserName;
use tokio::runtime::Runtime;

use crate::programs::PATIENCE;

/// So long that no failure is forgotten while a test runs.
const HOUR: Duration = Duration::from_hours(1);
/// An address, as IPv6 maps IPv4, and one of IPv6's networks.
const IPV4: (u128, u8) = (0xffff_c000_0201, 128);
const IPV6: (u128, u8) = (0x2001_0db8 << 96, 64);

struct Kind<'a> {
    failures: &'a Arc<dyn Failures>,
    runtime: &'a Runtime,
}

fn whom(network: Option<(u128, u8)>, name: Option<&str>) -> Whom {
    let name = name.map(|name| UserName::new(name).unwrap());
    Whom { network, name }
}

fn count(whom: &Whom, allowed: Option<u32>) -> Count {
    Count {
        whom: whom.clone(),
        allowed,
        forgotten: HOUR,
        most: allowed.unwrap_or(8) + 12,
    }
}

impl Kind<'_> {
    fn fail(&self, count: &Count, times: u32) {
        for _ in 0..times {
            let counted = self.failures.count(vec![count.clone()]);
            self.runtime.block_on(counted).unwrap();
        }
    }

    fn seen(&self, whom: &Whom) -> Option<Seen> {
        let seen = self.failures.seen(vec![whom.clone()]);
        let mut seen = self.runtime.block_on(seen).unwrap();
        assert!(seen.len() <= 1, "{seen:?}");
        seen.pop()
    }

    fn wait(&self, whom: &Whom) -> Duration {
        self.seen(whom).map_or(Duration::ZERO, |seen| seen.wait)
    }

    fn waiting(&self) -> Vec<Seen> {
        self.runtime.block_on(self.failures.waiting()).unwrap()
    }

    fn clear(&self, name: Option<&str>, network: Option<(u128, u8)>) {
        let name = name.map(|name| UserName::new(name).unwrap());
        let cleared = self.failures.clear(name, network);
        self.runtime.block_on(cleared).unwrap();
    }
}

/// Whether a time is `seconds`, or less by what may have passed.
fn is_about(time: Duration, seconds: u64) -> bool {
    time <= Duration::from_secs(seconds) && time > Duration::from_secs(seconds / 2)
}

fn waits_begin_after_those_allowed_and_double(kind: &Kind<'_>) {
    let alice = whom(Some(IPV4), Some("doubling"));
    assert_eq!(kind.seen(&alice), None);
    let three = count(&alice, Some(3));
    kind.fail(&three, 2);
    assert_eq!(kind.wait(&alice), Duration::ZERO);
    kind.fail(&three, 1);
    assert!(kind.wait(&alice) <= Duration::from_secs(1));
    for (more, seconds) in [(7, 128), (1, 256), (1, 512), (1, 900), (5, 900)] {
        kind.fail(&three, more);
        let wait = kind.wait(&alice);
        assert!(is_about(wait, seconds), "{wait:?}, not {seconds} s");
    }
    // A wait begins with the first failure where one or none is allowed.
    for (allowed, seconds) in [(1, 1), (0, 2)] {
        let name = format!("none{allowed}");
        let strict = whom(Some(IPV6), Some(&name));
        kind.fail(&count(&strict, Some(allowed)), 1);
        assert!(kind.wait(&strict) <= Duration::from_secs(seconds));
        kind.fail(&count(&strict, Some(allowed)), 8);
        let wait = kind.wait(&strict);
        assert!(is_about(wait, seconds << 8), "{wait:?} after {allowed}");
    }
    let delayed = whom(None, Some("delayed"));
    kind.fail(&count(&delayed, None), 50);
    let seen = kind.seen(&delayed).unwrap();
    assert_eq!(seen.wait, Duration::ZERO);
}

fn failures_drain_and_no_more_are_remembered_than_asked_for(kind: &Kind<'_>) {
    let alice = whom(Some(IPV4), Some("draining"));
    let ten = count(&alice, Some(10));
    for failures in 1..=4 {
        kind.fail(&ten, 1);
        let left = kind.seen(&alice).unwrap().left;
        assert!(
            left <= HOUR * failures && left > HOUR * (failures - 1),
            "{left:?}"
        );
    }
    kind.fail(&ten, 40);
    let left = kind.seen(&alice).unwrap().left;
    assert!(left <= HOUR * 22 && left > HOUR * 21, "{left:?}");
    let quick = whom(Some(IPV4), Some("quick"));
    let drained = Count {
        forgotten: Duration::from_millis(1),
        ..count(&quick, Some(10))
    };
    kind.fail(&drained, 3);
    let deadline = Instant::now() + PATIENCE;
    while kind.seen(&quick).is_some() {
        assert!(Instant::now() < deadline, "a failure is never forgotten");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn everybody_counts_alone(kind: &Kind<'_>) {
    let all = [
        whom(Some(IPV4), Some("o'hara")),
        whom(Some(IPV4), Some("O'hara")),
        whom(Some(IPV4), Some("\u{1f642} %_\\x41")),
        whom(Some(IPV4), None),
        whom(Some(IPV6), Some("o'hara")),
        whom(Some((IPV6.0, 56)), Some("o'hara")),
        whom(Some(IPV6), None),
        whom(None, Some("o'hara")),
    ];
    let failures = |whom: &Whom| {
        let left = kind.seen(whom).map_or(0, |seen| seen.left.as_secs());
        left.div_ceil(HOUR.as_secs())
    };
    for (more, whom) in (1..).zip(&all) {
        kind.fail(&count(whom, Some(20)), more);
    }
    for (expected, whom) in (1..).zip(&all) {
        assert_eq!(failures(whom), expected, "{whom:?}");
    }
    // Several at once are answered in any order, and those without failures not at all.
    let mut asked = all.to_vec();
    asked.push(whom(Some(IPV6), Some("nobody")));
    let seen = kind.runtime.block_on(kind.failures.seen(asked)).unwrap();
    assert_eq!(seen.len(), all.len());
    assert!(
        all.iter()
            .all(|whom| seen.iter().any(|seen| seen.whom == *whom))
    );
    let forgiven = kind.failures.forgive(all[..2].to_vec());
    kind.runtime.block_on(forgiven).unwrap();
    for (expected, whom) in [0, 0, 3, 4, 5, 6, 7, 8].into_iter().zip(&all) {
        assert_eq!(failures(whom), expected, "{whom:?}");
    }
}

fn who_waits_is_told_and_let_go(kind: &Kind<'_>) {
    kind.clear(None, None);
    assert_eq!(kind.waiting(), []);
    let (alice, bob) = (Some("alice"), Some("bob"));
    let all = [
        (whom(Some(IPV4), alice), 9),
        (whom(Some(IPV4), bob), 10),
        (whom(Some(IPV4), None), 11),
        (whom(Some(IPV6), alice), 12),
    ];
    for (whom, failures) in &all {
        kind.fail(&count(whom, Some(1)), *failures);
    }
    kind.fail(&count(&whom(None, alice), None), 20);
    kind.fail(&count(&whom(Some(IPV6), bob), Some(5)), 4);
    let waiting = || -> Vec<Whom> { kind.waiting().into_iter().map(|seen| seen.whom).collect() };
    let [first, second, third, fourth] = all.map(|(whom, _)| whom);
    assert_eq!(
        waiting(),
        [&fourth, &third, &second, &first].map(Clone::clone)
    );
    kind.clear(alice, Some(IPV4));
    assert_eq!(waiting(), [&fourth, &third, &second].map(Clone::clone));
    kind.clear(None, Some(IPV4));
    assert_eq!(waiting(), [fourth]);
    kind.clear(alice, None);
    assert_eq!(waiting(), []);
    assert_eq!(kind.seen(&whom(None, alice)), None);
    assert!(kind.seen(&whom(Some(IPV6), bob)).is_some());
    kind.clear(None, None);
    assert_eq!(kind.seen(&whom(Some(IPV6), bob)), None);
    let many: Vec<_> = (0..1100)
        .map(|n| Count {
            most: 20,
            ..count(&whom(Some((n, 64)), None), Some(0))
        })
        .collect();
    for _ in 0..10 {
        kind.runtime
            .block_on(kind.failures.count(many.clone()))
            .unwrap();
    }
    assert_eq!(waiting().len(), 1000);
}

fn nothing_counted_at_the_same_time_is_lost(kind: &Kind<'_>) {
    let (alice, bob) = (whom(Some(IPV4), Some("one")), whom(Some(IPV4), Some("two")));
    let counts = |whom: &Whom| Count {
        most: 1000,
        ..count(whom, None)
    };
    let (alice, bob) = (counts(&alice), counts(&bob));
    let counted = kind.runtime.block_on(async {
        let counting: Vec<_> = (0..128)
            .map(|n| {
                let failures = Arc::clone(kind.failures);
                let mut both = vec![alice.clone(), bob.clone()];
                both.rotate_left(n % 2);
                tokio::spawn(async move { failures.count(both).await })
            })
            .collect();
        let mut counted = 0;
        for counting in counting {
            // One that is too busy says so, and has counted nothing.
            counted += u32::from(counting.await.unwrap().is_ok());
        }
        counted
    });
    assert!(counted > 0);
    for count in [&alice, &bob] {
        let left = kind.seen(&count.whom).unwrap().left;
        let (most, least) = (HOUR * counted, HOUR * (counted - 1));
        assert!(left <= most && left > least, "{left:?} of {counted}");
    }
}

fn conforms(failures: &Arc<dyn Failures>, runtime: &Runtime) {
    let kind = Kind { failures, runtime };
    waits_begin_after_those_allowed_and_double(&kind);
    failures_drain_and_no_more_are_remembered_than_asked_for(&kind);
    everybody_counts_alone(&kind);
    who_waits_is_told_and_let_go(&kind);
    nothing_counted_at_the_same_time_is_lost(&kind);
}

#[test]
fn memory_conforms() {
    let runtime = Runtime::new().unwrap();
    let failures: Arc<dyn Failures> = Arc::new(LocalFailures::default());
    conforms(&failures, &runtime);
}

#[test]
#[cfg(feature = "postgres")]
fn postgresql_conforms() {
    use crate::database::{PASSWORD, shared};
    use authscope::accounts::{Postgres, PostgresSettings};
    let Some(cluster) = shared() else {
        return;
    };
    let settings = PostgresSettings {
        url: cluster.url(&cluster.empty()),
        password: Some(PASSWORD.into()),
        connections: 8,
        weak_commit: false,
        migrate: true,
    };
    let runtime = Runtime::new().unwrap();
    let opened = runtime.block_on(Postgres::open(&settings)).unwrap();
    let failures: Arc<dyn Failures> = Arc::new(opened);
    conforms(&failures, &runtime);
}
