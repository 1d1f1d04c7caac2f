//! Keys and records in, states and commands out.

use super::*;
use crate::capture::Timestamp;
use crate::packet::Endpoint;
use crate::tui::answer::Subject;
use crate::tui::recording::{ExchangeEntry, Numbers, Result as Outcome};
use crate::tui::shown::Shown;

fn entry(stream: u32) -> ExchangeEntry {
    let end = |address: [u8; 4], port| Endpoint {
        address: address.into(),
        port,
    };
    ExchangeEntry {
        time: Timestamp(0),
        elapsed: None,
        completed: 1,
        frames: [Some(1), Some(2)],
        stream,
        ends: [end([192, 0, 2, 1], 5000), end([192, 0, 2, 2], 8888)],
        user: None,
        action: "login",
        result: Outcome::Ok,
        description: None,
        note: None,
    }
}

/// A state with this many exchanges, whose rows are there.
fn state(exchanges: u64) -> State {
    let mut state = State {
        size: (80, 24),
        views: vec![Pane::Exchanges],
        ..State::default()
    };
    update(&mut state, Event::ShowExchanges(Shown::All(0..exchanges)));
    update(&mut state, Event::ShowFrames(Shown::All(1..exchanges * 4)));
    state.exchange_rows = (0..exchanges)
        .map(|number| (number, entry(u32::try_from(number).expect("few"))))
        .collect();
    state
}

fn press(state: &mut State, keys: &str) -> Vec<Command> {
    let keys = keys.split(' ').map(|key| Key::parse(key).expect("a key"));
    keys.flat_map(|key| update(state, Event::Key(key)))
        .collect()
}

#[test]
fn moving_asks_for_what_is_seen_next() {
    let mut state = state(100);
    assert_eq!(
        press(&mut state, "down j"),
        [
            Command::Ask(Question::Preview(1)),
            Command::Ask(Question::Preview(2))
        ]
    );
    press(&mut state, "G");
    assert_eq!(state.exchanges.chosen(), Some(99));
    press(&mut state, "ctrl-u k");
    assert!(state.exchanges.at < 98);
    press(&mut state, "g");
    assert_eq!(state.exchanges.at, 0);
}

#[test]
fn rows_that_are_being_worked_out_are_not_asked_for_again() {
    let mut state = state(100);
    let asks_for_rows = |commands: Vec<Command>| {
        let mut commands = commands.into_iter();
        commands.any(|one| matches!(one, Command::Ask(Question::Rows(_))))
    };
    assert!(asks_for_rows(press(&mut state, "v")));
    // Time passes.
    let kept = Event::Frames(Numbers::default(), 1..400);
    assert!(!asks_for_rows(update(&mut state, kept)));
    assert!(asks_for_rows(press(&mut state, "G")));
}

#[test]
fn marked_conversations_share_one_flow() {
    let mut state = state(10);
    press(&mut state, "space down space");
    let asked = press(&mut state, "enter");
    assert!(
        asked.contains(&Command::Ask(Question::Flow(vec![0, 2]))),
        "{asked:?}"
    );
    assert_eq!(state.pane(), Pane::Ladder);
    press(&mut state, "q");
    assert_eq!(state.pane(), Pane::Exchanges);
}

#[test]
fn two_are_compared_and_not_one() {
    let mut state = state(10);
    press(&mut state, "space");
    assert!(press(&mut state, "d").is_empty());
    assert!(state.status.is_some());
    press(&mut state, "space");
    let subjects = [Subject::Exchange(0), Subject::Exchange(1)];
    assert_eq!(
        press(&mut state, "d"),
        [Command::Ask(Question::Difference(subjects))]
    );
}

#[test]
fn a_wrong_filter_stays_open_and_a_right_one_is_used() {
    let mut state = state(10);
    press(&mut state, "/");
    update(&mut state, Event::Paste("tcp.prt == 1".to_owned()));
    assert!(press(&mut state, "enter").is_empty());
    assert!(matches!(&state.dialog, Some(Dialog::Filter(filter)) if filter.error.is_some()));
    press(&mut state, "ctrl-u");
    update(&mut state, Event::Paste("tcp.port == 1".to_owned()));
    let commands = press(&mut state, "enter");
    assert!(
        commands.contains(&Command::Filter(Some("tcp.port == 1".to_owned()))),
        "{commands:?}"
    );
    // It still works: Esc gives it up, and in the first view ends nothing.
    assert_eq!(press(&mut state, "esc"), [Command::Filter(None)]);
    press(&mut state, "esc");
    assert!(!state.ends);
    press(&mut state, "q");
    assert!(state.ends);
}

