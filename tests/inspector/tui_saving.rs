//! Files saved in the terminal interface are those that the commands save, with everything that the original had.

use std::path::Path;

use crate::inspector::{authscope, capture, captures};
use crate::screens::Screen;

/// Saves all that an open interface has to a file of this name; `keys` choose as what, from the line with the name on.
fn saved(screen: &mut Screen, path: &Path, keys: &str) {
    screen.press("w");
    if !keys.is_empty() {
        screen.press(keys);
    }
    screen.press("ctrl-u").write(&path.to_string_lossy());
    screen.press("enter");
    let said = screen.state.status.as_ref().expect("something is said");
    assert!(!said.wrong && said.text.starts_with("saved"), "{said:?}");
}

/// In the dialog: everything, and back to the name.
const ALL: &str = "up up up left down down down";

#[test]
fn a_saved_capture_has_everything_that_the_command_keeps() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut blocks = 0;
    // All that can hold more than frames, and some of the others.
    let is_pcapng = |name: &str| name.contains("pcapng");
    let all = captures().into_iter().enumerate();
    let some = all.filter(|(at, name)| is_pcapng(name) || at % 16 == 0);
    for (_, name) in some {
        let original = capture(&name);
        for redacted in [true, false] {
            let (ours, theirs) = (path("ours"), path("theirs"));
            let theirs_path = theirs.to_string_lossy().into_owned();
            let mut arguments = vec!["read", "-q", &original, "-w", &theirs_path];
            if redacted {
                arguments.push("--redact");
            }
            // A damaged one becomes no whole capture.
            if authscope(&arguments).code != 0 || !theirs.exists() {
                continue;
            }
            let mut screen = Screen::open(&[&original], (80, 24));
            let keys = if redacted {
                ALL.to_owned()
            } else {
                format!("{ALL} up right down")
            };
            saved(&mut screen, &ours, &keys);
            let read = |path: &Path| std::fs::read(path).expect("a capture");
            assert!(read(&ours) == read(&theirs), "{name}, redacted: {redacted}");
            blocks += usize::from(!redacted && is_pcapng(&name));
            for path in [ours, theirs] {
                std::fs::remove_file(path).expect("it was there");
            }
        }
    }
    assert!(blocks > 5, "{blocks}");
}

#[test]
fn saved_rows_are_those_of_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let original = capture("recorded-several-users.pcapng");
    for (form, turns) in [("text", "right"), ("jsonl", "right right")] {
        let mut screen = Screen::open(&[&original], (80, 24));
        let path = folder.path().join(form);
        let keys = format!("up up {turns} up left down down down");
        saved(&mut screen, &path, &keys);
        let done = authscope(&["read", "--exchanges", "-T", form, &original]);
        let ours = std::fs::read_to_string(path).expect("rows");
        assert_eq!(ours, done.stdout, "{form}");
    }
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let mut screen = Screen::open(&[&capture("recorded-several-users.pcapng")], (80, 24));
    for turns in ["", "up up right down down", "up up right right down down"] {
        screen.press("w");
        if !turns.is_empty() {
            screen.press(turns);
        }
        screen.press("ctrl-u").write("/dev/full");
        // What stands there is asked about first.
        screen.press("enter").press("enter");
        let said = screen.state.status.take().expect("something is said");
        assert!(
            said.wrong && said.text.contains("o space left"),
            "{turns}: {said:?}"
        );
        screen.state.dialog = None;
    }
}
