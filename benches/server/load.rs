//! The clients: connections that each send the next request when they have the answer to the last.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authscope::protocol::layout::{REQUEST_LEN, RESPONSE_LEN};
use authscope::protocol::{Action, Password, Request, UserName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// The measurements of clients.
#[derive(Default)]
pub struct Measured {
    /// The time from each request to its answer, in nanoseconds.
    pub times: Vec<u64>,
    /// The duration of the measurement.
    pub took: Duration,
}

impl Measured {
    pub fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }

    pub fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.took += other.took;
    }

    /// The time that `percent` percent of the answers took at most.
    pub fn percentile(&mut self, percent: usize) -> Duration {
        assert!(!self.times.is_empty(), "nothing was answered");
        self.times.sort_unstable();
        let at = (self.times.len() * percent / 100).min(self.times.len() - 1);
        Duration::from_nanos(self.times[at])
    }
}

/// The bytes of a request.
pub fn request(action: Action, name: &str, password: &str) -> Vec<u8> {
    let request = Request {
        action,
        user_name: UserName::new(name).expect("a user name"),
        password: Password::new(password).expect("a password"),
    };
    let octets = request.encode().as_ref().to_vec();
    assert_eq!(octets.len(), REQUEST_LEN);
    octets
}

/// Makes the bytes of a request from the numbers of the client and the request.
pub type Requests = Arc<dyn Fn(usize, usize) -> Vec<u8> + Send + Sync>;

/// Whether a response is as expected.
pub type Check = fn(&[u8]) -> bool;

/// Keeps `clients` connections busy for `time`.
pub fn drive(
    runtime: &Runtime,
    address: SocketAddr,
    clients: usize,
    time: Duration,
    requests: &Requests,
    check: Check,
) -> Measured {
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..clients {
            let stream = TcpStream::connect(address).await.expect("a connection");
            stream.set_nodelay(true).expect("no delay");
            streams.push(stream);
        }
        let started = Instant::now();
        let end = started + time;
        let tasks: Vec<_> = streams
            .into_iter()
            .enumerate()
            .map(|(client, stream)| {
                let requests = Arc::clone(requests);
                tokio::spawn(ask_until(end, stream, client, requests, check))
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await.expect("a client ends well"));
        }
        Measured {
            times,
            took: started.elapsed(),
        }
    })
}

async fn ask_until(
    end: Instant,
    mut stream: TcpStream,
    client: usize,
    requests: Requests,
    check: Check,
) -> Vec<u64> {
    let mut times = Vec::new();
    let mut response = [0; RESPONSE_LEN];
    while Instant::now() < end {
        let octets = requests(client, times.len());
        let started = Instant::now();
        stream.write_all(&octets).await.expect("a request is sent");
        stream
            .read_exact(&mut response)
            .await
            .expect("a response comes");
        times.push(started.elapsed().as_nanos() as u64);
        assert!(check(&response), "{}", String::from_utf8_lossy(&response));
    }
    times
}
