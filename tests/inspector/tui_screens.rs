//! The screens of the terminal interface are those that were reviewed: every view and dialog as text and as style, at
//! three sizes.

use authscope::capture::ReadOptions;
use authscope::output::Charset;
use authscope::synth::load::Load;
use authscope::tui::keys::Pane;
use authscope::tui::state::{Live, Mouse};
use authscope::tui::work::Looks;

use crate::inspector::{authscope, capture, captures};
use crate::screens::Screen;

/// Small, what terminals begin with, and large.
const SIZES: [(u16, u16); 3] = [(60, 16), (80, 24), (160, 50)];

const USERS: &str = "recorded-several-users.pcapng";

/// What is done to come to a screen.
struct Scene {
    name: &'static str,
    captures: &'static [&'static str],
    prepare: fn(&mut Screen),
}

const fn scene(name: &'static str, prepare: fn(&mut Screen)) -> Scene {
    Scene {
        name,
        captures: &[USERS],
        prepare,
    }
}

const SCENES: &[Scene] = &[
    scene("exchanges", |_| ()),
    scene("exchanges-marked", |screen| {
        screen.press("space down space A A space");
    }),
    scene("failed", |screen| {
        screen.press("2");
    }),
    scene("sorted", |screen| {
        screen.press("o down down down enter");
    }),
    scene("columns-dialog", |screen| {
        screen.press("c down down space right");
    }),
    scene("columns-chosen", |screen| {
        screen.state.settings.path = None;
        screen.press("c down down down space down right enter");
    }),
    scene("frames-columns-dialog", |screen| {
        screen.press("v c down down down down down down space right down space");
    }),
    scene("frames-columns-chosen", |screen| {
        // How long after the one above behind the time, and the connection.
        screen.press("v c down down down down down down space left left left left");
        screen.press("down down space enter");
        screen.press("c down down down down down down down down down down space enter G");
    }),
    scene("sort-dialog", |screen| {
        screen.press("o down down");
    }),
    scene("filter-error", |screen| {
        screen
            .press("/")
            .write("reglogin.status == 0 and reglogin.uzer == 1");
    }),
    scene("filter-completion", |screen| {
        screen.press("/").write("reglogin.st").press("tab");
    }),
    scene("filter-values", |screen| {
        screen
            .press("/")
            .write("reglogin.user == \"")
            .press("tab tab");
    }),
    scene("filtered", |screen| {
        screen
            .press("/")
            .write("reglogin.status == 0")
            .press("enter");
    }),
    scene("filtered-to-nothing", |screen| {
        screen.press("/").write("tcp.port == 1").press("enter");
    }),
    scene("help", |screen| {
        screen.press("?");
    }),
    scene("help-searched", |screen| {
        screen.press("?").write("mark");
    }),
    scene("help-elsewhere", |screen| {
        screen.press("s ?").write("mark");
    }),
    scene("go-to", |screen| {
        screen.press(":").write("12");
    }),
    scene("save-dialog", |screen| {
        screen.press("space w up up right");
    }),
    scene("passwords-asked", |screen| {
        screen.press("p");
    }),
    scene("passwords-shown", |screen| {
        screen.press("p y");
    }),
    scene("times", |screen| {
        screen.press("t t t");
    }),
    scene("times-between", |screen| {
        screen.press("t v G");
    }),
    scene("elsewhere", |screen| {
        screen.press("s c");
    }),
    scene("frames", |screen| {
        screen.press("v");
    }),
    scene("frames-field", |screen| {
        screen.press("v tab down down down down down");
    }),
    scene("frames-byte", |screen| {
        screen.press("v tab tab right right down");
    }),
    scene("frames-folded", |screen| {
        screen.press("v tab left");
    }),
    scene("flow", |screen| {
        screen.press("enter");
    }),
    scene("flow-of-several", |screen| {
        screen.press("space space space L down down");
    }),
    scene("follow", |screen| {
        screen.press("f");
    }),
    scene("follow-bytes", |screen| {
        screen.press("f f down");
    }),
    scene("statistics", |screen| {
        screen.press("s");
    }),
    Scene {
        name: "findings",
        captures: &["password-guessing.pcap"],
        prepare: |screen| {
            screen.press("s");
        },
    },
    scene("explain", |screen| {
        screen.press("e");
    }),
    scene("difference", |screen| {
        screen.press("space space d");
    }),
    scene("difference-refused", |screen| {
        screen.press("space d");
    }),
    Scene {
        name: "nothing",
        captures: &["http-on-port-8888.pcap"],
        prepare: |_| (),
    },
    Scene {
        name: "live-without-exchanges",
        captures: &["http-on-port-8888.pcap"],
        prepare: |screen| {
            screen.state.progress.live = Some(Live::default());
        },
    },
    Scene {
        name: "noted",
        captures: &["lab-report.pcap"],
        prepare: |screen| {
            screen.press("3");
        },
    },
    Scene {
        name: "hostile",
        captures: &["wrong-text-control-characters.pcap"],
        prepare: |screen| {
            screen.press("v");
        },
    },
    Scene {
        name: "long-notes",
        captures: &["filled-with-zero-digits.pcap"],
        prepare: |screen| {
            screen.press("v tab down down down down down");
        },
    },
    Scene {
        name: "wide-characters",
        captures: &["full-fields-utf8.pcap"],
        prepare: |_| (),
    },
    Scene {
        name: "bidirectional",
        captures: &["wrong-text-bidirectional.pcap"],
        prepare: |_| (),
    },
    scene("ascii", |screen| {
        screen.state.charset = Charset::Ascii;
        screen.press("enter");
    }),
    scene("monochrome", |screen| {
        screen.state.settings.theme.colored = false;
    }),
];

