//! The table of tshark's options: which of ours each is.

/// What is done where an option of tshark's is typed.
pub(super) enum Deed {
    /// It names a file to read.
    File,
    /// It needs nothing: what it asks for is so anyway.
    Drop,
    /// Nothing is done, and this is said.
    Says(&'static str),
    /// It is this here.
    Is(&'static [&'static str]),
    /// It is nearly this here, and this is said.
    IsAndSays(&'static [&'static str], &'static str),
    /// It is not done; this is said in its place.
    Tells(&'static str),
    /// It depends on the value.
    Asks(fn(&str) -> Result<Meaning, &'static str>),
}

/// What an option means by its value.
#[derive(Default)]
pub(super) struct Meaning {
    /// Options of ours.
    pub options: Vec<String>,
    /// Options of `follow`, where that is meant.
    pub follow: Option<Vec<String>>,
    /// What is said of it.
    pub note: Option<&'static str>,
}

/// An option of tshark's.
pub(super) struct Habit {
    pub short: Option<char>,
    pub long: &'static str,
    /// What its value is called; empty where it takes none.
    pub value: &'static str,
    pub deed: Deed,
}

const fn habit(short: Option<char>, long: &'static str, value: &'static str, deed: Deed) -> Habit {
    Habit {
        short,
        long,
        value,
        deed,
    }
}

const ON_RECOGNITION: &str = "protocols are recognised by their content, and on ports named with -p or -d; there is nothing to switch";
const ON_LAYERS: &str =
    "JSON has messages, not layers; -T pdml has all layers, and jq chooses keys of -T jsonl";
const ON_LINK_TYPES: &str = "link-layer types are not listed: the interface's usual one is captured (tshark -L lists them); here -L FILE names a layout";
const ON_NAMES: &str = "no names are looked up; addresses are shown as they are";
const ON_LOGS: &str = "there is no log to set up; what is to be said is said on standard error";

/// All of them that `read` and `live` do not have alike, in the order of `tshark --help`.
pub(super) static HABITS: &[Habit] = &[
    habit(
        Some('p'),
        "no-promiscuous-mode",
        "",
        Deed::Asks(no_promiscuous),
    ),
    habit(
        Some('I'),
        "monitor-mode",
        "",
        Deed::Tells(
            "monitor mode is not offered: capture with `dumpcap -I -w FILE`, then read FILE",
        ),
    ),
    habit(
        Some('y'),
        "linktype",
        "TYPE",
        Deed::Tells("the interface's usual link-layer type is captured; leave it out"),
    ),
    habit(
        None,
        "time-stamp-type",
        "TYPE",
        Deed::Tells("the interface's usual time stamps are taken; leave it out"),
    ),
    habit(
        Some('D'),
        "list-interfaces",
        "",
        Deed::Tells("it stands alone: authscope interfaces"),
    ),
    habit(
        Some('L'),
        "list-data-link-types",
        "",
        Deed::Tells(ON_LINK_TYPES),
    ),
    habit(
        None,
        "list-time-stamp-types",
        "",
        Deed::Tells("the interface's usual time stamps are taken; leave it out"),
    ),
    habit(Some('r'), "read-file", "FILE", Deed::File),
    habit(Some('2'), "", "", Deed::Drop),
    habit(
        Some('M'),
        "",
        "COUNT",
        Deed::Says("memory is bounded anyway"),
    ),
    habit(
        Some('R'),
        "read-filter",
        "FILTER",
        Deed::Tells("filters are for what is shown, over all frames: use -Y FILTER"),
    ),
    habit(Some('n'), "", "", Deed::Drop),
    habit(Some('N'), "", "FLAGS", Deed::Says(ON_NAMES)),
    habit(Some('H'), "", "FILE", Deed::Says(ON_NAMES)),
    habit(Some('W'), "", "n", Deed::Says(ON_NAMES)),
    habit(
        None,
        "enable-protocol",
        "PROTOCOL",
        Deed::Says(ON_RECOGNITION),
    ),
    habit(
        None,
        "disable-protocol",
        "PROTOCOL",
        Deed::Says(ON_RECOGNITION),
    ),
    habit(None, "enable-heuristic", "NAME", Deed::Says(ON_RECOGNITION)),
    habit(
        None,
        "disable-heuristic",
        "NAME",
        Deed::Says(ON_RECOGNITION),
    ),
    habit(
        None,
        "capture-comment",
        "TEXT",
        Deed::Tells(
            "a comment for the whole file is not offered; --annotate writes comments on packets",
        ),
    ),
    habit(
        Some('C'),
        "",
        "PROFILE",
        Deed::Says("profiles are Wireshark's; options are given on the command line"),
    ),
    habit(Some('F'), "", "TYPE", Deed::Asks(file_type)),
    habit(
        Some('O'),
        "",
        "PROTOCOLS",
        Deed::IsAndSays(
            &["-V"],
            "-V shows the details of all layers, these among them",
        ),
    ),
    habit(Some('P'), "print", "", Deed::Drop),
    habit(
        Some('S'),
        "",
        "TEXT",
        Deed::Tells("lines end with a newline; -T fields -E separator=CHARACTER is about columns"),
    ),
    habit(None, "hexdump", "KIND", Deed::Asks(hexdump)),
    habit(Some('T'), "", "TYPE", Deed::Asks(output_type)),
    habit(Some('j'), "", "PROTOCOLS", Deed::Tells(ON_LAYERS)),
    habit(Some('J'), "", "PROTOCOLS", Deed::Tells(ON_LAYERS)),
    habit(Some('t'), "", "FORMAT", Deed::Asks(time)),
    habit(Some('u'), "", "FORMAT", Deed::Asks(seconds)),
    habit(Some('l'), "", "", Deed::Drop),
    habit(Some('Q'), "", "", Deed::Is(&["-q"])),
    habit(
        Some('g'),
        "",
        "",
        Deed::Tells("who may read the file is the umask's to say; use chmod g+r FILE"),
    ),
    habit(
        Some('X'),
        "",
        "KEY:VALUE",
        Deed::Tells(
            "Lua scripts are for Wireshark; -L FILE describes a protocol here (docs/layouts.md)",
        ),
    ),
    habit(
        Some('U'),
        "",
        "TAP",
        Deed::Tells(
            "PDUs are not exported; -T jsonl writes messages, follow -T raw a stream's octets",
        ),
    ),
    habit(Some('z'), "", "STATISTICS", Deed::Asks(statistics)),
    habit(
        None,
        "export-objects",
        "PROTOCOL,FOLDER",
        Deed::Tells("RegLogin carries no files; follow -T raw writes a stream's octets"),
    ),
    habit(
        None,
        "export-tls-session-keys",
        "FILE",
        Deed::Tells("-w FILE --embed-keys writes the secrets into the capture that is saved"),
    ),
    habit(None, "no-duplicate-keys", "", Deed::Drop),
    habit(
        None,
        "elastic-mapping-filter",
        "PROTOCOLS",
        Deed::Tells("no mapping is written; -T ek writes rows for Elasticsearch"),
    ),
    habit(
        None,
        "temp-dir",
        "FOLDER",
        Deed::Says("no temporary files are written"),
    ),
    habit(None, "log-level", "LEVEL", Deed::Says(ON_LOGS)),
    habit(None, "log-fatal", "LEVEL", Deed::Says(ON_LOGS)),
    habit(None, "log-domains", "LIST", Deed::Says(ON_LOGS)),
    habit(None, "log-debug", "LIST", Deed::Says(ON_LOGS)),
    habit(None, "log-noisy", "LIST", Deed::Says(ON_LOGS)),
    habit(None, "log-file", "FILE", Deed::Says(ON_LOGS)),
    habit(
        Some('v'),
        "",
        "",
        Deed::Tells("it stands alone: authscope --version"),
    ),
    habit(Some('o'), "", "NAME:VALUE", Deed::Asks(preference)),
    habit(
        Some('K'),
        "",
        "FILE",
        Deed::Tells("Kerberos is not decrypted"),
    ),
    habit(Some('G'), "", "REPORT", Deed::Asks(report)),
];

fn ours(options: &[&str]) -> Meaning {
    Meaning {
        options: options.iter().map(ToString::to_string).collect(),
        ..Meaning::default()
    }
}

/// In a file nothing is promiscuous; `live` is told by [`super::habits`] what to do with it.
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
        _ => Err("octets are shown in one way; use -x"),
    }
}

fn output_type(value: &str) -> Result<Meaning, &'static str> {
    match value {
        "psml" => Err("rows as columns are -T csv here, in XML -T pdml"),
        "ps" => Err("a page to print is `authscope report FILE -o report.html`"),
        "jsonraw" => Err("messages as JSON are -T json; their octets are in -T pdml"),
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
        let page = include_str!("../../docs/tshark.md");
        for habit in HABITS {
            let short = habit.short.map(|letter| format!("-{letter}"));
            let long = Some(format!("--{}", habit.long)).filter(|_| !habit.long.is_empty());
            let is_log = habit.long.starts_with("log-");
            let named = short
                .iter()
                .chain(&long)
                .any(|name| page.contains(&format!("`{name}")));
            assert!(named || is_log, "{short:?} {long:?}");
        }
    }
}
