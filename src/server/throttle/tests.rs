use super::*;

/// A throttle and a clock that a test moves.
struct Scene {
    throttle: Throttle,
    now: Instant,
    guesses: u32,
}

impl Scene {
    fn new(limits: &Limits) -> Self {
        Self {
            throttle: Throttle::new(limits),
            now: Instant::now(),
            guesses: 0,
        }
    }

    fn attempt(&self, address: &str, name: &str, password: &str) -> Attempt {
        let password = Password::new(password).unwrap();
        let name = UserName::new(name).unwrap();
        let address = address.parse().unwrap();
        self.throttle.attempt(address, &name, &password)
    }

    fn fail_with(&self, address: &str, name: &str, password: &str) {
        let attempt = self.attempt(address, name, password);
        self.throttle.failed(&attempt, self.now);
    }

    /// A guess that was not made before.
    fn fail(&mut self, address: &str, name: &str) {
        self.guesses += 1;
        self.fail_with(address, name, &format!("guess {}", self.guesses));
    }

    fn succeed(&self, address: &str, name: &str) {
        let attempt = self.attempt(address, name, "right");
        self.throttle.succeeded(&attempt, self.now);
    }

    /// In seconds; 0 for none.
    fn wait(&self, address: &str, name: &str) -> u64 {
        let attempt = self.attempt(address, name, "x");
        let wait = self.throttle.wait(&attempt, self.now);
        wait.map_or(0, |wait| wait.as_secs())
    }

    fn delay(&self, address: &str, name: &str) -> Duration {
        let attempt = self.attempt(address, name, "x");
        self.throttle.delay(&attempt, self.now)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }
}

const ONE: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";

#[test]
fn the_wait_starts_after_the_allowed_failures_and_doubles() {
    let mut scene = Scene::new(&Limits::DEFAULT);
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
    let mut scene = Scene::new(&Limits::DEFAULT);
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
    let mut scene = Scene::new(&Limits::DEFAULT);
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
    let mut scene = Scene::new(&Limits {
        address_failures: 20,
        ..Limits::DEFAULT
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
    let mut scene = Scene::new(&Limits::DEFAULT);
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
    let mut scene = Scene::new(&Limits::DEFAULT);
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
    let mut scene = Scene::new(&Limits {
        address_failures: 1_000_000,
        ..Limits::DEFAULT
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
    assert!(scene.throttle.ipv4.lock().unwrap().names.len() <= ENTRIES);
    assert!(scene.throttle.accounts.lock().unwrap().len() <= ENTRIES);
    assert_eq!(scene.throttle.ipv6.lock().unwrap().names.len(), 0);
}

#[test]
fn registrations_are_limited_after_a_burst() {
    let mut scene = Scene::new(&Limits::DEFAULT);
    let register = |scene: &Scene, address: &str| {
        let address = address.parse().unwrap();
        scene.throttle.register(address, scene.now)
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
    let mut scene = Scene::new(&Limits::DEFAULT);
    let refuse = |scene: &Scene| scene.throttle.refused(ONE.parse().unwrap(), scene.now);
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
    let exempt = Limits {
        exempt: ["192.0.2.0/24".parse().unwrap()].into_iter().collect(),
        ..Limits::DEFAULT
    };
    let none = Limits {
        failures: 0,
        registration_rate: 0,
        ..Limits::DEFAULT
    };
    for limits in [exempt, none] {
        let mut scene = Scene::new(&limits);
        for _ in 0..1000 {
            scene.fail(ONE, "alice");
            let address = ONE.parse().unwrap();
            assert_eq!(scene.throttle.register(address, scene.now), None);
        }
        assert_eq!(scene.wait(ONE, "alice"), 0);
        assert_eq!(scene.delay(ONE, "alice"), Duration::ZERO);
        assert_eq!(scene.throttle.ipv4.lock().unwrap().names.len(), 0);
    }
}
