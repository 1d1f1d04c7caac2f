//! What went wrong in a TLS handshake, in words, and what to do about it.

use std::fmt::Debug;
use std::io;

use jiff::Timestamp;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{self, CertificateError};

/// What went wrong in a handshake with a server whose certificate should be for `name`.
pub fn explain(error: &io::Error, name: &str) -> String {
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
            "the server does not answer in TLS; does it offer TLS?".into()
        }
        rustls::Error::AlertReceived(alert) => {
            format!("the server refuses it: {}", in_words(alert))
        }
        rustls::Error::PeerIncompatible(why) => format!(
            "the server has no version or kind of TLS that is used here ({}); it takes TLS 1.2 or 1.3",
            in_words(why)
        ),
        rustls::Error::PeerMisbehaved(why) => {
            format!("the server breaks the rules of TLS: {}", in_words(why))
        }
        rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. } => {
            "the server breaks the rules of TLS: a message out of turn".into()
        }
        other => other.to_string(),
    }
}

fn explain_certificate(error: &CertificateError, name: &str) -> String {
    match error {
        // Bad signature: an authority of the right name, but another one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "no trusted authority has signed the server's certificate; name the authority's certificate, or the server's own if it is self-signed, with --ca-file".into()
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            format!(
                "the server's certificate is not for \"{name}\" but for no name at all; it needs a subjectAltName"
            )
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            format!(
                "the server's certificate is not for \"{name}\" but for {}; if that is the server you mean, say so with --server-name",
                names.join(", ")
            )
        }
        CertificateError::NotValidForName => format!(
            "the server's certificate is not for \"{name}\"; if it is the server you mean, give its name with --server-name"
        ),
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "the server's certificate has expired, on {}; is this machine's clock right?",
            day(*not_after)
        ),
        CertificateError::Expired => {
            "the server's certificate has expired; is this machine's clock right?".into()
        }
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the server's certificate is not valid before {}; is this machine's clock right?",
            day(*not_before)
        ),
        CertificateError::NotValidYet => {
            "the server's certificate is not valid yet; is this machine's clock right?".into()
        }
        CertificateError::Revoked => "the server's certificate has been revoked".into(),
        CertificateError::BadEncoding => "the server's certificate cannot be read".into(),
        CertificateError::UnhandledCriticalExtension => {
            "the server's certificate has a critical extension that is not known here".into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not for servers; its extended key usage has to have serverAuth".into()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            SIGNATURE.into()
        }
        // The verifier's own error, which is not public by name.
        other => match in_words(other).as_str() {
            "unsupported signature algorithm" => SIGNATURE.into(),
            "other other error ca used as end entity" => {
                "the server's certificate is an authority's (CA:TRUE); a server needs one of its own, with CA:FALSE".into()
            }
            "other other error end entity used as ca" => {
                "the server's certificate is signed by one that is no authority's (CA:FALSE)".into()
            }
            "other other error unsupported cert version" => {
                "the server's certificate is of X.509 version 1; it takes version 3".into()
            }
            words => format!(
                "the server's certificate is not accepted: {}",
                words.strip_prefix("other other error ").unwrap_or(words)
            ),
        },
    }
}

const SIGNATURE: &str = "the server's certificate is signed in a way that is not accepted; it takes ECDSA with P-256 or P-384, Ed25519, or RSA with at least 2048 bits, and SHA-256 or better";

/// A name in a certificate without the kind of name around it: `DnsName("a.example")`.
fn bare(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn day(time: UnixTime) -> String {
    let second = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(second).map_or_else(
        |_| "a day that has no date".into(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}

/// The name of an error that has no words of its own, without what it carries:
/// `Other(OtherError(PathLenConstraintViolated))` is "other other error path len constraint
/// violated".
fn in_words(error: &impl Debug) -> String {
    let mut words = String::new();
    let text = format!("{error:?}");
    let names = text.split([' ', '{', '[', ',']).next().unwrap_or_default();
    for character in names.chars() {
        match character {
            c if c.is_ascii_uppercase() => {
                let after_small = !words.ends_with(' ') && !words.is_empty();
                if after_small {
                    words.push(' ');
                }
                words.push(c.to_ascii_lowercase());
            }
            c if c.is_ascii_alphanumeric() => words.push(c),
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{AlertDescription, OtherError, PeerIncompatible, PeerMisbehaved};

    use super::*;

    #[test]
    fn names_stand_without_their_kind() {
        assert_eq!(bare("DnsName(\"a.example\")"), "a.example");
        assert_eq!(bare("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(bare("odd"), "odd");
    }

    #[test]
    fn every_error_is_in_words() {
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_000_000_000));
        let certificate = [
            CertificateError::BadEncoding,
            CertificateError::Expired,
            CertificateError::ExpiredContext {
                time,
                not_after: time,
            },
            CertificateError::NotValidYetContext {
                time,
                not_before: time,
            },
            CertificateError::Revoked,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::UnknownIssuer,
            CertificateError::UnknownRevocationStatus,
            CertificateError::BadSignature,
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![6, 9, 42],
                supported_algorithms: Vec::new(),
            },
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![6, 9, 42],
                public_key_algorithm_id: vec![6, 9, 42],
            },
            CertificateError::NotValidForName,
            CertificateError::NotValidForNameContext {
                expected: ServerName::try_from("a.example").unwrap(),
                presented: vec!["DnsName(\"b.example\")".into()],
            },
            CertificateError::InvalidPurpose,
            CertificateError::Other(OtherError(Arc::new(io::Error::other("odd")))),
        ];
        let errors = certificate
            .map(rustls::Error::InvalidCertificate)
            .into_iter()
            .chain([
                rustls::Error::AlertReceived(AlertDescription::HandshakeFailure),
                rustls::Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                rustls::Error::PeerMisbehaved(PeerMisbehaved::InvalidCertCompression),
            ]);
        for error in errors {
            let text = explain(&io::Error::other(error), "a.example");
            for part in ["Context", "::", "{", "}", "[", "(\"", "[6"] {
                assert!(!text.contains(part), "{text}");
            }
        }
        let expired = CertificateError::ExpiredContext {
            time,
            not_after: time,
        };
        assert_eq!(
            explain_certificate(&expired, ""),
            "the server's certificate has expired, on 2001-09-09; is this machine's clock right?"
        );
    }
}
