//! What users of tshark type, and what is done then: one table of tshark's options, and the command line that is ours.
//!
//! An option that tshark and `read` or `live` have alike is not in the table. What is typed without a subcommand is for
//! `read` where a file is named, for `live` where an interface or none of both is.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{ArgAction, Command};

use crate::platform;

use super::tshark::{Deed, HABITS, Habit};

/// The hidden option that shows exchanges and says how to see frames.
const FRAMES_TOLD: &str = "--exchanges-of-files";

/// The option of all commands, which may stand before them.
const NO_PAGER: &str = "--no-pager";

/// A command line that is ours.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meant {
    /// The arguments, the program's name first.
    pub arguments: Vec<OsString>,
    /// What to say of options that were left out or mean something else here.
    pub notes: Vec<String>,
}

/// What is meant by the arguments of a process; an error says in one line what to type instead.
pub(super) fn meant(given: Vec<OsString>, cli: &Command) -> Result<Meant, String> {
    let as_given = |given| {
        Ok(Meant {
            arguments: given,
            notes: Vec::new(),
        })
    };
    let [program, first, ..] = &given[..] else {
        return as_given(given);
    };
    if first == NO_PAGER {
        let mut rest = given.clone();
        rest.remove(1);
        let mut meant = meant(rest, cli)?;
        meant.arguments.insert(1, NO_PAGER.into());
        return Ok(meant);
    }
    let word = first.to_string_lossy();
    let rest = &given[2..];
    if rest.is_empty() {
        match &*word {
            "-V" | "--version" | "-h" | "--help" => return as_given(given),
            "-v" => return as_given(vec![program.clone(), "--version".into()]),
            "-D" | "--list-interfaces" => {
                return as_given(vec![program.clone(), "interfaces".into()]);
            }
            _ => {}
        }
    }
    let (kind, typed) = match &*word {
        "read" => (Kind::Read, rest),
        "live" => (Kind::Live, rest),
        "stats" | "follow" | "report" | "check" => (Kind::Other, rest),
        _ if is_own(&word, cli) => return as_given(given),
        _ => (Kind::Open, &given[1..]),
    };
    let mut line = Line::of(kind, &word, cli);
    line.take(typed)?;
    line.finish(program, &word, typed)
}

/// Whether the first word is a subcommand, or one that was misspelt: neither a file nor like one.
fn is_own(word: &str, cli: &Command) -> bool {
    let is_word = !word.starts_with('-') && !word.contains(['.', '/']);
    word == "help" || cli.find_subcommand(word).is_some() || is_word && !Path::new(word).exists()
}

/// What is known of the subcommand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// None was typed: what follows tells.
    Open,
    Read,
    Live,
    /// One with files and options of its own.
    Other,
}

/// A command line as it is understood so far.
struct Line<'a> {
    kind: Kind,
    /// Options of these subcommands are ours.
    own: Vec<&'a Command>,
    options: Vec<OsString>,
    /// Files that were named with -r.
    files: Vec<OsString>,
    words: Vec<OsString>,
    /// Whether an interface was named.
    interface: bool,
    /// An option that only `live` has.
    capturing: Option<String>,
    /// Streams to follow, from -z follow.
    follow: Option<Vec<OsString>>,
    notes: Vec<String>,
}

