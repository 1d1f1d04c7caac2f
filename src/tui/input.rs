//! A line of text that is being typed.

use ratatui::crossterm::event::KeyCode;

use super::keys::Key;

/// Text and the cursor's position in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// In bytes, between two characters.
    at: usize,
}

impl Input {
    /// Text with the cursor after it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let at = text.len();
        Self { text, at }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The cursor's position, in bytes.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Replaces a range by text, and puts the cursor after it.
    pub fn replace(&mut self, range: std::ops::Range<usize>, with: &str) {
        self.text.replace_range(range.clone(), with);
        self.at = range.start + with.len();
    }

    fn before(&self) -> usize {
        let last = self.text[..self.at].char_indices().next_back();
        last.map_or(0, |(at, _)| at)
    }

    fn behind(&self) -> usize {
        let next = self.text[self.at..].chars().next();
        self.at + next.map_or(0, char::len_utf8)
    }

    /// Handles a key; returns whether it was an editing key.
    pub fn key(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl) {
            (KeyCode::Char('u'), true) => self.replace(0..self.at, ""),
            (KeyCode::Char('k'), true) => self.replace(self.at..self.text.len(), ""),
            (KeyCode::Char('w'), true) => {
                let before = self.text[..self.at].trim_end();
                let start = before.rfind(' ').map_or(0, |at| at + 1);
                self.replace(start..self.at, "");
            }
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => self.at = 0,
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => self.at = self.text.len(),
            (KeyCode::Char(character), false) if !character.is_control() => {
                self.text.insert(self.at, character);
                self.at += character.len_utf8();
            }
            (KeyCode::Backspace, _) => {
                let before = self.before();
                self.replace(before..self.at, "");
            }
            (KeyCode::Delete, _) => {
                let behind = self.behind();
                self.text.replace_range(self.at..behind, "");
            }
            (KeyCode::Left, _) => self.at = self.before(),
            (KeyCode::Right, _) => self.at = self.behind(),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_edit_at_the_cursor() {
        let mut input = Input::new("tcp.port == 88é");
        for key in [
            "left", "del", "8", "ctrl-a", "x", "end", "ctrl-w", "space", "9",
        ] {
            assert!(input.key(Key::parse(key).unwrap()), "{key}");
        }
        assert_eq!(input.text(), "xtcp.port ==  9");
        assert!(!input.key(Key::parse("tab").unwrap()));
        input.key(Key::parse("ctrl-u").unwrap());
        assert_eq!((input.text(), input.at()), ("", 0));
    }
}
