//! Capturing is the work of `authscope-capture`, which is this program and libpcap: what reads files runs where there is no
//! libpcap, and the right to capture is that program's alone.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::completions::ASKED;
use crate::VERSION;
use crate::platform::process::{self, CAPTURE_OTHERWISE};
use crate::text::escape::{Escaped, Local};
use crate::text::trouble::Words;

/// The program that captures.
const PROGRAM: &str = "authscope-capture";

/// Goes on as the program that captures, with the arguments of this process. Comes back only where that cannot be, with the
/// reason, a whole sentence.
pub(super) fn hand_over() -> String {
    let program = match ready() {
        Ok(program) => program,
        Err(why) => return why,
    };
    let mut arguments = std::env::args_os();
    let own = arguments.next().unwrap_or_else(|| "authscope".into());
    let mut command = Command::new(&program);
    process::let_find_capture_library(command.args(arguments));
    cannot_start(&program, &process::become_it(&mut command, own))
}

/// A command of the program that captures; `None` where it would not start.
pub(super) fn command() -> Option<Command> {
    ready().ok().map(|program| asking(&program))
}

/// Where it stands: beside this program, else in the path.
fn find() -> Option<PathBuf> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().ok();
    let beside = own.map(|own| own.with_file_name(&name));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&name))
        .collect();
    beside
        .into_iter()
        .chain(in_path)
        .find(|path| path.is_file())
}

/// The program, where it can be started and is of this version. What the system's loader says is of no use to a user, and
/// behind the last moment in which something else can be said.
fn ready() -> Result<PathBuf, String> {
    let Some(program) = find() else {
        return Err(format!(
            "live capture is done by {PROGRAM}, which is neither beside this program nor in PATH. Install it too, {CAPTURE_OTHERWISE}"
        ));
    };
    let shown = Local(&program.to_string_lossy()).to_string();
    let lacks_library = |said: &str| {
        let (needs, get) = (process::CAPTURE_LIBRARY, process::GET_CAPTURE_LIBRARY);
        format!("\"{shown}\" needs {needs}{said}. {get}, {CAPTURE_OTHERWISE}")
    };
    if !process::has_capture_library() {
        return Err(lacks_library(""));
    }
    let mut version = asking(&program);
    let output = version.arg("--version").output();
    let output = output.map_err(|error| cannot_start(&program, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        let said = said
            .strip_prefix(&*program.to_string_lossy())
            .unwrap_or(said);
        let said = Escaped(said.trim_start_matches([':', ' '])).to_string();
        return Err(if process::lacks_capture_library(output.status, &said) {
            let said = if said.is_empty() {
                said
            } else {
                format!(": {said}")
            };
            lacks_library(&said)
        } else {
            format!("\"{shown}\" does not start: {said}. Install it again, {CAPTURE_OTHERWISE}")
        });
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let is = said
        .trim()
        .strip_prefix("authscope ")
        .unwrap_or(said.trim());
    if is != VERSION {
        return Err(format!(
            "\"{shown}\" is of version {}, and this is {VERSION}. Install both of one version",
            Escaped(is)
        ));
    }
    Ok(program)
}

/// A command of it whose output is for this program.
fn asking(program: &Path) -> Command {
    let mut command = Command::new(program);
    process::let_find_capture_library(&mut command);
    command
        .env_remove(ASKED)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn cannot_start(program: &Path, error: &io::Error) -> String {
    let advice = if error.kind() == io::ErrorKind::PermissionDenied {
        "Only those whom its owner lets run it may capture; or"
    } else {
        "Install it again, or"
    };
    format!(
        "cannot start \"{}\": {}. {advice} {}",
        Local(&program.to_string_lossy()),
        Words(error),
        CAPTURE_OTHERWISE.trim_start_matches("or ")
    )
}
