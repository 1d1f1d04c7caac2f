//! PostgreSQL servers for the tests: in a temporary folder, as an ordinary user, on loopback.
#![allow(dead_code)] // Each test crate uses its own part.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::need::skip;
use crate::programs::{PATIENCE, Server, wait};

/// The database's user, and her password.
pub const USER: &str = "authscope";
pub const PASSWORD: &str = "of the database";

/// The user and group `nobody`: the database does not run as root.
const NOBODY: u32 = 65_534;

/// A folder, and the programs that make a database in it.
pub struct Cluster {
    directory: TempDir,
    programs: PathBuf,
    pub port: u16,
    server: Mutex<Option<Child>>,
    databases: AtomicUsize,
}

/// Where PostgreSQL's programs are: as Debian puts them, or on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok();
    let folders = versions.into_iter().flatten().flatten();
    let mut found: Vec<_> = folders.map(|folder| folder.path().join("bin")).collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.sort();
    found.reverse();
    found.extend(std::env::split_paths(&path));
    found.retain(|folder| folder.join("initdb").exists() && folder.join("pg_basebackup").exists());
    found.into_iter().next()
}

/// Gives a file to the database's user alone.
pub fn own(path: &Path) {
    let mode = Permissions::from_mode(0o600);
    std::fs::set_permissions(path, mode).expect("the mode is set");
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("the file is given away");
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
    free.local_addr().expect("bound").port()
}

impl Cluster {
    fn folder(programs: PathBuf) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        if is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).expect("the folder is given away");
        }
        Self {
            directory,
            programs,
            port: free_port(),
            server: Mutex::new(None),
            databases: AtomicUsize::new(0),
        }
    }

    /// A database server with nothing in it; `None`, said loudly, where PostgreSQL is missing.
    pub fn start(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            skip(
                "postgresql",
                "there is no initdb; tools/setup.sh test installs it",
            );
            return None;
        };
        let cluster = Self::folder(programs);
        let password = cluster.path("password");
        std::fs::write(&password, PASSWORD).expect("the password is written");
        let mut make = cluster.program("initdb");
        make.args(["-U", USER, "-A", "scram-sha-256", "--no-sync", "-E", "UTF8"])
            .args(["--locale=C", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(cluster.data());
        succeeded(&mut make);
        cluster.run(settings);
        Some(cluster)
    }

    /// A standby of this one, which is running when this returns, and which its commits wait for from then on.
    pub fn standby(&self) -> Self {
        let standby = Self::folder(self.programs.clone());
        let port = self.port.to_string();
        let mut copy = standby.program("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-U", USER, "-R", "-c", "fast", "-p"])
            .args([&*port, "--no-sync", "-D"])
            .arg(standby.data());
        succeeded(&mut copy);
        standby.run(&[]);
        self.ask(
            "postgres",
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
        );
        self.ask("postgres", "SELECT pg_reload_conf()");
        let deadline = Instant::now() + PATIENCE;
        let state = "SELECT sync_state FROM pg_stat_replication";
        while self.ask("postgres", state).trim() != "sync" {
            assert!(Instant::now() < deadline, "no synchronous standby");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        standby
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// One of PostgreSQL's programs, as an ordinary user.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            let nobody = NOBODY.to_string();
            command
                .args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .current_dir(self.directory.path())
            .env("PGPASSWORD", PASSWORD)
            .env("LC_ALL", "C");
        command
    }

    /// Starts the server and waits until it takes connections.
    pub fn run(&self, settings: &[&str]) {
        let mut command = self.program("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.directory.path())
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            // Only the machine's end loses what is not synced, and no test ends the machine.
            .args(["-c", "fsync=off", "-c", "shared_buffers=16MB"]);
        for setting in settings {
            command.args(["-c", setting]);
        }
        let log = std::fs::File::create(self.path("log")).expect("a log");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().expect("the database is started");
        *self.server.lock().expect("no panic") = Some(child);
        let deadline = Instant::now() + PATIENCE;
        while !self.psql("postgres", "SELECT 1").status.success() {
            let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "the database does not start: {log}"
            );
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    fn psql(&self, database: &str, statement: &str) -> Output {
        let mut command = Command::new("psql");
        command
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER])
            .args([
                "-d",
                database,
                "-X",
                "-A",
                "-t",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
            ])
            .args(["-c", statement])
            .env("PGPASSWORD", PASSWORD);
        command.output().expect("psql is started")
    }

    /// What the database answers.
    pub fn ask(&self, database: &str, statement: &str) -> String {
        let output = self.psql(database, statement);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statement}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// A database with nothing in it; its name.
    pub fn empty(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("accounts{number}");
        self.ask("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Ends all its processes as a crash would.
    pub fn kill(&self) {
        let Some(mut child) = self.server.lock().expect("no panic").take() else {
            return;
        };
        let children = children(child.id());
        child.kill().expect("the database is killed");
        for id in &children {
            if let Some(pid) = i32::try_from(*id).ok().and_then(Pid::from_raw) {
                // It may have ended with the first.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        child.wait().expect("the database is gone");
        // As long as one of them has the shared memory, the database cannot be started again.
        let deadline = Instant::now() + PATIENCE;
        while children.iter().any(|id| is_running(*id)) {
            assert!(Instant::now() < deadline, "its processes do not end");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// State and parent of a process, if there is one with this number.
fn state_and_parent(id: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // They follow the name in parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

/// Whether a process still has its memory.
fn is_running(id: u32) -> bool {
    state_and_parent(id).is_some_and(|(state, _)| !matches!(&*state, "Z" | "X"))
}

/// The processes that this one started.
fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|id: &u32| state_and_parent(*id).is_some_and(|(_, of)| of == parent))
        .collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut child) = server {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            // At once, without a checkpoint; its other processes end with it.
            let asked = pid.is_some_and(|pid| kill_process(pid, Signal::QUIT).is_ok());
            if !asked {
                let _ = child.kill();
            }
            wait(&mut child);
        }
    }
}

fn succeeded(command: &mut Command) {
    let output = command.output().expect("the program is started");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
}

/// A database that tests which run at the same time share, each in one of its own.
pub fn shared() -> Option<Arc<Cluster>> {
    static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cluster) = shared.upgrade() {
        return Some(cluster);
    }
    let cluster = Arc::new(Cluster::start(&["max_connections=200"])?);
    *shared = Arc::downgrade(&cluster);
    Some(cluster)
}

/// The command of a server on a free port whose users are at `url`.
pub fn command(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
    command
        .args(["--listen", "127.0.0.1:0", "--accounts", url])
        .env("PGPASSWORD", PASSWORD);
    command
}

/// Starts a server whose users are at `url`.
pub fn start(url: &str, arguments: &[&str]) -> Server {
    let mut command = command(url);
    command.args(arguments);
    Server::start(command)
}

/// Runs `authscope-server --accounts URL` with these arguments to its end.
pub fn run(url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authscope-server"))
        .args(["--accounts", url])
        .args(arguments)
        .env("PGPASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .output()
        .expect("the program is started")
}
