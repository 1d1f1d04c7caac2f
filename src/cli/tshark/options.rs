//! The table of tshark's options, and how each is handled.

use Handling::{ByValue, File, Ignored, IgnoredWithNote, Ours, OursWithNote, Refused};

/// How an option of tshark is handled.
pub(super) enum Handling {
    /// It names a file to read.
    File,
    /// It is ignored: Authscope always behaves this way.
    Ignored,
    /// It is ignored, with this note.
    IgnoredWithNote(&'static str),
    /// It becomes these options of Authscope.
    Ours(&'static [&'static str]),
    /// It becomes these options of Authscope, with a note about the difference.
    OursWithNote(&'static [&'static str], &'static str),
    /// It is refused; the text says what to use instead.
    Refused(&'static str),
    /// It depends on the value.
    ByValue(fn(&str) -> Result<Meaning, &'static str>),
}

/// The meaning of an option for a certain value.
#[derive(Default)]
pub(super) struct Meaning {
    /// Options of Authscope.
    pub options: Vec<String>,
    /// Options of `follow`, if the value asks for it.
    pub follow: Option<Vec<String>>,
    /// The note to print.
    pub note: Option<&'static str>,
}

/// An option of tshark's.
pub(super) struct TsharkOption {
    pub short: Option<char>,
    pub long: &'static str,
    /// The name of its value; empty if it takes none.
    pub value: &'static str,
    pub handling: Handling,
}

/// Declares the options, a row each: letter, long name and name of the value, `-` for what it lacks, and its handling.
macro_rules! options {
    (@letter -) => { None };
    (@letter $letter:literal) => { Some($letter) };
    (@name -) => { "" };
    (@name $name:literal) => { $name };
    ($($letter:tt $long:tt $value:tt => $handling:expr;)*) => {
        &[$(TsharkOption {
            short: options!(@letter $letter),
            long: options!(@name $long),
            value: options!(@name $value),
            handling: $handling,
        }),*]
    };
}

const ON_RECOGNITION: &str = "protocols are recognised by their content, and on ports named with -p or -d; there is nothing to switch";
const ON_LAYERS: &str =
    "JSON has messages, not layers; -T pdml has all layers, and jq chooses keys of -T jsonl";
const ON_LINK_TYPES: &str = "link-layer types are not listed: the interface's usual one is captured (tshark -L lists them); here -L FILE names a layout";
const ON_TIME_STAMPS: &str = "the interface's usual time stamps are taken; leave it out";
const ON_NAMES: &str = "no names are looked up; addresses are shown as they are";
const ON_LOGS: &str = "there is no log to set up; what is to be said is said on standard error";

/// All options that `read` and `live` do not have with the same meaning, in the order of `tshark --help`.
pub(super) static TSHARK_OPTIONS: &[TsharkOption] = options! {
    'p' "no-promiscuous-mode" - => ByValue(no_promiscuous);
    'I' "monitor-mode" - => Refused("monitor mode is not offered: capture with `dumpcap -I -w FILE`, then read FILE");
    'y' "linktype" "TYPE" => Refused("the interface's usual link-layer type is captured; leave it out");
    - "time-stamp-type" "TYPE" => Refused(ON_TIME_STAMPS);
    'D' "list-interfaces" - => Refused("it stands alone: authscope interfaces");
    'L' "list-data-link-types" - => Refused(ON_LINK_TYPES);
    - "list-time-stamp-types" - => Refused(ON_TIME_STAMPS);
    'r' "read-file" "FILE" => File;
    '2' - - => Ignored;
    'M' - "COUNT" => IgnoredWithNote("memory is bounded anyway");
    'R' "read-filter" "FILTER" => Refused("filters are for what is shown, over all frames: use -Y FILTER");
    'n' - - => Ignored;
    'N' - "FLAGS" => IgnoredWithNote(ON_NAMES);
    'H' - "FILE" => IgnoredWithNote(ON_NAMES);
    'W' - "n" => IgnoredWithNote(ON_NAMES);
    - "enable-protocol" "PROTOCOL" => IgnoredWithNote(ON_RECOGNITION);
    - "disable-protocol" "PROTOCOL" => IgnoredWithNote(ON_RECOGNITION);
    - "enable-heuristic" "NAME" => IgnoredWithNote(ON_RECOGNITION);
    - "disable-heuristic" "NAME" => IgnoredWithNote(ON_RECOGNITION);
    - "capture-comment" "TEXT" => Refused("a comment for the whole file is not offered; --annotate writes comments on packets");
    'C' - "PROFILE" => IgnoredWithNote("profiles are Wireshark's; options are given on the command line");
    'F' - "TYPE" => ByValue(file_type);
    'O' - "PROTOCOLS" => OursWithNote(&["-V"], "-V shows the details of all layers, these among them");
    'P' "print" - => Ignored;
    'S' - "TEXT" => Refused("lines end with a newline; -T fields -E separator=CHARACTER is about columns");
    - "hexdump" "KIND" => ByValue(hexdump);
    'T' - "TYPE" => ByValue(output_type);
    'j' - "PROTOCOLS" => Refused(ON_LAYERS);
    'J' - "PROTOCOLS" => Refused(ON_LAYERS);
    't' - "FORMAT" => ByValue(time);
    'u' - "FORMAT" => ByValue(seconds);
    'l' - - => Ignored;
    'Q' - - => Ours(&["-q"]);
    'g' - - => Refused("who may read the file is the umask's to say; use chmod g+r FILE");
    'X' - "KEY:VALUE" => Refused("Lua scripts are for Wireshark; -L FILE describes a protocol here (docs/layouts.md)");
    'U' - "TAP" => Refused("PDUs are not exported; -T jsonl writes messages, follow -T raw a stream's bytes");
    'z' - "STATISTICS" => ByValue(statistics);
    - "export-objects" "PROTOCOL,FOLDER" => Refused("RegLogin carries no files; follow -T raw writes a stream's bytes");
    - "export-tls-session-keys" "FILE" => Refused("-w FILE --embed-keys writes the secrets into the capture that is saved");
    - "no-duplicate-keys" - => Ignored;
    - "elastic-mapping-filter" "PROTOCOLS" => Refused("no mapping is written; -T ek writes rows for Elasticsearch");
    - "temp-dir" "FOLDER" => IgnoredWithNote("no temporary files are written");
    - "log-level" "LEVEL" => IgnoredWithNote(ON_LOGS);
    - "log-fatal" "LEVEL" => IgnoredWithNote(ON_LOGS);
    - "log-domains" "LIST" => IgnoredWithNote(ON_LOGS);
    - "log-debug" "LIST" => IgnoredWithNote(ON_LOGS);
    - "log-noisy" "LIST" => IgnoredWithNote(ON_LOGS);
    - "log-file" "FILE" => IgnoredWithNote(ON_LOGS);
    'v' - - => Refused("it stands alone: authscope --version");
    'o' - "NAME:VALUE" => ByValue(preference);
    'K' - "FILE" => Refused("Kerberos is not decrypted");
    'G' - "REPORT" => ByValue(report);
};

fn ours(options: &[&str]) -> Meaning {
    Meaning {
        options: options.iter().map(ToString::to_string).collect(),
        ..Meaning::default()
    }
}

/// A file has no promiscuous mode; [`super::compose`] keeps the option for `live` only.
#[expect(clippy::unnecessary_wraps, reason = "as the others")]
fn no_promiscuous(_: &str) -> Result<Meaning, &'static str> {
    Ok(ours(&["--no-promiscuous"]))
}

fn file_type(value: &str) -> Result<Meaning, &'static str> {
    match value {
        "pcapng" => Ok(Meaning::default()),
        _ => Err(
            "captures are saved as pcapng; `editcap -F pcap FILE OTHER` makes another type of it",
        ),
    }
}

