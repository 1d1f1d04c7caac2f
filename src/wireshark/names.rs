//! The protocol names that Wireshark already uses. A plugin that registers one of them again prevents Wireshark's start.

use std::process::Command;

use crate::platform::places;

/// The names of one version of Wireshark; the first line says which.
const LISTED: &str = include_str!("names.txt");

/// Who uses a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A protocol of the installed Wireshark.
    Installed,
    /// A protocol of the Wireshark that the list was made from.
    Listed,
}

/// The names in use.
#[derive(Debug, Clone)]
pub struct Names {
    installed: Vec<String>,
}

impl Names {
    /// The listed names, and those of the installed tshark, if there is one.
    #[must_use]
    pub fn find() -> Self {
        let out = Command::new(places::tshark())
            .args(["-G", "protocols"])
            // The user's own plugins do not count: they may be replaced by this one.
            .env("HOME", "/nonexistent")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("WIRESHARK_PLUGIN_DIR")
            .output();
        let said = out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
        Self::of(&said.unwrap_or_default())
    }

    /// The listed names, and those in the output of `tshark -G protocols`: name, short name and filter name, with tabs between.
    fn of(said: &str) -> Self {
        let mut installed: Vec<String> = said
            .lines()
            .flat_map(|line| {
                let mut columns = line.split('\t').skip(1);
                let short = columns
                    .next()
                    .filter(|short| !short.chars().any(char::is_lowercase));
                let filter = columns.next();
                [short.map(str::to_lowercase), filter.map(str::to_owned)]
            })
            .flatten()
            .collect();
        installed.sort_unstable();
        Self { installed }
    }

    /// Who uses a filter prefix; `None` if it is free.
    #[must_use]
    pub fn owner(&self, prefix: &str) -> Option<Owner> {
        let listed = LISTED.lines().skip(1).flat_map(str::split_whitespace);
        if self
            .installed
            .binary_search_by(|name| name.as_str().cmp(prefix))
            .is_ok()
        {
            Some(Owner::Installed)
        } else if listed.into_iter().any(|name| name == prefix) {
            Some(Owner::Listed)
        } else {
            None
        }
    }

    /// A similar prefix that is free.
    #[must_use]
    pub fn free(&self, prefix: &str) -> String {
        let candidates = ["my_", "our_", "the_"].map(|word| format!("{word}{prefix}"));
        let numbered = (2..).map(|number| format!("{prefix}_{number}"));
        let mut all = candidates.into_iter().chain(numbered);
        all.find(|name| self.owner(name).is_none())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_use_are_known_and_others_are_suggested() {
        let names = Names::of("Mine Protocol\tMINE\tmine_proto\nOther\tOther\tother_filter\n");
        for (prefix, owner) in [
            ("smpp", Some(Owner::Listed)),
            ("http", Some(Owner::Listed)),
            ("mine", Some(Owner::Installed)),
            ("mine_proto", Some(Owner::Installed)),
            ("other_filter", Some(Owner::Installed)),
            ("reglogin", None),
            ("telemetry", None),
        ] {
            assert_eq!(names.owner(prefix), owner, "{prefix}");
        }
        assert_eq!(names.free("smpp"), "my_smpp");
    }
}
