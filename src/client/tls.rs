//! TLS on the client's side: whom to trust, and what went wrong in words.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, KeyLogFile, RootCertStore};

use super::trouble::explain;
use super::{ClientError, Stream};
use crate::hostport::HostPort;
use crate::text::trouble::PemTrouble;

/// Why TLS cannot be used as asked.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of authorities cannot be read.
    #[error("cannot read certificates of authorities from \"{}\": {}", path.display(), PemTrouble(source))]
    File {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        source: pem::Error,
    },
    /// A certificate in that file is none that can be an authority's.
    #[error("a certificate in \"{}\" cannot be read; it takes PEM, from BEGIN CERTIFICATE to END CERTIFICATE", path.display())]
    BadAuthority {
        /// Which file.
        path: PathBuf,
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
                let certificate = certificate.map_err(file)?;
                roots
                    .add(certificate)
                    .map_err(|_| TlsError::BadAuthority { path: path.into() })?;
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
        server: &HostPort,
        address: SocketAddr,
        stream: TcpStream,
    ) -> Result<Box<dyn Stream>, ClientError> {
        // A link-local address is for a certificate the same on every interface.
        let host = server.host.split('%').next().unwrap_or_default();
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
