//! Certificate and key are read again on SIGHUP, a bad new one leaves the old one in use, and a warning is logged
//! before a certificate expires.

use std::os::unix::fs::PermissionsExt;

use crate::programs::{Place, Server, page, stderr, stdout};
use crate::server_tls::{Certificates, certificates};
use rustix::process::Signal;

fn move_over(from: &Certificates, to: &Certificates) {
    std::fs::copy(&from.certificate, &to.certificate).unwrap();
    std::fs::copy(&from.key, &to.key).unwrap();
}

fn works(certificates: &Certificates, server: &Server) {
    let output = certificates.client(server, &["login", "a"]);
    assert_eq!(stdout(&output), "no such user\n", "{}", stderr(&output));
}

fn is_not_trusted(certificates: &Certificates, server: &Server) {
    let output = certificates.client(server, &["login", "a"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("no trusted authority has signed"), "{text}");
}

#[test]
fn sighup_reads_certificate_and_key_anew() {
    let (place, other_place) = (Place::new(), Place::new());
    let old = certificates(&place, &["127.0.0.1"], |_| {});
    let new = certificates(&other_place, &["127.0.0.1"], |_| {});
    let mut server = old.server(&place, &[], None);
    works(&old, &server);
    is_not_trusted(&new, &server);
    move_over(&new, &old);
    server.signal(Signal::HUP);
    server.wait_for("reloaded log_file=false certificate=true");
    works(&new, &server);
    is_not_trusted(&old, &server);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_bad_new_certificate_leaves_the_old_one_in_use() {
    let (place, other_place) = (Place::new(), Place::new());
    let files = certificates(&place, &["127.0.0.1"], |_| {});
    let other = certificates(&other_place, &["127.0.0.1"], |_| {});
    let mut server = files.server(&place, &["--metrics", "127.0.0.1:0"], None);
    for (n, spoil) in [
        (&|| std::fs::write(&files.certificate, "no certificate").unwrap()) as &dyn Fn(),
        &|| std::fs::write(&files.certificate, "").unwrap(),
        // A certificate, but not that of the key.
        &|| assert!(std::fs::copy(&other.certificate, &files.certificate).is_ok()),
        &|| std::fs::remove_file(&files.key).unwrap(),
    ]
    .into_iter()
    .enumerate()
    {
        spoil();
        server.signal(Signal::HUP);
        let deadline = std::time::Instant::now() + crate::programs::PATIENCE;
        let said = "the old certificate stays in use";
        while server.log().matches(said).count() <= n {
            assert!(std::time::Instant::now() < deadline, "{}", server.log());
        }
        works(&files, &server);
    }
    assert!(server.log().contains("ERROR"), "{}", server.log());
    let log = server.log();
    let metrics = log.split("metrics on http://").nth(1).unwrap();
    let (_, text) = page(metrics.split("/metrics").next().unwrap(), "/metrics");
    assert!(
        text.contains("authscope_reloads_total{outcome=\"failed\"} 4"),
        "{text}"
    );
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn an_expiring_certificate_and_an_open_key_are_said() {
    let year = |year| rcgen::date_time_ymd(year, 1, 1);
    let soon = std::time::SystemTime::now() + std::time::Duration::from_hours(24 * 10);
    for (not_after, said) in [
        (year(2002), Some("the TLS certificate has expired")),
        (soon.into(), Some("the TLS certificate expires soon")),
        (year(2999), None),
    ] {
        let place = Place::new();
        let files = certificates(&place, &["127.0.0.1"], |params| {
            params.not_before = year(2001);
            params.not_after = not_after;
        });
        let exposed = said.is_some();
        let mode = if exposed { 0o644 } else { 0o600 };
        std::fs::set_permissions(&files.key, PermissionsExt::from_mode(mode)).unwrap();
        let server = files.server(&place, &["--metrics", "127.0.0.1:0"], None);
        let log = server.log();
        match said {
            Some(said) => assert!(log.contains(&format!("WARN {said}")), "{log}"),
            None => assert!(!log.contains("WARN the TLS certificate"), "{log}"),
        }
        assert_eq!(
            log.contains("WARN others can read the TLS key; chmod 600 it"),
            exposed,
            "{log}"
        );
        let metrics = log.split("metrics on http://").nth(1).unwrap();
        let (_, text) = page(metrics.split("/metrics").next().unwrap(), "/metrics");
        for line in [
            format!(
                "authscope_tls_certificate_expiry_timestamp_seconds {}",
                not_after.unix_timestamp()
            ),
            format!("authscope_tls_key_readable_by_others {}", u8::from(exposed)),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}

#[test]
fn a_certificate_that_expires_while_the_server_runs_is_said() {
    // On a machine that takes longer than that to start the server, with more time.
    for seconds in [5, 20, 50] {
        let place = Place::new();
        let end = std::time::SystemTime::now() + std::time::Duration::from_secs(seconds);
        let files = certificates(&place, &["127.0.0.1"], |params| {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = end.into();
        });
        let server = files.server(&place, &[], None);
        let expired = "WARN the TLS certificate has expired";
        if server.log().contains(expired) {
            continue;
        }
        let soon = "WARN the TLS certificate expires soon";
        assert!(server.log().contains(soon), "{}", server.log());
        server.wait_for(expired);
        return;
    }
    panic!("the server takes a minute to start");
}
