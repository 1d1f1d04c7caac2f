//! Parses the command line as typed: Authscope's options, tshark's options, files and words.

use std::ffi::OsString;

use clap::{ArgAction, Command};

use super::Subcommand;
use super::options::{Handling, TSHARK_OPTIONS, TsharkOption};
use crate::platform;

/// The parsed part of a command line.
pub(super) struct Line<'a> {
    pub kind: Subcommand,
    /// The subcommands whose options are Authscope's.
    own: Vec<&'a Command>,
    pub options: Vec<OsString>,
    /// Files that were named with -r.
    pub files: Vec<OsString>,
    pub words: Vec<OsString>,
    /// Whether an interface was named.
    pub interface: bool,
    /// An option that only `live` has.
    pub capturing: Option<String>,
    /// Streams to follow, from -z follow.
    pub follow: Option<Vec<OsString>>,
    pub notes: Vec<String>,
}

impl<'a> Line<'a> {
    pub fn of(kind: Subcommand, word: &str, cli: &'a Command) -> Self {
        let names: &[&str] = match kind {
            Subcommand::Open | Subcommand::Read => &["read", "live"],
            _ => &[word],
        };
        Self {
            kind,
            own: names
                .iter()
                .filter_map(|name| cli.find_subcommand(name))
                .collect(),
            options: Vec::new(),
            files: Vec::new(),
            words: Vec::new(),
            interface: false,
            capturing: None,
            follow: None,
            notes: Vec::new(),
        }
    }

    /// Whether it is an option of Authscope, and if so whether it takes a value.
    fn own(&self, is: impl Fn(&clap::Arg) -> bool) -> Option<bool> {
        let mut arguments = self.own.iter().flat_map(|command| command.get_arguments());
        let one = arguments.find(|one| is(one))?;
        Some(matches!(
            one.get_action(),
            ArgAction::Set | ArgAction::Append
        ))
    }

    /// Remembers an option that only applies to capturing.
    fn see_capturing(&mut self, named: &str, is: impl Fn(&clap::Arg) -> bool) {
        let [first, live] = &self.own[..] else {
            return;
        };
        let has = |command: &Command| command.get_arguments().any(&is);
        if has(live) && !has(first) {
            self.capturing = Some(named.to_owned());
        }
    }

    fn own_short(&self, letter: char) -> Option<bool> {
        self.own(|one| one.get_short() == Some(letter))
            .or_else(|| (letter == 'h').then_some(false))
    }

    fn own_long(&self, name: &str) -> Option<bool> {
        let is = |one: &clap::Arg| {
            let others = one.get_all_aliases().unwrap_or_default();
            one.get_long() == Some(name) || others.contains(&name)
        };
        self.own(is)
            .or_else(|| matches!(name, "help" | "no-pager").then_some(false))
    }

