//! The picture at the top of README is what the real program shows. `make picture` writes it again.

use crate::browsing::{Running, Started};
use crate::inspector::capture;
use crate::picture::svg;

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tui.svg");

/// Users who register and log in, one after the other and at once, and some whom the server refuses.
const CAPTURES: [&str; 5] = [
    "recorded-success.pcapng",
    "recorded-name-taken.pcapng",
    "recorded-wrong-password.pcapng",
    "recorded-unknown-user.pcapng",
    "recorded-several-users.pcapng",
];

#[test]
fn the_picture_in_readme_is_what_the_program_shows() {
    let captures = CAPTURES.map(capture);
    let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
    let started = Started {
        size: Some((30, 104)),
        ..Started::default()
    };
    let mut running = Running::start_as(&captures, &started);
    running.wait_until("all read", |screen| {
        screen.contains("exchanges") && !screen.contains("reading")
    });
    // A login that failed, marked, and from near by.
    running.press("nn k");
    running.wait_until("an exchange from near by", |screen| {
        screen.contains("1 marked") && screen.contains("Description: wrong password")
    });
    let parser = running.parsed();
    let picture = svg(
        parser.screen(),
        "authscope tui: exchanges of a capture, and the chosen one with its messages and fields",
    );
    running.press("\u{3}");
    running.ended();
    if std::env::var_os("AUTHSCOPE_PICTURE").is_some() {
        std::fs::write(PICTURE, &picture).expect("the picture is written");
    }
    let kept = std::fs::read_to_string(PICTURE).expect("docs/tui.svg is there");
    assert!(roxmltree::Document::parse(&kept).is_ok());
    assert!(kept.len() < 64 << 10, "{} bytes", kept.len());
    assert!(
        kept == picture,
        "docs/tui.svg is not what the program shows; `make picture` writes it again"
    );
}
