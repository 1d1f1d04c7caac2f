//! `authscope-server cert new`: makes a key and a self-signed certificate, which clients accept with `--ca-file`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::IpAddr;
use std::num::TryFromIntError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use authscope::platform;
use authscope::protocol::layout;
use authscope::text::trouble::Trouble;
use clap::Subcommand;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};

use crate::Outcome;
use crate::listing::write_out;

#[derive(Clone, Subcommand)]
pub enum CertCommand {
    /// Make a key and a certificate for these names.
    New {
        /// Host names and addresses that clients connect to.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,

        /// The certificate's file, which is made.
        #[arg(long, value_name = "FILE", default_value = "cert.pem")]
        cert: PathBuf,

        /// The key's file, which is made with mode 0600.
        #[arg(long, value_name = "FILE", default_value = "key.pem")]
        key: PathBuf,

        /// For how many days it is valid.
        #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
    },
}

pub fn run(command: &CertCommand) -> Outcome {
    let CertCommand::New {
        names,
        cert,
        key,
        days,
    } = command;
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Err(format!(
            "\"{}\" is no name for a certificate; it takes host names in ASCII, such as server.example or *.lab.example, and addresses",
            name.escape_debug()
        )
        .into());
    }
    let mut params = CertificateParams::new(names.clone())?;
    params
        .distinguished_name
        .push(DnType::CommonName, &names[0]);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    // Clients' clocks may be a little slow.
    let (year, month, day) = parts(today - 1.day())?;
    params.not_before = rcgen::date_time_ymd(year, month, day);
    let (year, month, day) = parts(today + i64::from(*days).days())?;
    params.not_after = rcgen::date_time_ymd(year, month, day);
    let pair = KeyPair::generate()?;
    let made = params.self_signed(&pair)?;
    create(key, 0o600, &pair.serialize_pem())?;
    create(cert, 0o644, &made.pem()).inspect_err(|_| {
        let _ = std::fs::remove_file(key);
    })?;
    let (cert, key, host) = (cert.display(), key.display(), &names[0]);
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    write_out(|out| {
        writeln!(out, "authscope-server --tls-cert {cert} --tls-key {key}")?;
        writeln!(
            out,
            "authscope-client login NAME --server {host}:{} --tls --ca-file {cert}",
            layout::DEFAULT_PORT
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether it is an address or a host name (RFC 1123, section 2.1). The first label may be `*`.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let inside = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
        (1..=63).contains(&label.len())
            && label.bytes().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let host = name.strip_prefix("*.").unwrap_or(name);
    let is_host = host.len() <= 253 && host.split('.').all(is_label);
    is_host || name.parse::<IpAddr>().is_ok()
}

/// Year, month and day.
fn parts(date: Date) -> Result<(i32, u8, u8), TryFromIntError> {
    let (month, day) = (u8::try_from(date.month())?, u8::try_from(date.day())?);
    Ok((date.year().into(), month, day))
}

/// Creates a file that must not exist yet.
fn create(path: &Path, mode: u32, text: &str) -> Result<(), String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let file = platform::file::with_mode(&mut options, mode).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error: io::Error| {
        format!("cannot make \"{}\": {}", path.display(), Trouble(&error))
    })
}
