//! docs/protocol.md agrees with the code: the layout table, the commands, the examples in hexadecimal, the server's
//! texts and limits, and the names of faults.

use std::fmt::Write;

use authscope::protocol::{
    Action, Command, Description, Fault, FieldKind, MessageKind, Password, Request, Response,
    UserName,
};
use authscope::server::words;

const PAGE: &str = include_str!("../../docs/protocol.md");

fn between(name: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("<!-- {name} -->\n")).unwrap();
    rest.split_once(&format!("<!-- /{name} -->")).unwrap().0
}

fn kind_name(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Request => "request",
        MessageKind::Response => "response",
    }
}

#[test]
fn the_layout_table_is_the_codes() {
    let mut table = String::from(
        "| message | field | offset | width | kind | holds |\n\
         | --- | --- | ---: | ---: | --- | --- |\n",
    );
    for kind in [MessageKind::Request, MessageKind::Response] {
        for field in kind.fields() {
            let octets = match field.kind {
                FieldKind::U8 => "u8",
                FieldKind::U32 => "u32",
                FieldKind::Text => "text",
            };
            writeln!(
                table,
                "| {} | `{}` | {} | {} | {octets} | {} |",
                kind_name(kind),
                field.wire_name,
                field.offset,
                field.width,
                field.meaning
            )
            .unwrap();
        }
    }
    assert_eq!(between("layout"), table);
}

#[test]
fn the_commands_are_the_codes() {
    let mut table = String::from(
        "| `commandID` | message | from | `totalLength` |\n| ---: | --- | --- | ---: |\n",
    );
    for command in Command::KNOWN {
        let kind = command.kind().unwrap();
        let from = match kind {
            MessageKind::Request => "client",
            MessageKind::Response => "server",
        };
        let (code, name, length) = (command.code(), command.name(), kind.len());
        writeln!(table, "| {code} | {name} | {from} | {length} |").unwrap();
    }
    assert_eq!(between("commands"), table);
}

/// The bytes of a hex dump on the page.
fn dump(name: &str) -> Vec<u8> {
    let start = format!("<!-- hex: {name} -->\n```text\n");
    let (_, rest) = PAGE.split_once(&start).unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let mut octets = Vec::new();
    for line in block.lines() {
        let (hex, text) = line.split_once('|').unwrap();
        let (offset, hex) = hex.split_once("  ").unwrap();
        assert_eq!(usize::from_str_radix(offset, 16).unwrap(), octets.len());
        let row: Vec<u8> = hex
            .split_whitespace()
            .map(|octet| u8::from_str_radix(octet, 16).unwrap())
            .collect();
        let shown: String = row
            .iter()
            .map(|octet| match octet {
                0x20..=0x7e => char::from(*octet),
                _ => '.',
            })
            .collect();
        assert_eq!(text, format!("{shown}|"));
        octets.extend(row);
    }
    octets
}

#[test]
fn the_examples_are_what_is_sent() {
    let request = |action| {
        let request = Request {
            action,
            user_name: UserName::new("alice").unwrap(),
            password: Password::new(b"secret1".to_vec()).unwrap(),
        };
        request.encode().as_ref().to_vec()
    };
    let response = |action, success, description| {
        let description = Description::cut(description);
        let response = Response {
            action,
            success,
            description,
        };
        response.encode().to_vec()
    };
    let examples = [
        (Command::RegistrationRequest, request(Action::Register)),
        (
            Command::RegistrationResponse,
            response(Action::Register, true, "registered"),
        ),
        (Command::LoginRequest, request(Action::Login)),
        (
            Command::LoginResponse,
            response(Action::Login, false, "wrong password"),
        ),
    ];
    for (command, octets) in examples {
        assert_eq!(dump(command.name()), octets, "{command}");
    }
}

/// The descriptions in the page's table, with what each stands for in its status column.
fn described() -> Vec<(String, String)> {
    let rows = between("words").lines().skip(2);
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .map(|cells| (cells[2].trim_matches('`').to_owned(), cells[1].to_owned()))
        .collect()
}

#[test]
fn the_descriptions_are_the_servers() {
    let second = std::time::Duration::from_secs(1);
    let waits = [words::wait(second), words::wait_to_register(second)];
    let mut says: Vec<String> = words::ALL.map(str::to_owned).into();
    says.extend(waits);
    says.push(words::too_short(8));
    says.sort();
    let mut listed: Vec<String> = described().into_iter().map(|(words, _)| words).collect();
    listed.sort();
    assert_eq!(listed, says);
    for (words, status) in described() {
        let good = [words::REGISTERED, words::LOGIN_SUCCESSFUL].contains(&words.as_str());
        assert_eq!(status, if good { "1" } else { "0" }, "{words}");
    }
}

#[test]
fn the_limits_are_the_servers() {
    let limits = authscope::server::ServerLimits::DEFAULT;
    let thousands = |number: usize| format!("{},{:03}", number / 1000, number % 1000);
    for sentence in [
        format!("{} are read ahead", limits.read_ahead),
        format!("no byte for {} minutes", limits.idle.as_secs() / 60),
        format!(
            "not complete {} s after its first byte",
            limits.request.as_secs()
        ),
        format!(
            "does not read its response for {} s",
            limits.request.as_secs()
        ),
        format!(
            "A handshake must finish within {} s",
            limits.request.as_secs()
        ),
        format!("{} connections are open (", thousands(limits.connections)),
        format!(
            "{} connections are open from one address",
            thousands(limits.per_address)
        ),
        format!(
            "for at most {} s (`--drain-timeout`)",
            limits.drain.as_secs()
        ),
        format!("After {} failed logins", limits.failures),
        format!("{} failures from an address", limits.address_failures),
        format!("then {} a second", limits.registration_rate),
    ] {
        let page = PAGE.replace('\n', " ");
        assert!(page.contains(&sentence), "{sentence}");
    }
}

/// Sentences of faults that the page quotes.
#[test]
fn the_mistakes_are_in_the_codes_words() {
    use authscope::protocol::layout::{LENGTH, PASSWORD, USER_NAME};
    for fault in [
        Fault::Reversed {
            field: &LENGTH,
            value: 58,
        },
        Fault::HeaderNotCounted { found: 50 },
        Fault::Length {
            found: 57,
            command: Command::LoginRequest,
        },
        Fault::NumberAsText {
            field: &LENGTH,
            value: 58,
        },
        Fault::NotFilled { have: 20 },
        Fault::AfterNul {
            field: &USER_NAME,
            at: 6,
        },
        Fault::FitsOther(MessageKind::Request),
        Fault::LineBreak(&PASSWORD),
        Fault::ZeroFilled(&USER_NAME),
        Fault::SecondText { at: 38 },
        Fault::SecondText { at: 40 },
    ] {
        assert!(PAGE.contains(&format!("| `{fault}` |")), "{fault}");
    }
    let page = PAGE.replace('\n', " ");
    for fault in [
        Fault::Length {
            found: 57,
            command: Command::LoginRequest,
        },
        Fault::Character {
            field: &USER_NAME,
            found: "a colon",
            at: 1,
        },
        Fault::AfterNul {
            field: &PASSWORD,
            at: 29,
        },
    ] {
        let summary = format!("\"{}\"", fault.summary());
        assert!(page.contains(&summary), "{summary}");
    }
}
