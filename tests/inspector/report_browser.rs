//! The page of `authscope report` in a real browser: it renders at two widths, light and dark, without an error on the
//! console. It can be sorted, searched and filtered, hostile content is text only, and the page can be read without
//! scripts.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::json;

use crate::browser::Browser;
use crate::inspector::authscope;
use crate::scene::{Exchange, MILLISECOND, Scene};

const HOSTILE: &str = "<script>alert(1)";

/// A capture with something of everything.
fn scene(folder: &Path) -> PathBuf {
    let mut scene = Scene::new();
    for round in 0..40_i64 {
        for (user, answer) in [
            ("alice", Exchange::LOGIN.answer),
            (
                "bob",
                if round % 3 == 0 {
                    Exchange::WRONG
                } else {
                    Exchange::LOGIN.answer
                },
            ),
            (
                HOSTILE,
                if round % 2 == 0 {
                    Exchange::WRONG
                } else {
                    Exchange::UNKNOWN
                },
            ),
        ] {
            let exchange = Exchange {
                host: 1 + u8::try_from(round % 5).expect("a digit"),
                user,
                answer: if user == "alice" && round == 20 {
                    None
                } else {
                    answer
                },
                after: (round * round % 37 + 1) * MILLISECOND,
                ..Exchange::LOGIN
            };
            scene.put(&exchange, 700 * MILLISECOND);
        }
    }
    scene.save(folder)
}

/// The pictures are left for people to look at.
fn keep(name: &str, picture: &str) {
    let octets = base64::engine::general_purpose::STANDARD
        .decode(picture)
        .expect("base64");
    assert!(octets.len() > 20_000, "{name} is nearly empty");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join(name), octets).expect("a picture is kept");
}

fn report(capture: &Path, page: &Path) {
    let [capture, page] = [capture, page].map(|path| path.to_str().expect("UTF-8"));
    let done = authscope(&["report", capture, "-o", page]);
    assert_eq!(done.code, 0, "{}", done.stderr);
}

#[test]
fn it_renders_sorts_and_filters() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("report.html");
    report(&scene(folder.path()), &page);
    for (width, scheme) in [
        (1280, "light"),
        (1280, "dark"),
        (400, "light"),
        (400, "dark"),
    ] {
        browser.window(width, 900, scheme);
        browser.open(&page);
        assert_eq!(
            browser.ask("document.documentElement.scrollWidth <= innerWidth"),
            true,
            "{width}"
        );
        // Labels of an axis that run into each other.
        let crowded = "[...document.querySelectorAll('.plot .x, .heat .x, .spans .x')].filter((axis) => { \
            const all = [...axis.children].map((one) => one.getBoundingClientRect()).filter((one) => one.width > 0); \
            return all.some((one, at) => at > 0 && all[at - 1].right > one.left); }).length";
        assert_eq!(browser.ask(crowded), 0, "{width}");
        keep(&format!("report-{width}-{scheme}.png"), &browser.picture());
    }
    browser.window(1280, 900, "light");
    browser.open(&page);
    // A name that would be a script is text, and nothing has run.
    let names = "[...document.querySelectorAll('#user-table td:first-child')].map((cell) => cell.textContent)";
    let shown = browser.ask(names);
    assert!(
        shown.as_array().expect("names").contains(&json!(HOSTILE)),
        "{shown}"
    );
    assert_eq!(browser.ask("document.scripts.length"), 2);
    // Sorting by failures puts those with the most first, and by name in order.
    let sort =
        |at: u32| format!("document.querySelectorAll('#user-table thead button')[{at}].click()");
    browser.ask(&sort(5));
    assert_eq!(browser.ask(names)[0], HOSTILE);
    let failed = "[...document.querySelectorAll('#user-table tbody tr')].map((row) => Number(row.cells[5].textContent))";
    assert_eq!(browser.ask(failed), json!([40, 14, 0]));
    browser.ask(&sort(5));
    assert_eq!(browser.ask(failed), json!([0, 14, 40]));
    browser.ask(&sort(0));
    assert_eq!(browser.ask(names)[1], "alice");
    // Choosing a user filters the exchanges, and says how to see them all.
    let rows = "[...document.querySelectorAll('#listed tbody tr')].filter((row) => row.checkVisibility()).length";
    assert_eq!(browser.ask(rows), 120);
    browser.ask("document.querySelector('#user-table [data-value=\"bob\"]').click()");
    assert_eq!(browser.ask(rows), 40);
    let chosen = "document.getElementById('chosen').textContent";
    let told = browser.ask(chosen);
    let told = told.as_str().expect("text");
    assert!(
        told.contains("user bob") && told.contains("reglogin.user == \"bob\""),
        "{told}"
    );
    browser.ask(
        "document.querySelector('.legend [data-pick=\"outcome\"][data-value=\"failure\"]').click()",
    );
    assert_eq!(browser.ask(rows), 14);
    // The command that is shown gives the same rows.
    let command = browser.ask("document.querySelector('#chosen code').textContent");
    let command = command.as_str().expect("a command").replacen(
        "authscope",
        env!("CARGO_BIN_EXE_authscope"),
        1,
    );
    let done = std::process::Command::new("sh")
        .args(["-c", &format!("{command} -T jsonl")])
        .output()
        .expect("it runs");
    assert_eq!(
        String::from_utf8_lossy(&done.stdout).lines().count(),
        14,
        "{done:?}"
    );
    browser.ask("document.querySelectorAll('#chosen button').forEach((button) => button.click())");
    browser.ask("document.querySelectorAll('#chosen button').forEach((button) => button.click())");
    assert_eq!(browser.ask(rows), 120);
    // A bar of the chart chooses its time: all bars together have all exchanges.
    let by_bar = "(() => { let sum = 0; for (const bar of document.querySelectorAll('#rate .hit')) { \
        bar.dispatchEvent(new MouseEvent('click')); \
        sum += [...document.querySelectorAll('#listed tbody tr')].filter((row) => !row.hidden).length; \
        bar.dispatchEvent(new MouseEvent('click')); } return sum; })()";
    assert_eq!(browser.ask(by_bar), 120);
    browser.ask("(() => { const field = document.querySelector('input[data-filter]'); field.value = 'no such'; field.dispatchEvent(new Event('input')); })()");
    assert_eq!(browser.ask(rows), 20);
    assert_eq!(browser.said, Vec::<serde_json::Value>::new());
}

