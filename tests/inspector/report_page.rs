//! The page of `authscope report`: its numbers are those of `stats -T json`, it is small whatever the capture's size,
//! and it contains nothing that a browser would load or execute, and no byte that may be part of a password.

use std::net::SocketAddr;
use std::path::Path;

use authscope::capture::LinkType;
use authscope::protocol::Command;
use authscope::synth::load::Load;
use authscope::synth::messages::{raw_request, raw_response};
use authscope::synth::{Conversation, IpForm, Link, PcapForm, Side, frames, merge, write_pcap};
use serde_json::Value;

use crate::inspector::{authscope, capture, captures};
use crate::page::{Page, between, thousands};
use crate::scene::{Exchange, MILLISECOND, Scene};

const MOST_BYTES: usize = 300_000;

fn stats(arguments: &[&str]) -> Value {
    let done = authscope(&[&["stats", "-T", "json"], arguments].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    serde_json::from_str(&done.stdout).expect("an object")
}

/// What is wrong with the numbers of a page.
fn differences(page: &Page, stats: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (place, shown) in &page.numbers {
        let Some(value) = stats.pointer(place) else {
            // What JSON leaves out is 0.
            if shown != "0" {
                wrong.push(format!("{place}: {shown}, which stats does not have"));
            }
            continue;
        };
        let is_same = match value {
            Value::String(text) => text == shown,
            Value::Number(number) => {
                if let Some(count) = number.as_u64() {
                    *shown == thousands(count)
                } else {
                    let milliseconds = number.as_f64().expect("a number") * 1e3;
                    let shown: f64 = shown.parse().expect("milliseconds");
                    (shown - milliseconds).abs() <= 0.000_501
                }
            }
            _ => false,
        };
        if !is_same {
            wrong.push(format!("{place}: {shown}, and {value} in stats"));
        }
    }
    wrong
}

/// Takes a page apart and holds it against `stats` and `read` with the same arguments.
fn hold_against_stats(arguments: &[&str]) -> Page {
    let page = Page::read(arguments);
    let whole = stats(arguments);
    let wrong = differences(&page, &whole);
    assert!(wrong.is_empty(), "{arguments:?}\n{}", wrong.join("\n"));
    let top = page.top.to_string();
    let listed = stats(&[&["--top", &top], arguments].concat());
    assert_eq!(page.statistics, listed, "{arguments:?}");
    let read = authscope(&[&["read", "--exchanges", "-T", "jsonl"], arguments].concat());
    let exchanges = read.stdout.lines().count() as u64;
    if exchanges > 1 {
        let shown = between(&page.html, "id=\"exchange-count\">", "<");
        assert_eq!(shown, thousands(exchanges), "{arguments:?}");
    }
    let rows = page.html.matches("<tr id=\"exchange-").count() as u64;
    assert!(
        rows == exchanges || rows < exchanges && exchanges > 400,
        "{rows} of {exchanges}"
    );
    assert!(page.html.len() <= MOST_BYTES, "{} bytes", page.html.len());
    page
}

#[test]
fn every_number_of_every_capture_is_that_of_stats() {
    let mut numbers = 0;
    let mut pages = 0;
    for name in captures() {
        let path = capture(&name);
        // What is damaged ends otherwise.
        if name.starts_with("damaged") || authscope(&["stats", &path]).code != 0 {
            continue;
        }
        let page = hold_against_stats(&[&path]);
        numbers += page.numbers.len();
        pages += 1;
    }
    assert!(
        pages > 150 && numbers > pages * 20,
        "{pages} pages, {numbers} numbers"
    );
}

#[test]
fn layouts_and_key_logs_work_as_in_stats() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = folder.path().join("pascal.toml");
    let toml = between(include_str!("../../docs/layouts.md"), "```toml\n", "```");
    std::fs::write(&layout, toml).expect("written");
    let described = hold_against_stats(&[
        "-L",
        layout.to_str().expect("UTF-8"),
        &capture("layout-pascal-strings.pcap"),
    ]);
    assert!(
        described
            .numbers
            .iter()
            .any(|(place, _)| place.starts_with("/layouts/0/messages/"))
    );
    let decrypted = hold_against_stats(&[&capture("recorded-tls.pcapng")]);
    assert!(
        decrypted
            .numbers
            .contains(&("/messages/login request".to_owned(), "1".to_owned()))
    );
    let merged = ["split-part-1.pcap", "split-part-2.pcap"].map(capture);
    let [one, other] = &merged;
    let page = Page::read(&["--merge", one, other]);
    assert_eq!(
        differences(&page, &stats(&[one, other])),
        Vec::<String>::new()
    );
}

