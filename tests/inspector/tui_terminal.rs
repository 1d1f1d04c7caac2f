//! The terminal interface in a real terminal: opening, filtering, saving, live capture. The terminal is restored
//! however the program ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGHUP;
use signal_hook::flag;

use crate::browsing::Running;
use crate::inspector::{authscope, capture};
use crate::need::skip;
use crate::programs::{PATIENCE, Place};

const USERS: &str = "recorded-several-users.pcapng";

#[test]
fn a_capture_is_opened_and_filtered() {
    let guessing = capture("password-guessing.pcap");
    let mut running = Running::start(&[&guessing]);
    running.wait_for("13 exchanges");
    running.wait_for("q quit");
    assert!(!running.terminal.echoes());
    let filter = "reglogin.status == 0";
    running.press(&format!("/{filter}\r"));
    let failed = authscope(&[
        "read",
        "--exchanges",
        "-T",
        "jsonl",
        "-Y",
        filter,
        &guessing,
    ]);
    let count = failed.stdout.lines().count();
    running.wait_for(&format!("{count} shown  filter: reglogin"));
    running.press("v");
    running.wait_for("Details of frame");
    running.press("q");
    running.wait_for("q quit");
    running.press("q");
    assert_eq!(running.ended(), Some(0));
    running.is_given_back();
}

#[test]
fn a_flow_is_looked_at_and_saved() {
    let mut running = Running::start(&[&capture(USERS)]);
    running.wait_for("16 exchanges");
    running.wait_for("client ");
    running.press("  ");
    running.wait_for("2 marked");
    running.press("L");
    running.wait_for("Flow");
    let picture = running.path("flow.svg");
    // The field is emptied, then written.
    running.press("w\u{15}");
    running.press(&format!("{picture}\r"));
    running.wait_for("saved the flow");
    let drawn = std::fs::read_to_string(&picture).expect("a picture");
    assert!(roxmltree::Document::parse(&drawn).is_ok(), "{drawn}");
    running.press("qw\u{15}");
    let saved = running.path("marked.pcapng");
    running.press(&format!("{saved}\r"));
    running.wait_for("saved");
    running.wait_for("frames to");
    let read = authscope(&["read", "--exchanges", "-T", "jsonl", &saved]);
    assert_eq!(
        (read.code, read.stdout.lines().count()),
        (0, 2),
        "{}",
        read.stderr
    );
    // Redacted, as nothing else was said.
    let clear = authscope(&["read", "-T", "jsonl", "--show-passwords", &saved]);
    assert!(clear.stdout.contains("***"), "{}", clear.stdout);
    running.press("q");
    assert_eq!(running.ended(), Some(0));
    running.is_given_back();
}

#[test]
fn columns_of_frames_are_chosen_and_kept() {
    let mut running = Running::start(&[&capture(USERS)]);
    running.wait_for("q quit");
    // From the details too. The last one that is offered is the stream.
    running.press("v\tc");
    running.wait_for("Columns: Frames");
    running.press("jjjjjjjjjj \r");
    running.wait_for("columns are saved in");
    running.wait_for("Stream");
    let settings = std::fs::read_to_string(running.path("authscope/tui.toml"));
    let settings = settings.expect("settings");
    assert_eq!(
        settings,
        "[frames]\ncolumns = [\"number\", \"time\", \"source\", \"destination\", \"protocol\", \"info\", \"stream\"]\n"
    );
    running.press("\u{3}");
    assert_eq!(running.ended(), Some(0));
    let folder = running.path("");
    let mut again = Running::start_with(&[&capture(USERS)], &[("XDG_CONFIG_HOME", &folder)]);
    again.wait_for("q quit");
    again.press("v");
    again.wait_for("Stream");
    // Those of exchanges are as they were.
    again.press("q");
    again.wait_until("the usual columns", |screen| {
        screen.contains("Action") && screen.contains("Result")
    });
    again.press("q");
    assert_eq!(again.ended(), Some(0));
}

#[test]
fn what_comes_in_now_is_followed() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port().to_string();
    let mut running = Running::start(&["-i", "lo", "-p", &port]);
    let deadline = Instant::now() + PATIENCE;
    while !running.screen().contains("nothing has come yet") {
        if running.child.try_wait().expect("its status").is_some() {
            let said = running.terminal.screen();
            assert!(
                said.contains("sudo") || said.contains("authscope-capture"),
                "{said}"
            );
            skip("capture", said);
            return;
        }
        assert!(Instant::now() < deadline, "{}", running.screen());
        std::thread::sleep(Duration::from_millis(10));
    }
    server.register("alice", "correct horse");
    running.wait_for("alice");
    running.wait_for("register ok");
    running.wait_for("1 exchange ");
    // The view stands still while capturing goes on.
    running.press("P");
    running.wait_for("PAUSED");
    server.register("bob", "battery staple");
    running.wait_for("2 exchanges");
    assert!(!running.screen().contains("bob"), "{}", running.screen());
    running.press("P");
    running.wait_for("bob");
    running.press("x");
    running.wait_for("0 exchanges");
    running.press("q");
    assert_eq!(running.ended(), Some(0));
    running.is_given_back();
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let mut running = Running::start_with(&[&capture(USERS)], &[("AUTHSCOPE_TUI_PANIC", "1")]);
    running.wait_for("q quit");
    running.press("\u{1b}[24~");
    assert_eq!(running.ended(), Some(101));
    running.is_given_back();
    assert!(running.terminal.screen().contains("a panic was asked for"));
}

