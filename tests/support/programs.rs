//! Starts the real server and runs the real client.
#![allow(dead_code)] // Each test crate uses its own part.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use authscope::protocol::{Action, Password, Request, RequestOctets, Response, UserName};
use tempfile::TempDir;

/// How long a test waits for something that has to happen.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Puts a program there by another process: what this one has open for writing, a child that another test starts at that
/// moment has open too, and then it cannot be executed ("Text file busy").
pub fn install(from: &Path, to: &Path) {
    let mut install = Command::new("install");
    let status = install.args(["-m", "755"]).arg(from).arg(to).status();
    assert!(status.expect("install runs").success(), "{}", to.display());
}

/// A directory with a passwd file, for one server after another.
pub struct Place {
    directory: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn passwd(&self) -> PathBuf {
        self.path("passwd")
    }

    pub fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(self.passwd(), text).expect("the passwd file is written");
    }

    pub fn text(&self) -> String {
        std::fs::read_to_string(self.passwd()).expect("the passwd file is read")
    }

    /// Waits until the passwd file says what it should; its text then.
    pub fn wait_for(&self, done: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if done(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "the passwd file stays: {text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The names of the files in the directory, in order.
    pub fn files(&self) -> Vec<String> {
        let entries = self.directory.path().read_dir().expect("the directory");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The command that starts a server on a free port of loopback with this passwd file.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
        command
            .args(["--listen", "127.0.0.1:0", "--passwd"])
            .arg(self.passwd());
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Server {
        let mut command = self.command();
        command.args(arguments);
        Server::start(command)
    }

    /// Starts a server under limits of the shell, such as `ulimit -n 40`.
    pub fn start_under(&self, limits: &str, arguments: &[&str]) -> Server {
        let plain = self.command();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{limits} && exec \"$0\" \"$@\""))
            .arg(plain.get_program())
            .args(plain.get_args())
            .args(arguments);
        Server::start(command)
    }

    /// Runs `authscope-server users` on the passwd file.
    pub fn users(&self, arguments: &[&str], input: &str) -> Output {
        run(
            Command::new(env!("CARGO_BIN_EXE_authscope-server"))
                .arg("--passwd")
                .arg(self.passwd())
                .arg("users")
                .args(arguments),
            input,
        )
    }

    /// Runs `authscope-server --passwd FILE` with these arguments to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "")
    }

    /// The same with `input` on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        run(
            Command::new(env!("CARGO_BIN_EXE_authscope-server"))
                .arg("--passwd")
                .arg(self.passwd())
                .args(arguments),
            input,
        )
    }

    /// Runs a server that is expected not to start.
    pub fn refused(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server is started");
        wait(&mut child);
        child.wait_with_output().expect("its output is read")
    }
}