fn hexdump(value: &str) -> Result<Meaning, &'static str> {
    match value {
        "all" | "frames" | "ascii" => Ok(ours(&["-x"])),
        _ => Err("bytes are shown in one way; use -x"),
    }
}

fn output_type(value: &str) -> Result<Meaning, &'static str> {
    match value {
        "psml" => Err("rows as columns are -T csv here, in XML -T pdml"),
        "ps" => Err("a page to print is `authscope report FILE -o report.html`"),
        "jsonraw" => Err("messages as JSON are -T json; their bytes are in -T pdml"),
        "tabs" => Err("columns with tabs are -T fields with a -e for each"),
        "?" => Err("`authscope read --help` lists the types"),
        other => Ok(ours(&["-T", other])),
    }
}

fn time(value: &str) -> Result<Meaning, &'static str> {
    match value {
        "adoy" | "udoy" => Err("the day of the year is not shown; use -t ad or -t ud"),
        "a" => Ok(Meaning {
            note: Some("the date is shown too, as with -t ad"),
            ..ours(&["-t", "ad"])
        }),
        "u" => Ok(Meaning {
            note: Some("the date is shown too, as with -t ud"),
            ..ours(&["-t", "ud"])
        }),
        "dd" => Err(
            "time since the frame shown before is the field frame.time_delta_displayed; -t d is since the frame before",
        ),
        other => Ok(ours(&["-t", other])),
    }
}

