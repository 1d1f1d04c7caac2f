//! Compares the server with OpenLDAP's slapd: simple binds (RFC 4511 section 4.2) with the same Argon2id hash, and with SSHA
//! to compare everything but the hash. It needs slapd (Debian packages slapd and slapd-contrib).

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authscope::accounts::{Hasher, Scheme};
use authscope::protocol::Action;
use authscope::protocol::layout::STATUS;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::load::{Measured, Requests, drive, request};
use super::place::{Bare, Server, cores, directory, runtime};
use super::report::Report;

const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(2);

/// Compares binds with logins, or reports that slapd is missing.
pub fn binds(report: &mut Report) {
    let hash = Hasher::new(Scheme::DEFAULT)
        .hash(b"secret")
        .expect("a hash");
    let Some(slapd) = Slapd::start(&hash) else {
        let why = "not measured: slapd, its module argon2 or slappasswd is not installed";
        report.row("logins against slapd's binds", why, "", "");
        return;
    };
    let clients = runtime();
    let server = Server::start(&format!("alice:{hash}\n"), &[]);
    let octets = request(Action::Login, "alice", "secret");
    let alice: Requests = std::sync::Arc::new(move |_, _| octets.clone());
    let number = 4 * cores();
    let success = |response: &[u8]| response[STATUS.offset] == 1;
    let (mut ours, mut theirs) = (Measured::default(), Measured::default());
    for _ in 0..ROUNDS {
        theirs.add(slapd.binds(&clients, "argon", number));
        ours.add(drive(
            &clients,
            server.address,
            number,
            TIME,
            &alice,
            success,
        ));
    }
    report.row(
        "logins a second against slapd's binds, the same Argon2id hash",
        &format!(
            "{:.1} against {:.1}",
            ours.per_second(),
            theirs.per_second()
        ),
        &format!("{:.2}", ours.per_second() / theirs.per_second()),
        "side by side",
    );
    let serving = runtime();
    let bare = Bare::start(&serving, &format!("alice:{hash}\n"));
    let (mut ours, mut theirs) = (Measured::default(), Measured::default());
    for _ in 0..ROUNDS {
        theirs.add(slapd.binds(&clients, "ssha", 32));
        ours.add(drive(&clients, bare.address, 32, TIME, &alice, success));
    }
    report.row(
        "requests a second, hashing taken out, against slapd's binds with SSHA; 32 clients",
        &format!(
            "{:.0} against {:.0}",
            ours.per_second(),
            theirs.per_second()
        ),
        &format!("{:.2}", ours.per_second() / theirs.per_second()),
        "side by side",
    );
}

/// A slapd with two users, on a free port of loopback.
struct Slapd {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

fn find(name: &str, places: &[&str]) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(places.iter().copied())
        .map(|place| Path::new(place).join(name))
        .find(|path| path.exists())
}

impl Slapd {
    fn start(hash: &str) -> Option<Self> {
        let sbin = ["/usr/sbin"];
        let slapd = find("slapd", &sbin)?;
        let slapadd = find("slapadd", &sbin)?;
        let slappasswd = find("slappasswd", &sbin)?;
        let modules = ["/usr/lib/ldap", "/usr/lib/openldap"];
        let module = find("argon2.so", &modules).or_else(|| find("pw-argon2.so", &modules))?;
        let ssha = Command::new(slappasswd)
            .args(["-s", "secret", "-h", "{SSHA}"])
            .output()
            .ok()?;
        let ssha = String::from_utf8(ssha.stdout).ok()?;
        let directory = directory();
        let place = directory.path();
        std::fs::create_dir(place.join("db")).ok()?;
        let configuration = format!(
            "include /etc/ldap/schema/core.schema\n\
             modulepath {}\nmoduleload back_mdb\nmoduleload {}\n\
             threads {}\n\
             database mdb\nsuffix \"dc=x\"\ndirectory {}\nmaxsize 10485760\n",
            module.parent()?.display(),
            module.file_name()?.to_str()?,
            (4 * cores()).max(16),
            place.join("db").display()
        );
        std::fs::write(place.join("slapd.conf"), configuration).ok()?;
        let entries = format!(
            "dn: dc=x\nobjectClass: dcObject\nobjectClass: organization\ndc: x\no: x\n\n\
             dn: cn=argon,dc=x\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: argon\nuserPassword: {{ARGON2}}{hash}\n\n\
             dn: cn=ssha,dc=x\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: ssha\nuserPassword: {}\n",
            ssha.trim()
        );
        let mut add = Command::new(slapadd)
            .arg("-f")
            .arg(place.join("slapd.conf"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        add.stdin.take()?.write_all(entries.as_bytes()).ok()?;
        if !add.wait().ok()?.success() {
            return None;
        }
        let address = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?;
        let child = Command::new(slapd)
            .arg("-f")
            .arg(place.join("slapd.conf"))
            .args(["-h", &format!("ldap://{address}"), "-d", "0"])
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let slapd = Self {
            child,
            address,
            _directory: directory,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(slapd)
    }

    fn binds(&self, runtime: &Runtime, user: &str, clients: usize) -> Measured {
        let request = bind_request(&format!("cn={user},dc=x"), "secret");
        runtime.block_on(async {
            let started = Instant::now();
            let end = started + TIME;
            let tasks: Vec<_> = (0..clients)
                .map(|_| tokio::spawn(bind_until(end, self.address, request.clone())))
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
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A bind request in BER, with message id 1. All lengths are below 128, so they take one byte.
fn bind_request(name: &str, password: &str) -> Vec<u8> {
    let field = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("a short field");
        assert!(length < 128, "a short field");
        [&[tag, length], content].concat()
    };
    let bind = [
        field(0x02, &[3]),
        field(0x04, name.as_bytes()),
        field(0x80, password.as_bytes()),
    ]
    .concat();
    field(0x30, &[field(0x02, &[1]), field(0x60, &bind)].concat())
}

async fn bind_until(end: Instant, address: SocketAddr, request: Vec<u8>) -> Vec<u64> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut times = Vec::new();
    let mut response = [0; 128];
    while Instant::now() < end {
        let started = Instant::now();
        stream.write_all(&request).await.expect("a bind is sent");
        stream
            .read_exact(&mut response[..2])
            .await
            .expect("an answer");
        let rest = usize::from(response[1]);
        stream
            .read_exact(&mut response[2..2 + rest])
            .await
            .expect("the whole answer");
        times.push(started.elapsed().as_nanos() as u64);
        // Message id 1, bind response (application 1), result code 0: success.
        let good = [0x30, 0x0c, 0x02, 0x01, 0x01, 0x61, 0x07, 0x0a, 0x01, 0x00];
        assert_eq!(response[..good.len()], good, "the bind is accepted");
    }
    times
}
