//! Clients that end what they send, or the connection.

use super::super::script::{Script, Sent, Then};
use super::{Check, PLAIN};
use crate::protocol::layout::REQUEST_LEN;

const CLOSES: &str = "What closes a connection, and what does not";

pub(super) static CHECKS: &[Check] = &[
    Check {
        name: "half-close",
        promise: "what came before the end is answered",
        section: CLOSES,
        script: |cast| {
            let request = cast.alice().logs_in();
            Script::new()
                .send(request.repeat(3))
                .does(Sent::HalfClose)
                .logs_in(Then::GoesOn)
                .logs_in(Then::GoesOn)
                .logs_in(Then::Ends)
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "half-a-request",
        promise: "the end amid a request: no response to that one",
        section: CLOSES,
        script: |cast| {
            let request = cast.alice().logs_in();
            Script::new()
                .send([&request[..], &request[..REQUEST_LEN / 2]].concat())
                .does(Sent::HalfClose)
                .logs_in(Then::Ends)
        },
        needs_alice: true,
        ..PLAIN
    },
    Check {
        name: "no-request",
        promise: "the end without a request: the end",
        section: CLOSES,
        script: |_| Script::new().does(Sent::HalfClose).ends(),
        ..PLAIN
    },
    Check {
        name: "hang-up",
        promise: "a client that is gone harms no other",
        section: CLOSES,
        script: |cast| {
            let request = cast.alice().logs_in();
            Script::new()
                .send(&request[..REQUEST_LEN / 2])
                .does(Sent::HangUp)
                .does(Sent::Connection)
                .send(&*request)
                .logs_in(Then::StaysOpen)
        },
        needs_alice: true,
        ..PLAIN
    },
];
