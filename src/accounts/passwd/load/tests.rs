use std::io::Write;

use super::*;

const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn load_text(text: impl AsRef<[u8]>) -> Result<Loaded, PasswdError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_ref()).unwrap();
    load(&file, Path::new("passwd"), &mut |_| {}, &mut Err)
}

fn users(names: &[&str]) -> String {
    names
        .iter()
        .flat_map(|name| [*name, ":", HEX, "\n"])
        .collect()
}

/// `text` and a commit line that covers it from `start` on.
fn committed(text: &str, start: usize) -> String {
    let crc = crc32fast::hash(&text.as_bytes()[start..]);
    format!("{text}:c {start} {crc:08x}\n")
}

#[test]
fn every_user_is_found_at_its_line() {
    let loaded = load_text(users(&["alice", "bob"])).unwrap();
    assert_eq!(loaded.index.len(), 2);
    assert_eq!(loaded.index.candidates("bob")[..], [6 + 64 + 1]);
    assert_eq!((loaded.torn.as_ref(), loaded.unended), (None, None));
    assert!(!loaded.is_worth_compacting());
    assert_eq!(loaded.uncommitted.start, 0, "it has no commit line");
}

#[test]
fn lines_that_commit_lines_cover_need_nothing_done() {
    let first = committed(&users(&["alice", "bob"]), 0);
    let both = committed(&(first.clone() + &users(&["carol"])), first.len());
    for text in [&first, &both] {
        let loaded = load_text(text).unwrap();
        assert!(!loaded.edited, "{text}");
        assert_eq!(loaded.uncommitted.start, text.len() as u64);
    }
    assert!(!load_text(&first).unwrap().is_worth_compacting());
}

#[test]
fn a_commit_line_may_cover_what_an_earlier_one_does_not() {
    let edited = committed(&users(&["alice", "bob"]), 0).replace("bob", "rob");
    let loaded = load_text(&edited).unwrap();
    assert!(loaded.edited);
    assert_eq!((loaded.index.len(), loaded.uncommitted.start), (2, 0));
    let local = committed(&(edited.clone() + &users(&["carol"])), edited.len());
    assert!(load_text(&local).unwrap().edited);
    let whole = committed(&(local + &users(&["dave"])), 0);
    let loaded = load_text(&whole).unwrap();
    assert!(!loaded.edited);
    assert_eq!(loaded.index.len(), 4);
}

#[test]
fn a_replacement_counts_and_the_line_before_does_not() {
    let text = users(&["alice", "bob"]) + &format!(":replace:alice:{HEX}\n");
    let loaded = load_text(committed(&text, 0)).unwrap();
    assert_eq!((loaded.index.len(), loaded.replaced), (2, 1));
    let place = users(&["alice", "bob"]).len() + ":replace:".len();
    assert_eq!(loaded.index.candidates("alice")[..], [place as u64]);
    // Somebody removed the user and overlooked the replacement.
    let loaded = load_text(format!(":replace:alice:{HEX}\n")).unwrap();
    assert_eq!((loaded.index.len(), loaded.unused), (0, 1));
}

#[test]
fn a_bad_line_is_named_by_its_number() {
    let text = users(&["alice"]) + "bob\n" + &users(&["carol"]);
    let error = load_text(text).err().unwrap().to_string();
    assert!(
        error.contains("\"passwd\": line 2: there is no ':'"),
        "{error}"
    );
}

