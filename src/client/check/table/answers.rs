//! Right messages, and the answers to them.

use super::super::script::{Script, Then};
use super::{Check, PLAIN};

const SECTION: &str = "What a server does";

pub(super) static CHECKS: &[Check] = &[
    Check {
        name: "register",
        promise: "a name that nobody has is registered",
        section: SECTION,
        script: |cast| {
            let alice = cast.alice();
            Script::new()
                .send(alice.registers())
                .registers(&alice.name, Then::StaysOpen)
        },
        ..PLAIN
    },
    Check {
        name: "register-taken",
        promise: "a name that is taken is refused",
        section: SECTION,
        script: |cast| {
            let alice = cast.alice();
            Script::new()
                .send(alice.with("another").registers())
                .does_not_register(&alice.name, Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "login",
        promise: "name and password, as registered, log in",
        section: SECTION,
        script: |cast| {
            Script::new()
                .send(cast.alice().logs_in())
                .logs_in(Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "wrong-password",
        promise: "a wrong password does not log in",
        section: SECTION,
        script: |cast| {
            Script::new()
                .send(cast.alice().with("wrong").logs_in())
                .does_not_log_in(Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "no-such-user",
        promise: "a name that nobody registered does not log in",
        section: SECTION,
        script: |cast| {
            Script::new()
                .send(cast.nobody().logs_in())
                .does_not_log_in(Then::StaysOpen)
        },
        ..PLAIN
    },
    Check {
        name: "reasons",
        promise: "the description says why a login failed",
        section: SECTION,
        script: |cast| {
            Script::new()
                .send(cast.alice().with("wrong").logs_in())
                .does_not_log_in(Then::GoesOn)
                .send(cast.nobody().logs_in())
                .does_not_log_in_and_says_why()
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "failure-goes-on",
        promise: "after a failure the next request is answered",
        section: "What closes a connection, and what does not",
        script: |cast| {
            Script::new()
                .send(cast.nobody().logs_in())
                .does_not_log_in(Then::GoesOn)
                .send(cast.alice().logs_in())
                .logs_in(Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
];