#[test]
fn a_page_is_small_whatever_the_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("load.pcap");
    let load = Load {
        frames: 60_000,
        connections: 3_000,
        sizes: vec![1460, 40],
        loss: 0.02,
        gaps: 0.02,
        ..Load::default()
    };
    load.write(std::fs::File::create(&path).expect("a file"))
        .expect("written");
    let page = hold_against_stats(&[path.to_str().expect("UTF-8")]);
    let listed = page.html.matches("<tr id=\"exchange-").count();
    assert!((200..=400).contains(&listed), "{listed}");
    assert!(page.html.contains(" are counted and not listed"));
    assert!(page.html.len() > 50_000);
}

/// A capture in which names and descriptions are what HTML, JSON and terminals take for something else, as long as can be.
fn hostile(folder: &Path) -> std::path::PathBuf {
    let mut talks = Vec::new();
    for number in 0..1_200_u32 {
        let mut name = match number % 4 {
            0 => b"<script>al(1)</".to_vec(),
            1 => b"\"'><img src=x>&".to_vec(),
            2 => vec![0x1b; 15],
            _ => b"</script><!--".to_vec(),
        };
        name.extend(number.to_string().bytes());
        let host = number.to_be_bytes();
        let client = SocketAddr::from(([10, 9, host[2], host[3]], 40_000));
        let mut talk = Conversation::new(client, ([10, 0, 0, 1], 8888).into());
        talk.handshake();
        for command in [Command::RegistrationRequest, Command::LoginRequest] {
            talk.send(
                Side::Client,
                &raw_request(command, &name, b"a\x1b<b>secret-word", 0),
            );
            let answer = Command::from(command.code() + 1);
            let words = if number % 2 == 0 {
                vec![b'<'; 64]
            } else {
                vec![0x9b; 60]
            };
            talk.send(
                Side::Server,
                &raw_response(answer, (number % 3) as u8, &words, 0),
            );
        }
        talk.close(Side::Client);
        talks.push(talk);
    }
    let talks: Vec<&Conversation> = talks.iter().collect();
    let frames = frames(&merge(&talks), &Link::ETHERNET, &IpForm::default()).expect("frames");
    let path = folder.join("<hostile> & \"capture\".pcap");
    std::fs::write(
        &path,
        write_pcap(&PcapForm::usual(LinkType::ETHERNET), &frames),
    )
    .expect("written");
    path
}

#[test]
fn nothing_from_the_wire_is_markup_and_the_page_stays_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = hostile(folder.path());
    let page = hold_against_stats(&[path.to_str().expect("UTF-8")]);
    assert!(!page.html.contains("secret"), "a password");
    for markup in ["<script>al", "<img", "<!--", "<hostile>"] {
        assert!(!page.html.contains(markup), "{markup}");
    }
    assert_eq!(page.html.matches("<script").count(), 2);
    assert_eq!(page.html.matches("</script>").count(), 2);
    let harmful = |c: char| c.is_control() && c != '\n';
    assert!(!page.html.contains(harmful), "a control character");
    assert!(page.html.contains("&lt;script&gt;al(1)&lt;/"));
}

#[test]
fn a_page_loads_nothing() {
    let page = Page::read(&[&capture("password-guessing.pcap")]);
    let html = &page.html;
    let policy = between(
        html,
        "http-equiv=\"Content-Security-Policy\" content=\"",
        "\"",
    );
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for loading in [
        "http:",
        "https:",
        " src=",
        "@import",
        "url(",
        "//cdn",
        "<iframe",
        "<object",
        " style=\"",
        " onclick",
    ] {
        assert!(!html.contains(loading), "{loading}");
    }
    let body = between(html, "<body>", "<script");
    let links = body
        .split("href=\"")
        .skip(1)
        .map(|link| link.split('"').next().expect("a link"));
    let mut count = 0;
    for link in links {
        let place = link
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{link} leads elsewhere"));
        assert!(
            html.contains(&format!("id=\"{place}\"")),
            "{link} leads nowhere"
        );
        count += 1;
    }
    assert!(count > 10, "{count} links");
}

#[test]
fn the_verdict_comes_first_and_in_a_sentence() {
    for (name, mood, verdict) in [
        (
            "lab-report.pcap",
            "note",
            "1 registration and 1 login: both succeeded; there are 2 things to know.",
        ),
        (
            "password-guessing.pcap",
            "error",
            "12 logins as \"alice\" from 192.0.2.10 failed within 22.0 s: somebody is guessing passwords; a login then succeeded in frame 138, so a guess may have been right.",
        ),
        (
            "http-on-port-8888.pcap",
            "nothing",
            "No registration and no login is in the capture's",
        ),
        ("pcap-empty.pcap", "nothing", "The capture holds no frame."),
    ] {
        let page = Page::read(&[&capture(name)]);
        let said = between(&page.html, "<p class=\"verdict ", "</p>").replace("&quot;", "\"");
        let (class, text) = said.split_once("\" id=\"verdict\">").expect("a verdict");
        assert_eq!(class, mood, "{name}: {text}");
        assert!(text.starts_with(verdict), "{name}: {text}");
        let body = between(&page.html, "<body>", "</body>");
        let before = body.split("id=\"verdict\"").next().expect("a head");
        assert!(!before.contains("<section") && !before.contains("<table"));
    }
}

