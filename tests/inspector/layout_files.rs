//! `authscope layout`: the example is RegLogin's layout, a good file is accepted, and the errors of a faulty one have
//! line, column and what to write instead.

use std::io::Write as _;

use crate::inspector::{Done, authscope};

fn check(text: &str, more: &[&str]) -> (Done, String) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("it is written");
    let path = file.path().to_str().expect("UTF-8").to_owned();
    let done = authscope(&[&["layout", "check", &path], more].concat());
    (done, path)
}

const TELEMETRY: &str = r#"
name  = "Telemetry"
port  = 9100
order = "little"
[layout]
header  = ["magic: u16 == 0xCAFE", "size: u16 = length - 8", "seq: u16 = id", "kind: u16 = kind"]
login   = ["user: text[u16] = user", "token: bytes[u8] secret", "options: options"]
answer  = ["code: u8 {0 ok, 1 refused} = outcome", "reason: text[nul]"]
reading = ["count: u8", "items: item[count]", "note: text[u8]", "check: u32 = crc32"]
item    = ["sensor: u16", "value: f32", "state: state"]
extra   = ["attrs: tlv[*]"]
tlv     = ["tag: u8", "value: bytes[u16]"]
[enum]
state = { type = "u8", 0 = "ok", 1 = "stale", 2 = "broken" }
[flags]
options = { type = "u16", 0 = "urgent", 3 = "signed" }
[kind]
1 = { name = "login",   body = "login", response = 2 }
2 = { name = "answer",  body = "answer" }
3 = { name = "reading", body = "reading", from = "client" }
"0x10" = { name = "extra", body = "extra" }
"#;

