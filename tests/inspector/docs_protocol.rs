//! docs/protocol.md says what the code does: the layout table, the commands and the hex examples.

use std::fmt::Write;

use authscope::protocol::{
    Action, Command, Description, FieldKind, Kind, Password, Request, Response, UserName,
};

const PAGE: &str = include_str!("../../docs/protocol.md");

fn between(name: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("<!-- {name} -->\n")).unwrap();
    rest.split_once(&format!("<!-- /{name} -->")).unwrap().0
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Request => "request",
        Kind::Response => "response",
    }
}

#[test]
fn the_layout_table_is_the_codes() {
    let mut table = String::from(
        "| message | field | offset | width | kind | holds |\n\
         | --- | --- | ---: | ---: | --- | --- |\n",
    );
    for kind in [Kind::Request, Kind::Response] {
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
            Kind::Request => "client",
            Kind::Response => "server",
        };
        let (code, name, length) = (command.code(), command.name(), kind.len());
        writeln!(table, "| {code} | {name} | {from} | {length} |").unwrap();
    }
    assert_eq!(between("commands"), table);
}

/// The octets of a hex dump on the page.
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