/// A running server.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts `command` and waits until it says where it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server is started");
        let stderr = BufReader::new(child.stderr.take().expect("its standard error"));
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, receiver) = mpsc::channel();
        let collected = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("listening on ") {
                    let address = rest.trim_matches(|c: char| !c.is_ascii_hexdigit() && c != '[');
                    let address = address.split('"').next().unwrap_or(address);
                    let _ = sender.send(address.parse());
                }
                let mut log = collected.lock().expect("the log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        match receiver.recv_timeout(PATIENCE) {
            Ok(Ok(address)) => Self {
                child,
                address,
                log,
            },
            other => {
                let _ = child.kill();
                let _ = child.wait();
                panic!(
                    "the server did not say where it listens: {other:?}\n{}",
                    log.lock().expect("the log")
                );
            }
        }
    }

    /// Starts a server that logs to a file; what it says on standard error is not kept.
    pub fn start_with_log_file(place: &Place, path: &Path) -> Self {
        let mut command = place.command();
        command.arg("--log-file").arg(path);
        Self::start_logging_to(command, path)
    }

    /// Starts `command` and waits until it says in the file at `path` where it listens.
    pub fn start_logging_to(mut command: Command, path: &Path) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server is started");
        let mut server = Self {
            child,
            address: SocketAddr::from(([0; 4], 0)),
            log: Arc::default(),
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let said = text.split_once("listening on ");
            if let Some((line, _)) = said.and_then(|(_, rest)| rest.split_once('\n')) {
                let address = line.split('"').next().unwrap_or(line);
                server.address = address.parse().expect("an address");
                return server;
            }
            assert!(
                Instant::now() < deadline,
                "the server did not say where it listens:\n{text}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    /// Waits until `part` stands in the log.
    pub fn wait_for(&self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(part) {
            assert!(
                Instant::now() < deadline,
                "the log does not say {part:?}:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends one request on a connection of its own.
    pub fn ask(&self, action: Action, name: &str, password: &str) -> Response {
        let mut stream = self.connect();
        stream
            .write_all(request(action, name, password).as_ref())
            .expect("the request is sent");
        receive(&mut stream)
    }

    pub fn register(&self, name: &str, password: &str) -> String {
        described(&self.ask(Action::Register, name, password))
    }

    pub fn login(&self, name: &str, password: &str) -> String {
        described(&self.ask(Action::Login, name, password))
    }

    /// Runs the client against this server with `password` on its standard input.
    pub fn client(&self, arguments: &[&str], password: &str) -> Output {
        let server = self.address.to_string();
        client(
            &[arguments, &["--server", &server, "--password-stdin"]].concat(),
            password,
        )
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .expect("a process id");
        rustix::process::kill_process(pid, signal).expect("the signal is sent");
    }

    /// Tells it to stop and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        wait(&mut self.child)
    }

    /// Waits until it has ended; its exit code.
    pub fn stop_status(&mut self) -> Option<i32> {
        wait(&mut self.child).code()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("the server is asked")
            .is_some()
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        // One that has ended already is no error.
        self.child.kill().expect("the server is killed");
        self.child.wait().expect("the server is gone");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a process has ended.
pub fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("the process is asked") {
            return status;
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            panic!("the process did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The bytes of a request.
pub fn request(action: Action, name: &str, password: &str) -> RequestOctets {
    Request {
        action,
        user_name: UserName::new(name).expect("a user name"),
        password: Password::new(password).expect("a password"),
    }
    .encode()
}

/// Reads one response.
pub fn receive(stream: &mut impl std::io::Read) -> Response {
    let mut octets = [0; authscope::protocol::layout::RESPONSE_LEN];
    stream.read_exact(&mut octets).expect("a whole response");
    Response::decode(&octets).expect("a valid response")
}

/// `yes: description` or `no: description`.
pub fn described(response: &Response) -> String {
    let answer = if response.success { "yes" } else { "no" };
    format!("{answer}: {}", response.description)
}

/// Runs the client against an address; its TLS secrets go to `key_log`.
pub fn client_at(
    address: SocketAddr,
    arguments: &[&str],
    password: &str,
    key_log: &Path,
) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-client"));
    command
        .args(arguments)
        .args(["--server", &address.to_string(), "--password-stdin"])
        .env("SSLKEYLOGFILE", key_log);
    run(&mut command, password)
}

/// Runs the client with `input` on its standard input.
pub fn client(arguments: &[&str], input: &str) -> Output {
    run(
        Command::new(env!("CARGO_BIN_EXE_authscope-client")).args(arguments),
        input,
    )
}

pub fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is started");
    let mut stdin = child.stdin.take().expect("its standard input");
    // A program that refuses its arguments does not read.
    let _ = stdin.write_all(format!("{input}\n").as_bytes());
    drop(stdin);
    child.wait_with_output().expect("its output is read")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The users of a passwd file, in the order of their first lines.
pub fn users(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the passwd file is read");
    text.lines()
        .filter(|line| !line.starts_with(':'))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// A small file system in memory, unmounted at the end.
pub struct Mount {
    pub path: PathBuf,
}

/// Mounts one of `size` in `place`; `None` without the right to.
pub fn mounted(place: &Place, size: &str) -> Option<Mount> {
    let path = place.path("small");
    std::fs::create_dir(&path).expect("a directory");
    let output = Command::new("mount")
        .args(["-t", "tmpfs", "-o"])
        .arg(format!("size={size}"))
        .arg("tmpfs")
        .arg(&path)
        .output();
    output
        .is_ok_and(|output| output.status.success())
        .then_some(Mount { path })
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a server may have a file open there still.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// Asks an HTTP server for `path`; its status line and the whole answer.
pub fn page(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).expect("an answer");
    let status = text.lines().next().unwrap_or_default().to_owned();
    (status, text)
}
