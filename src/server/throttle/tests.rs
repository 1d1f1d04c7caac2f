use std::sync::Arc;

use tokio::runtime::Runtime;

use super::guesses::{Guesses, Standing};
use super::*;

/// A server's memory of failures, and a clock that a test moves.
struct Scene {
    guesses: Guesses,
    now: Arc<Mutex<Instant>>,
    made: u32,
    runtime: Runtime,
}

impl Scene {
    fn new(limits: &ServerLimits) -> Self {
        let now = Arc::new(Mutex::new(Instant::now()));
        let clock = Arc::clone(&now);
        let clock = Arc::new(move || *clock.lock().unwrap());
        Self {
            guesses: Guesses::with_clock(Throttle::new(limits), None, clock),
            now,
            made: 0,
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
        }
    }

    fn attempt(&self, address: &str, name: &str, password: &str) -> Attempt {
        let password = Password::new(password).unwrap();
        let name = UserName::new(name).unwrap();
        let address = address.parse().unwrap();
        self.guesses.throttle.attempt(address, &name, &password)
    }

    fn fail_with(&self, address: &str, name: &str, password: &str) {
        let attempt = self.attempt(address, name, password);
        self.runtime.block_on(self.guesses.failed(&attempt));
    }

    /// A guess that was not made before.
    fn fail(&mut self, address: &str, name: &str) {
        self.made += 1;
        self.fail_with(address, name, &format!("guess {}", self.made));
    }

    fn succeed(&self, address: &str, name: &str) {
        let attempt = self.attempt(address, name, "right");
        let standing = Standing::default();
        self.runtime
            .block_on(self.guesses.succeeded(&attempt, standing));
    }

    fn standing(&self, address: &str, name: &str) -> Standing {
        let attempt = self.attempt(address, name, "x");
        self.runtime.block_on(self.guesses.standing(&attempt))
    }

    /// In seconds; 0 for none.
    fn wait(&self, address: &str, name: &str) -> u64 {
        let wait = self.standing(address, name).wait;
        wait.map_or(0, |wait| wait.as_secs())
    }

    fn delay(&self, address: &str, name: &str) -> Duration {
        self.standing(address, name).delay
    }

    fn now(&self) -> Instant {
        *self.now.lock().unwrap()
    }

    fn pass(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
    }
}

const ONE: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";

#[test]
fn the_wait_starts_after_the_allowed_failures_and_doubles() {
    let mut scene = Scene::new(&ServerLimits::DEFAULT);
    for _ in 0..4 {
        scene.fail(ONE, "alice");
        assert_eq!(scene.wait(ONE, "alice"), 0);
    }
    for seconds in [1, 2, 4, 8] {
        scene.fail(ONE, "alice");
        assert_eq!(scene.wait(ONE, "alice"), seconds);
        assert_eq!(scene.wait(ONE, "bob"), 0);
        assert_eq!(scene.wait(OTHER, "alice"), 0);
        scene.pass(Duration::from_secs(seconds));
        assert_eq!(scene.wait(ONE, "alice"), 0);
    }
    for _ in 0..40 {
        scene.fail(ONE, "alice");
    }
    assert_eq!(scene.wait(ONE, "alice"), LONGEST_WAIT.as_secs());
    scene.succeed(ONE, "alice");
    assert_eq!(scene.wait(ONE, "alice"), 0);
}

#[test]
fn failures_drain() {
    let mut scene = Scene::new(&ServerLimits::DEFAULT);
    // One failure each half hour, for a week.
    for _ in 0..7 * 48 {
        scene.fail(ONE, "alice");
        assert_eq!(scene.wait(ONE, "alice"), 0);
        assert_eq!(scene.wait(ONE, "bob"), 0);
        scene.pass(Duration::from_mins(30));
    }
    // Five at once take 75 minutes to be forgotten whole.
    for _ in 0..4 {
        scene.fail(ONE, "alice");
    }
    scene.pass(Duration::from_hours(1));
    for _ in 0..4 {
        scene.fail(ONE, "alice");
    }
    assert_eq!(scene.wait(ONE, "alice"), 0);
}