#[test]
fn the_slowest_are_shown_with_their_bytes() {
    let mut scene = Scene::new();
    for number in 0..600_i64 {
        let exchange = Exchange {
            user: &format!("user{}", number % 50),
            after: if number == 417 {
                5_000 * MILLISECOND
            } else {
                (number % 7 + 1) * MILLISECOND
            },
            ..Exchange::LOGIN
        };
        scene.put(&exchange, 10 * MILLISECOND);
    }
    scene.put(
        &Exchange {
            answer: None,
            user: "waits",
            ..Exchange::LOGIN
        },
        MILLISECOND,
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = scene.save(folder.path());
    let page = hold_against_stats(&[path.to_str().expect("UTF-8")]);
    let worst = between(&page.html, "<section id=\"worst\">", "</section>");
    assert_eq!(worst.matches("<article").count(), 10);
    assert_eq!(worst.matches("<svg class=\"ladder\"").count(), 10);
    assert!(worst.contains("Login of waits") && worst.contains("no response"));
    assert!(worst.contains("Login of user17") && worst.contains(">5 s<"));
    // 6c 6f 67 ... of the description, and the password's 30 bytes masked.
    assert!(
        worst.contains("6c 6f 67 69 6e 20 73 75 63 63 65 73 73 66 75 6c 00×48"),
        "{worst}"
    );
    assert!(worst.contains("**×30"));
    assert!(!page.html.contains("secret"));
}

#[test]
fn faults_are_shown_with_the_bytes_that_have_them() {
    let page = Page::read(&[&capture("wrong-length-57-of-58.pcap")]);
    let faults = between(&page.html, "<section id=\"conformance\">", "</section>");
    assert!(faults.contains("<tr class=\"fault\"><td>0–3</td><td>Total length</td><td class=\"octets\">00 00 00 39</td>"), "{faults}");
    let right = Page::read(&[&capture("in-order.pcap")]);
    assert!(
        right
            .html
            .contains("Every message is as the protocol says.")
    );
}

#[test]
fn what_wireshark_says_stands_beside_what_it_is() {
    let page = Page::read(&[&capture("lab-report.pcap")]);
    let part = between(&page.html, "<section id=\"wireshark\">", "</section>");
    assert!(
        part.contains(
            "<strong>SMPP Bind_receiver</strong> <span class=\"tag error\">Malformed Packet</span>"
        ),
        "{part}"
    );
    assert!(part.contains("Registration request, user user0000000000000000"));
    assert!(part.contains("That it is not SMPP shows in"));
}

#[test]
fn the_capture_says_where_it_comes_from() {
    let page = Page::read(&[&capture("lab-report.pcap")]);
    let facts = between(&page.html, "<section id=\"capture\">", "</section>");
    let sum = std::process::Command::new("sha256sum")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(capture("lab-report.pcap")))
        .output()
        .expect("sha256sum runs");
    let sum = String::from_utf8(sum.stdout).expect("UTF-8");
    assert!(facts.contains(&sum[..64]), "{facts}");
    assert!(
        facts.contains("authscope report captures/lab-report.pcap<"),
        "{facts}"
    );
    assert!(facts.contains("does not say whether frames were dropped"));
    let counted = Page::read(&[&capture("recorded-tls.pcapng")]);
    let facts = between(&counted.html, "<section id=\"capture\">", "</section>");
    assert!(facts.contains("dropped by the"), "{facts}");
}

#[test]
fn two_runs_are_equal_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = folder.path().join("load.pcap");
    let file = std::fs::File::create(&load).expect("a file");
    Load {
        frames: 20_000,
        connections: 900,
        loss: 0.1,
        gaps: 0.02,
        ..Load::default()
    }
    .write(file)
    .expect("written");
    for path in [
        load.to_str().expect("UTF-8"),
        &capture("password-guessing.pcap"),
        &capture("recorded-tls.pcapng"),
    ] {
        let pages = ["one.html", "other.html"].map(|name| {
            let out = folder.path().join(name);
            let done = authscope(&["report", path, "-o", out.to_str().expect("UTF-8")]);
            assert_eq!(
                (done.code, done.stdout.as_str(), done.stderr.as_str()),
                (0, "", "")
            );
            std::fs::read(out).expect("a page")
        });
        assert!(pages[0] == pages[1], "{path}");
    }
}
