//! Runs the programs for Windows under wine, in a prefix of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crate::need::skip;
use crate::programs::{Place, Server, run};

/// Where the programs are: the folder that `tools/windows.sh` names, else the one of a debug build.
fn folder() -> PathBuf {
    std::env::var_os("AUTHSCOPE_WINDOWS").map_or_else(
        || root().join("target/x86_64-pc-windows-gnu/debug"),
        PathBuf::from,
    )
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Wine, with all that the programs need.
pub struct Wine {
    loader: PathBuf,
    prefix: PathBuf,
    /// What runs a program to its end: `run.c`.
    runner: PathBuf,
}

/// Wine; `None`, loudly, where it or the programs are not there.
pub fn wine() -> Option<&'static Wine> {
    static WINE: OnceLock<Result<Wine, String>> = OnceLock::new();
    match WINE.get_or_init(Wine::find) {
        Ok(wine) => Some(wine),
        Err(why) => {
            skip("wine", why);
            None
        }
    }
}

impl Wine {
    fn find() -> Result<Self, String> {
        if !folder().join("authscope.exe").is_file() {
            return Err(
                "the programs for Windows are not built; make test-windows builds them".into(),
            );
        }
        let started = Command::new(root().join("tools/wine.sh"))
            .arg("start")
            .output()
            .map_err(|error| format!("tools/wine.sh does not start: {error}"))?;
        if !started.status.success() {
            return Err(text(&started.stderr).trim().to_owned());
        }
        let prefix = root().join("target/wine");
        let runner = prefix.join("run.exe");
        compile("run.c", &runner)?;
        Ok(Self {
            loader: PathBuf::from(text(&started.stdout).trim()),
            prefix,
            runner,
        })
    }

    /// A command of Windows.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(&self.loader);
        command
            .arg(program)
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            .env_remove("DISPLAY")
            .env_remove("SSLKEYLOGFILE")
            .stdin(Stdio::null());
        command
    }

    /// A command of one of our programs: `authscope`, `authscope-server`, `authscope-client`.
    pub fn program(&self, name: &str) -> Command {
        self.command(folder().join(format!("{name}.exe")))
    }

    /// The same, for one that ends by itself: its exit code is Windows' own.
    pub fn to_its_end(&self, name: &str) -> Command {
        let mut command = self.command(&self.runner);
        command.arg(windows_path(&folder().join(format!("{name}.exe"))));
        command
    }

    /// Runs one to its end.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Output {
        run(self.to_its_end(name).args(arguments), "")
    }

    /// The inspector's answer: exit code, standard output, standard error.
    pub fn answer(&self, name: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self.run(name, arguments);
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// Runs the client against a server, with a password.
    pub fn client(&self, server: &Server, arguments: &[&str], password: &str) -> Output {
        let address = server.address.to_string();
        run(
            self.to_its_end("authscope-client").args(arguments).args([
                "--server",
                &address,
                "--password-stdin",
            ]),
            password,
        )
    }

    /// Starts a server on the passwd file of this place.
    pub fn server(&self, place: &Place, arguments: &[&str]) -> Server {
        let mut command = self.program("authscope-server");
        command
            .args(["--listen", "127.0.0.1:0", "--passwd"])
            .arg(windows_path(&place.passwd()))
            .args(arguments);
        Server::start(command)
    }
}

/// Compiles a C file of this folder for Windows.
pub fn compile(source: &str, to: &Path) -> Result<(), String> {
    let output = Command::new("x86_64-w64-mingw32-gcc")
        .arg("-O2")
        .arg("-o")
        .arg(to)
        .arg(root().join("tests/windows").join(source))
        .output()
        .map_err(|error| format!("no mingw-w64: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(text(&output.stderr))
}

/// How Windows' programs name a file of Linux.
pub fn windows_path(path: &Path) -> String {
    format!(
        "Z:{}",
        path.to_str().expect("a path in UTF-8").replace('/', r"\")
    )
}

pub fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("UTF-8")
}