impl<'a> Line<'a> {
    fn of(kind: Kind, word: &str, cli: &'a Command) -> Self {
        let names: &[&str] = match kind {
            Kind::Open | Kind::Read => &["read", "live"],
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

    /// Whether it is an option of ours, and then whether it takes a value.
    fn own(&self, is: impl Fn(&clap::Arg) -> bool) -> Option<bool> {
        let mut arguments = self.own.iter().flat_map(|command| command.get_arguments());
        let one = arguments.find(|one| is(one))?;
        Some(matches!(
            one.get_action(),
            ArgAction::Set | ArgAction::Append
        ))
    }

    /// Remembers an option that is for capturing only.
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

    /// The table's entry, which in commands of another kind counts only where the option is not theirs.
    fn habit(&self, is: impl Fn(&Habit) -> bool, is_own: bool) -> Option<&'static Habit> {
        let found = HABITS.iter().find(|habit| is(habit))?;
        let is_harmless = matches!(found.deed, Deed::File | Deed::Drop);
        let counts = self.kind != Kind::Other || is_harmless && !is_own;
        counts.then_some(found)
    }

    fn take(&mut self, typed: &[OsString]) -> Result<(), String> {
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
        if let Some(habit) = self.habit(
            |habit| habit.long == name && !name.is_empty(),
            own.is_some(),
        ) {
            let value = match (habit.value.is_empty(), attached) {
                (false, None) => rest.next().cloned(),
                (_, attached) => attached,
            };
            return self.apply(habit, &format!("--{name}"), value);
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

    /// Short options that stand together, the last one with its value.
    fn cluster(
        &mut self,
        one: &OsString,
        text: &str,
        rest: &mut std::slice::Iter<'_, OsString>,
    ) -> Result<(), String> {
        for (at, letter) in text.char_indices().skip(1) {
            let behind = &text[at + letter.len_utf8()..];
            let attached = (!behind.is_empty()).then(|| {
                // What stands before it are letters of ASCII.
                platform::console::behind(one, at + letter.len_utf8())
            });
            let own = self.own_short(letter);
            let habit = self.habit(|habit| habit.short == Some(letter), own.is_some());
            let Some(habit) = habit.filter(|_| !is_ours(letter, behind, rest.as_slice())) else {
                self.interface |= letter == 'i' && self.kind == Kind::Open;
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
                        // clap says what is wrong with it.
                        self.options.pop();
                        self.options.push(format!("-{letter}{behind}").into());
                        return Ok(());
                    }
                }
            };
            let named = format!("-{letter}");
            if habit.value.is_empty() {
                self.apply(habit, &named, None)?;
            } else {
                let value = attached.or_else(|| rest.next().cloned());
                return self.apply(habit, &named, value);
            }
        }
        Ok(())
    }

    fn apply(
        &mut self,
        habit: &'static Habit,
        named: &str,
        value: Option<OsString>,
    ) -> Result<(), String> {
        if !habit.value.is_empty() && value.is_none() {
            return Err(format!(
                "{named} needs a value, as tshark's: {named} {}",
                habit.value
            ));
        }
        let value = value.unwrap_or_default();
        let text = value.to_string_lossy().into_owned();
        match habit.deed {
            Deed::File => self.files.push(value),
            Deed::Drop => {}
            Deed::Says(note) => self.notes.push(format!("{named}: {note}")),
            Deed::Is(ours) => self.options.extend(ours.iter().map(OsString::from)),
            Deed::IsAndSays(ours, note) => {
                self.options.extend(ours.iter().map(OsString::from));
                self.notes.push(format!("{named} {text}: {note}"));
            }
            Deed::Tells(what) => return Err(format!("{named}: {what}")),
            Deed::Asks(ask) => match ask(&text) {
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

    /// The command line that is ours.
    fn finish(
        mut self,
        program: &OsString,
        word: &str,
        typed: &[OsString],
    ) -> Result<Meant, String> {
        let mut files = std::mem::take(&mut self.files);
        let mut filter = Vec::new();
        let has_file = !files.is_empty();
        let live = match self.kind {
            Kind::Live => true,
            Kind::Open => {
                let first = self.words.first();
                self.interface || !has_file && first.is_none_or(|first| !is_file(first, true))
            }
            Kind::Read | Kind::Other => false,
        };
        if has_file && live {
            return Err(
                "-r reads a file and -i captures: use one of them, as `authscope read FILE` or `authscope live -i IFACE`"
                    .to_owned(),
            );
        }
        if let Some(named) = self.capturing.as_ref().filter(|_| !live) {
            return Err(format!(
                "{named} is about capturing, and a file is read here; `authscope live` captures, -Y FILTER chooses in files"
            ));
        }
        if !live {
            // Nothing is promiscuous in a file.
            self.options.retain(|one| one != "--no-promiscuous");
        }
        for one in std::mem::take(&mut self.words) {
            let is_first = files.is_empty();
            if self.kind == Kind::Other || !live && filter.is_empty() && is_file(&one, is_first) {
                files.push(one);
            } else {
                filter.push(one);
            }
        }
        let mut arguments = vec![program.clone()];
        if let Some(follow) = self.follow {
            if live {
                return Err(
                    "-z follow is about a file: authscope follow FILE --stream N".to_owned(),
                );
            }
            arguments.push("follow".into());
            arguments.extend(follow);
            arguments.push("--".into());
            arguments.extend(files);
            return Ok(Meant {
                arguments,
                notes: self.notes,
            });
        }
        let is_option = |one: &OsString| one.len() > 1 && one.to_string_lossy().starts_with('-');
        arguments.push(match self.kind {
            Kind::Open if live => "live".into(),
            Kind::Open => "read".into(),
            _ => word.into(),
        });
        if self.kind == Kind::Open && !live && !typed.iter().any(is_option) && filter.is_empty() {
            arguments.push(FRAMES_TOLD.into());
        }
        arguments.append(&mut self.options);
        let words = if live {
            filter
        } else {
            if !filter.is_empty() {
                let joined = filter.join(OsStr::new(" "));
                let has_filter = |one: &OsString| one == "-Y" || one == "--display-filter";
                if arguments.iter().any(has_filter) {
                    return Err(format!(
                        "a display filter was given with -Y and again as {:?}: join them with &&",
                        joined.to_string_lossy()
                    ));
                }
                arguments.extend(["-Y".into(), joined]);
            }
            files
        };
        if words.iter().any(is_option) {
            arguments.push("--".into());
        }
        arguments.extend(words);
        Ok(Meant {
            arguments,
            notes: self.notes,
        })
    }
}

/// Whether a letter that both have is ours by what stands behind it.
fn is_ours(letter: char, attached: &str, rest: &[OsString]) -> bool {
    let next = rest.first().map(|next| next.to_string_lossy());
    let next = next.as_deref();
    let value = if attached.is_empty() {
        next.unwrap_or_default()
    } else {
        attached.trim_start_matches('=')
    };
    match letter {
        // -p PORT is ours; tshark's has no value.
        'p' => !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit()),
        // -L FILE is ours; tshark's has no value, and goes with an interface.
        'L' => !value.is_empty() && (!value.starts_with('-') || value == "-"),
        _ => false,
    }
}

/// Whether a word names a file: one that is there, or that looks like a capture; of the first one a path is enough.
fn is_file(word: &OsStr, is_first: bool) -> bool {
    const ENDINGS: [&str; 6] = ["pcap", "pcapng", "cap", "gz", "zst", "ntar"];
    let path = Path::new(word);
    let shown = word.to_string_lossy();
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let is_name = !shown.contains(char::is_whitespace);
    shown == "-"
        || path.exists()
        || is_name && ending.is_some_and(|ending| ENDINGS.contains(&&*ending))
        || is_first && is_name && shown.contains(['/', '.']) && !shown.contains('=')
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn understood(typed: &str) -> Result<String, String> {
        let mut given = vec![OsString::from("authscope")];
        given.extend(
            typed
                .split_ascii_whitespace()
                .map(|word| OsString::from(word.replace('~', " "))),
        );
        let meant = meant(given, &crate::cli::Cli::command())?;
        let shown = meant.arguments[1..].iter().map(|one| one.to_string_lossy());
        Ok(shown.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_users_of_tshark_type_is_understood() {
        for (typed, is) in [
            ("a.pcap", "read --exchanges-of-files a.pcap"),
            ("-r a.pcap", "read a.pcap"),
            ("-ra.pcap", "read a.pcap"),
            ("-nra.pcap", "read a.pcap"),
            ("-nn -r a.pcap -V", "read -V a.pcap"),
            ("-Vnr a.pcap", "read -V a.pcap"),
            ("-V -r a.pcap", "read -V a.pcap"),
            ("-V", "-V"),
            ("-v", "--version"),
            ("-D", "interfaces"),
            (
                "-n -r a.pcap -Y reglogin -T fields -e frame.number",
                "read -Y reglogin -T fields -e frame.number a.pcap",
            ),
            (
                "-r a.pcap -Tfields -eframe.number",
                "read -T fields -e frame.number a.pcap",
            ),
            (
                "-r a.pcap reglogin.status == 0",
                "read -Y reglogin.status == 0 a.pcap",
            ),
            (
                "-r a.pcap reglogin.status~==~0",
                "read -Y reglogin.status == 0 a.pcap",
            ),
            (
                "a.pcap reglogin.status~==~0",
                "read -Y reglogin.status == 0 a.pcap",
            ),
            ("read a.pcap reglogin", "read -Y reglogin a.pcap"),
            (
                "a.pcap b.pcapng",
                "read --exchanges-of-files a.pcap b.pcapng",
            ),
            ("-r a.pcap -t ad -l -2", "read -t ad a.pcap"),
            ("-tad -r a.pcap", "read -t ad a.pcap"),
            ("-r a.pcap -q -z conv,tcp", "read -q --stats a.pcap"),
            ("-qz io,stat,0 -r a.pcap", "read -q --stats a.pcap"),
            (
                "-r a.pcap -qz follow,tcp,hex,3",
                "follow --stream 3 -T hex -- a.pcap",
            ),
            ("-r a.pcap -O reglogin", "read -V a.pcap"),
            ("-i lo", "live -i lo"),
            ("-ilo", "live -i lo"),
            ("-i lo -f tcp~port~9999", "live -i lo -f tcp port 9999"),
            ("-i lo -p", "live -i lo --no-promiscuous"),
            ("-i lo -p 9999", "live -i lo -p 9999"),
            ("-i lo -c 5 tcp port 9999", "live -i lo -c 5 tcp port 9999"),
            ("-c 5", "live -c 5"),
            ("live lo tcp port 9999", "live lo tcp port 9999"),
            ("-r a.pcap -p", "read a.pcap"),
            ("-p 9999 -r a.pcap", "read -p 9999 a.pcap"),
            ("-L my.toml -r a.pcap", "read -L my.toml a.pcap"),
            ("-r a.pcap --color", "read --color=always a.pcap"),
            (
                "-r a.pcap -o tls.keylog_file:k.log",
                "read --tls-keylog k.log a.pcap",
            ),
            ("stats -r a.pcap", "stats a.pcap"),
            ("follow -n -r a.pcap -s 3", "follow -s 3 a.pcap"),
            ("stats a.pcap", "stats a.pcap"),
            ("raed a", "raed a"),
        ] {
            assert_eq!(understood(typed).as_deref(), Ok(is), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_told_in_a_line() {
        for (typed, part) in [
            ("-i lo -L", "-L"),
            ("-r a.pcap -i lo", "one of them"),
            ("-r a.pcap -R tcp", "-Y"),
            ("-r a.pcap -T psml", "-T csv"),
            ("-r a.pcap -X lua_script:x.lua", "-L"),
            ("-r a.pcap -z http,tree", "authscope stats"),
            ("-r", "needs a value"),
            ("read -i lo", "authscope live"),
            ("-r a.pcap -Y tcp reglogin", "&&"),
        ] {
            let told = understood(typed).expect_err(typed);
            assert!(
                told.contains(part) && !told.contains('\n'),
                "{typed}: {told}"
            );
        }
    }
}