#[test]
fn the_same_wrong_password_is_no_further_guess() {
    let mut scene = Scene::new(&ServerLimits::DEFAULT);
    for _ in 0..1000 {
        scene.fail_with(ONE, "alice", "old password");
    }
    assert_eq!(scene.wait(ONE, "alice"), 0);
    assert_eq!(scene.wait(ONE, "bob"), 0);
    // It is one for another name, and another password is one for this name.
    for _ in 0..4 {
        scene.fail(ONE, "alice");
        scene.fail_with(ONE, "bob", "old password");
    }
    assert_eq!(scene.wait(ONE, "alice"), 1);
    assert_eq!(scene.wait(ONE, "bob"), 0);
}

#[test]
fn an_address_over_many_names_waits_too_and_those_known_there_do_not() {
    let mut scene = Scene::new(&ServerLimits {
        address_failures: 20,
        ..ServerLimits::DEFAULT
    });
    scene.succeed(ONE, "regular");
    for n in 0..20 {
        assert_eq!(scene.wait(ONE, "new"), 0);
        scene.fail(ONE, "regular");
        scene.succeed(ONE, "regular");
        scene.fail(ONE, &format!("user{n}"));
    }
    assert_eq!(scene.wait(ONE, "new"), 1);
    assert_eq!(scene.wait(OTHER, "new"), 0);
    assert_eq!(scene.wait(ONE, "regular"), 0);
    // A login of the attacker's own does not wipe out the failures of others.
    scene.succeed(ONE, "attacker");
    assert_eq!(scene.wait(ONE, "new"), 1);
}

#[test]
fn networks_of_ipv6_are_counted_at_three_sizes() {
    let mut scene = Scene::new(&ServerLimits::DEFAULT);
    let mut guesses = 0;
    for network in 0..60 {
        let address = format!("2001:db8:1:{network:x}00::1");
        while scene.wait(&address, "alice") == 0 && guesses < 240 {
            scene.fail(&address, "alice");
            guesses += 1;
        }
    }
    assert_eq!(guesses, 20, "guesses from one /48 before the first wait");
    assert!(scene.wait("2001:db8:1:ffff::1", "alice") > 0);
    assert_eq!(scene.wait("2001:db8:2::1", "alice"), 0);
    let mut guesses = 0;
    for network in 0..60 {
        let address = format!("2001:db8:3:{network:x}::1");
        while scene.wait(&address, "alice") == 0 && guesses < 240 {
            scene.fail(&address, "alice");
            guesses += 1;
        }
    }
    assert_eq!(guesses, 10, "guesses from one /56");
}

#[test]
fn guessing_from_everywhere_is_delayed_but_locks_nobody_out() {
    let mut scene = Scene::new(&ServerLimits::DEFAULT);
    scene.succeed("198.51.100.7", "alice");
    for n in 0..50 {
        assert_eq!(scene.delay(ONE, "alice"), Duration::ZERO);
        scene.fail(&format!("203.0.113.{n}"), "alice");
    }
    assert_eq!(scene.delay(ONE, "alice"), FIRST_DELAY);
    for n in 0..200 {
        scene.fail(&format!("203.0.113.{n}"), "alice");
    }
    assert_eq!(scene.delay(ONE, "alice"), LONGEST_DELAY);
    assert_eq!(scene.wait(ONE, "alice"), 0);
    assert_eq!(scene.delay(ONE, "bob"), Duration::ZERO);
    assert_eq!(scene.delay("198.51.100.7", "alice"), Duration::ZERO);
}

#[test]
fn failures_on_many_names_do_not_wipe_running_waits() {
    let mut scene = Scene::new(&ServerLimits {
        address_failures: 1_000_000,
        ..ServerLimits::DEFAULT
    });
    for _ in 0..20 {
        scene.fail(ONE, "alice");
    }
    let wait = scene.wait(ONE, "alice");
    assert_eq!(wait, LONGEST_WAIT.as_secs());
    for n in 0..3 * ENTRIES {
        scene.fail(
            &format!("198.51.{}.{}", n / 250 % 250, n % 250),
            &format!("u{n}"),
        );
    }
    assert_eq!(scene.wait(ONE, "alice"), wait);
}