fn paths(scene: &Scene) -> Vec<String> {
    scene.captures.iter().map(|name| capture(name)).collect()
}

#[test]
fn every_screen_is_as_it_was_reviewed() {
    let mut differ = Vec::new();
    let scenes = SCENES
        .iter()
        .filter(|scene| std::path::Path::new(&paths(scene)[0]).exists() || scene.name != "hostile");
    for scene in scenes {
        let paths = paths(scene);
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        for size in SIZES {
            let mut screen = Screen::open(&paths, size);
            (scene.prepare)(&mut screen);
            let name = format!("{}-{}x{}", scene.name, size.0, size.1);
            let shown = screen.shown();
            let same = std::panic::catch_unwind(|| insta::assert_snapshot!(name.as_str(), shown));
            differ.extend(same.is_err().then_some(name));
        }
    }
    assert!(differ.is_empty(), "these look differently: {differ:?}");
}

#[test]
fn no_capture_puts_anything_on_the_screen_that_a_terminal_obeys() {
    for name in captures() {
        let path = capture(&name);
        // Damaged ones too, as far as they can be read.
        let Ok(()) = authscope::capture::open_all(&[&path], ReadOptions::default()).map(drop)
        else {
            continue;
        };
        let mut screen = Screen::open(&[&path], (100, 30));
        for keys in ["enter", "q v", "tab", "q e", "q f", "f", "q s"] {
            if screen.state.views.len() == 1 && keys.starts_with('q') {
                screen.press(&keys[2..]);
            } else {
                screen.press(keys);
            }
            if screen.state.ends {
                screen.state.ends = false;
            }
            let text = screen.text();
            let harmful = text
                .chars()
                .find(|one| *one != '\n' && authscope::text::escape::is_harmful(*one));
            assert_eq!(harmful, None, "{name}: {text}");
        }
    }
}

#[test]
fn rows_of_frames_say_what_read_says() {
    for name in captures() {
        let path = capture(&name);
        if authscope::capture::open_all(&[&path], ReadOptions::default()).is_err() {
            continue;
        }
        let done = authscope(&["read", "--frames", "-T", "text", "-t", "relative", &path]);
        let mut screen = Screen::open(&[&path], (200, 200));
        screen.press("v");
        let rows: Vec<_> = screen
            .state
            .frames
            .seen()
            .filter_map(|frame| screen.state.frame_rows.get(&frame))
            .collect();
        for row in rows {
            // What is told late is not in the row of a frame.
            let info = row.info.split(" [").next().unwrap_or_default();
            let number = row.number.to_string();
            let of_frame = |line: &&str| line.split_whitespace().next() == Some(&number);
            let found = done
                .stdout
                .lines()
                .filter(of_frame)
                .any(|line| line.contains(info));
            assert!(found, "{name}: frame {number}: {info}\n{}", done.stdout);
        }
    }
}

