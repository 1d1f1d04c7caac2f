//! The files of docs/operations/ work with the real server: dashboard and alert rules, the filter for fail2ban, and
//! HAProxy in front of two servers.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authscope::protocol::Action;

use crate::need::skip;
use crate::programs::{PATIENCE, Place, Server, described, page, request, stderr, stdout};
use crate::proxied;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// A program that Debian may put where users other than root do not look.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders
        .map(|folder| folder.join(name))
        .find(|path| path.exists());
    if found.is_none() {
        skip(name, "it is not installed; tools/setup.sh test says how");
    }
    found
}

/// The page of a server that nobody has asked anything.
fn fresh_page() -> String {
    let place = Place::new();
    let path = |name: &str| place.path(name).display().to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let made = place.run(&["cert", "new", "localhost", "--cert", &cert, "--key", &key]);
    assert!(made.status.success(), "{}", stderr(&made));
    let server = place.start(&[
        "--metrics",
        "127.0.0.1:0",
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
    ]);
    let (_, page) = page(&metrics_address(&server), "/metrics");
    page
}

fn metrics_address(server: &Server) -> String {
    let log = server.log();
    let (_, rest) = log.split_once("metrics on http://").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

/// The names of metrics in a text, with what histograms put behind theirs.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    text.split(|c| !is_part(c))
        .filter(|word| word.starts_with("authscope_") && word.len() > "authscope_".len())
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word))
        .collect()
}

#[test]
fn dashboard_and_alerts_name_what_a_server_offers_from_its_start() {
    let offered = fresh_page();
    let described: BTreeSet<&str> = offered
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    // These have something to show only when there was something to time or to tell apart.
    let later = [
        "authscope_requests_total",
        "authscope_request_seconds",
        "authscope_hash_seconds",
        "authscope_sync_seconds",
        "authscope_connections_closed_total",
    ];
    for file in ["dashboard.json", "alerts.yml"] {
        let text = text(file);
        let names = named(&text);
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            let known = described.contains(name) || later.contains(&name);
            assert!(known, "{file}: no server offers {name}:\n{offered}");
        }
    }
    let dashboard: serde_json::Value = serde_json::from_str(&text("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(
        panels
            .iter()
            .all(|panel| panel["targets"][0]["expr"].is_string())
    );
}

#[test]
fn metrics_of_something_done_are_those_that_the_dashboard_shows() {
    let place = Place::new();
    let server = place.start(&["--metrics", "127.0.0.1:0", "--log-level", "debug"]);
    server.register("alice", "x");
    server.login("alice", "x");
    server.wait_for("connection closed conn=1");
    let (_, page) = page(&metrics_address(&server), "/metrics");
    for name in [
        "authscope_requests_total{action=\"login\",outcome=\"login successful\"} 1",
        "authscope_request_seconds_bucket{action=\"login\",le=\"2.5\"} 1",
        "authscope_hash_seconds_bucket{le=",
        "authscope_sync_seconds_bucket{le=",
        "authscope_connections_closed_total{reason=",
    ] {
        assert!(page.contains(name), "{name}\n{page}");
    }
}

