//! The table of tshark's options, and how each is handled.

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

const fn option(
    short: Option<char>,
    long: &'static str,
    value: &'static str,
    handling: Handling,
) -> TsharkOption {
    TsharkOption {
        short,
        long,
        value,
        handling,
    }
}

const ON_RECOGNITION: &str = "protocols are recognised by their content, and on ports named with -p or -d; there is nothing to switch";
const ON_LAYERS: &str =
    "JSON has messages, not layers; -T pdml has all layers, and jq chooses keys of -T jsonl";
const ON_LINK_TYPES: &str = "link-layer types are not listed: the interface's usual one is captured (tshark -L lists them); here -L FILE names a layout";
const ON_NAMES: &str = "no names are looked up; addresses are shown as they are";
const ON_LOGS: &str = "there is no log to set up; what is to be said is said on standard error";

/// All options that `read` and `live` do not have with the same meaning, in the order of `tshark --help`.
pub(super) static TSHARK_OPTIONS: &[TsharkOption] = &[
    option(
        Some('p'),
        "no-promiscuous-mode",
        "",
        Handling::ByValue(no_promiscuous),
    ),
    option(
        Some('I'),
        "monitor-mode",
        "",
        Handling::Refused(
            "monitor mode is not offered: capture with `dumpcap -I -w FILE`, then read FILE",
        ),
    ),
    option(
        Some('y'),
        "linktype",
        "TYPE",
        Handling::Refused("the interface's usual link-layer type is captured; leave it out"),
    ),
    option(
        None,
        "time-stamp-type",
        "TYPE",
        Handling::Refused("the interface's usual time stamps are taken; leave it out"),
    ),
    option(
        Some('D'),
        "list-interfaces",
        "",
        Handling::Refused("it stands alone: authscope interfaces"),
    ),
    option(
        Some('L'),
        "list-data-link-types",
        "",
        Handling::Refused(ON_LINK_TYPES),
    ),
    option(
        None,
        "list-time-stamp-types",
        "",
        Handling::Refused("the interface's usual time stamps are taken; leave it out"),
    ),
    option(Some('r'), "read-file", "FILE", Handling::File),
    option(Some('2'), "", "", Handling::Ignored),
    option(
        Some('M'),
        "",
        "COUNT",
        Handling::IgnoredWithNote("memory is bounded anyway"),
    ),
    option(
        Some('R'),
        "read-filter",
        "FILTER",
        Handling::Refused("filters are for what is shown, over all frames: use -Y FILTER"),
    ),
    option(Some('n'), "", "", Handling::Ignored),
    option(Some('N'), "", "FLAGS", Handling::IgnoredWithNote(ON_NAMES)),
    option(Some('H'), "", "FILE", Handling::IgnoredWithNote(ON_NAMES)),
    option(Some('W'), "", "n", Handling::IgnoredWithNote(ON_NAMES)),
    option(
        None,
        "enable-protocol",
        "PROTOCOL",
        Handling::IgnoredWithNote(ON_RECOGNITION),
    ),
    option(
        None,
        "disable-protocol",
        "PROTOCOL",
        Handling::IgnoredWithNote(ON_RECOGNITION),
    ),
    option(
        None,
        "enable-heuristic",
        "NAME",
        Handling::IgnoredWithNote(ON_RECOGNITION),
    ),
    option(
        None,
        "disable-heuristic",
        "NAME",
        Handling::IgnoredWithNote(ON_RECOGNITION),
    ),
    option(
        None,
        "capture-comment",
        "TEXT",
        Handling::Refused(
            "a comment for the whole file is not offered; --annotate writes comments on packets",
        ),
    ),
    option(
        Some('C'),
        "",
        "PROFILE",
        Handling::IgnoredWithNote(
            "profiles are Wireshark's; options are given on the command line",
        ),
    ),
    option(Some('F'), "", "TYPE", Handling::ByValue(file_type)),
    option(
        Some('O'),
        "",
        "PROTOCOLS",
        Handling::OursWithNote(
            &["-V"],
            "-V shows the details of all layers, these among them",
        ),
    ),
    option(Some('P'), "print", "", Handling::Ignored),
    option(
        Some('S'),
        "",
        "TEXT",
        Handling::Refused(
            "lines end with a newline; -T fields -E separator=CHARACTER is about columns",
        ),
    ),
    option(None, "hexdump", "KIND", Handling::ByValue(hexdump)),
    option(Some('T'), "", "TYPE", Handling::ByValue(output_type)),
    option(Some('j'), "", "PROTOCOLS", Handling::Refused(ON_LAYERS)),
    option(Some('J'), "", "PROTOCOLS", Handling::Refused(ON_LAYERS)),
    option(Some('t'), "", "FORMAT", Handling::ByValue(time)),
    option(Some('u'), "", "FORMAT", Handling::ByValue(seconds)),
    option(Some('l'), "", "", Handling::Ignored),
    option(Some('Q'), "", "", Handling::Ours(&["-q"])),
    option(
        Some('g'),
        "",
        "",
        Handling::Refused("who may read the file is the umask's to say; use chmod g+r FILE"),
    ),
    option(
        Some('X'),
        "",
        "KEY:VALUE",
        Handling::Refused(
            "Lua scripts are for Wireshark; -L FILE describes a protocol here (docs/layouts.md)",
        ),
    ),
    option(
        Some('U'),
        "",
        "TAP",
        Handling::Refused(
            "PDUs are not exported; -T jsonl writes messages, follow -T raw a stream's octets",
        ),
    ),
    option(Some('z'), "", "STATISTICS", Handling::ByValue(statistics)),
    option(
        None,
        "export-objects",
        "PROTOCOL,FOLDER",
        Handling::Refused("RegLogin carries no files; follow -T raw writes a stream's octets"),
    ),
    option(
        None,
        "export-tls-session-keys",
        "FILE",
        Handling::Refused("-w FILE --embed-keys writes the secrets into the capture that is saved"),
    ),
    option(None, "no-duplicate-keys", "", Handling::Ignored),
    option(
        None,
        "elastic-mapping-filter",
        "PROTOCOLS",
        Handling::Refused("no mapping is written; -T ek writes rows for Elasticsearch"),
    ),
    option(
        None,
        "temp-dir",
        "FOLDER",
        Handling::IgnoredWithNote("no temporary files are written"),
    ),
    option(
        None,
        "log-level",
        "LEVEL",
        Handling::IgnoredWithNote(ON_LOGS),
    ),
    option(
        None,
        "log-fatal",
        "LEVEL",
        Handling::IgnoredWithNote(ON_LOGS),
    ),
    option(
        None,
        "log-domains",
        "LIST",
        Handling::IgnoredWithNote(ON_LOGS),
    ),
    option(
        None,
        "log-debug",
        "LIST",
        Handling::IgnoredWithNote(ON_LOGS),
    ),
    option(
        None,
        "log-noisy",
        "LIST",
        Handling::IgnoredWithNote(ON_LOGS),
    ),
    option(None, "log-file", "FILE", Handling::IgnoredWithNote(ON_LOGS)),
    option(
        Some('v'),
        "",
        "",
        Handling::Refused("it stands alone: authscope --version"),
    ),
    option(Some('o'), "", "NAME:VALUE", Handling::ByValue(preference)),
    option(
        Some('K'),
        "",
        "FILE",
        Handling::Refused("Kerberos is not decrypted"),
    ),
    option(Some('G'), "", "REPORT", Handling::ByValue(report)),
];

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
