//! The forms of addresses that server and client accept, and how a name with several addresses is used.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream};
use std::process::{Command, Output};
use std::time::Duration;

use crate::need::skip;
use crate::programs::{Place, Server, client, stderr, stdout};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};

/// Where a server started with these arguments says that it listens.
fn listening(place: &Place, arguments: &[&str]) -> (Server, Vec<SocketAddr>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
    command.arg("--passwd").arg(place.passwd()).args(arguments);
    let mut server = Server::start(command);
    // The lines stand together; the last of them may still be on its way.
    server.stop();
    server.wait_for("stopped");
    let addresses = server
        .log()
        .lines()
        .filter_map(|line| line.split("listening on ").nth(1))
        .map(|address| address.parse().unwrap())
        .collect();
    (server, addresses)
}

#[test]
fn a_port_alone_is_this_machine_and_with_a_colon_every_address() {
    let place = Place::new();
    let (_server, addresses) = listening(&place, &["--listen", "0"]);
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    assert!(addresses[0].is_ipv4(), "{addresses:?}");
    let ports: Vec<u16> = addresses.iter().map(SocketAddr::port).collect();
    assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    let (_server, addresses) = listening(&place, &["--listen", ":0"]);
    assert!(
        addresses
            .iter()
            .all(|address| address.ip().is_unspecified())
    );
    assert!(addresses[0].is_ipv4(), "{addresses:?}");
    let (_server, addresses) = listening(&place, &["--listen", "localhost:0"]);
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
}

#[test]
fn several_addresses_are_served_alike() {
    let place = Place::new();
    let mut server = place.start(&["--listen", "127.0.0.2:0", "--listen", "127.0.0.3:0"]);
    server.register("alice", "secret");
    let log = server.log();
    let addresses: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split("listening on ").nth(1))
        .collect();
    assert!(!addresses.is_empty());
    for address in addresses {
        let output = client(
            &["login", "alice", "--server", address, "--password-stdin"],
            "secret",
        );
        assert_eq!(stdout(&output), "login successful\n", "{}", stderr(&output));
    }
    server.stop();
    server.wait_for("stopped");
    for host in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
        let part = format!("listening on {host}:");
        assert!(server.log().contains(&part), "{part}\n{}", server.log());
    }
}

#[test]
fn a_wrong_form_says_the_form() {
    for (server, said) in [
        ("localhost", "it takes HOST:PORT"),
        ("::1:8888", "in brackets"),
        ("localhost:99999", "\"99999\" is no port"),
    ] {
        let output = client(&["login", "a", "--server", server, "--password-stdin"], "x");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn a_link_local_address_has_an_interface() {
    let place = Place::new();
    // A network of its own, in which the loopback interface has a link-local address.
    let output = Command::new("unshare")
        .args(["--net", "sh", "-c"])
        .arg(
            "ip link set lo up && ip addr add fe80::1/64 dev lo nodad || { echo SKIP; exit; }
             \"$1\" --listen '[fe80::1%lo]:8888' --passwd \"$3\" 2> \"$3.log\" &
             server=$!
             trap 'kill $server' EXIT
             for try in $(seq 600); do
                 grep -q 'listening on' \"$3.log\" && break
                 sleep 0.1
             done
             echo secret | \"$2\" register alice --server '[fe80::1%lo]:8888' --password-stdin 2>&1",
        )
        .arg("sh")
        .arg(env!("CARGO_BIN_EXE_authscope-server"))
        .arg(env!("CARGO_BIN_EXE_authscope-client"))
        .arg(place.passwd())
        .output();
    let text = output.as_ref().map(stdout).unwrap_or_default();
    if text.contains("SKIP") || text.is_empty() {
        skip(
            "network",
            "no network can be made: that takes root, unshare and ip",
        );
        return;
    }
    assert_eq!(text, "registered\n");
}

/// Runs the client where `both.example` is [::1] and 127.0.0.1; `None` without the right to.
fn client_with_two_addresses(place: &Place, arguments: &[&str]) -> Option<Output> {
    let hosts = place.path("hosts");
    std::fs::write(&hosts, "::1 both.example\n127.0.0.1 both.example\n").unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c"])
        .arg(
            "mount --bind \"$1\" /etc/hosts || exit 99
             shift
             echo x | \"$@\" --password-stdin",
        )
        .arg("sh")
        .arg(hosts)
        .arg(env!("CARGO_BIN_EXE_authscope-client"))
        .args(arguments)
        .output()
        .ok()?;
    let refused = output.status.code() == Some(99) || stderr(&output).contains("unshare:");
    (!refused).then_some(output)
}

#[test]
fn each_address_of_a_name_gets_its_share_of_the_time() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port();
    let first = SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0);
    // A listener that accepts nobody: once its queue is full, it does not answer any more.
    let silent = socket(AddressFamily::INET6, SocketType::STREAM, None).unwrap();
    rustix::net::sockopt::set_ipv6_v6only(&silent, true).unwrap();
    bind(&silent, &first).unwrap();
    listen(&silent, 0).unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&first.into(), Duration::from_millis(300)) {
        queued.push(stream);
        assert!(queued.len() < 100, "the queue is never full");
    }
    let name = format!("both.example:{port}");
    let login = ["login", "a", "--server", &name, "--timeout"];
    let Some(output) = client_with_two_addresses(&place, &[&login[..], &["6"]].concat()) else {
        skip(
            "mount",
            "no file can be mounted over another: that takes root",
        );
        return;
    };
    assert_eq!(stdout(&output), "no such user\n", "{}", stderr(&output));
    drop(server);
    let output = client_with_two_addresses(&place, &[&login[..], &["2"]].concat()).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    // Half of the two seconds, of which the start has taken something.
    let told = format!("cannot connect to {name}: [::1]:{port} (no answer within ");
    let waited = text.split_once(&told).and_then(|(_, rest)| {
        let (waited, rest) = rest.split_once(" s), 127.0.0.1:")?;
        (!rest.is_empty()).then(|| waited.parse::<f64>().ok())?
    });
    assert!(
        waited.is_some_and(|waited| (0.5..=1.0).contains(&waited)),
        "{text}"
    );
}