#[test]
fn promtool_takes_the_rules_their_tests_and_the_page() {
    let Some(promtool) = program("promtool") else {
        return;
    };
    let page = fresh_page();
    let (_, page) = page.split_once("\r\n\r\n").unwrap();
    for (arguments, input) in [
        (["check", "rules", "alerts.yml"], ""),
        (["test", "rules", "alerts-test.yml"], ""),
        (["check", "metrics", "--extended"], page),
    ] {
        let mut child = Command::new(&promtool)
            .args(arguments)
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = stdout(&output) + &stderr(&output);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}

/// The addresses that the filter finds in a file, one for each line that counts.
fn found(fail2ban: &Path, file: &Path) -> Vec<String> {
    let output = Command::new(fail2ban)
        .args(["--out", "ip"])
        .arg(file)
        .arg(folder().join("fail2ban-filter.conf"))
        .output()
        .unwrap();
    let text = stdout(&output);
    let mut found: Vec<_> = text.lines().map(str::to_owned).collect();
    found.retain(|line| !line.is_empty());
    found.sort();
    found
}

#[test]
fn fail2ban_finds_who_fails_in_each_kind_of_log() {
    let Some(fail2ban) = program("fail2ban-regex") else {
        return;
    };
    for format in ["text", "json"] {
        let place = Place::new();
        let (log, audit) = (place.path("server.log"), place.path("audit.jsonl"));
        let mut command = place.command();
        command
            .args(proxied::PROXIED)
            .args(["--log-format", format, "--max-failures", "2"])
            .arg("--log-file")
            .arg(&log)
            .arg("--audit")
            .arg(&audit);
        let mut server = Server::start_logging_to(command, &log);
        let ask = |client: &str, action, name: &str, password: &str| {
            proxied::from(&server, client, action, name, password)
        };
        ask("192.0.2.1", Action::Register, "alice", "right");
        assert_eq!(
            ask("192.0.2.1", Action::Login, "alice", "right"),
            "yes: login successful"
        );
        ask("192.0.2.2", Action::Login, "alice", "wrong");
        ask("2001:db8::2", Action::Login, "nobody", "x");
        // A name that looks like a line of the log accuses only the one who sends it.
        ask("192.0.2.3", Action::Login, "a\" outcome=\"wrong", "x");
        ask("192.0.2.4", Action::Register, "\",\"user\"", "x");
        for n in 0..3 {
            ask("192.0.2.5", Action::Login, "alice", &format!("wrong{n}"));
        }
        assert_eq!(server.stop().code(), Some(0));
        let expected = [
            "192.0.2.2",
            "192.0.2.3",
            "192.0.2.5",
            "192.0.2.5",
            "192.0.2.5",
            "2001:db8::2",
        ];
        assert_eq!(
            found(&fail2ban, &log),
            expected,
            "{}",
            std::fs::read_to_string(&log).unwrap()
        );
        assert_eq!(
            found(&fail2ban, &audit),
            expected,
            "{}",
            std::fs::read_to_string(&audit).unwrap()
        );
    }
}

/// HAProxy, ended with the test.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn haproxy_tells_servers_who_asks_and_leaves_out_one_that_stops() {
    let Some(haproxy) = program("haproxy") else {
        return;
    };
    let places = [Place::new(), Place::new()];
    let arguments = [&proxied::PROXIED[..], &["--metrics", "127.0.0.1:0"]].concat();
    let mut servers: Vec<_> = places.iter().map(|place| place.start(&arguments)).collect();
    // Taken and given back: HAProxy binds a port that it is told.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let front = SocketAddr::from(([127, 0, 0, 1], port));
    let mut configuration = text("haproxy.cfg").replace("bind :8888", &format!("bind {front}"));
    assert!(configuration.contains("port 9188 inter 2s"));
    // As many connections as the test's descriptors allow.
    assert!(configuration.contains("maxconn 20000"));
    configuration = configuration.replace("maxconn 20000", "maxconn 50");
    configuration = configuration.replace(" port 9188 inter 2s", " inter 100ms");
    for (server, documented) in servers.iter().zip(["192.0.2.11:8888", "192.0.2.12:8888"]) {
        let address = metrics_address(server);
        let (_, metrics) = address.rsplit_once(':').unwrap();
        assert!(configuration.contains(documented));
        configuration =
            configuration.replace(documented, &format!("{} port {metrics}", server.address));
    }
    let file = places[0].path("haproxy.cfg");
    std::fs::write(&file, configuration).unwrap();
    let checked = Command::new(&haproxy)
        .args(["-c", "-f"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", stderr(&checked));
    let started = Command::new(&haproxy)
        .args(["-db", "-f"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _proxy = Proxy(started.unwrap());
    // From one of loopback's other addresses, so that client and proxy differ.
    let client = SocketAddr::from(([127, 0, 0, 7], 0));
    let ask = || -> Option<String> {
        let stream = connect_from(client, front).ok()?;
        let mut stream = std::net::TcpStream::from(stream);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(request(Action::Login, "alice", "x").as_ref())
            .ok()?;
        let mut octets = [0; authscope::protocol::layout::RESPONSE_LEN];
        std::io::Read::read_exact(&mut stream, &mut octets).ok()?;
        let response = authscope::protocol::Response::decode(&octets).ok()?;
        Some(described(&response))
    };
    let answered = |count: usize| {
        let deadline = Instant::now() + PATIENCE;
        let mut in_a_row = 0;
        while in_a_row < count {
            assert!(Instant::now() < deadline, "nobody answers behind HAProxy");
            if ask().as_deref() == Some("no: no such user") {
                in_a_row += 1;
            } else {
                in_a_row = 0;
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    };
    answered(6);
    for server in &servers {
        server.wait_for("peer=127.0.0.7:");
    }
    // One of them stops: whoever comes then is served by the other.
    let mut stopping = servers.remove(0);
    stopping.stop();
    answered(6);
}

/// A connection from an address of this machine's choosing.
fn connect_from(client: SocketAddr, to: SocketAddr) -> std::io::Result<std::os::fd::OwnedFd> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &client)?;
    connect(&socket, &to)?;
    Ok(socket)
}
