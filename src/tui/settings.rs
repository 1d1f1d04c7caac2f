//! `tui.toml`: columns, keys and colours. Errors in it are reported, and the rest is used.

use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::columns::{Choosing, Columns, ExchangeColumn, FrameColumn};
use super::keys::{Key, Keys, Pane, action_named};
use super::theme::{Part, Theme, color_named};
use crate::capture::{Inputs, Place};
use crate::text::escape::Escaped;

/// The user's settings.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Columns of exchanges.
    pub exchanges: Columns<ExchangeColumn>,
    /// Columns of frames.
    pub frames: Columns<FrameColumn>,
    /// Keys.
    pub keys: Keys,
    /// Colours.
    pub theme: Theme,
    /// The path of the file, if there is one.
    pub path: Option<PathBuf>,
}

/// The lists whose columns can be chosen, with the names of their sections.
const LISTS: [(&str, Pane); 2] = [("exchanges", Pane::Exchanges), ("frames", Pane::Frames)];

/// The path of the file: in `$XDG_CONFIG_HOME`, or in `~/.config`.
#[must_use]
pub fn path() -> Option<PathBuf> {
    let folder = |name: &str| {
        let value = std::env::var_os(name)?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    };
    // A relative path must be ignored (XDG Base Directory Specification).
    let own = folder("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let base = own.or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(base.join("authscope").join("tui.toml"))
}

impl Settings {
    /// Reads the file, if it exists. Returns its errors, one sentence each. Colours that it does not name are those
    /// of `theme`.
    #[must_use]
    pub fn load(path: Option<PathBuf>, theme: Theme) -> (Self, Vec<String>) {
        let mut settings = Self {
            theme,
            ..Self::default()
        };
        let mut wrong = Vec::new();
        if let Some(path) = &path {
            match std::fs::read_to_string(path) {
                Ok(text) => settings.read(&text, &mut wrong),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => wrong.push(format!("cannot be read: {error}")),
            }
        }
        settings.path = path;
        (settings, wrong)
    }

    /// Applies a file's text.
    fn read(&mut self, text: &str, wrong: &mut Vec<String>) {
        let mut text = text.to_owned();
        // A line that is not TOML is skipped, and the rest is read.
        let table = loop {
            match DeTable::parse(&text) {
                Ok(table) => break table.into_inner(),
                Err(error) => {
                    let at = error.span().map_or(0, |span| span.start).min(text.len());
                    let line = line_of(&text, at);
                    wrong.push(format!("line {line}: {}", error.message()));
                    if !blank(&mut text, line) {
                        return;
                    }
                }
            }
        };
        for (section, value) in &table {
            let line = line_of(&text, section.span().start);
            let DeValue::Table(entries) = value.get_ref() else {
                wrong.push(format!(
                    "line {line}: {} is no section",
                    Escaped(section.get_ref())
                ));
                continue;
            };
            for (key, value) in entries {
                let line = line_of(&text, key.span().start);
                if let Err(why) = self.set(section.get_ref(), key.get_ref(), value) {
                    wrong.push(format!("line {line}: {why}"));
                }
            }
        }
    }

    fn set(
        &mut self,
        section: &str,
        key: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), String> {
        let words = words(value.get_ref());
        let list = LISTS.iter().find(|(name, _)| *name == section);
        if let Some((_, pane)) = list.filter(|_| key == "columns") {
            let words = words.ok_or("columns is a list of names")?;
            let names: Vec<&str> = words.iter().map(String::as_str).collect();
            let columns = self.columns_mut(*pane);
            return columns.map_or(Ok(()), |columns| columns.choose(&names));
        }
        match section {
            "keys" => {
                let action = action_named(key).ok_or_else(|| {
                    format!("no key does {key:?}; docs/tui.md lists what keys do")
                })?;
                let words = words.ok_or("a key is a text, or a list of texts")?;
                let mut keys = Vec::new();
                for word in &words {
                    let key = Key::parse(word).ok_or_else(|| {
                        format!("{word:?} is no key, such as \"j\", \"ctrl-f\" or \"pgdn\"")
                    })?;
                    keys.push(key);
                }
                self.keys.set(action, &keys);
                Ok(())
            }
            "colors" => {
                let part = Part::named(key).ok_or_else(|| {
                    format!("{key:?} has no colour; {} have", Part::names().join(", "))
                })?;
                let word = words.and_then(|words| words.into_iter().next());
                let word = word.ok_or("a colour is a text")?;
                let color = color_named(&word).ok_or_else(|| {
                    format!("{word:?} is no colour, such as \"red\", \"#ff8800\" or \"none\"")
                })?;
                self.theme.set(part, color);
                Ok(())
            }
            _ => Err(format!(
                "there is no setting {}.{}; there are exchanges.columns, frames.columns, keys and colors",
                Escaped(section),
                Escaped(key)
            )),
        }
    }

    /// The columns of a view's list, where they can be chosen.
    #[must_use]
    pub fn columns(&self, pane: Pane) -> Option<&dyn Choosing> {
        match pane {
            Pane::Exchanges => Some(&self.exchanges),
            Pane::Frames => Some(&self.frames),
            _ => None,
        }
    }

    /// The same, to choose them.
    pub fn columns_mut(&mut self, pane: Pane) -> Option<&mut dyn Choosing> {
        match pane {
            Pane::Exchanges => Some(&mut self.exchanges),
            Pane::Frames => Some(&mut self.frames),
            _ => None,
        }
    }

    /// Writes the columns of a view's list into the file, and does not change the rest of it.
    pub fn save_columns(&self, pane: Pane) -> std::io::Result<Option<PathBuf>> {
        let list = LISTS.iter().find(|(_, known)| *known == pane);
        let (Some(path), Some(columns), Some((section, _))) =
            (&self.path, self.columns(pane), list)
        else {
            return Ok(None);
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = with_columns(&text, section, &columns.chosen());
        // Replaced atomically: the rest of the file is the user's.
        Place::write_whole(path, &Inputs::default(), text.as_bytes())
            .map_err(std::io::Error::other)?;
        Ok(Some(path.clone()))
    }
}

/// A file's text with these columns in a section.
fn with_columns(text: &str, section: &str, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let line = format!("columns = [{}]", names.join(", "));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_section = |line: &String| line.trim_start().starts_with('[');
    let is_own = |line: &String| {
        let head = line.split('#').next().unwrap_or_default().trim();
        let name = head
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        name.is_some_and(|name| name.trim() == section)
    };
    let Some(head) = lines.iter().position(is_own) else {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend([format!("[{section}]"), line]);
        return lines.join("\n") + "\n";
    };
    let end = lines[head + 1..].iter().position(is_section);
    let end = end.map_or(lines.len(), |end| head + 1 + end);
    let is_columns = |line: &String| {
        let rest = line.trim_start().strip_prefix("columns");
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    match lines[head..end].iter().position(is_columns) {
        Some(at) => {
            let first = head + at;
            // A list may extend over several lines.
            let closes = lines[first..end].iter().position(|line| line.contains(']'));
            let last = closes.map_or(first, |closes| first + closes);
            lines.splice(first..=last, [line]);
        }
        None => lines.insert(head + 1, line),
    }
    lines.join("\n") + "\n"
}

/// A text, or a list of texts.
fn words(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Array(all) => {
            let each = all.iter().map(|one| match one.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            });
            each.collect()
        }
        _ => None,
    }
}

/// The number of the line that byte `at` stands in, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Empties a line; returns whether it had content.
fn blank(text: &mut String, line: usize) -> bool {
    let mut lines: Vec<&str> = text.split('\n').collect();
    match lines.get_mut(line - 1) {
        Some(found) if !found.is_empty() => *found = "",
        _ => return false,
    }
    *text = lines.join("\n");
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::Action;

    fn read(text: &str) -> (Settings, Vec<String>) {
        let (mut settings, mut wrong) = (Settings::default(), Vec::new());
        settings.read(text, &mut wrong);
        (settings, wrong)
    }

    #[test]
    fn what_is_wrong_is_named_and_the_rest_used() {
        let text = "[exchanges]\ncolumns = [\"user\", \"colour\", \"ms\"]\n[keys]\ndown = \"J\"\nup = 7\nfly = \"f\"\nfilter = [\"ctrl-q\", \"f3\"]\n= nonsense\n[colors]\nfailure = \"#ff8800\"\nnote = \"sunny\"\n[extra]\nx = 1\n";
        let (settings, wrong) = read(text);
        assert_eq!(settings.exchanges.chosen(), ["user", "ms"]);
        let key = |text| settings.keys.action(Key::parse(text).unwrap());
        assert_eq!(key("J"), Some(Action::Down));
        assert_eq!(key("j"), None);
        assert_eq!(key("up"), Some(Action::Up));
        assert_eq!(key("f3"), Some(Action::Filter));
        let mut lines: Vec<&str> = wrong
            .iter()
            .filter_map(|one| one.split(':').next())
            .collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            ["line 11", "line 13", "line 2", "line 5", "line 6", "line 8"],
            "{wrong:?}"
        );
    }

    #[test]
    fn columns_are_written_and_the_rest_is_left() {
        let columns = ["user", "note"];
        let written = "[exchanges]\ncolumns = [\"user\", \"note\"]\n";
        let with = |text: &str| with_columns(text, "exchanges", &columns);
        assert_eq!(with(""), written);
        let text = "# mine\n[exchanges]\ncolumns = [\n  \"ms\",\n]\n[keys]\nup = \"i\"\n";
        let expected = format!("# mine\n{written}[keys]\nup = \"i\"\n");
        assert_eq!(with(text), expected);
        assert_eq!(with("[keys]\n"), format!("[keys]\n\n{written}"));
        let commented = with("[ exchanges ] # mine\n");
        assert!(commented.starts_with("[ exchanges ] # mine\ncolumns"));
        let both = with_columns(&expected, "frames", &["number", "info"]);
        let (settings, wrong) = read(&both);
        assert_eq!(wrong, [""; 0]);
        assert_eq!(settings.exchanges.chosen(), columns);
        assert_eq!(settings.frames.chosen(), ["number", "info"]);
        let again = with_columns(&both, "frames", &["info"]);
        assert_eq!(again, both.replace("\"number\", ", ""));
    }
}
