//! Measures a login during a flood from another address.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use authscope::accounts::{Hasher, Scheme};
use authscope::protocol::Action;
use authscope::protocol::layout::RESPONSE_LEN;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::load::{Measured, request};
use super::place::{Server, runtime};
use super::report::Report;

const FLOODING: usize = 400;
const FLOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const HONEST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind(SocketAddr::from((from, 0)))
        .expect("an address of loopback");
    let stream = socket.connect(to).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Makes the bytes of the request with this number.
type Requests = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

/// Sends one request after another, on a connection that is opened again when the server closes it.
async fn flood(to: SocketAddr, requests: Requests, number: Arc<AtomicUsize>) {
    let mut response = [0; RESPONSE_LEN];
    loop {
        let mut stream = connect(FLOOD, to).await;
        let octets = || requests(number.fetch_add(1, Ordering::Relaxed));
        while stream.write_all(&octets()).await.is_ok()
            && stream.read_exact(&mut response).await.is_ok()
        {}
    }
}

/// Logs in repeatedly for `time`, each time on a new connection.
async fn logins(to: SocketAddr, octets: &[u8], time: Duration) -> Measured {
    let (began, mut times) = (Instant::now(), Vec::new());
    let mut response = [0; RESPONSE_LEN];
    while began.elapsed() < time {
        let started = Instant::now();
        let mut stream = connect(HONEST, to).await;
        stream.write_all(octets).await.expect("a request is sent");
        stream
            .read_exact(&mut response)
            .await
            .expect("a response comes");
        times.push(started.elapsed().as_nanos() as u64);
        assert_eq!(response[8], 1, "the login succeeds");
    }
    Measured {
        times,
        took: began.elapsed(),
    }
}

/// The median time of a login while 400 connections of another address log in, register or guess as fast as they can.
pub fn beside_a_flood(report: &mut Report) {
    let hash = Hasher::new(Scheme::DEFAULT)
        .hash(b"secret")
        .expect("a hash");
    let clients = runtime();
    let honest = request(Action::Login, "alice", "secret");
    let floods: [(_, Requests); 4] = [
        (
            "log in",
            Arc::new(|_| request(Action::Login, "alice", "secret")),
        ),
        (
            "guess one password after another",
            Arc::new(|n| request(Action::Login, "alice", &format!("guess {n}"))),
        ),
        (
            "register one name after another",
            Arc::new(|n| request(Action::Register, &format!("user {n}"), "secret")),
        ),
        (
            "register a name that is taken",
            Arc::new(|_| request(Action::Register, "alice", "x")),
        ),
    ];
    for (what, requests) in floods {
        let server = Server::start_limited(&format!("alice:{hash}\n"));
        let address = server.address;
        let mut quiet = clients.block_on(logins(address, &honest, Duration::from_secs(4)));
        let number = Arc::new(AtomicUsize::new(0));
        let mut beside = clients.block_on(async {
            let floods: Vec<_> = (0..FLOODING)
                .map(|_| tokio::spawn(flood(address, Arc::clone(&requests), Arc::clone(&number))))
                .collect();
            tokio::time::sleep(Duration::from_secs(2)).await;
            let measured = logins(address, &honest, Duration::from_secs(8)).await;
            for flood in floods {
                flood.abort();
            }
            measured
        });
        let (beside, quiet) = (beside.percentile(50), quiet.percentile(50));
        report.row(
            &format!(
                "median time of a login while {FLOODING} connections of another address {what}, against without them"
            ),
            &format!("{beside:.1?} against {quiet:.1?}"),
            &format!("{:.2}", beside.as_secs_f64() / quiet.as_secs_f64()),
            "under 10 and 250 ms",
        );
    }
}