#[test]
fn ctrl_z_gives_the_terminal_back_until_it_goes_on() {
    let mut running = Running::start(&[&capture(USERS)]);
    running.wait_for("q quit");
    running.press("\u{1a}");
    let stat = format!("/proc/{}/stat", running.child.id());
    let deadline = Instant::now() + PATIENCE;
    let is_stopped = || {
        let stat = std::fs::read_to_string(&stat).unwrap_or_default();
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('T'))
    };
    while !is_stopped() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(10));
    }
    running.is_given_back();
    running.signal("-CONT");
    running.wait_for("q quit");
    running
        .terminal
        .wait_until("raw again", |_| !running.terminal.echoes());
    running.press("v");
    running.wait_for("Details of frame");
    running.press("\u{3}");
    assert_eq!(running.ended(), Some(0));
    running.is_given_back();
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let mut running = Running::start(&[&capture(USERS)]);
    running.wait_for("q quit");
    running.signal("-TERM");
    assert_eq!(running.ended(), Some(143));
    running.is_given_back();
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    // Children of a process that nohup started ignore the signal, and the interface lets them. A signal that a process
    // has a handler for is as usual in its children.
    flag::register(SIGHUP, Arc::default()).expect("a handler");
    let mut running = Running::start(&[&capture(USERS)]);
    running.wait_for("q quit");
    running.signal("-HUP");
    assert_eq!(running.ended(), Some(129));
    running.is_given_back();
}

#[test]
fn any_size_is_drawn_and_the_first_one_again() {
    let mut running = Running::start(&[&capture(USERS)]);
    running.wait_for("Status: 1");
    let lines = |screen: &str| {
        let lines = screen.lines().map(|line| line.trim_end().to_owned());
        lines.collect::<Vec<_>>()
    };
    let before = lines(&running.screen());
    for (rows, columns) in [(1, 1), (50, 200), (8, 40), (2, 300), (24, 80)] {
        running.resize(rows, columns);
        std::thread::sleep(Duration::from_millis(150));
    }
    // What was drawn for other sizes stands in what was written before.
    running.press("\u{c}");
    running.wait_until("as it was", |screen| lines(screen) == before);
    running.press("q");
    assert_eq!(running.ended(), Some(0));
}

#[test]
fn a_screen_on_which_nothing_changes_is_written_once() {
    let running = Running::start(&[&capture(USERS)]);
    running.wait_for("16 exchanges");
    let deadline = Instant::now() + PATIENCE;
    let mut written = 0;
    // The last of what was worked out may be on its way. Ten looks for something to happen fit between two of these.
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = running.terminal.screen().len();
        if now == written {
            break;
        }
        written = now;
        assert!(Instant::now() < deadline, "{written} bytes and more");
    }
}

#[test]
fn without_colours_nothing_is_coloured() {
    let variables = [("NO_COLOR", "1")];
    let mut running = Running::start_with(&[&capture("password-guessing.pcap")], &variables);
    running.wait_for("wrong password");
    let parser = running.parsed();
    let mut marked = 0;
    for row in 0..24 {
        for column in 0..80 {
            let cell = parser.screen().cell(row, column).expect("a cell");
            let colors = [cell.fgcolor(), cell.bgcolor()];
            assert_eq!(colors, [vt100::Color::Default; 2], "{row} {column}");
            marked += usize::from(cell.inverse());
        }
    }
    assert!(marked >= 80, "the chosen row can be told");
    running.press("q");
    assert_eq!(running.ended(), Some(0));
    let mut running = Running::start_with(&[&capture(USERS)], &[("TERM", "dumb")]);
    assert_eq!(running.ended(), Some(2));
    running.terminal.wait_for("\"dumb\"");
    let said = running.terminal.screen();
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[test]
fn what_cannot_be_shown_is_said_before_the_screen_is_taken() {
    let done = authscope(&["tui", &capture(USERS)]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("needs a terminal"), "{}", done.stderr);
    let mut running = Running::start(&["nowhere.pcap"]);
    assert_eq!(running.ended(), Some(2));
    running.terminal.wait_for("nowhere.pcap");
    let said = running.terminal.screen();
    assert!(
        said.contains("nowhere.pcap") && !said.contains("\u{1b}[?1049h"),
        "{said}"
    );
}

#[test]
fn a_compressed_capture_is_spooled_and_browsed() {
    let mut running = Running::start(&[&capture("gzip.pcap.gz")]);
    running.wait_for("spooled");
    running.press("v");
    running.wait_for("Details of frame");
    running.press("\u{3}");
    assert_eq!(running.ended(), Some(0));
}
