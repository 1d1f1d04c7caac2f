//! Runs the server on a temporary passwd file: the real program, or as a part of this process without hashing.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use authscope::accounts::{
    Accounts, Done, Failures, Hashing, HashingError, Job, Postgres, Store, StoreCounts, Work,
};
use authscope::server::{Config, Listeners, Purpose, ServerLimits, run};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Raises the limit on open files, for 10,000 connections.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = 25_000;
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    for maximum in [maximum, limit.maximum] {
        let current = maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let raised = Rlimit {
            current: Some(current),
            maximum,
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            return;
        }
    }
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores())
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A temporary directory on the disk of the build directory, not in memory.
pub fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory")
}

/// A temporary directory with this passwd file.
fn with_passwd(passwd: &str) -> TempDir {
    let directory = directory();
    let path = directory.path().join("passwd");
    std::fs::write(path, passwd).expect("the passwd file is written");
    directory
}

/// The real server, with its log in a file.
pub struct Server {
    child: Child,
    log: PathBuf,
    pub address: SocketAddr,
    _directory: TempDir,
}

impl Server {
    /// Starts it without limits for loopback addresses.
    pub fn start(passwd: &str, arguments: &[&str]) -> Self {
        Self::start_in(with_passwd(passwd), arguments)
    }

    /// Starts it on the file `passwd` in `directory`, without limits for loopback addresses.
    pub fn start_in(directory: TempDir, arguments: &[&str]) -> Self {
        let unlimited = [
            "--throttle-exempt",
            "127.0.0.0/8",
            "--max-connections",
            "20000",
        ];
        Self::start_with(directory, &[&unlimited[..], arguments].concat())
    }

    /// Starts it with its default limits.
    pub fn start_limited(passwd: &str) -> Self {
        Self::start_with(with_passwd(passwd), &[])
    }

    /// Starts it on the users in a database, with its default limits.
    pub fn start_on(url: &str, password: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
        command
            .args(["--accounts", url])
            .args(arguments)
            .env("PGPASSWORD", password);
        Self::spawn(directory(), command)
    }

    fn start_with(directory: TempDir, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
        command
            .arg("--passwd")
            .arg(directory.path().join("passwd"))
            .args(arguments);
        Self::spawn(directory, command)
    }

    fn spawn(directory: TempDir, mut command: Command) -> Self {
        let log = directory.path().join("log");
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stderr(File::create(&log).expect("a log file"))
            .spawn()
            .expect("the server starts");
        let address = loop {
            let text = std::fs::read_to_string(&log).expect("its log is read");
            let line = text.split_once("listening on ").map(|(_, rest)| rest);
            if let Some((address, _)) = line.and_then(|line| line.split_once('\n')) {
                break address.parse().expect("an address");
            }
            let ended = child.try_wait().expect("the server is asked");
            assert!(ended.is_none(), "the server ended: {text}");
            std::thread::sleep(Duration::from_millis(5));
        };
        Self {
            child,
            log,
            address,
            _directory: directory,
        }
    }

    /// The last number after `key=` in its log.
    pub fn logged(&self, key: &str) -> u64 {
        let text = std::fs::read_to_string(&self.log).expect("its log is read");
        let value = text.split(&format!("{key}=")).last();
        let value = value.and_then(|rest| rest.split_whitespace().next());
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| panic!("{key} is not in the log"))
    }

    /// Its resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the server's memory");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.expect("a number of KiB") * 1024
    }

    /// The processor time that it has used, in steps of 10 ms.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))
            .expect("the server's times");
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let ticks = fields.split(' ').skip(11).take(2);
        let ticks = ticks
            .filter_map(|field| field.parse::<u32>().ok())
            .sum::<u32>();
        Duration::from_millis(10) * ticks
    }

    /// Stops it with SIGTERM.
    pub fn stop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok();
        let pid = pid.and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is told");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hashing that costs nothing: every password is right, and every hash is [`HASH`].
struct NoHashing;

/// A hash with the usual length.
pub const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Hashing for NoHashing {
    fn submit(&self, job: Job) -> Result<(), HashingError> {
        let done = match job.work() {
            Work::Hash => Done::Hashed(HASH.into()),
            Work::Verify(_) => Done::Right(None),
            Work::Pretend => Done::Wrong,
        };
        job.answer(done);
        Ok(())
    }
}

/// The server in this process, without hashing.
pub struct Bare {
    pub address: SocketAddr,
    accounts: Arc<Accounts>,
    _directory: Option<TempDir>,
}

impl Bare {
    pub fn start(runtime: &Runtime, passwd: &str) -> Self {
        let directory = directory();
        let path = directory.path().join("passwd");
        std::fs::write(&path, passwd).expect("the passwd file is written");
        let (accounts, _) = Accounts::open(&path, Arc::new(NoHashing), false, &mut |_| {})
            .expect("the passwd file opens");
        Self {
            _directory: Some(directory),
            ..Self::serve(runtime, accounts, None)
        }
    }

    /// Starts it on a database, which also remembers failed logins.
    pub fn start_on(runtime: &Runtime, database: Arc<Postgres>) -> Self {
        let store = Arc::clone(&database) as Arc<dyn Store>;
        let accounts = Accounts::new(store, Arc::new(NoHashing), false);
        Self::serve(runtime, accounts, Some(database))
    }

    fn serve(
        runtime: &Runtime,
        accounts: Accounts,
        remembering: Option<Arc<dyn Failures>>,
    ) -> Self {
        let accounts = Arc::new(accounts);
        let inside = runtime.enter();
        let any = "127.0.0.1:0".parse().expect("a place to listen");
        let listeners = Listeners::bind(&[any], Purpose::Service).expect("a port");
        drop(inside);
        let address = listeners.addresses()[0];
        let config = Config {
            limits: ServerLimits {
                failures: if remembering.is_some() {
                    ServerLimits::DEFAULT.failures
                } else {
                    0
                },
                registration_rate: 0,
                ..ServerLimits::DEFAULT
            },
            failures: remembering,
            ..Config::default()
        };
        let served = Arc::clone(&accounts);
        runtime.spawn(async move {
            run(listeners, served, config, std::future::pending())
                .await
                .expect("the server goes on");
        });
        Self {
            address,
            accounts,
            _directory: None,
        }
    }

    pub fn counts(&self) -> StoreCounts {
        self.accounts.counts()
    }
}
