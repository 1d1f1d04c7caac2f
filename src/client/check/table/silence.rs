//! Clients that keep a server waiting.

use std::time::Duration;

use super::super::script::{Script, Sent, Then};
use super::{Check, PLAIN};
use crate::protocol::layout::{HEADER_LEN, LENGTH, REQUEST_LEN};

const CLOSES: &str = "What closes a connection, and what does not";

/// How long a server waits for the rest of a request at the most.
const REQUEST: Option<Duration> = Some(Duration::from_secs(10));
/// How long it waits for one.
const IDLE: Option<Duration> = Some(Duration::from_mins(5));

pub(super) static CHECKS: &[Check] = &[
    Check {
        name: "half-and-silence",
        promise: "half a request, then silence: a failure, the end",
        section: CLOSES,
        script: |cast| {
            Script::new()
                .send(&cast.nobody().logs_in()[..REQUEST_LEN / 2])
                .does_not_log_in(Then::Ends)
        },
        silence: REQUEST,
        ..PLAIN
    },
    Check {
        name: "length-and-silence",
        promise: "a length, then silence: the end",
        section: CLOSES,
        script: |cast| {
            Script::new()
                .send(&cast.nobody().logs_in()[LENGTH.range()])
                .ends()
        },
        silence: REQUEST,
        ..PLAIN
    },
    Check {
        name: "dripping",
        promise: "a byte now and then does not win time",
        section: CLOSES,
        script: |cast| {
            let request = cast.nobody().logs_in();
            // The last byte never comes.
            let drips = request[HEADER_LEN..REQUEST_LEN - 1].to_vec();
            Script::new()
                .send(&request[..HEADER_LEN])
                .does(Sent::Dripping(drips))
                .does_not_log_in(Then::Ends)
        },
        silence: REQUEST,
        ..PLAIN
    },
    Check {
        name: "silence",
        promise: "a client that sends nothing: the end",
        section: CLOSES,
        script: |_| Script::new().ends(),
        silence: IDLE,
        ..PLAIN
    },
];