#[test]
fn a_long_line_is_refused_or_torn() {
    let long = "x".repeat(3 << 20);
    let error = load_text(users(&["a"]) + &long + "\n").err().unwrap();
    let PasswdError::BadLine { line, reason, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((line, reason), (2, LineError::TooLong));
    let torn = load_text(users(&["a"]) + &long).unwrap().torn.unwrap();
    assert_eq!((torn.line, torn.octets), (2, long.len() as u64));
}

#[test]
fn a_name_twice_is_refused_with_both_lines() {
    let error = load_text(users(&["alice", "bob", "alice"])).err().unwrap();
    assert!(
        matches!(&error, PasswdError::Duplicate { line: 3, first: 1, name, .. } if name == "alice"),
        "{error}"
    );
}

#[test]
fn a_torn_line_is_told_from_a_whole_one() {
    let argon =
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let whole = format!("bob:{argon}");
    let before = users(&["alice"]);
    for cut in 1..whole.len() {
        let loaded = load_text(before.clone() + &whole[..cut]).unwrap();
        let torn = loaded.torn.unwrap();
        assert_eq!((torn.line, torn.octets), (2, cut as u64));
        assert_eq!(torn.name.is_some(), cut > 3, "{cut}");
        assert_eq!(loaded.len, before.len() as u64);
    }
    let loaded = load_text(before + &whole).unwrap();
    assert_eq!((loaded.torn, loaded.unended), (None, Some(2)));
    assert_eq!(loaded.index.len(), 2);
}

#[test]
fn blocks_that_did_not_reach_the_disk_are_torn_only_at_the_end() {
    let before = committed(&users(&["alice"]), 0);
    let batch = committed(
        &(before.clone() + &users(&["bob", "carol", "dave"])),
        before.len(),
    );
    let mut lost = batch.clone().into_bytes();
    lost[before.len() + 75..][..40].fill(0);
    let loaded = load_text(&lost).unwrap();
    assert_eq!(loaded.index.len(), 2, "alice and bob");
    let torn = loaded.torn.unwrap();
    assert_eq!((torn.line, torn.lines), (4, 3));
    // With another batch behind it, it was on disk once.
    let mut text = batch.clone() + &users(&["eve"]);
    text = committed(&text, batch.len());
    let mut lost = text.into_bytes();
    lost[before.len() + 75..][..40].fill(0);
    let error = load_text(&lost).err().unwrap();
    assert!(
        matches!(error, PasswdError::BadLine { line: 4, .. }),
        "{error}"
    );
}

#[test]
fn a_replacement_of_the_earlier_format_counts() {
    let text = format!("bob:{HEX}\n:=bob:{HEX}\n:\n");
    let loaded = load_text(text).unwrap();
    let new = (4 + 64 + 1) + 2;
    assert_eq!(loaded.index.candidates("bob")[..], [new]);
    assert_eq!(
        (loaded.index.len(), loaded.pending, loaded.unused),
        (1, 1, 1)
    );
    // Put in place, and the machine stopped before it was on disk that the old line is dead.
    let loaded = load_text(format!("bob:{HEX}\n:\nbob:{HEX}\n")).unwrap();
    assert_eq!((loaded.index.len(), loaded.replaced), (1, 1));
}

#[test]
fn what_may_be_left_of_anothers_line_is_ambiguous() {
    for other in ["x=bob", "!=bob"] {
        let text = format!(":=bob:{HEX}\n{other}:{HEX}\n");
        let error = load_text(text).err().unwrap();
        let PasswdError::BadLine {
            line: 1, reason, ..
        } = error
        else {
            panic!("{error}");
        };
        let (name, other) = ("bob".into(), other.into());
        assert_eq!(reason, LineError::Ambiguous { name, other });
    }
    // Also where the line of `bob` comes later.
    let text = format!(":=bob:{HEX}\nbob:{HEX}\nx=bob:{HEX}\n");
    let error = load_text(text).err().unwrap();
    assert!(matches!(
        error,
        PasswdError::BadLine {
            line: 1,
            reason: LineError::Ambiguous { .. },
            ..
        }
    ));
    let error = load_text(format!(":=bob:{HEX}\nbob:{HEX}\n"))
        .err()
        .unwrap();
    assert!(
        matches!(
            error,
            PasswdError::Duplicate {
                line: 2,
                first: 1,
                ..
            }
        ),
        "{error}"
    );
    for other in ["xx=bob", "=bob", "x=bobby", "\u{e9}=bob"] {
        let text = format!(":=bob:{HEX}\n{other}:{HEX}\n");
        assert_eq!(load_text(text).unwrap().index.len(), 2, "{other}");
    }
    // Whoever registers later cannot make a line ambiguous.
    let text = committed(&format!(":=bob:{HEX}\n"), 0) + &users(&["x=bob"]);
    assert_eq!(load_text(text).unwrap().index.len(), 2);
}
