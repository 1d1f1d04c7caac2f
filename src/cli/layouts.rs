//! `-L` and `-d`: the layouts to recognise, and their ports.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::Failure;
use crate::layout::{self, EXAMPLE, Layout, LayoutId, MOST_LAYOUTS, Report};
use crate::protocol::layout::{DEFAULT_PORT, FILTER_PREFIX, PROTOCOL_NAME};
use crate::session::Options;
use crate::text::trouble::Trouble;

/// The layout files that a command is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Inspection")]
pub(super) struct LayoutArguments {
    /// A file that describes another protocol's messages, which are then found and shown as RegLogin's are; may be given
    /// several times. docs/layouts.md says how one is written.
    #[arg(short = 'L', long = "layout", value_name = "FILE")]
    layout: Vec<PathBuf>,
}

impl LayoutArguments {
    /// The layouts, in the order in which they were given.
    pub fn load(&self) -> Result<Vec<Layout>, Failure> {
        let mut layouts: Vec<Layout> = Vec::new();
        // Wireshark passes an empty name if none was chosen.
        let named = |file: &&PathBuf| !file.as_os_str().is_empty();
        for file in self.layout.iter().filter(named) {
            let layout = load(file)?;
            let clash = |other: &&Layout| {
                other.name.eq_ignore_ascii_case(&layout.name) || other.prefix == layout.prefix
            };
            if let Some(other) = layouts.iter().find(clash) {
                return Err(Failure::Text(format!(
                    "the layout \"{}\" and one given before it are both called {}, or filter by {}; prefix = \"...\" and \
                     name = \"...\" tell them apart",
                    file.display(),
                    other.name,
                    other.prefix
                )));
            }
            layouts.push(layout);
        }
        Ok(layouts)
    }
}

/// Reads a layout file; `-` is standard input.
pub(super) fn load(file: &Path) -> Result<Layout, Failure> {
    let name = file.display().to_string();
    let text = read(file).map_err(|error| {
        Failure::Text(format!(
            "cannot read the layout \"{name}\": {}",
            Trouble(&error)
        ))
    })?;
    layout::parse(&text).map_err(|errors| {
        let report = Report {
            file: &name,
            text: &text,
            errors: &errors,
        };
        Failure::Text(report.to_string())
    })
}

fn read(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

/// The value of `-d`: ports, and the protocol expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DecodeAs {
    first: u16,
    last: u16,
    protocol: String,
}

impl std::str::FromStr for DecodeAs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "takes tcp.port==PORT,PROTOCOL, as in tcp.port==9000,telemetry".to_owned();
        let (selector, protocol) = text.split_once(',').ok_or_else(wrong)?;
        let (table, ports) = selector.split_once("==").ok_or_else(wrong)?;
        if table.trim() != "tcp.port" {
            return Err(format!("{:?} is not known here: {}", table.trim(), wrong()));
        }
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        // As in tshark: a port, a range, or a first port and a count.
        let range = if let Some((first, last)) = ports.split_once('-') {
            port(first).zip(port(last))
        } else if let Some((first, count)) = ports.split_once(':') {
            let last = port(first)
                .zip(port(count))
                .and_then(|(first, count)| first.checked_add(count - 1));
            port(first).zip(last)
        } else {
            port(ports).map(|port| (port, port))
        };
        let (first, last) = range
            .filter(|(first, last)| first <= last)
            .ok_or_else(|| format!("{:?} is no port, and no range of ports", ports.trim()))?;
        Ok(Self {
            first,
            last,
            protocol: protocol.trim().to_owned(),
        })
    }
}

/// Adds layouts and ports to an inspector's options. `ports` are those of `-p`: they belong to the layout if exactly
/// one is given, and to RegLogin otherwise.
pub(super) fn apply(
    options: &mut Options,
    layouts: &[Layout],
    ports: &[u16],
    decode_as: &[DecodeAs],
) -> Result<(), Failure> {
    options.ports = vec![DEFAULT_PORT];
    match layouts {
        [only] if !ports.is_empty() && !is_builtin(only) => {
            add(options, only, ports.to_vec())?;
        }
        _ => {
            for layout in layouts {
                if is_builtin(layout) {
                    options.ports.clone_from(&layout.ports);
                } else {
                    add(options, layout, layout.ports.clone())?;
                }
            }
            if !ports.is_empty() {
                options.ports = ports.to_vec();
            }
        }
    }
    for DecodeAs {
        first,
        last,
        protocol,
    } in decode_as
    {
        let range = *first..=*last;
        options.ports.retain(|port| !range.contains(port));
        for (_, own) in &mut options.layouts {
            own.retain(|port| !range.contains(port));
        }
        let called = |name: &str, prefix: &str| {
            protocol.eq_ignore_ascii_case(name) || protocol.eq_ignore_ascii_case(prefix)
        };
        let is_meant = |(id, _): &&mut (LayoutId, Vec<u16>)| {
            let layout = &id.plan().layout;
            called(&layout.name, &layout.prefix)
        };
        match options.layouts.iter_mut().find(is_meant) {
            Some((_, own)) => own.extend(range),
            None if options.reglogin && called(PROTOCOL_NAME, FILTER_PREFIX) => {
                options.ports.extend(range);
            }
            None => {
                let own = options.layouts.iter();
                let mut known: Vec<&str> = own
                    .map(|(id, _)| id.plan().layout.prefix.as_str())
                    .collect();
                known.extend(options.reglogin.then_some(FILTER_PREFIX));
                return Err(Failure::Text(format!(
                    "-d names {protocol:?}, which no layout is called; known here: {}",
                    known.join(", ")
                )));
            }
        }
    }
    Ok(())
}

fn add(options: &mut Options, layout: &Layout, ports: Vec<u16>) -> Result<(), Failure> {
    let id = LayoutId::of(layout).ok_or_else(|| {
        Failure::Text(format!(
            "at most {MOST_LAYOUTS} layouts can be given at once"
        ))
    })?;
    if layout.name.eq_ignore_ascii_case(PROTOCOL_NAME) || layout.prefix == FILTER_PREFIX {
        options.reglogin = false;
    }
    options.layouts.push((id, ports));
    Ok(())
}

/// Whether a layout is RegLogin's own, apart from its ports. RegLogin has its own dissector, which is faster and
/// recognises typical mistakes.
pub(super) fn is_builtin(layout: &Layout) -> bool {
    layout::parse(EXAMPLE).is_ok_and(|own| own.describes_the_same_as(layout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_given_to_protocols_as_in_tshark() {
        let of = |text: &str| text.parse::<DecodeAs>();
        let is = |first, last| {
            let protocol = "telemetry".to_owned();
            Ok(DecodeAs {
                first,
                last,
                protocol,
            })
        };
        assert_eq!(of("tcp.port==9000,telemetry"), is(9000, 9000));
        assert_eq!(of("tcp.port==9000-9002,telemetry"), is(9000, 9002));
        assert_eq!(of("tcp.port==9000:3,telemetry"), is(9000, 9002));
        for wrong in [
            "9000",
            "tcp.port=9000,x",
            "udp.port==1,x",
            "tcp.port==0,x",
            "tcp.port==9-8,x",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_example_has_the_dissector_made_for_it() {
        let example = layout::parse(EXAMPLE).expect("it is right");
        assert!(is_builtin(&example));
        let other = EXAMPLE.replace("text[20]", "text[21]");
        assert!(!is_builtin(&layout::parse(&other).expect("it is right")));
        let elsewhere = EXAMPLE.replace("8888", "9999");
        assert!(is_builtin(&layout::parse(&elsewhere).expect("it is right")));
    }
}
