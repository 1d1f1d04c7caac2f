//! Each finding at its threshold and one below it.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::capture::Timestamp;
use crate::dissect::Peer;
use crate::packet::Endpoint;
use crate::protocol::Action;
use crate::session::password_tag::PasswordTag;
use crate::session::{Outcome, Refusal};

const SECOND: i64 = Timestamp::SECOND;

/// Resolutions like those of an inspector.
struct Feed {
    summary: Summary,
    now: i64,
    frame: u64,
}

impl Feed {
    fn new() -> Self {
        Self {
            summary: Summary::default(),
            now: 0,
            frame: 1,
        }
    }

    fn resolution(&mut self, user: &str, host: u8, outcome: Outcome) -> Resolution {
        let frame = self.frame;
        self.frame += 2;
        Resolution {
            request: frame,
            subject: crate::session::Subject::RegLogin(Action::Login),
            frame,
            time: Timestamp(self.now),
            stream: 0,
            client: Endpoint {
                address: Ipv4Addr::new(10, 0, 0, host).into(),
                port: 5000,
            },
            user: Name::new(user.as_bytes()),
            password: PasswordTag::of_row(Some(7)),
            response: (outcome != Outcome::Unanswered).then_some(Peer {
                frame: frame + 1,
                elapsed: 1000,
            }),
            outcome,
            early: None,
        }
    }

    /// Adds a login, then moves the clock by `then` nanoseconds.
    fn login(&mut self, user: &str, host: u8, outcome: Outcome, then: i64) -> &mut Self {
        let resolution = self.resolution(user, host, outcome);
        self.summary.resolution(&resolution);
        self.now += then;
        self
    }

    fn names(&self) -> Vec<&'static str> {
        let findings = self.summary.findings();
        findings.iter().map(|finding| finding.what.name()).collect()
    }
}

const WRONG: Outcome = Outcome::Failure(Refusal::WrongPassword);
const UNKNOWN: Outcome = Outcome::Failure(Refusal::UnknownUser);

fn host(last: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, last).into()
}

#[test]
fn guessing_a_user_takes_ten_failures_in_a_minute() {
    let mut feed = Feed::new();
    let gap = GUESS_SPAN / 9;
    for _ in 0..GUESSES_PER_USER - 1 {
        feed.login("alice", 1, WRONG, gap);
    }
    assert!(feed.names().is_empty());
    feed.login("alice", 1, WRONG, gap);
    let [finding] = &feed.summary.findings()[..] else {
        panic!("{:?}", feed.names())
    };
    assert_eq!(finding.what, FindingKind::Guessing { broken_in: None });
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(finding.user.as_deref(), Some(&b"alice"[..]));
    assert_eq!(finding.address, Some(host(1)));
    assert_eq!((finding.count, finding.frames.as_slice()), (10, &[1][..]));
    assert_eq!(finding.last.since(finding.first), 9 * gap);
}

#[test]
fn failures_further_apart_are_no_guessing() {
    let mut feed = Feed::new();
    for _ in 0..100 {
        feed.login("alice", 1, WRONG, GUESS_SPAN / 9 + SECOND);
    }
    assert!(feed.names().is_empty());
}

#[test]
fn a_guess_that_was_right_is_an_error() {
    let mut feed = Feed::new();
    for host in 0..u8::try_from(GUESSES_PER_USER).unwrap() {
        feed.login("alice", host, WRONG, SECOND);
    }
    feed.login("alice", 9, Outcome::Success, SECOND);
    let [finding] = &feed.summary.findings()[..] else {
        panic!("{:?}", feed.names())
    };
    assert_eq!(
        finding.what,
        FindingKind::Guessing {
            broken_in: Some(22)
        }
    );
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(finding.address, None, "several addresses");
    assert_eq!(finding.frames, [1, 22]);
}

#[test]
fn guessing_from_an_address_takes_twenty_failures() {
    let mut feed = Feed::new();
    // Each user less often than would be guessing alone.
    let users = ["alice", "bob", "carol"].iter().cycle();
    for user in users.take(GUESSES_PER_ADDRESS - 1) {
        feed.login(user, 1, WRONG, SECOND);
    }
    assert!(feed.names().is_empty());
    feed.login("dave", 1, WRONG, 0);
    let [finding] = &feed.summary.findings()[..] else {
        panic!("{:?}", feed.names())
    };
    assert_eq!(finding.what.name(), "password guessing");
    assert_eq!((&finding.user, finding.address), (&None, Some(host(1))));
    assert_eq!(finding.count, GUESSES_PER_ADDRESS as u64);
}

#[test]
fn a_server_in_trouble_is_no_guessing() {
    let mut feed = Feed::new();
    for _ in 0..100 {
        feed.login("alice", 1, Outcome::Failure(Refusal::Unavailable), 1);
    }
    assert!(feed.names().is_empty());
}