#[test]
fn passwords_are_nowhere_until_they_are_asked_for() {
    let path = capture(USERS);
    let mut screen = Screen::open(&[&path], (160, 50));
    let read = authscope(&["read", "-T", "jsonl", "--show-passwords", &path]);
    let passwords: Vec<String> = read
        .stdout
        .lines()
        .filter_map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(row.get("password")?.as_str()?.to_owned())
        })
        .collect();
    assert!(!passwords.is_empty());
    let seen = |screen: &Screen| {
        passwords
            .iter()
            .any(|password| screen.text().contains(password.as_str()))
    };
    for keys in ["1", "v", "tab", "q q f", "f", "q e", "q enter"] {
        screen.press(keys);
        assert!(!seen(&screen), "{keys}: {}", screen.text());
    }
    screen.press("q q");
    screen.state.ends = false;
    screen.press("p y v");
    assert!(seen(&screen), "{}", screen.text());
    screen.press("p");
    assert!(!seen(&screen), "{}", screen.text());
}

#[test]
fn the_mouse_chooses_scrolls_and_moves_borders() {
    let path = capture(USERS);
    let mut screen = Screen::open(&[&path], (80, 24));
    screen.mouse(Mouse::Press, (10, 4));
    assert_eq!(screen.state.exchanges.at, 2);
    screen.mouse(Mouse::Wheel(1), (10, 4));
    assert_eq!(screen.state.exchanges.at, 5);
    let border = authscope::tui::layout::exchanges(&screen.state)
        .preview
        .expect("a lower part")
        .y;
    screen
        .mouse(Mouse::Press, (10, border))
        .mouse(Mouse::Drag, (10, border + 4))
        .mouse(Mouse::Release, (10, border + 4));
    assert_eq!(
        authscope::tui::layout::exchanges(&screen.state)
            .preview
            .expect("a lower part")
            .y,
        border + 4
    );
    // A title sorts, and turns the order round when it is clicked again.
    let user = |screen: &Screen| screen.state.exchange_rows[0].1.user.clone();
    for first in ["alice", "heidi"] {
        screen.mouse(Mouse::Press, (22, 1));
        screen.press("g");
        assert_eq!(user(&screen).as_deref(), Some(first), "{}", screen.text());
    }
    screen.press("o enter");
    let mut wide = Screen::open(&[&path], (160, 50));
    let near = |screen: &Screen| {
        let near = authscope::tui::layout::exchanges(&screen.state).preview;
        near.expect("a part at the right").x
    };
    let border = near(&wide);
    wide.mouse(Mouse::Press, (border, 20))
        .mouse(Mouse::Drag, (border - 10, 22))
        .mouse(Mouse::Release, (border - 10, 22))
        .mouse(Mouse::Drag, (border - 20, 22));
    assert_eq!(near(&wide), border - 10);
    screen.press("v");
    let bytes = authscope::tui::layout::frames(&screen.state).bytes;
    screen.mouse(Mouse::Press, (bytes.x + 6, bytes.y + 1));
    let line = authscope::tui::view::frames::visible(&screen.state)[screen.state.tree.at].clone();
    let (_, range) = line.bytes.expect("bytes");
    assert!(range.contains(&screen.state.byte.1), "{}", line.text);
}

#[test]
fn lines_of_details_that_take_several_rows_are_chosen_by_any_of_them() {
    let mut screen = Screen::open(&[&capture("filled-with-zero-digits.pcap")], (80, 24));
    screen.press("v tab G");
    let text = screen.text();
    let rows: Vec<&str> = text.lines().collect();
    let end = rows.iter().rposition(|row| row.contains("30 bytes]"));
    let end = end.expect("its last row");
    let lines = authscope::tui::view::frames::visible(&screen.state);
    let last = lines.len() - 1;
    let begins = &lines[last].text[..20];
    let begin = rows.iter().rposition(|row| row.contains(begins));
    let begin = begin.expect("its first row");
    assert!(begin < end, "{text}");
    for row in begin..=end {
        screen.press("up");
        assert_ne!(screen.state.tree.at, last);
        screen.mouse(Mouse::Press, (12, u16::try_from(row).expect("a row")));
        assert_eq!(screen.state.tree.at, last, "{row}: {text}");
    }
}

#[test]
fn the_footer_names_the_difference_of_two_marked_rows() {
    let path = capture(USERS);
    for (size, opening) in [
        ((40, 8), ""),
        ((80, 24), ""),
        ((40, 8), "v"),
        ((160, 50), "v"),
    ] {
        let mut screen = Screen::open(&[&path], size);
        if !opening.is_empty() {
            screen.press(opening);
        }
        screen.press("space space");
        let text = screen.text();
        let footer = text.lines().last().expect("a footer");
        assert!(footer.contains("d diff of the two"), "{size:?}: {footer}");
        assert!(footer.contains("q "), "{size:?}: {footer}");
    }
}