fn seconds(value: &str) -> Result<Meaning, &'static str> {
    match value {
        "s" => Ok(Meaning::default()),
        _ => Err("seconds are shown as seconds; -t ad and -t ud show the time of day"),
    }
}

fn statistics(value: &str) -> Result<Meaning, &'static str> {
    let mut parts = value.split(',');
    let kind = parts.next().unwrap_or_default();
    let second = parts.next();
    match (kind, second) {
        ("conv" | "endpoints" | "expert", _) | ("io", Some("stat" | "phs")) => {
            Ok(ours(&["--stats"]))
        }
        ("follow", Some("tcp" | "tls")) => {
            let form = match parts.next() {
                Some("hex") => "hex",
                Some("raw") => "raw",
                _ => "text",
            };
            let Some(stream) = parts.next().filter(|stream| stream.parse::<u32>().is_ok()) else {
                return Err(
                    "name the stream by its number, as in -z follow,tcp,hex,0; `authscope follow --help` has more ways",
                );
            };
            let follow = ["--stream", stream, "-T", form].map(str::to_owned).into();
            Ok(Meaning {
                follow: Some(follow),
                ..Meaning::default()
            })
        }
        _ => Err(
            "this is not counted; `authscope stats FILE` counts connections, users, response times and findings",
        ),
    }
}

fn preference(value: &str) -> Result<Meaning, &'static str> {
    let (name, value) = value.split_once(':').unwrap_or((value, ""));
    match name {
        "tls.keylog_file" => Ok(ours(&["--tls-keylog", value])),
        "reglogin.ports" if value.parse::<u16>().is_ok() => Ok(ours(&["-p", value])),
        "reglogin.hide_passwords" if value.eq_ignore_ascii_case("false") => {
            Ok(ours(&["--show-passwords"]))
        }
        "reglogin.hide_passwords" => Ok(Meaning::default()),
        "tcp.check_checksum" if value.eq_ignore_ascii_case("true") => Ok(ours(&["--checksums"])),
        _ => Err("preferences are Wireshark's; `authscope read --help` lists what can be set"),
    }
}

fn report(value: &str) -> Result<Meaning, &'static str> {
    match value {
        "fields" => Err("the fields are listed by `authscope fields`"),
        "folders" => Err("Wireshark's folders are named by `tshark -G folders`"),
        _ => Err("reports are Wireshark's; `authscope fields` lists the fields"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_users_of_tshark_names_every_option() {
        let page = include_str!("../../../docs/tshark.md");
        for option in TSHARK_OPTIONS {
            let short = option.short.map(|letter| format!("-{letter}"));
            let long = Some(format!("--{}", option.long)).filter(|_| !option.long.is_empty());
            let is_log = option.long.starts_with("log-");
            let named = short
                .iter()
                .chain(&long)
                .any(|name| page.contains(&format!("`{name}")));
            assert!(named || is_log, "{short:?} {long:?}");
        }
    }
}