#[test]
fn probing_takes_ten_different_unknown_names() {
    let mut feed = Feed::new();
    for n in 0..PROBED_NAMES - 1 {
        feed.login(&format!("guess{n}"), 1, UNKNOWN, 3600 * SECOND);
        feed.login(&format!("guess{n}"), 1, UNKNOWN, 3600 * SECOND);
    }
    assert!(feed.names().is_empty());
    feed.login("guess9", 1, UNKNOWN, 0);
    let [finding] = &feed.summary.findings()[..] else {
        panic!("{:?}", feed.names())
    };
    assert_eq!(finding.what, FindingKind::Probing { names: 10 });
    assert_eq!((finding.count, finding.address), (19, Some(host(1))));
    assert_eq!(finding.frames, [1]);
}

#[test]
fn spraying_takes_ten_names_and_few_passwords() {
    let mut feed = Feed::new();
    for n in 0..SPRAYED_NAMES - 1 {
        feed.login(&format!("user{n}"), 1, WRONG, 3600 * SECOND);
    }
    assert!(feed.names().is_empty());
    feed.login("user9", 1, WRONG, 0);
    let [finding] = &feed.summary.findings()[..] else {
        panic!("{:?}", feed.names())
    };
    assert_eq!(
        finding.what,
        FindingKind::Spraying {
            names: 10,
            passwords: 1
        }
    );
}

#[test]
fn as_many_passwords_as_names_are_no_spraying() {
    let key = crate::session::password_tag::PasswordKey::default();
    let mut feed = Feed::new();
    for n in 0..SPRAYED_NAMES * 2 {
        let mut resolution = feed.resolution(&format!("user{n}"), 1, WRONG);
        feed.now += 3600 * SECOND;
        let password = format!("own{}", n / 4);
        resolution.password = key.tag_of(password.as_bytes());
        feed.summary.resolution(&resolution);
    }
    assert!(feed.names().is_empty(), "four names to a password");
}

#[test]
fn limits_say_that_probing_cannot_be_recognised() {
    let mut feed = Feed::new();
    feed.login("alice", 1, Outcome::Success, 0);
    assert!(feed.summary.limits().is_empty());
    feed.login("alice", 1, Outcome::Failure(Refusal::Unsaid), 0);
    let limits = feed.summary.limits();
    assert!(limits[0].contains("probing cannot be told"), "{limits:?}");
    feed.login("bob", 1, UNKNOWN, 0);
    assert!(feed.summary.limits().is_empty());
}

#[test]
fn unanswered_requests_are_listed() {
    let mut feed = Feed::new();
    for _ in 0..8 {
        feed.login("alice", 1, Outcome::Unanswered, SECOND);
    }
    let [finding] = &feed.summary.findings()[..] else {
        panic!("{:?}", feed.names())
    };
    assert_eq!((finding.what, finding.count), (FindingKind::Unanswered, 8));
    assert_eq!(finding.frames, [1, 3, 5, 7, 9]);
    assert_eq!(finding.last.since(finding.first), 7 * SECOND);
    let notes: u64 = feed.summary.notes(Severity::Note).iter().sum();
    assert_eq!(notes, 8);
}

#[test]
fn slow_is_ten_times_the_median_and_a_second() {
    let with = |usual: i64, slowest: i64| {
        let mut feed = Feed::new();
        for n in 0..21 {
            let mut resolution = feed.resolution("alice", 1, Outcome::Success);
            resolution.response = Some(Peer {
                frame: 2,
                elapsed: if n == 20 { slowest } else { usual },
            });
            feed.summary.resolution(&resolution);
        }
        feed.summary.findings()
    };
    assert!(with(1_000_000, SECOND).is_empty());
    assert!(with(SECOND / 2, 5 * SECOND).is_empty());
    let found = with(1_000_000, SECOND + 1);
    assert_eq!((found[0].count, found[0].frames.as_slice()), (1, &[41][..]));
    assert_eq!(with(SECOND / 2, 5 * SECOND + 1).len(), 1);
}

#[test]
fn names_beyond_the_limit_are_counted_together() {
    let mut feed = Feed::new();
    for n in 0..=KEPT_NAMES {
        feed.login(&format!("user{n}"), 1, Outcome::Success, 0);
    }
    let users = &feed.summary.users;
    assert_eq!(users.len(), KEPT_NAMES);
    assert_eq!(users.others().map(|user| user.counts().requests()), Some(1));
    assert!(feed.summary.limits()[0].contains("65536 user names"));
}

/// What a summary keeps of a capture without failed logins: names of 21 bytes, and counts.
#[test]
fn a_user_and_an_address_are_small() {
    assert_eq!(size_of::<Name>(), 21);
    assert_eq!(size_of::<User>(), 40);
    assert_eq!(size_of::<Address>(), 40);
}
