//! TLS on the server's side: certificate and key, and whether clients may or must use it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, KeyLogFile, ServerConfig};

use super::certificate::{TimeWarning, Validity};
use super::meters;
use crate::locks::{read, write};
use crate::text::trouble::PemTrouble;

/// First byte of a TLS handshake record (RFC 8446 section 5.1, content type handshake). A
/// request starts with 0, the first byte of its length.
pub const HANDSHAKE: u8 = 0x16;

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Never.
    #[default]
    Off,
    /// As the client chooses.
    Optional,
    /// Always: a request without TLS is refused.
    Required,
}

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or contains nothing usable.
    #[error("cannot read the {what} from \"{}\": {}", path.display(), PemTrouble(source))]
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
    /// Certificate and key do not match, or are of an unsupported kind.
    #[error("cannot use certificate \"{}\" with key \"{}\": {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: Box<Path>,
        /// The key's file.
        key: Box<Path>,
        /// What went wrong.
        source: rustls::Error,
    },
}

/// Where certificate and key come from.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain, PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// Whether the secrets of each connection are written to the file that the environment
    /// variable `SSLKEYLOGFILE` names.
    pub key_log: bool,
}

/// The server's side of TLS. Clones share certificate and key.
#[derive(Clone, Default)]
pub struct Tls {
    mode: TlsMode,
    shared: Option<Arc<SharedTls>>,
}

/// What a reload changes.
struct SharedTls {
    files: TlsFiles,
    current: RwLock<Current>,
}

/// The configuration for handshakes.
#[derive(Clone)]
struct Current {
    acceptor: TlsAcceptor,
    validity: Option<Validity>,
    key_exposed: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({:?})", self.mode)
    }
}

impl Tls {
    /// Reads certificate chain and key.
    pub fn new(required: bool, files: TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(Current::read(&files)?);
        Ok(Self {
            mode: if required {
                TlsMode::Required
            } else {
                TlsMode::Optional
            },
            shared: Some(Arc::new(SharedTls { files, current })),
        })
    }

    /// Reads certificate chain and key again, for handshakes from now on. If that fails, the old ones stay in use.
    /// Returns whether there is anything to read.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let Some(shared) = &self.shared else {
            return Ok(false);
        };
        let current = Current::read(&shared.files)?;
        *write(&shared.current) = current;
        Ok(true)
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub const fn mode(&self) -> TlsMode {
        self.mode
    }

    /// Performs handshakes; `None` if TLS is off.
    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        Some(self.shared.as_ref()?.current().acceptor)
    }

    /// Time until [`tell`](Self::tell) may have something new to report; `None` for never.
    #[must_use]
    pub fn next_look(&self) -> Option<Duration> {
        let validity = self.shared.as_ref()?.current().validity?;
        Some(validity.next_look(Timestamp::now()))
    }

    /// Logs warnings about the certificate's validity and the key's mode, and updates their metrics.
    pub fn tell(&self) {
        let Some(shared) = &self.shared else {
            return;
        };
        let (certificate, key) = (
            shared.files.certificate.display(),
            shared.files.key.display(),
        );
        let current = shared.current();
        if current.key_exposed {
            tracing::warn!(%key, "others can read the TLS key; chmod 600 it");
        }
        let Some(validity) = current.validity else {
            tracing::warn!(%certificate, "cannot tell until when the TLS certificate is valid");
            return;
        };
        let Validity {
            not_before,
            not_after,
        } = validity;
        meters::certificate(not_after.as_second(), current.key_exposed);
        match validity.warning(Timestamp::now()) {
            Some(TimeWarning::Expired) => {
                tracing::warn!(%certificate, %not_after, "the TLS certificate has expired");
            }
            Some(TimeWarning::NotYetValid) => {
                tracing::warn!(%certificate, %not_before, "the TLS certificate is not valid yet");
            }
            Some(TimeWarning::ExpiresSoon) => {
                tracing::warn!(%certificate, %not_after, "the TLS certificate expires soon");
            }
            None => tracing::info!(%certificate, %not_after, "TLS certificate in use"),
        }
    }
}

impl SharedTls {
    fn current(&self) -> Current {
        read(&self.current).clone()
    }
}

impl Current {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let TlsFiles {
            certificate,
            key,
            key_log,
        } = files;
        let chain = read_certificates(certificate)?;
        let unreadable = |source| TlsError::File {
            what: "TLS key",
            path: key.into(),
            source,
        };
        let validity = Validity::of(&chain);
        let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable)?;
        let key_exposed = crate::platform::file::is_exposed(key)
            .map_err(|source| unreadable(pem::Error::Io(source)))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(chain, private)
            })
            .map_err(|source| TlsError::Unusable {
                certificate: certificate.as_path().into(),
                key: key.as_path().into(),
                source,
            })?;
        if *key_log {
            config.key_log = Arc::new(KeyLogFile::new());
        }
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            validity,
            key_exposed,
        })
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
