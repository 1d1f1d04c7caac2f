//! 50 kills of a server at random moments: every acknowledged registration is there after the next start, and the file
//! is intact.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use authscope::protocol::{Action, Response};

use crate::programs::{PATIENCE, Place, described, request};
use crate::wine::{windows_path, wine};

const KILLS: usize = 50;
/// Clients that register at the same time.
const CLIENTS: usize = 2;

/// Registers one user after another on one connection until the server is gone.
fn register(address: SocketAddr, prefix: &str, yes: &Mutex<Vec<String>>) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    for number in 0.. {
        let name = format!("{prefix}-{number}");
        let mut octets = [0; 73];
        if stream
            .write_all(request(Action::Register, &name, &name).as_ref())
            .is_err()
            || stream.read_exact(&mut octets).is_err()
        {
            return;
        }
        let response = Response::decode(&octets).expect("a valid response");
        assert_eq!(described(&response), "yes: registered");
        yes.lock().expect("the list").push(name);
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    let Some(wine) = wine() else { return };
    let place = Place::new();
    let yes = Mutex::new(Vec::new());
    let mut random = fastrand::Rng::new();
    println!("seed {}", random.get_seed());
    for kill in 0..KILLS {
        let mut server = wine.server(&place, &["--max-failures", "0"]);
        let before = yes.lock().expect("the list").len();
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (address, yes) = (server.address, &yes);
                scope.spawn(move || register(address, &format!("{kill}-{client}"), yes));
            }
            let wanted = before + random.usize(..4);
            let deadline = Instant::now() + PATIENCE;
            while yes.lock().expect("the list").len() < wanted && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random.u64(..40_000)));
            server.kill();
        });
    }
    let mut server = wine.server(&place, &["--max-failures", "0"]);
    let yes = yes.into_inner().expect("the list");
    assert!(yes.len() > KILLS / 2, "{} registrations", yes.len());
    for name in &yes {
        assert_eq!(server.login(name, name), "yes: login successful", "{name}");
    }
    server.kill();
    let (code, said, error) = wine.answer(
        "authscope-server",
        &["--passwd", &windows_path(&place.passwd()), "users", "check"],
    );
    assert_eq!(code, Some(0), "{error}");
    assert!(said.contains("faults: 0"), "{said}");
    println!(
        "{KILLS} kills, {} acknowledged registrations, none lost",
        yes.len()
    );
}
