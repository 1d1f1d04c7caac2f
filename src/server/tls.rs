//! TLS on the server's side: certificate and key, and whether clients may or must use it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, KeyLogFile, ServerConfig};

/// First octet of a TLS handshake record (RFC 8446 section 5.1, content type handshake). A
/// request starts with 0, the first octet of its length.
pub const HANDSHAKE: u8 = 0x16;

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Never.
    #[default]
    Off,
    /// As the client begins.
    Optional,
    /// Always: a plain request is refused.
    Required,
}

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or has nothing of use in it.
    #[error("cannot read the {what} from \"{}\": {source}", path.display())]
    File {
        /// `TLS certificate` or `TLS key`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        source: pem::Error,
    },
    /// The certificate file holds no certificate.
    #[error("cannot read the TLS certificate from \"{}\": there is none in it; it takes PEM, from BEGIN CERTIFICATE to END CERTIFICATE", path.display())]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error("cannot use certificate \"{}\" with key \"{}\": {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What went wrong.
        source: rustls::Error,
    },
}

/// The server's side of TLS.
#[derive(Clone, Default)]
pub struct Tls {
    mode: TlsMode,
    acceptor: Option<TlsAcceptor>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({:?})", self.mode)
    }
}

impl Tls {
    /// Reads certificate chain and key, both PEM. With `key_log`, the secrets of each connection
    /// are written to the file that the environment variable `SSLKEYLOGFILE` names.
    pub fn new(
        required: bool,
        certificate: &Path,
        key: &Path,
        key_log: bool,
    ) -> Result<Self, TlsError> {
        let chain = read_certificates(certificate)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::File {
            what: "TLS key",
            path: key.into(),
            source,
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(chain, private)
            })
            .map_err(|source| TlsError::Unusable {
                certificate: certificate.into(),
                key: key.into(),
                source,
            })?;
        if key_log {
            config.key_log = Arc::new(KeyLogFile::new());
        }
        Ok(Self {
            mode: if required {
                TlsMode::Required
            } else {
                TlsMode::Optional
            },
            acceptor: Some(TlsAcceptor::from(Arc::new(config))),
        })
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub const fn mode(&self) -> TlsMode {
        self.mode
    }

    /// What does the handshakes; `None` where TLS is off.
    pub(super) const fn acceptor(&self) -> Option<&TlsAcceptor> {
        self.acceptor.as_ref()
    }
}

/// The certificates in a PEM file; at least one.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(TlsError::NoCertificate { path: path.into() })
        }
        Ok(certificates) => Ok(certificates),
        Err(source) => Err(TlsError::File {
            what: "TLS certificate",
            path: path.into(),
            source,
        }),
    }
}

/// What went wrong in a handshake, in words.
pub fn handshake_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the client closed the connection".into(),
        _ => error.to_string(),
    }
}
