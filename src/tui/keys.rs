//! The table of keys, from which the footer, the help and docs/tui.md are made. `tui.toml` changes it.

use std::fmt;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key, perhaps with Ctrl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key; letters are as they are typed.
    pub code: KeyCode,
    /// Whether Ctrl is held.
    pub ctrl: bool,
}

/// Names of keys that are not a character.
const NAMES: [(&str, KeyCode); 14] = [
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("space", KeyCode::Char(' ')),
    ("del", KeyCode::Delete),
];

impl Key {
    /// The key of an event.
    #[must_use]
    pub const fn of(event: KeyEvent) -> Self {
        Self {
            code: event.code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        }
    }

    /// Reads a key as `tui.toml` and the table name it: `j`, `ctrl-f`, `pgdn`, `f5`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (ctrl, name) = match text.strip_prefix("ctrl-") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let mut characters = name.chars();
        let code = match (characters.next()?, characters.next()) {
            (character, None) => KeyCode::Char(character),
            ('f' | 'F', Some('0'..='9')) => {
                let number = name[1..].parse().ok()?;
                (1..=12).contains(&number).then_some(KeyCode::F(number))?
            }
            _ => NAMES.iter().find(|(known, _)| *known == name)?.1,
        };
        Some(Self { code, ctrl })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(character) => write!(f, "{character}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            other => write!(f, "{other}"),
        }
    }
}

/// The views, each of which has keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// A row for each exchange.
    Exchanges,
    /// A row for each frame, its details and its bytes.
    Frames,
    /// Conversations as a sequence diagram.
    Ladder,
    /// A conversation as text.
    Follow,
    /// Counts and findings.
    Statistics,
    /// What messages are, beside what Wireshark says.
    Explain,
    /// Two messages side by side.
    Difference,
}

impl Pane {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Exchanges,
        Self::Frames,
        Self::Ladder,
        Self::Follow,
        Self::Statistics,
        Self::Explain,
        Self::Difference,
    ];

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exchanges => "Exchanges",
            Self::Frames => "Frames",
            Self::Ladder => "Flow",
            Self::Follow => "Follow",
            Self::Statistics => "Statistics",
            Self::Explain => "Explain",
            Self::Difference => "Difference",
        }
    }
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Its name in `tui.toml`.
    pub name: &'static str,
    /// Its keys, unless `tui.toml` says otherwise.
    pub keys: &'static [&'static str],
    /// Its word in the footer; empty if it is not shown there.
    pub word: &'static str,
    /// What it does, for people.
    pub meaning: &'static str,
    /// The views in which it works; empty means everywhere.
    pub panes: &'static [Pane],
}

use Pane::{Exchanges, Explain, Frames, Ladder, Statistics};

const LISTS: &[Pane] = &[Exchanges, Frames];
const EVERYWHERE: &[Pane] = &[];

/// Declares what keys do, a row each: the action, its name in `tui.toml`, its keys, its word in the footer, its meaning
/// and its views.
macro_rules! keys {
    ($($action:ident = $name:literal, $keys:expr, $word:literal, $meaning:literal, $panes:expr;)*) => {
        /// What a key does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $(
                #[doc = $meaning]
                $action,
            )*
        }

        /// All keys. Those that matter most in a view come first in its footer.
        pub const TABLE: &[Binding] = &[$(Binding {
            action: Action::$action,
            name: $name,
            keys: $keys,
            word: $word,
            meaning: $meaning,
            panes: $panes,
        }),*];
    };
}

