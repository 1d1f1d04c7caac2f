//! Builds Authscope's command line from what was typed.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::line::Line;
use super::{Subcommand, Translated};

/// The hidden option that shows exchanges and prints how to see frames.
const FRAMES_TOLD: &str = "--exchanges-of-files";

impl Line<'_> {
    /// Builds Authscope's command line.
    pub fn compose(
        mut self,
        program: &OsString,
        word: &str,
        typed: &[OsString],
    ) -> Result<Translated, String> {
        let mut files = std::mem::take(&mut self.files);
        let mut filter = Vec::new();
        let has_file = !files.is_empty();
        let live = match self.kind {
            Subcommand::Live => true,
            Subcommand::Open => {
                let first = self.words.first();
                self.interface || !has_file && first.is_none_or(|first| !is_file(first, true))
            }
            Subcommand::Read | Subcommand::Other => false,
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
            // A file has no promiscuous mode.
            self.options.retain(|one| one != "--no-promiscuous");
        }
        for one in std::mem::take(&mut self.words) {
            let is_first = files.is_empty();
            if self.kind == Subcommand::Other
                || !live && filter.is_empty() && is_file(&one, is_first)
            {
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
            return Ok(Translated {
                arguments,
                notes: self.notes,
            });
        }
        let is_option = |one: &OsString| one.len() > 1 && one.to_string_lossy().starts_with('-');
        arguments.push(match self.kind {
            Subcommand::Open if live => "live".into(),
            Subcommand::Open => "read".into(),
            _ => word.into(),
        });
        if self.kind == Subcommand::Open
            && !live
            && !typed.iter().any(is_option)
            && filter.is_empty()
        {
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
        Ok(Translated {
            arguments,
            notes: self.notes,
        })
    }
}

/// Whether a word names a file: it exists, or looks like a capture. For the first word a path is enough.
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