#[test]
fn passwords_are_shown_after_yes_only() {
    let mut state = state(10);
    press(&mut state, "p n");
    assert!(!state.shows_passwords);
    press(&mut state, "p y");
    assert!(state.shows_passwords);
    press(&mut state, "p");
    assert!(!state.shows_passwords);
}

#[test]
fn the_newest_is_followed_until_one_moves() {
    let mut state = state(10);
    state.exchanges.newest();
    update(&mut state, Event::Exchanges(Numbers::default(), 0..20));
    assert_eq!(state.exchanges.chosen(), Some(19));
    press(&mut state, "k");
    update(&mut state, Event::Exchanges(Numbers::default(), 0..30));
    assert_eq!(state.exchanges.chosen(), Some(18));
    press(&mut state, "F");
    assert_eq!(state.exchanges.chosen(), Some(29));
    // What is let go takes its mark with it.
    press(&mut state, "g space");
    assert_eq!(state.marked.len(), 1);
    update(&mut state, Event::Exchanges(Numbers::default(), 5..40));
    assert!(state.marked.is_empty() && state.marked_streams.is_empty());
}

#[test]
fn a_frame_is_gone_to_by_its_number() {
    let mut state = state(10);
    press(&mut state, ":");
    update(&mut state, Event::Paste("17".to_owned()));
    let asked = press(&mut state, "enter");
    assert_eq!(
        (state.pane(), state.frames.chosen()),
        (Pane::Frames, Some(17))
    );
    assert!(
        asked.contains(&Command::Ask(Question::Frame(17))),
        "{asked:?}"
    );
    press(&mut state, ": 9 9 9 enter");
    assert_eq!(state.frames.chosen(), Some(39));
    assert!(state.status.as_ref().is_some_and(|said| said.wrong));
}

#[test]
fn any_keys_at_any_size_leave_a_screen_that_can_be_drawn() {
    use proptest::prelude::*;
    let all: Vec<Key> = crate::tui::keys::TABLE
        .iter()
        .flat_map(|binding| binding.keys.iter().filter_map(|key| Key::parse(key)))
        .collect();
    let count = all.len();
    proptest!(|(picks in proptest::collection::vec(0..count, 0..40), columns in 1u16..200, rows in 1u16..60)| {
        let mut state = state(30);
        update(&mut state, Event::Resize(columns, rows));
        for pick in picks {
            update(&mut state, Event::Key(all[pick]));
            let area = ratatui::layout::Rect::new(0, 0, columns, rows);
            let mut buffer = ratatui::buffer::Buffer::empty(area);
            crate::tui::view::draw(&mut buffer, &state);
        }
    });
}

#[test]
fn a_key_that_works_elsewhere_says_where() {
    for pane in Pane::ALL {
        for binding in keys::TABLE {
            let mut state = state(10);
            state.views.push(pane);
            press(&mut state, binding.keys[0]);
            let said = state.status.as_ref().map_or("", |said| said.text.as_str());
            let is_elsewhere = said.contains(" works in ");
            assert_eq!(is_elsewhere, !binding.is_of(pane), "{pane:?}: {said}");
            assert!(!is_elsewhere || state.pane() == pane && state.dialog.is_none());
        }
    }
    let mut state = state(10);
    press(&mut state, "s c");
    let said = state.status.expect("something").text;
    let expected = "c works in Exchanges and Frames: choose columns and their order";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn columns_are_chosen_for_the_list_in_front() {
    for (open, pane) in [
        ("g", Pane::Exchanges),
        ("v", Pane::Frames),
        ("v tab", Pane::Frames),
    ] {
        let mut state = state(10);
        press(&mut state, open);
        press(&mut state, "c down right");
        let Some(Dialog::Columns(dialog)) = &state.dialog else {
            panic!("{open}: no dialog");
        };
        let shown = dialog.all.iter().filter(|one| one.shown);
        let names: Vec<&str> = shown.map(|one| one.name).collect();
        assert_eq!(press(&mut state, "enter"), [Command::SaveColumns(pane)]);
        for one in [Pane::Exchanges, Pane::Frames] {
            let chosen = state.settings.columns(one).expect("columns").chosen();
            let expected = if one == pane {
                names.clone()
            } else {
                Vec::new()
            };
            assert_eq!(chosen, expected, "{open}");
        }
    }
}