    /// The table's entry. For other subcommands it counts only if the subcommand does not have that option itself.
    fn of_tshark(
        &self,
        is: impl Fn(&TsharkOption) -> bool,
        is_own: bool,
    ) -> Option<&'static TsharkOption> {
        let found = TSHARK_OPTIONS.iter().find(|option| is(option))?;
        let is_harmless = matches!(found.handling, Handling::File | Handling::Ignored);
        let counts = self.kind != Subcommand::Other || is_harmless && !is_own;
        counts.then_some(found)
    }

    /// Parses the words after the program's name and the subcommand.
    pub fn read(&mut self, typed: &[OsString]) -> Result<(), String> {
        let mut rest = typed.iter();
        while let Some(one) = rest.next() {
            let text = one.to_string_lossy();
            if text == "--" {
                self.words.extend(rest.cloned());
                break;
            }
            if let Some(name) = text.strip_prefix("--") {
                self.long(one, name, &mut rest)?;
            } else if text.len() > 1 && text.starts_with('-') {
                self.cluster(one, &text, &mut rest)?;
            } else {
                self.words.push(one.clone());
            }
        }
        Ok(())
    }

    fn long(
        &mut self,
        one: &OsString,
        name: &str,
        rest: &mut std::slice::Iter<'_, OsString>,
    ) -> Result<(), String> {
        let (name, attached) = match name.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (name, None),
        };
        let own = self.own_long(name);
        if name == "color" && attached.is_none() {
            let next = rest.as_slice().first().map(|next| next.to_string_lossy());
            if !next.is_some_and(|next| ["auto", "always", "never"].contains(&&*next)) {
                self.options.push("--color=always".into());
                return Ok(());
            }
        }
        if let Some(option) = self.of_tshark(
            |option| option.long == name && !name.is_empty(),
            own.is_some(),
        ) {
            let value = match (option.value.is_empty(), attached) {
                (false, None) => rest.next().cloned(),
                (_, attached) => attached,
            };
            return self.apply(option, &format!("--{name}"), value);
        }
        self.interface |= name == "interface";
        if own.is_some() {
            self.see_capturing(&format!("--{name}"), |one| one.get_long() == Some(name));
        }
        self.options.push(one.clone());
        if own == Some(true) && attached.is_none() {
            self.options.extend(rest.next().cloned());
        }
        Ok(())
    }

    /// Parses joined short options, of which the last may have a value.
    fn cluster(
        &mut self,
        one: &OsString,
        text: &str,
        rest: &mut std::slice::Iter<'_, OsString>,
    ) -> Result<(), String> {
        for (at, letter) in text.char_indices().skip(1) {
            let behind = &text[at + letter.len_utf8()..];
            let attached = (!behind.is_empty()).then(|| {
                // The letters before it are ASCII.
                platform::console::behind(one, at + letter.len_utf8())
            });
            let own = self.own_short(letter);
            let option = self.of_tshark(|option| option.short == Some(letter), own.is_some());
            let Some(option) = option.filter(|_| !is_ours(letter, behind, rest.as_slice())) else {
                self.interface |= letter == 'i' && self.kind == Subcommand::Open;
                if own.is_some() {
                    let named = format!("-{letter}");
                    self.see_capturing(&named, |one| one.get_short() == Some(letter));
                }
                self.options.push(format!("-{letter}").into());
                match own {
                    Some(true) => {
                        let value = attached.or_else(|| rest.next().cloned());
                        self.options.extend(value);
                        return Ok(());
                    }
                    Some(false) => continue,
                    None => {
                        // clap reports the error.
                        self.options.pop();
                        self.options.push(format!("-{letter}{behind}").into());
                        return Ok(());
                    }
                }
            };
            let named = format!("-{letter}");
            if option.value.is_empty() {
                self.apply(option, &named, None)?;
            } else {
                let value = attached.or_else(|| rest.next().cloned());
                return self.apply(option, &named, value);
            }
        }
        Ok(())
    }

    fn apply(
        &mut self,
        option: &'static TsharkOption,
        named: &str,
        value: Option<OsString>,
    ) -> Result<(), String> {
        if !option.value.is_empty() && value.is_none() {
            return Err(format!(
                "{named} needs a value, as tshark's: {named} {}",
                option.value
            ));
        }
        let value = value.unwrap_or_default();
        let text = value.to_string_lossy().into_owned();
        match option.handling {
            Handling::File => self.files.push(value),
            Handling::Ignored => {}
            Handling::IgnoredWithNote(note) => self.notes.push(format!("{named}: {note}")),
            Handling::Ours(ours) => self.options.extend(ours.iter().map(OsString::from)),
            Handling::OursWithNote(ours, note) => {
                self.options.extend(ours.iter().map(OsString::from));
                self.notes.push(format!("{named} {text}: {note}"));
            }
            Handling::Refused(what) => return Err(format!("{named}: {what}")),
            Handling::ByValue(ask) => match ask(&text) {
                Ok(meaning) => {
                    self.options
                        .extend(meaning.options.into_iter().map(OsString::from));
                    if let Some(follow) = meaning.follow {
                        self.follow = Some(follow.into_iter().map(OsString::from).collect());
                    }
                    self.notes
                        .extend(meaning.note.map(|note| format!("{named} {text}: {note}")));
                }
                Err(what) => return Err(format!("{named} {text}: {what}")),
            },
        }
        Ok(())
    }
}

/// For a letter that both programs have, whether Authscope's option is meant, by what follows it.
fn is_ours(letter: char, attached: &str, rest: &[OsString]) -> bool {
    let next = rest.first().map(|next| next.to_string_lossy());
    let next = next.as_deref();
    let value = if attached.is_empty() {
        next.unwrap_or_default()
    } else {
        attached.trim_start_matches('=')
    };
    match letter {
        // -p PORT is Authscope's; tshark's takes no value.
        'p' => !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit()),
        // -L FILE is Authscope's; tshark's takes no value, and goes with an interface.
        'L' => !value.is_empty() && (!value.starts_with('-') || value == "-"),
        _ => false,
    }
}
