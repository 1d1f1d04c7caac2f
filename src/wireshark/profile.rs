//! A configuration profile for Wireshark, with colour rules like this program's rows, and wide columns.

use super::install::{Done, Folders, InstallError, forget, remove_ours, write_ours};

/// The name of the profile and of its folder.
pub const NAME: &str = "Authscope";

/// The first line of its files.
pub(super) const FIRST_LINE: &str =
    "# A profile by Authscope; `authscope wireshark plugin --uninstall` removes it.";

/// Name, filter and colours of each rule: red, yellow and green as in this program's rows. The first rule that matches
/// counts.
const RULES: [(&str, &str, &str); 4] = [
    (
        "RegLogin, failure",
        "reglogin.status == 0 || (reglogin && _ws.expert.severity >= 0x800000)",
        "[65535,52428,52428][32768,0,0]",
    ),
    (
        "RegLogin, noted",
        "reglogin && _ws.expert.severity >= 0x400000",
        "[65535,63222,47802][20560,15420,0]",
    ),
    (
        "RegLogin, success",
        "reglogin.status == 1",
        "[54998,62451,54998][0,20560,0]",
    ),
    (
        "RegLogin, request",
        "reglogin",
        "[56540,59110,65535][0,0,20560]",
    ),
];

/// Wireshark's format of each column, its title, and its width in pixels.
const COLUMNS: [(&str, &str, u16); 7] = [
    ("%m", "No.", 70),
    ("%t", "Time", 110),
    ("%s", "Source", 150),
    ("%d", "Destination", 150),
    ("%p", "Protocol", 100),
    ("%L", "Length", 70),
    ("%i", "Info", 900),
];

/// The rules in the format of Wireshark's `colorfilters`.
fn rules() -> String {
    let lines = RULES.map(|(name, filter, colours)| format!("@{name}@{filter}@{colours}\n"));
    format!("{FIRST_LINE}\n{}", lines.concat())
}

fn preferences() -> String {
    let columns = COLUMNS.map(|(format, title, _)| format!("\"{title}\", \"{format}\""));
    format!("{FIRST_LINE}\ngui.column.format: {}\n", columns.join(", "))
}

/// Wireshark's state of windows: the widths of columns.
fn recent() -> String {
    let widths = COLUMNS.map(|(format, _, width)| format!("{format}, {width}"));
    format!("{FIRST_LINE}\ncolumn.width: {}\n", widths.join(", "))
}

/// Name and text of its files.
fn files() -> [(&'static str, String); 3] {
    [
        ("colorfilters", rules()),
        ("preferences", preferences()),
        ("recent", recent()),
    ]
}

/// Writes the profile into the folder of profiles.
///
/// # Errors
///
/// If a file cannot be written, or belongs to somebody else.
pub fn install(folders: &Folders) -> Result<Vec<Done>, InstallError> {
    let folder = folders.profiles.join(NAME);
    files()
        .into_iter()
        .map(|(name, text)| write_ours(&folder, name, &text, 0o644))
        .collect()
}

/// Removes the profile. Wireshark's state of windows is removed even if Wireshark has rewritten it.
///
/// # Errors
///
/// If a file cannot be removed, or somebody else has changed it; it is then kept.
pub fn remove(folders: &Folders) -> Result<Vec<Done>, InstallError> {
    let folder = folders.profiles.join(NAME);
    let mut done = Vec::new();
    for (name, _) in files() {
        let path = folder.join(name);
        let is_rest = name == "recent" && matches!(done.last(), Some(Done::Removed(_)));
        if is_rest && path.exists() {
            forget(&path)?;
            done.push(Done::Removed(path));
        } else {
            done.push(remove_ours(path)?);
        }
    }
    // A folder with other files stays.
    let _ = std::fs::remove_dir(&folder);
    Ok(done)
}
