//! Only `authscope-capture` links libpcap and has the privilege to capture. `authscope` reads files without either, and
//! starts `authscope-capture` to capture.
#![cfg(all(target_os = "linux", feature = "live"))]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::live::{Live, Running};
use crate::need::skip;
use crate::programs::install;

const INSPECTOR: &str = env!("CARGO_BIN_EXE_authscope");
const CAPTURES: &str = env!("CARGO_BIN_EXE_authscope-capture");

/// A folder that others can look into, with copies of programs.
fn installed(programs: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), all).expect("it can be looked into");
    for program in programs {
        let name = Path::new(program).file_name().expect("a name");
        install(Path::new(program), &folder.path().join(name));
    }
    folder
}

/// A program in place of the one that captures.
fn in_its_place(folder: &TempDir, script: &str) {
    let text = folder.path().join("script");
    std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).expect("it is written");
    install(&text, &folder.path().join("authscope-capture"));
}

fn command(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(folder.path().join("authscope"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", folder.path())
        .env("TZ", "UTC");
    command
}

fn run(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    text(command(folder, arguments).output().expect("authscope runs"))
}

fn text(output: Output) -> (Option<i32>, String, String) {
    let text = |octets| String::from_utf8(octets).expect("UTF-8");
    let (out, error) = (text(output.stdout), text(output.stderr));
    // Errors are folded for terminals.
    let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
    (output.status.code(), out, error)
}

/// The libraries that a program asks the system's loader for.
fn needed(program: &Path) -> Option<String> {
    let output = match Command::new("readelf").arg("-d").arg(program).output() {
        Ok(output) => output,
        Err(error) => {
            skip("readelf", error);
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("(NEEDED)"), "{text}");
    Some(text)
}

#[test]
fn only_the_program_that_captures_needs_libpcap() {
    for (program, needs) in [
        (INSPECTOR, false),
        (CAPTURES, true),
        (env!("CARGO_BIN_EXE_authscope-server"), false),
        (env!("CARGO_BIN_EXE_authscope-client"), false),
    ] {
        let Some(libraries) = needed(Path::new(program)) else {
            return;
        };
        assert_eq!(
            libraries.contains("libpcap"),
            needs,
            "{program} {libraries}"
        );
    }
}

#[test]
fn without_it_files_are_read_and_the_rest_says_what_is_missing() {
    let folder = installed(&[INSPECTOR]);
    let (code, rows, error) = run(&folder, &["read", "captures/in-order.pcap"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(rows.contains("Registration request, user alice"), "{rows}");
    let fifo = folder.path().join("fifo");
    let fifo = fifo.to_str().expect("UTF-8");
    let extcap = [
        "extcap",
        "--extcap-interface",
        "authscope",
        "--capture",
        "--fifo",
        fifo,
    ];
    for arguments in [
        &["live"][..],
        &["live", "eth0", "tcp", "port", "9"],
        &["-i", "lo"],
        &["-D"],
        &["interfaces"],
        &extcap,
    ] {
        let (code, out, error) = run(&folder, arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?} {error}");
        assert!(
            error.contains("done by authscope-capture") && error.contains("Install it too"),
            "{arguments:?}: {error}"
        );
        assert_eq!(error.matches("authscope: ").count(), 1, "{error}");
    }
    // What is asked about all this, and mistakes, need no other program.
    assert_eq!(run(&folder, &["live", "--help"]).0, Some(0));
    let (code, _, error) = run(&folder, &["live", "--nosuch"]);
    assert!(code == Some(2) && error.contains("--nosuch"), "{error}");
    let extcap = run(&folder, &["extcap", "--extcap-interfaces"]);
    assert!(extcap.1.contains("{value=authscope}"), "{extcap:?}");
}

#[test]
fn what_hinders_it_is_told() {
    let folder = installed(&[INSPECTOR]);
    let missing = "error while loading shared libraries: libpcap.so.0.8: cannot open shared object file: No such file or directory";
    for (script, parts) in [
        (
            format!("echo \"$0: {missing}\" >&2; exit 127"),
            ["needs libpcap", "apt install libpcap0.8"],
        ),
        (
            "echo \"authscope 0.0.1\"".to_owned(),
            ["of version 0.0.1", "Install both of one version"],
        ),
        (
            "echo '\u{1b}[31mno' >&2; exit 1".to_owned(),
            ["does not start: \\u{1b}[31mno", "Install it again"],
        ),
    ] {
        in_its_place(&folder, &script);
        let (code, _, error) = run(&folder, &["live"]);
        assert_eq!(code, Some(2), "{error}");
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
}

#[test]
fn a_real_loader_that_finds_no_libpcap_is_understood() {
    let Some(libraries) = Command::new("ldd").arg(CAPTURES).output().ok() else {
        return skip("ldd", "it is not installed");
    };
    let libraries = String::from_utf8_lossy(&libraries.stdout).into_owned();
    let line = libraries.lines().find(|line| line.contains("libpcap"));
    let path = line.and_then(|line| line.split_whitespace().nth(2));
    let path = path.unwrap_or_else(|| panic!("{libraries}"));
    if !rustix::process::geteuid().is_root() {
        return skip("root", "hiding a library needs a mount of one's own");
    }
    let hidden = Command::new("unshare")
        .args(["-m", "sh", "-c"])
        .arg("mount --bind /dev/null \"$0\" && exec \"$1\" live")
        .args([path, INSPECTOR])
        .output();
    let (code, _, error) = match hidden {
        Ok(output) => text(output),
        Err(error) => return skip("unshare", error),
    };
    if !error.starts_with("authscope: ") {
        return skip("unshare", error);
    }
    assert_eq!(code, Some(2), "{error}");
    assert!(
        error.contains("needs libpcap") && error.contains("apt install libpcap0.8"),
        "{error}"
    );
}

#[test]
fn who_may_not_run_it_is_told_so() {
    let folder = installed(&[INSPECTOR, CAPTURES]);
    let mode = std::fs::Permissions::from_mode(0o700);
    let path = folder.path().join("authscope-capture");
    std::fs::set_permissions(path, mode).expect("its mode");
    let Some(mut command) = as_nobody(&folder, &["live"], false) else {
        return;
    };
    let (code, _, error) = text(command.output().expect("setpriv runs"));
    if error.contains("setpriv") {
        return skip("setpriv", error);
    }
    assert_eq!(code, Some(2), "{error}");
    assert!(
        error.contains("permission denied") && error.contains("owner lets"),
        "{error}"
    );
}

/// The inspector in a folder, run by a user who is not root, with no right to capture but what files give.
fn as_nobody(folder: &TempDir, arguments: &[&str], captures: bool) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        skip("root", "running it as somebody else");
        return None;
    }
    let bounding = if captures {
        "--bounding-set=-all,+net_raw"
    } else {
        "--bounding-set=-all"
    };
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args(["--inh-caps=-all", bounding])
        .arg(folder.path().join("authscope"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    Some(command)
}

/// The permitted and effective capabilities of all threads of a process, in bits.
fn capabilities(pid: u32) -> Vec<u64> {
    let tasks: PathBuf = format!("/proc/{pid}/task").into();
    let mut found = Vec::new();
    for task in tasks.read_dir().expect("its threads") {
        let status = std::fs::read_to_string(task.expect("one").path().join("status"));
        for line in status.unwrap_or_default().lines() {
            let bits = line
                .strip_prefix("CapPrm:")
                .or_else(|| line.strip_prefix("CapEff:"));
            found.extend(bits.map(|bits| u64::from_str_radix(bits.trim(), 16).expect("bits")));
        }
    }
    assert!(found.len() >= 4, "one thread alone: {found:?}");
    found
}

#[test]
fn frames_are_looked_at_without_the_right_to_capture() {
    const NET_ADMIN_AND_RAW: u64 = 1 << 12 | 1 << 13;
    let Some(running) = Live::start(&[]) else {
        return;
    };
    for bits in capabilities(running.child.id()) {
        assert_eq!(bits & NET_ADMIN_AND_RAW, 0, "{bits:x}");
    }
    assert_eq!(running.end("-INT").0, Some(0));

    // With the right of the file alone, and none of the user's.
    let folder = installed(&[INSPECTOR, CAPTURES]);
    let Some(mut command) = as_nobody(&folder, &["live", "-i", "lo"], true) else {
        return;
    };
    let given = Command::new("setcap")
        .arg("cap_net_raw=ep")
        .arg(folder.path().join("authscope-capture"))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output();
    match given {
        Ok(output) if output.status.success() => {}
        other => return skip("setcap", format!("{other:?}")),
    }
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = Running(child.expect("setpriv runs"));
    let mut said = BufReader::new(child.0.stderr.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("it says something");
    assert!(line.contains("capturing on lo"), "{line}");
    let pid = child.0.id();
    assert!(capabilities(pid).iter().all(|bits| *bits == 0));
    kill_process(Pid::from_child(&child.0), Signal::INT).expect("it runs");
    assert_eq!(child.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn it_goes_on_in_the_same_process_with_what_was_given() {
    let folder = installed(&[INSPECTOR]);
    in_its_place(
        &folder,
        &format!(
            "[ \"$1\" = --version ] && exec {CAPTURES} --version\nread line\necho \"$$ $# $2 $line\"; /bin/pwd; exit 7"
        ),
    );
    let mut command = command(&folder, &["live", "-Y", "a b", "-q"]);
    command
        .current_dir("/usr")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("authscope runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, b"of standard input\n").expect("it is read");
    let pid = child.id();
    let (code, out, _) = text(child.wait_with_output().expect("it ends"));
    assert_eq!(code, Some(7));
    assert_eq!(out, format!("{pid} 4 -Y of standard input\n/usr\n"));
}
