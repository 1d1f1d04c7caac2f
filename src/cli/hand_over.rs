//! Hands capturing over to `authscope-capture`, which is this program linked with libpcap. So reading files works
//! without libpcap, and only that program needs the permission to capture.

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

/// Replaces this process by the program that captures, with the same arguments. Returns only if that fails, with the
/// reason as a complete sentence.
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

/// A command that runs the program that captures; `None` if it would not start.
pub(super) fn command() -> Option<Command> {
    ready().ok().map(|program| asking(&program))
}

/// Finds it: beside this program, or in the path.
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

/// The program, if it can be started and has this version. This is checked first, because the message of the system's
/// loader does not help a user, and after the replacement nothing else can be printed.
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

/// A command that runs it and captures its output.
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