#[test]
fn the_example_is_understood_and_is_reglogin() {
    let example = authscope(&["layout", "example"]);
    assert_eq!(example.code, 0);
    let (done, _) = check(&example.stdout, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    insta::assert_snapshot!(done.stdout);
}

#[test]
fn a_larger_layout_is_understood() {
    let (done, _) = check(TELEMETRY, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    insta::assert_snapshot!(done.stdout);
}

#[test]
fn a_message_is_read_by_its_layout() {
    // magic, size 25 - 8, seq 7, kind 1; "al" behind its length; a token of 3; urgent, signed and one without a name.
    let login = "feca 0c00 0700 0100  0200 616c  03 aabbcc  0b00";
    let (done, _) = check(TELEMETRY, &["--message", login]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    assert_eq!(
        done.stdout,
        r#"login, 18 bytes
{
  "magic": 51966,
  "size": 12,
  "seq": 7,
  "kind": 1,
  "user": "al",
  "token": "********",
  "options": {
    "value": 11,
    "names": [
      "urgent",
      "signed"
    ]
  }
}
the length is 20: 2 bytes are missing
bytes 16 to 17, Options: a value without a name
"#
    );
    let shown = check(TELEMETRY, &["--message", login, "--show-passwords"]).0;
    assert!(
        shown.stdout.contains("\"token\": \"aabbcc\""),
        "{}",
        shown.stdout
    );
}

#[test]
fn records_floats_and_checks_are_read() {
    let body = "02  0100 0000c03f 01  0200 0000c07f 09  03 c3a9ff";
    let head = "feca 1700 0100 0300";
    let bytes: Vec<u8> = format!("{head}{body}")
        .replace(' ', "")
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let check_sum = crc32fast::hash(&bytes)
        .to_le_bytes()
        .map(|byte| format!("{byte:02x}"))
        .concat();
    let message = format!("{head}{body}{check_sum}");
    let (done, _) = check(TELEMETRY, &["--message", &message]);
    let said = done.stdout;
    for part in [
        "reading, 31 bytes",
        "\"value\": 1.5",
        "\"value\": \"NaN\"",
        "\"value\": 1,\n        \"name\": \"stale\"",
        "\"state\": {\n        \"value\": 9\n      }",
        "\"note\": \"é\u{fffd}\"",
        "\"note_hex\": \"c3a9ff\"",
        "State: a value without a name",
        "Note: not UTF-8",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert!(!said.contains("add up"), "the check is right:\n{said}");
    let wrong = message.replace("0000c03f", "0000c13f");
    let (done, _) = check(TELEMETRY, &["--message", &wrong]);
    assert!(
        done.stdout
            .contains("Check: not what the bytes before it add up to"),
        "{}",
        done.stdout
    );
}

/// A file around what stands in it: a header, a body, a kind.
fn around(header: &str, body: &str, kinds: &str) -> String {
    format!("name = \"Mine\"\n[layout]\nheader = [{header}]\nbody = [{body}]\n[kind]\n{kinds}\n")
}

const HEADER: &str = r#""len: u16 = length", "id: u8 = kind""#;
const ONE: &str = r#"1 = { name = "one", body = "body" }"#;

/// A faulty file; line and column of what is wrong; a part of what is said.
#[allow(clippy::too_many_lines, reason = "a table")]
fn faulty() -> Vec<(String, (usize, usize), &'static str)> {
    let with = |body: &str| around(HEADER, body, ONE);
    let kinds = |kinds: &str| around(HEADER, r#""a: u8""#, kinds);
    let header = |header: &str| around(header, r#""a: u8""#, ONE);
    let top = |line: &str| format!("{line}\n{}", with(r#""a: u8""#));
    let behind = |tables: &str| format!("{}{tables}\n", with(r#""a: u8""#));
    vec![
        // The file.
        ("name = \"x".to_owned(), (1, 10), "invalid basic string"),
        (top("prt = 1"), (1, 1), "did you mean `port`?"),
        (
            top("port = 70000"),
            (1, 8),
            "a port is a number from 1 to 65535",
        ),
        (
            top("port = [1, \"2\"]"),
            (1, 12),
            "a port is a number from 1 to 65535",
        ),
        (top("order = \"litle\""), (1, 9), "did you mean `little`?"),
        (top("max = 0"), (1, 7), "`max` is a number of bytes"),
        (
            top("prefix = \"My Proto\""),
            (1, 10),
            "cannot begin filter names",
        ),
        (
            top("port = 1").replace("name = \"Mine\"", "name = 5"),
            (2, 8),
            "`name` is a string, not an integer",
        ),
        (
            "[layout]\nheader = []\n[kind]\n".to_owned(),
            (1, 1),
            "the protocol has no name",
        ),
        ("name = \"a\"\n".to_owned(), (1, 1), "there is no [layout]"),
        (
            "name = \"a\"\n[layout]\nheader = [\"a: u8\"]\n".to_owned(),
            (1, 1),
            "there is no [kind]",
        ),
        (
            "name = \"a\"\n[layout]\nhead = [\"a: u8\"]\n[kind]\n".to_owned(),
            (2, 1),
            "has no `header`",
        ),
        // A field.
        (with(r#""a u8""#), (4, 10), "a field is NAME: TYPE"),
        (with(r#""a: u23""#), (4, 13), "did you mean `u24`?"),
        (with(r#""a: txt[3]""#), (4, 13), "did you mean `text`?"),
        (
            with(r#""a: text""#),
            (4, 13),
            "such as text[20], text[u16] or text[*]",
        ),
        (with(r#""a: u8[3]""#), (4, 16), "a number has no count"),
        (with(r#""a: text[3""#), (4, 17), "there is no `]` for this"),
        (with(r#""a: text[-3]""#), (4, 18), "is no count of bytes"),
        (with(r#""a: bytes[nul]""#), (4, 19), "`nul` ends text"),
        (with(r#""a: u8 {0 no, yes}""#), (4, 23), "is not VALUE NAME"),
        (
            with(r#""a: u8 {300 no}""#),
            (4, 16),
            "300 does not fit into 1 bytes",
        ),
        (with(r#""a: u8 == x""#), (4, 19), "`x` is no number"),
        (with(r#""a: u8 == 256""#), (4, 19), "256 does not fit"),
        (with(r#""a: u8 = idd""#), (4, 18), "did you mean `id`?"),
        (
            with(r#""a: u8 = id + 3""#),
            (4, 21),
            "only `length` has a number added to it",
        ),
        (with(r#""a: text[3] fill 0""#), (4, 26), "stands in quotes"),
        (
            with(r#""a: text[u8] fill '0'""#),
            (4, 22),
            "only text of a fixed size",
        ),
        (
            with(r#""a: text[3] secrt""#),
            (4, 21),
            "did you mean `secret`?",
        ),
        (
            with(r#""a: text[3] secret fill ' '""#),
            (4, 28),
            "stands before `secret`",
        ),
        (
            with(r#""a as b-c: u8""#),
            (4, 15),
            "letters, digits and `_` make one",
        ),
        // What fields are to each other.
        (
            with(r#""a: u8", "A: u8""#),
            (4, 19),
            "`a` is in one message twice",
        ),
        (
            with(r#""a: text[n]", "n: u8""#),
            (4, 10),
            "does not stand before it",
        ),
        (
            with(r#""a: text[m]""#),
            (4, 10),
            "neither a type nor an earlier field",
        ),
        (with(r#""b: body""#), (4, 10), "contains itself"),
        (
            with(r#""a: bytes[*]", "b: text[u8]""#),
            (4, 10),
            "behind `*` all has a fixed size",
        ),
        (with(r#""a: u8 = length""#), (4, 10), "stands in the header"),
        (with(r#""a: u16 = crc32""#), (4, 10), "has the type u32"),
        (
            header(r#""t: text[u8]", "len: u16 = length", "id: u8 = kind""#),
            (3, 27),
            "before the field with the role `length`",
        ),
        // Kinds.
        (
            kinds(r#"1 = { name = "one", bdy = "body" }"#),
            (6, 21),
            "did you mean `body`?",
        ),
        (
            kinds(r#"1 = { name = "one", body = "boddy" }"#),
            (6, 28),
            "did you mean `body`?",
        ),
        (
            kinds(r#"1 = { name = "one", response = 2 }"#),
            (6, 32),
            "there is no kind 2",
        ),
        (
            kinds(r#"1 = { name = "one", from = "cliant" }"#),
            (6, 28),
            "did you mean `client`?",
        ),
        (
            kinds(r#"300 = { name = "one" }"#),
            (6, 1),
            "does not fit into the field with the role `kind`",
        ),
        (
            kinds("1 = { name = \"one\" }\n\"0x1\" = { name = \"two\" }"),
            (7, 1),
            "is `one` already",
        ),
        (
            kinds(r#"client = { name = "one" }"#),
            (6, 1),
            "such as \"1 client\"",
        ),
        (
            around(r#""id: u8 = kind""#, r#""a: text[u8]""#, ONE),
            (6, 1),
            "no field has the role `length`",
        ),
        // Enums and flags.
        (
            behind("[enum]\ns = { type = \"u9\", 0 = \"ok\" }"),
            (8, 14),
            "did you mean `u8`?",
        ),
        (
            behind("[enum]\ns = { typ = \"u8\", 0 = \"ok\" }"),
            (8, 7),
            "did you mean `type`?",
        ),
        (
            behind("[enum]\nu8 = { type = \"u8\", 0 = \"ok\" }"),
            (8, 1),
            "is a built-in type",
        ),
        (
            behind("[flags]\nf = { type = \"u8\", 8 = \"high\" }"),
            (8, 20),
            "is no bit from 0 to 7",
        ),
        (
            behind("[enum]\nbody = { type = \"u8\", 0 = \"ok\" }"),
            (4, 1),
            "share names",
        ),
    ]
}

#[test]
fn each_fault_is_told_with_its_place_and_what_to_write() {
    let faulty = faulty();
    assert!(faulty.len() >= 40);
    let mut wrong = Vec::new();
    for (text, (line, column), words) in faulty {
        let (done, path) = check(&text, &[]);
        let place = format!("{path}:{line}:{column}: ");
        let told = done
            .stderr
            .lines()
            .any(|said| said.contains(&place) && said.contains(words));
        if done.code != 2 || !done.stdout.is_empty() || !told {
            wrong.push(format!(
                "{text}\nwanted {line}:{column} {words}\n{}{}",
                done.stdout, done.stderr
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
}

#[test]
fn all_faults_are_told_at_once_in_their_order() {
    let (done, _) = check("nam = \"a\"\norder = \"up\"\n", &[]);
    let lines: Vec<&str> = done
        .stderr
        .lines()
        .filter(|line| line.contains(": "))
        .collect();
    assert!(lines.len() >= 3, "{}", done.stderr);
    assert!(
        done.stderr.contains("order = \"up\"\n   |         ^^^^"),
        "{}",
        done.stderr
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let done = authscope(&["layout", "check", "/no/such/layout.toml"]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr
            .contains("cannot read the layout \"/no/such/layout.toml\""),
        "{}",
        done.stderr
    );
    let (done, _) = check(TELEMETRY, &["--message", "zz"]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("'z' is no hexadecimal digit"),
        "{}",
        done.stderr
    );
}
