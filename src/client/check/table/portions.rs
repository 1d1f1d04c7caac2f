//! Valid messages that TCP split and joined, and several at a time.

use super::super::script::{Script, Sent, Then};
use super::{Check, PLAIN};
use crate::protocol::layout::{HEADER_LEN, REQUEST_LEN};

const TRANSPORT: &str = "Transport";

/// More requests than a server reads ahead.
const MANY: usize = 20;

pub(super) static CHECKS: &[Check] = &[
    Check {
        name: "byte-by-byte",
        promise: "a request in segments of one byte is answered",
        section: TRANSPORT,
        script: |cast| {
            Script::new()
                .does(Sent::OneByOne(cast.alice().logs_in()))
                .logs_in(Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "in-parts",
        promise: "a request in three parts with pauses is answered",
        section: TRANSPORT,
        script: |cast| {
            let request = cast.alice().logs_in();
            Script::new()
                .send(&request[..HEADER_LEN / 4])
                .does(Sent::Pause)
                .send(&request[HEADER_LEN / 4..REQUEST_LEN / 2])
                .does(Sent::Pause)
                .send(&request[REQUEST_LEN / 2..])
                .logs_in(Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "two-in-one",
        promise: "two requests in one segment are both answered",
        section: TRANSPORT,
        script: |cast| {
            let bob = cast.user("b");
            Script::new()
                .send([bob.registers(), bob.logs_in()].concat())
                .registers(&bob.name, Then::GoesOn)
                .logs_in(Then::StaysOpen)
        },
        ..PLAIN
    },
    Check {
        name: "one-and-a-half",
        promise: "what comes behind a request counts for the next",
        section: TRANSPORT,
        script: |cast| {
            let request = cast.alice().logs_in();
            let half = &request[..REQUEST_LEN / 2];
            Script::new()
                .send([&request[..], half].concat())
                .logs_in(Then::GoesOn)
                .send(&request[half.len()..])
                .logs_in(Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "pipelining",
        promise: "20 requests at once are answered in their order",
        section: TRANSPORT,
        script: |cast| {
            let alice = cast.alice();
            let pair = [alice.logs_in(), alice.registers()].concat();
            let mut script = Script::new().send(pair.repeat(MANY / 2));
            for number in 1..=MANY / 2 {
                let then = if number < MANY / 2 {
                    Then::GoesOn
                } else {
                    Then::StaysOpen
                };
                script = script
                    .logs_in(Then::GoesOn)
                    .does_not_register(&alice.name, then);
            }
            script
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "beside-silence",
        promise: "a client that waits does not hold up another",
        section: "What a server does",
        script: |cast| {
            let request = cast.alice().logs_in();
            let (begun, rest) = request.split_at(REQUEST_LEN / 2);
            Script::new()
                .send(begun)
                .does(Sent::Connection)
                .send(&*request)
                .logs_in(Then::StaysOpen)
                .does(Sent::FirstConnection)
                .send(rest)
                .logs_in(Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
];
