//! TLS and plain requests on one port. Certificate errors are explained. Key logs are written only on request.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::need::skip;
use crate::programs::{Place, Server, described, receive, request, stderr, stdout};
use authscope::protocol::Action;
use rcgen::{CertificateParams, Issuer, KeyPair};

/// Files of an authority and of a server's certificate signed by it.
pub struct Certificates {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

pub fn certificates(
    place: &Place,
    names: &[&str],
    change: impl Fn(&mut CertificateParams),
) -> Certificates {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "an authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let file = |name: &str, text: String| {
        let path = place.path(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    Certificates {
        authority: file("ca.pem", authority_pem),
        certificate: file("cert.pem", certificate.pem()),
        key: file("key.pem", key.serialize_pem()),
    }
}

impl Certificates {
    pub fn server(&self, place: &Place, arguments: &[&str], key_log: Option<&Path>) -> Server {
        let mut command = place.command();
        command
            .arg("--tls-cert")
            .arg(&self.certificate)
            .arg("--tls-key")
            .arg(&self.key)
            .args(arguments);
        match key_log {
            Some(path) => command.env("SSLKEYLOGFILE", path),
            None => command.env_remove("SSLKEYLOGFILE"),
        };
        Server::start(command)
    }

    pub fn client(&self, server: &Server, arguments: &[&str]) -> std::process::Output {
        let ca = self.authority.to_str().unwrap();
        server.client(&[arguments, &["--tls", "--ca-file", ca]].concat(), "secret")
    }
}

#[test]
fn plain_and_encrypted_on_one_port() {
    let place = Place::new();
    let certificates = certificates(&place, &["127.0.0.1"], |_| {});
    let server = certificates.server(&place, &["--log-level", "debug"], None);
    let output = certificates.client(&server, &["register", "alice"]);
    assert_eq!(stdout(&output), "registered\n", "{}", stderr(&output));
    assert_eq!(server.login("alice", "secret"), "yes: login successful");
    let output = certificates.client(&server, &["login", "alice"]);
    assert_eq!(stdout(&output), "login successful\n");
    server.wait_for("encrypted conn=3 version=\"TLSv1_3\"");
}

#[test]
fn tls_can_be_required() {
    let place = Place::new();
    let certificates = certificates(&place, &["127.0.0.1"], |_| {});
    let server = certificates.server(&place, &["--tls", "required"], None);
    assert_eq!(
        server.register("alice", "secret"),
        "no: this server requires TLS"
    );
    assert_eq!(
        server.login("alice", "secret"),
        "no: this server requires TLS"
    );
    assert_eq!(crate::programs::users(&place.passwd()), [""; 0]);
    let output = certificates.client(&server, &["register", "alice"]);
    assert_eq!(stdout(&output), "registered\n", "{}", stderr(&output));
}

#[test]
fn openssl_talks_to_it_in_both_versions() {
    let place = Place::new();
    let certificates = certificates(&place, &["127.0.0.1"], |_| {});
    let server = certificates.server(&place, &["--log-level", "debug"], None);
    server.register("alice", "secret");
    if Command::new("openssl").arg("version").output().is_err() {
        skip("openssl", "apt-get install openssl");
        return;
    }
    for (version, name) in [("-tls1_2", "TLSv1_2"), ("-tls1_3", "TLSv1_3")] {
        let mut child = Command::new("openssl")
            .args([
                "s_client",
                "-quiet",
                "-verify_return_error",
                version,
                "-connect",
            ])
            .arg(server.address.to_string())
            .arg("-CAfile")
            .arg(&certificates.authority)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        for password in ["secret", "wrong"] {
            let login = request(Action::Login, "alice", password);
            stdin.write_all(login.as_ref()).unwrap();
            stdin.flush().unwrap();
            let answer = described(&receive(&mut out));
            assert_eq!(answer.starts_with("yes"), password == "secret", "{answer}");
        }
        drop(stdin);
        child.kill().unwrap();
        child.wait().unwrap();
        server.wait_for(name);
    }
}

#[test]
fn certificate_errors_are_explained() {
    let place = Place::new();
    let good = certificates(&place, &["auth.example"], |_| {});
    let server = good.server(&place, &[], None);
    let refused = |server: &Server, arguments: &[&str], part: &str| {
        let output = server.client(&[&["login", "alice", "--tls"], arguments].concat(), "x");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    };
    let ca = good.authority.to_str().unwrap();
    refused(
        &server,
        &["--ca-file", ca],
        "not for \"127.0.0.1\" but for ",
    );
    refused(&server, &["--ca-file", ca], "auth.example");
    let output = good.client(
        &server,
        &["login", "alice", "--server-name", "auth.example"],
    );
    assert_eq!(stdout(&output), "no such user\n", "{}", stderr(&output));
    let other_place = Place::new();
    let other = certificates(&other_place, &["127.0.0.1"], |_| {});
    let other_ca = other.authority.to_str().unwrap();
    refused(
        &server,
        &["--ca-file", other_ca],
        "no trusted authority has signed",
    );
    refused(
        &server,
        &["--ca-file", "missing.pem"],
        "cannot read certificates of authorities",
    );
    let empty = place.path("empty.pem");
    std::fs::write(&empty, "").unwrap();
    refused(
        &server,
        &["--ca-file", empty.to_str().unwrap()],
        "no usable certificate",
    );

    let old_place = Place::new();
    let old = certificates(&old_place, &["127.0.0.1"], |params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    let old_server = old.server(&old_place, &[], None);
    refused(
        &old_server,
        &["--ca-file", old.authority.to_str().unwrap()],
        "has expired",
    );

    let ca_place = Place::new();
    let authority = certificates(&ca_place, &["127.0.0.1"], |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let ca_server = authority.server(&ca_place, &[], None);
    let own_ca = authority.authority.to_str().unwrap();
    refused(&ca_server, &["--ca-file", own_ca], "with CA:FALSE");

    let plain_place = Place::new();
    let plain = plain_place.start(&[]);
    refused(&plain, &["--ca-file", ca], "does it offer TLS?");
    plain.wait_for("it looks like TLS, which is off here");
}

#[test]
fn what_the_server_cannot_use_is_said_at_the_start() {
    let place = Place::new();
    let files = certificates(&place, &["127.0.0.1"], |_| {});
    let (certificate, key) = (
        files.certificate.to_str().unwrap(),
        files.key.to_str().unwrap(),
    );
    for (arguments, part) in [
        (&["--tls", "required"][..], "give --tls-cert and --tls-key"),
        (&["--tls-cert", certificate][..], "--tls-key"),
        (
            &["--tls-cert", "missing", "--tls-key", key],
            "cannot read the TLS certificate",
        ),
        (
            &["--tls-cert", certificate, "--tls-key", "missing"],
            "cannot read the TLS key",
        ),
        (
            &["--tls-cert", key, "--tls-key", key],
            "there is none in it",
        ),
        (
            &["--tls-cert", certificate, "--tls-key", certificate],
            "cannot read the TLS key",
        ),
    ] {
        let output = place.refused(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    // A key that is not the certificate's.
    let other_place = Place::new();
    let other = certificates(&other_place, &["127.0.0.1"], |_| {});
    let output = place.refused(&[
        "--tls-cert",
        certificate,
        "--tls-key",
        other.key.to_str().unwrap(),
    ]);
    assert!(
        stderr(&output).contains("cannot use certificate"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn secrets_are_logged_only_where_it_was_asked_for() {
    let place = Place::new();
    let certificates = certificates(&place, &["127.0.0.1"], |_| {});
    let (client_log, server_log) = (place.path("client.keys"), place.path("server.keys"));
    let ask = |server: &Server| {
        let output = Command::new("sh")
            .arg("-c")
            .arg("echo secret | \"$0\" login alice --password-stdin --tls --ca-file \"$1\" --server \"$2\"")
            .arg(env!("CARGO_BIN_EXE_authscope-client"))
            .arg(&certificates.authority)
            .arg(server.address.to_string())
            .env("SSLKEYLOGFILE", &client_log)
            .output()
            .unwrap();
        assert_eq!(stdout(&output), "no such user\n", "{}", stderr(&output));
    };
    let server = certificates.server(&place, &[], Some(&server_log));
    ask(&server);
    assert!(
        std::fs::read_to_string(&client_log)
            .unwrap()
            .contains("CLIENT_TRAFFIC_SECRET_0")
    );
    assert!(!server_log.exists());
    drop(server);
    let server = certificates.server(&place, &["--tls-key-log"], Some(&server_log));
    assert!(
        server.log().contains("WARN secrets of TLS connections"),
        "{}",
        server.log()
    );
    ask(&server);
    assert!(
        std::fs::read_to_string(&server_log)
            .unwrap()
            .contains("CLIENT_TRAFFIC_SECRET_0")
    );
}

#[test]
fn a_handshake_that_is_none_is_dropped() {
    let place = Place::new();
    let certificates = certificates(&place, &["127.0.0.1"], |_| {});
    let mut server = certificates.server(&place, &["--request-timeout", "0.3"], None);
    let mut stream = server.connect();
    stream.write_all(&[0x16, 3, 1, 0, 4, 1, 2, 3, 4]).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    server.wait_for("TLS handshake failed");
    let mut slow = server.connect();
    slow.write_all(&[0x16]).unwrap();
    let _ = slow.read_to_end(&mut rest);
    server.wait_for("request not complete in time");
    assert_eq!(server.stop().code(), Some(0));
}