keys! {
    Help = "help", &["?"], "help", "All keys of this view; type to search among them", EVERYWHERE;
    Filter = "filter", &["/"], "filter", "Show only what matches a display filter; Tab completes fields and values", LISTS;
    Enter = "enter", &["enter"], "open", "Open: the flow of an exchange, the details of a frame, the frame of an arrow, the first frame of a finding", &[Exchanges, Frames, Ladder, Statistics];
    Mark = "mark", &["space"], "mark", "Mark the row, or unmark it", LISTS;
    Difference = "difference", &["d"], "diff", "Compare the two that are marked, field by field and byte by byte", LISTS;
    Frames = "frames", &["v"], "frames", "Frames: Wireshark's list, details and bytes", &[Exchanges, Ladder, Explain];
    Follow = "follow", &["f"], "follow", "Follow the connection as text; again for its bytes", EVERYWHERE;
    Ladder = "ladder", &["L"], "flow", "The flow of the marked conversations, or of this one, in one diagram", &[Exchanges, Frames, Pane::Follow, Explain];
    Save = "save", &["w"], "save", "Save all, what is shown or what is marked: pcapng, text, JSON lines, or the flow as SVG", &[Exchanges, Frames, Ladder];
    Statistics = "statistics", &["s"], "stats", "Statistics and findings", EVERYWHERE;
    Explain = "explain", &["e"], "explain", "What Wireshark says of these messages, beside what they are", &[Exchanges, Frames, Ladder];
    NextPart = "next-part", &["tab"], "part", "Go to the next part: list, details, bytes", &[Frames];
    PreviousPart = "previous-part", &["shift-tab"], "", "Go to the part before", &[Frames];
    Back = "back", &["q"], "back", "Go back; in the first view, end the program", EVERYWHERE;
    Leave = "leave", &["esc"], "", "Cancel the running filter, or go back", EVERYWHERE;
    Up = "up", &["up", "k"], "", "Up", EVERYWHERE;
    Down = "down", &["down", "j"], "", "Down", EVERYWHERE;
    Left = "left", &["left", "h"], "", "Fold, go to the line that it stands under or to the byte before, or move the text to the right", EVERYWHERE;
    Right = "right", &["right", "l"], "", "Unfold, go to the first line under it or to the next byte, or move the text to the left", EVERYWHERE;
    PageUp = "page-up", &["pgup", "ctrl-b"], "", "A page up", EVERYWHERE;
    PageDown = "page-down", &["pgdn", "ctrl-f"], "", "A page down", EVERYWHERE;
    HalfUp = "half-page-up", &["ctrl-u"], "", "Half a page up", EVERYWHERE;
    HalfDown = "half-page-down", &["ctrl-d"], "", "Half a page down", EVERYWHERE;
    First = "first", &["g", "home"], "", "To the first row", EVERYWHERE;
    Last = "last", &["G", "end"], "", "To the last row; live, the newest again", EVERYWHERE;
    Next = "next-remarkable", &["n"], "", "To the next failure or note", LISTS;
    Previous = "previous-remarkable", &["N"], "", "To the failure or note before", LISTS;
    GoTo = "go-to-frame", &[":"], "", "Go to a frame by its number, among its neighbours", EVERYWHERE;
    All = "show-all", &["1"], "", "Show all", LISTS;
    Failed = "show-failed", &["2"], "", "Show only what failed", LISTS;
    Noted = "show-noted", &["3"], "", "Show only what has a warning or an error", LISTS;
    MarkAll = "mark-all", &["A"], "", "Mark all that is shown, or unmark all", LISTS;
    Columns = "columns", &["c"], "columns", "Choose columns and their order; they are saved", LISTS;
    Sort = "sort", &["o"], "", "Sort by a column", &[Exchanges];
    Copy = "copy", &["y"], "", "Copy the row, the field or the text to the clipboard (OSC 52)", EVERYWHERE;
    Time = "time", &["t"], "", "Times: since the first frame, between frames, date and time, UTC, seconds since 1970", EVERYWHERE;
    Passwords = "passwords", &["p"], "", "Show passwords, after a question; hide them again", EVERYWHERE;
    Newest = "newest", &["F"], "newest", "Live: show the newest again, and follow it", LISTS;
    Pause = "pause", &["P"], "pause", "Live: pause the view; capturing goes on", LISTS;
    Clear = "clear", &["x"], "", "Live: clear what was captured so far", LISTS;
    Redraw = "redraw", &["ctrl-l"], "", "Redraw the screen", EVERYWHERE;
    Quit = "quit", &["ctrl-c"], "", "End the program", EVERYWHERE;
}

