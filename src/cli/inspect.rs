//! How frames are inspected: the arguments of every command that reads frames.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;

use super::error::Failure;
use super::layouts::{self, DecodeAs, LayoutArguments};
use super::say;
use crate::capture::FileError;
use crate::session::{KeyLogSource, Options};
use crate::text::escape::Local;

/// The environment variable that tells programs where to write secrets of TLS connections.
const ENVIRONMENT: &str = "SSLKEYLOGFILE";

/// The least buffer for out-of-order data, in bytes, with which reassembly works.
const LEAST_BUFFER: usize = 64 << 10;

#[derive(Debug, Args)]
#[command(next_help_heading = "Inspection")]
pub(super) struct InspectArguments {
    /// A port where RegLogin is expected, or the protocol of the one layout that is given; may be given several times. On
    /// other ports it is found by its content. [default: 8888, or the layout's own]
    #[arg(short, long = "port", value_name = "PORT")]
    ports: Vec<u16>,

    #[command(flatten)]
    layouts: LayoutArguments,

    /// A port where a layout's protocol is expected, as tcp.port==9000,telemetry; may be given several times.
    #[arg(short, long, value_name = "tcp.port==PORT,PROTOCOL")]
    decode_as: Vec<DecodeAs>,

    /// Note wrong TCP checksums. They are usual where the network card fills them in.
    #[arg(long)]
    checksums: bool,

    /// A file with secrets of TLS connections in the NSS key log format, to decrypt them with; may
    /// be given several times. It is read again as it grows. [default: what SSLKEYLOGFILE names]
    #[arg(long = "tls-keylog", value_name = "FILE")]
    key_logs: Vec<PathBuf>,

    /// Take what has the same addresses and ports on several VLANs for one connection, as in a
    /// capture from both sides of a device that changes tags.
    #[arg(long)]
    ignore_vlan_tags: bool,

    /// Memory for out-of-order data of all streams together, such as 16M or 1G.
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    max_buffer: usize,
}

impl InspectArguments {
    /// The key logs: those that were named, or the one in the environment, which is reported. With `live` a key log
    /// may appear later.
    fn key_logs(&self, live: bool) -> Result<Vec<KeyLogSource>, Failure> {
        let of_environment = std::env::var_os(ENVIRONMENT)
            .filter(|name| !name.is_empty() && self.key_logs.is_empty())
            .map(PathBuf::from);
        let mut sources = Vec::new();
        for path in self.key_logs.iter().chain(&of_environment) {
            let named = of_environment.is_none();
            let shown = path.to_string_lossy();
            let shown = Local(&shown);
            match KeyLogSource::open(path) {
                Ok(source) => {
                    if !named {
                        say(&format!(
                            "TLS secrets are read from {shown}, which {ENVIRONMENT} names"
                        ));
                    }
                    sources.push(source);
                }
                Err(error) if error.kind() == ErrorKind::NotFound && live => {
                    say(&format!(
                        "the key log {shown} is not there yet; it is read once it is"
                    ));
                    sources.push(KeyLogSource::File(path.clone()));
                }
                // Other programs write this file; the user did not ask for it to be read.
                Err(_) if !named => {}
                Err(error) => return Err(FileError::new(path, error).into()),
            }
        }
        Ok(sources)
    }

    /// The inspector's options, for a `live` capture or for files. Reads key logs that are pipes, and registers the
    /// layouts' names for filters and fields.
    pub fn options(&self, live: bool) -> Result<Options, Failure> {
        let mut options = Options {
            checksums: self.checksums,
            key_logs: self.key_logs(live)?,
            live,
            ignore_vlan_tags: self.ignore_vlan_tags,
            ..Options::default()
        };
        let octets = self.max_buffer;
        let streams = &mut options.streams;
        streams.buffer = octets;
        streams.buffer_per_direction = streams.buffer_per_direction.min(octets);
        options.fragments.octets = options.fragments.octets.min(octets);
        let layouts = self.layouts.load()?;
        layouts::apply(&mut options, &layouts, &self.ports, &self.decode_as)?;
        options.reglogin_in_fields = layouts.iter().any(layouts::is_builtin);
        Ok(options)
    }
}

/// A size in bytes, with an optional unit: K, M or G (powers of 1024).
fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        other => return Err(format!("unit {other:?} is none of K, M and G")),
    };
    let count: usize = digits
        .parse()
        .map_err(|_| "takes a whole number with K, M or G behind it, such as 16M".to_owned())?;
    let octets = count.checked_mul(1 << unit).ok_or("is too large")?;
    if octets < LEAST_BUFFER {
        return Err(format!("is below the least, {}K", LEAST_BUFFER >> 10));
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("16M"), Ok(16 << 20));
        assert_eq!(size("1gib"), Ok(1 << 30));
        for bad in [
            "",
            "M",
            "1.5M",
            "-1",
            "10x",
            "1K",
            "99999999999999999999G",
            "17179869184G",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
