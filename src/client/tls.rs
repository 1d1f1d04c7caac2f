//! TLS on the client's side: whom to trust, and what went wrong in words.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, KeyLogFile, RootCertStore};

use super::{ClientError, Stream};

/// Why TLS cannot be used as asked.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of authorities cannot be read.
    #[error("cannot read certificates of authorities from \"{}\": {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        source: pem::Error,
    },
    /// No authority is trusted.
    #[error(
        "there is no usable certificate of an authority in {place}; name a file of them with --ca-file"
    )]
    NoAuthority {
        /// Where they were looked for.
        place: String,
    },
    /// The name is none that a certificate can be for.
    #[error("\"{0}\" is no name that a certificate can be for; give one with --server-name")]
    Name(String),
    /// The library refuses.
    #[error("{0}")]
    Setup(#[from] rustls::Error),
}

/// How to make encrypted connections.
pub struct Tls {
    connector: TlsConnector,
    name: Option<String>,
}

impl Tls {
    /// Trusts the authorities in `ca_file` (PEM), or those that the system trusts. The server's
    /// certificate has to be for `name`, or for the host that is connected to. The secrets of
    /// each connection are written to the file that the environment variable `SSLKEYLOGFILE`
    /// names, where it is set.
    pub fn new(ca_file: Option<&Path>, name: Option<String>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let place = if let Some(path) = ca_file {
            let file = |source| TlsError::File {
                path: path.into(),
                source,
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(file)? {
                roots.add(certificate.map_err(file)?)?;
            }
            format!("\"{}\"", path.display())
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            "the system's store".into()
        };
        if roots.is_empty() {
            return Err(TlsError::NoAuthority { place });
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.key_log = Arc::new(KeyLogFile::new());
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        })
    }

    pub(super) async fn handshake(
        &self,
        server: &str,
        address: SocketAddr,
        stream: TcpStream,
    ) -> Result<Box<dyn Stream>, ClientError> {
        let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = self.name.as_deref().unwrap_or(host);
        let server_name =
            ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))?;
        match self.connector.connect(server_name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(ClientError::Handshake {
                address,
                reason: explain(&error, name),
            }),
        }
    }
}

/// What went wrong in a handshake, and what to do about it.
fn explain(error: &io::Error, name: &str) -> String {
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "the server closed the connection; does it offer TLS?".into()
            }
            _ => error.to_string(),
        };
    };
    match tls {
        rustls::Error::InvalidCertificate(error) => explain_certificate(error, name),
        rustls::Error::InvalidMessage(_) => {
            format!("the server does not answer in TLS ({tls}); does it offer TLS?")
        }
        other => other.to_string(),
    }
}

fn explain_certificate(error: &CertificateError, name: &str) -> String {
    match error {
        // Bad signature: an authority of the right name, but another one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "no trusted authority has signed the server's certificate; name the authority's certificate, or the server's own if it signed itself, with --ca-file".into()
        }
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the server's certificate is not for \"{name}\" but for {}; if that is the server you mean, say so with --server-name",
            presented.join(", ")
        ),
        CertificateError::NotValidForName => format!(
            "the server's certificate is not for \"{name}\"; if it is the server you mean, give its name with --server-name"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the server's certificate has expired ({error}); is this machine's clock right?")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
            "the server's certificate is not valid yet ({error}); is this machine's clock right?"
        ),
        // The verifier's own error, which is not public by name.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the server's certificate is an authority's (CA:TRUE); a server needs one of its own, with CA:FALSE".into()
        }
        other => format!("the server's certificate is not accepted: {other}"),
    }
}