/// The keys in use: those of the table, changed by `tui.toml`.
#[derive(Debug, Clone)]
pub struct Keys(Vec<(Key, Action)>);

impl Default for Keys {
    fn default() -> Self {
        let keys = |binding: &Binding| {
            let action = binding.action;
            let keys = binding.keys.iter().filter_map(|key| Key::parse(key));
            keys.map(|key| (key, action)).collect::<Vec<_>>()
        };
        Self(TABLE.iter().flat_map(keys).collect())
    }
}

impl Keys {
    /// What a key does.
    #[must_use]
    pub fn action(&self, key: Key) -> Option<Action> {
        let found = self.0.iter().find(|(known, _)| *known == key);
        found.map(|(_, action)| *action)
    }

    /// Assigns these keys to an action, instead of its own; another action that had one of them loses it.
    pub fn set(&mut self, action: Action, keys: &[Key]) {
        self.0
            .retain(|(key, other)| *other != action && !keys.contains(key));
        self.0.extend(keys.iter().map(|key| (*key, action)));
    }

    /// The keys of an action, as text.
    #[must_use]
    pub fn of(&self, action: Action) -> Vec<String> {
        let own = self.0.iter().filter(|(_, other)| *other == action);
        own.map(|(key, _)| key.to_string()).collect()
    }
}

impl Binding {
    /// Whether it works in this view.
    #[must_use]
    pub fn is_of(&self, pane: Pane) -> bool {
        self.panes.is_empty() || self.panes.contains(&pane)
    }
}

/// For a key that does nothing in this view: what it does, and in which views. `None` if it works here.
#[must_use]
pub fn elsewhere(action: Action, pane: Pane) -> Option<String> {
    let binding = TABLE.iter().find(|binding| binding.action == action)?;
    if binding.is_of(pane) {
        return None;
    }
    let names: Vec<&str> = binding.panes.iter().map(|pane| pane.name()).collect();
    let (last, others) = names.split_last()?;
    let names = if others.is_empty() {
        (*last).to_owned()
    } else {
        format!("{} and {last}", others.join(", "))
    };
    let mut meaning = binding.meaning.chars();
    let first = meaning.next()?.to_lowercase();
    Some(format!("{names}: {first}{}", meaning.as_str()))
}

/// The action of this name in `tui.toml`.
#[must_use]
pub fn action_named(name: &str) -> Option<Action> {
    let found = TABLE.iter().find(|binding| binding.name == name);
    found.map(|binding| binding.action)
}

/// The table as docs/tui.md has it.
#[must_use]
pub fn as_markdown() -> String {
    use std::fmt::Write as _;
    let mut text = String::from(
        "| keys | what they do | where | name in tui.toml |\n| --- | --- | --- | --- |\n",
    );
    for binding in TABLE {
        let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
        let panes: Vec<&str> = binding.panes.iter().map(|pane| pane.name()).collect();
        let panes = if panes.is_empty() {
            "everywhere".to_owned()
        } else {
            panes.join(", ")
        };
        let (meaning, name) = (binding.meaning, binding.name);
        let _ = writeln!(
            text,
            "| {} | {meaning} | {panes} | `{name}` |",
            keys.join(" ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_a_name_and_does_one_thing() {
        let mut seen = std::collections::HashSet::new();
        for binding in TABLE {
            for key in binding.keys {
                let parsed = Key::parse(key).expect("a key");
                assert_eq!(parsed.to_string(), *key);
                assert!(seen.insert(parsed), "{key} twice");
            }
            assert_eq!(action_named(binding.name), Some(binding.action));
        }
        assert_eq!(Key::parse("f5").unwrap().code, KeyCode::F(5));
        for wrong in ["", "ctrl-", "f0", "f13", "pageup"] {
            assert!(Key::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_key_that_is_given_away_is_lost() {
        let mut keys = Keys::default();
        keys.set(Action::Down, &[Key::parse("f").unwrap()]);
        assert_eq!(keys.action(Key::parse("f").unwrap()), Some(Action::Down));
        assert_eq!(keys.action(Key::parse("j").unwrap()), None);
        assert!(keys.of(Action::Follow).is_empty());
    }
}