#[test]
fn registrations_are_limited_after_a_burst() {
    let scene = Scene::new(&ServerLimits::DEFAULT);
    let register = |scene: &Scene, address: &str| {
        let address = address.parse().unwrap();
        scene.guesses.throttle.register(address, scene.now())
    };
    for _ in 0..REGISTRATION_BURST {
        assert_eq!(register(&scene, ONE), None);
    }
    assert_eq!(register(&scene, ONE), Some(Duration::from_millis(100)));
    assert_eq!(register(&scene, OTHER), None);
    scene.pass(Duration::from_secs(1));
    let passed = (0..100).filter(|_| register(&scene, ONE).is_none()).count();
    assert_eq!(passed, 10);
}

#[test]
fn refusals_are_said_later_and_later() {
    let scene = Scene::new(&ServerLimits::DEFAULT);
    let refuse = |scene: &Scene| {
        scene
            .guesses
            .throttle
            .refused(ONE.parse().unwrap(), scene.now())
    };
    for _ in 0..PROMPT_REFUSALS {
        assert_eq!(refuse(&scene), Duration::ZERO);
    }
    assert_eq!(refuse(&scene), REFUSAL_DELAY);
    for _ in 0..1000 {
        refuse(&scene);
    }
    assert_eq!(refuse(&scene), LONGEST_REFUSAL_DELAY);
    scene.pass(Duration::from_mins(1));
    assert_eq!(refuse(&scene), Duration::ZERO);
}

#[test]
fn no_limit_holds_for_an_exempt_network_and_without_limits() {
    let exempt = ServerLimits {
        exempt: ["192.0.2.0/24".parse().unwrap()].into_iter().collect(),
        ..ServerLimits::DEFAULT
    };
    let none = ServerLimits {
        failures: 0,
        registration_rate: 0,
        ..ServerLimits::DEFAULT
    };
    for limits in [exempt, none] {
        let mut scene = Scene::new(&limits);
        for _ in 0..1000 {
            scene.fail(ONE, "alice");
            let address = ONE.parse().unwrap();
            assert_eq!(scene.guesses.throttle.register(address, scene.now()), None);
        }
        assert_eq!(scene.wait(ONE, "alice"), 0);
        assert_eq!(scene.delay(ONE, "alice"), Duration::ZERO);
        let waiting = scene.runtime.block_on(scene.guesses.waiting());
        assert_eq!(waiting.0, []);
    }
}

#[test]
fn the_last_few_guesses_are_remembered() {
    let mut repeats = Repeats::default();
    for guess in 0..4 {
        assert!(!repeats.has(guess));
    }
    for guess in 0..4 {
        assert!(repeats.has(guess));
    }
    assert!(!repeats.has(4));
    assert!(!repeats.has(0));
}

#[test]
fn who_has_to_wait_is_told_by_name_and_let_go() {
    let mut scene = Scene::new(&ServerLimits::DEFAULT);
    for _ in 0..5 {
        scene.fail(ONE, "e\u{301}va");
        scene.fail("2001:db8::1", "bob");
    }
    let told = |scene: &Scene| {
        let (waiting, asked) = scene.runtime.block_on(scene.guesses.waiting());
        asked.unwrap();
        let mut told: Vec<_> = waiting
            .into_iter()
            .map(|waiting| (waiting.network, waiting.name.unwrap()))
            .collect();
        told.sort();
        told
    };
    let bob = ("2001:db8::/64".to_owned(), "bob".to_owned());
    let eva = (ONE.to_owned(), "\u{e9}va".to_owned());
    assert_eq!(told(&scene), [eva, bob.clone()]);
    let name = UserName::new("e\u{301}va").unwrap();
    let cleared = scene.guesses.clear(Some(name), None);
    scene.runtime.block_on(cleared).unwrap();
    assert_eq!(told(&scene), [bob]);
    let cleared = scene
        .guesses
        .clear(None, Some("2001:db8::ffff".parse().unwrap()));
    scene.runtime.block_on(cleared).unwrap();
    assert_eq!(told(&scene), []);
}
