//! The address of the database and how to connect to it: the URL of `--accounts`, which contains no password.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::PostgresError;
use crate::text::trouble::Words;

/// How long one host may take to accept a connection, where the URL does not say: little enough that the next one is
/// tried within a client's patience.
const CONNECT: Duration = Duration::from_millis(700);
/// How long bytes may stay unacknowledged before a connection counts as broken.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// How to reach the database.
pub struct Settings {
    /// `postgres://USER@HOST:PORT,HOST:PORT/DATABASE?…`, without a password.
    pub url: String,
    /// The user's password.
    pub password: Option<String>,
    /// Connections at most.
    pub connections: usize,
    /// Whether commits may be acknowledged that a crash can lose.
    pub weak_commit: bool,
    /// Whether missing tables are made.
    pub migrate: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A URL, read.
pub struct Target {
    pub config: Config,
    /// `None` for connections that are not encrypted.
    pub tls: Option<MakeRustlsConnect>,
}

/// What `sslmode` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encryption {
    Off,
    Verified,
}

impl Settings {
    pub(super) fn target(&self) -> Result<Target, PostgresError> {
        let bad = |reason: String| PostgresError::Url(reason);
        let (mut mode, mut root) = (None, None);
        let (base, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let mut rest = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", "disable")) => mode = Some(Encryption::Off),
                Some(("sslmode", "require" | "verify-ca" | "verify-full")) => {
                    mode = Some(Encryption::Verified);
                }
                Some(("sslmode", other)) => {
                    return Err(bad(format!(
                        "sslmode={other} protects from nobody; take verify-full, or disable"
                    )));
                }
                Some(("sslrootcert", path)) => root = Some(PathBuf::from(path)),
                Some(("password", _)) => return Err(PostgresError::PasswordInUrl),
                _ => rest.push(parameter),
            }
        }
        let mut url = base.to_owned();
        if !rest.is_empty() {
            url.push('?');
            url.push_str(&rest.join("&"));
        }
        let mut config: Config = url
            .parse()
            .map_err(|error: tokio_postgres::Error| bad(with_causes(&error)))?;
        if config.get_password().is_some() {
            return Err(PostgresError::PasswordInUrl);
        }
        if let Some(password) = &self.password {
            config.password(password);
        }
        if config.get_hosts().is_empty() {
            return Err(bad("it names no host".into()));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .application_name("authscope-server")
            .keepalives_idle(UNACKNOWLEDGED * 2)
            .tcp_user_timeout(UNACKNOWLEDGED);
        let near = config.get_hosts().iter().all(is_near);
        let unsaid = if near {
            Encryption::Off
        } else {
            Encryption::Verified
        };
        let tls = match mode.unwrap_or(unsaid) {
            Encryption::Off => {
                config.ssl_mode(SslMode::Disable);
                None
            }
            Encryption::Verified => {
                config.ssl_mode(SslMode::Require);
                Some(verified(root.as_deref())?)
            }
        };
        Ok(Target { config, tls })
    }
}

/// Whether nobody is between: a Unix socket, or this machine.
#[allow(
    unreachable_patterns,
    clippy::match_wildcard_for_single_variants,
    reason = "not every system has Unix sockets"
)]
fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        _ => true,
    }
}

/// Trusts the authorities in the file at `root`, or those that the system trusts.
fn verified(root: Option<&Path>) -> Result<MakeRustlsConnect, PostgresError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = root {
        let unreadable = |error: &dyn fmt::Display| {
            PostgresError::Tls(format!("cannot read \"{}\": {error}", path.display()))
        };
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            roots.add(certificate).map_err(|error| unreadable(&error))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        let reason = "no authority is trusted; name a file with sslrootcert=FILE in the URL";
        return Err(PostgresError::Tls(reason.into()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| PostgresError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// An error and what caused it, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let of_system = error.downcast_ref::<io::Error>();
        let said = of_system.map_or_else(|| error.to_string(), |error| Words(error).to_string());
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, PostgresError> {
        let settings = Settings {
            url: url.into(),
            password: Some("secret".into()),
            connections: 1,
            weak_commit: false,
            migrate: false,
        };
        assert!(!format!("{settings:?}").contains("secret"));
        settings.target()
    }

    #[test]
    fn several_hosts_are_tried_for_one_that_takes_writes() {
        let url =
            "postgres://authscope@127.0.0.1:5433,[::1]:5434/accounts?target_session_attrs=any";
        let target = target(url).unwrap();
        assert_eq!(target.config.get_hosts().len(), 2);
        assert_eq!(target.config.get_ports(), [5433, 5434]);
        let attributes = target.config.get_target_session_attrs();
        assert_eq!(attributes, TargetSessionAttrs::ReadWrite);
        assert!(target.tls.is_none());
    }

    #[test]
    fn what_leaves_this_machine_is_encrypted_and_verified() {
        let root = tempfile::NamedTempFile::new().unwrap();
        let key = rcgen::generate_simple_self_signed(["db".to_owned()]).unwrap();
        std::fs::write(root.path(), key.cert.pem()).unwrap();
        let trusting = |more: &str| {
            let root = root.path().display();
            target(&format!("postgres://a@db/x?sslrootcert={root}{more}"))
        };
        assert!(trusting("").unwrap().tls.is_some());
        assert!(trusting("&sslmode=require").unwrap().tls.is_some());
        assert!(trusting("&sslmode=disable").unwrap().tls.is_none());
        assert!(trusting("&sslmode=prefer").is_err());
    }

    #[test]
    fn a_password_has_no_place_in_a_url() {
        for url in [
            "postgres://a:hidden@db/x",
            "postgres://a@127.0.0.1/x?password=hidden",
        ] {
            let error = target(url).err().unwrap().to_string();
            assert!(error.contains("--accounts-password-file"), "{error}");
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}