#[test]
fn left_and_right_go_about_in_the_details_as_in_a_tree() {
    let mut screen = Screen::open(&[&capture(USERS)], (80, 24));
    screen.press("v tab");
    let line = |screen: &Screen| {
        authscope::tui::view::frames::visible(&screen.state)[screen.state.tree.at].clone()
    };
    let message = line(&screen);
    assert_eq!((message.depth, message.has_children), (0, true));
    screen.press("right");
    assert_eq!(line(&screen).depth, 1);
    screen.press("down left");
    assert_eq!(line(&screen), message);
    screen.press("left");
    assert!(screen.state.folded.contains(&message.path));
    // What stands above fills the rows that were its own.
    assert!(screen.text().contains("Flags: 0x018"), "{}", screen.text());
    screen.press("left");
    assert_eq!(line(&screen), message);
    screen.press("right right");
    assert_eq!(line(&screen).depth, 1);
}

#[test]
fn times_between_rows_are_those_to_the_row_above() {
    let path = capture(USERS);
    let mut tall = Screen::open(&[&path], (80, 900));
    tall.press("t v");
    let mut low = Screen::open(&[&path], (80, 24));
    low.press("t v G");
    let of = |screen: &Screen| {
        let text = screen.text();
        let is_row = |line: &&str| {
            let begins = line.trim_start_matches(['>', ' ']);
            begins.starts_with(|one: char| one.is_ascii_digit()) && line.contains(" 127.0.0.1 ")
        };
        let rows = text.lines().filter(is_row);
        let rows = rows.map(|row| row.chars().skip(2).take(28).collect::<String>());
        rows.collect::<Vec<_>>()
    };
    let (all, last) = (of(&tall), of(&low));
    assert!(all[0].contains("1 0.000000000"), "{all:?}");
    assert!(!last.is_empty() && all.ends_with(&last), "{last:?}");
}

#[test]
fn a_followed_connection_has_the_times_of_the_lists() {
    let mut screen = Screen::open(&[&capture(USERS)], (80, 24));
    screen.press("down down");
    let (_, entry) = screen.state.exchange_rows[2].clone();
    assert!(
        screen.text().contains(" 0.045167011 carol"),
        "{}",
        screen.text()
    );
    screen.press("f");
    let [request, _] = entry.frames.map(|frame| frame.expect("a frame"));
    let expected = format!("at 0.045167011, frame {request}:");
    assert!(screen.text().contains(&expected), "{}", screen.text());
}

#[test]
fn enter_on_a_finding_goes_to_its_frames() {
    let mut screen = Screen::open(&[&capture("password-guessing.pcap")], (80, 24));
    screen.press("s");
    let statistics = screen.state.statistics.ready().expect("statistics");
    let (_, _, frames) = statistics.findings.first().expect("a finding").clone();
    screen.press("enter");
    assert_eq!(screen.state.pane(), Pane::Frames);
    assert_eq!(screen.state.frames.chosen(), frames.first().copied());
}

#[test]
fn deep_in_a_long_connection_neighbours_come_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder
        .path()
        .join("long.pcap")
        .to_string_lossy()
        .into_owned();
    let load = Load {
        frames: 20_000,
        connections: 1,
        ..Load::default()
    };
    let file = std::fs::File::create(&path).expect("a capture");
    load.write(file).expect("a capture");
    let deep = |frame: &str| {
        let mut screen = Screen::open(&[&path], (80, 24));
        screen.press("v :").write(frame).press("enter");
        screen
    };
    let detail = |screen: &Screen| screen.state.detail.ready().expect("details").clone();
    let mut one = deep("15000");
    assert_eq!(detail(&one).frame, 15_000);
    let kept = one
        .nearby
        .detail(15_001, Looks::default())
        .expect("a neighbour");
    assert!(one.state.frame_rows.contains_key(&15_400));
    one.press("down");
    let other = deep("15001");
    for found in [&kept, detail(&one).as_ref()] {
        assert_eq!(found, detail(&other).as_ref());
    }
    // What is shown otherwise is worked out anew.
    one.press("p y");
    assert!(one.nearby.detail(15_001, Looks::default()).is_none());
}
