//! Right messages with the values that are easily got wrong.

use super::super::script::{Script, Then};
use super::{Check, PLAIN};

const TEXT: &str = "Text";

pub(super) static CHECKS: &[Check] = &[
    Check {
        name: "full-fields",
        promise: "20 bytes of name, 30 of password, without NUL",
        section: TEXT,
        script: |cast| {
            let full = cast.full();
            let shorter = &full.password[..full.password.len() - 1];
            Script::new()
                .send(full.registers())
                .registers(&full.name, Then::GoesOn)
                .send(full.logs_in())
                .logs_in(Then::GoesOn)
                .send(full.with(shorter).logs_in())
                .does_not_log_in(Then::StaysOpen)
        },
        ..PLAIN
    },
    Check {
        name: "utf8-name",
        promise: "a name of characters of several bytes",
        section: TEXT,
        script: |cast| {
            let user = cast.user("é名");
            Script::new()
                .send(user.registers())
                .registers(&user.name, Then::GoesOn)
                .send(user.logs_in())
                .logs_in(Then::StaysOpen)
        },
        ..PLAIN
    },
    Check {
        name: "nfc-name",
        promise: "composed or not, it is the same name",
        section: TEXT,
        script: |cast| {
            let mut user = cast.user("e\u{301}");
            let mut script = Script::new()
                .send(user.registers())
                .registers(&user.name, Then::GoesOn)
                .send(user.logs_in())
                .logs_in(Then::GoesOn);
            user.name = user.name.replace("e\u{301}", "é");
            script = script.send(user.logs_in()).logs_in(Then::StaysOpen);
            script
        },
        ..PLAIN
    },
    Check {
        name: "any-password",
        promise: "a password of any bytes, compared byte by byte",
        section: TEXT,
        script: |cast| {
            // No UTF-8, and white space at both ends, which is part of it.
            let user = cast.user("o").with(*b" \x01\xff\x80\n ");
            Script::new()
                .send(user.registers())
                .registers(&user.name, Then::GoesOn)
                .send(user.logs_in())
                .logs_in(Then::GoesOn)
                .send(user.with(*b" \x01\xfe\x80\n ").logs_in())
                .does_not_log_in(Then::GoesOn)
                .send(user.with(*b" \x01\xff\x80\n").logs_in())
                .does_not_log_in(Then::StaysOpen)
        },
        ..PLAIN
    },
    Check {
        name: "invisible-name",
        promise: "a name with a format character is not registered",
        section: TEXT,
        script: |cast| {
            let user = cast.user("\u{200b}i");
            Script::new()
                .send(user.registers())
                .does_not_register(&user.name, Then::StaysOpen)
        },
        ..PLAIN
    },
];