#[test]
fn it_can_be_read_without_a_script() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("report.html");
    report(&scene(folder.path()), &page);
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    );
    browser.window(1280, 900, "light");
    browser.open(&page);
    let document = browser.call("DOM.getDocument", &json!({"depth": 0}));
    let mut count = |what: &str| {
        let asked = json!({"nodeId": document["root"]["nodeId"], "selector": what});
        let found = browser.call("DOM.querySelectorAll", &asked);
        found["nodeIds"].as_array().expect("nodes").len()
    };
    assert_eq!(count("#listed tbody tr"), 120);
    assert_eq!(count("html.js"), 0);
    assert!(count("svg") > 10);
    keep("report-without-script.png", &browser.picture());
    assert_eq!(browser.said, Vec::<serde_json::Value>::new());
}

#[test]
fn the_index_renders_and_sorts() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("course.html");
    let captures = [
        "lab-report.pcap",
        "password-guessing.pcap",
        "http-on-port-8888.pcap",
        "recorded-several-users.pcapng",
    ]
    .map(crate::inspector::capture);
    let mut arguments = vec!["report", "-o", page.to_str().expect("UTF-8")];
    arguments.extend(captures.iter().map(String::as_str));
    assert_eq!(authscope(&arguments).code, 0);
    for (width, scheme) in [(1280, "light"), (400, "dark")] {
        browser.window(width, 700, scheme);
        browser.open(&page);
        assert_eq!(
            browser.ask("document.documentElement.scrollWidth <= innerWidth"),
            true,
            "{width}"
        );
        keep(&format!("index-{width}-{scheme}.png"), &browser.picture());
    }
    browser.ask("document.querySelectorAll('#capture-table thead button')[1].click()");
    let first = browser.ask("document.querySelector('#capture-table tbody td').textContent");
    assert_eq!(first, "http-on-port-8888.pcap");
    browser.ask("document.querySelectorAll('#capture-table thead button')[1].click()");
    let first = browser.ask("document.querySelector('#capture-table tbody td').textContent");
    assert_eq!(first, "password-guessing.pcap");
    assert_eq!(browser.said, Vec::<serde_json::Value>::new());
}
