//! Names the commit that a release build is made from, for `--version`.

use std::path::Path;
use std::process::Command;

/// What git answers in the package's own repository; nothing in a package inside of another's, or without git.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.is_empty()).then(|| text.trim().to_owned())
}

/// The commit's first twelve digits, with "+" behind them where files were changed since.
fn commit() -> Option<String> {
    // A published package holds its commit in this file (`cargo package` writes it).
    if let Ok(info) = std::fs::read_to_string(".cargo_vcs_info.json") {
        let digits = info.split_once("\"sha1\": \"")?.1;
        return digits.get(..12).map(str::to_owned);
    }
    let root = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&root).canonicalize().ok()? != Path::new(".").canonicalize().ok()? {
        return None;
    }
    // Not the index: each `git status` writes it, and a build that depends on it is never fresh.
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rerun-if-changed=src");
    let changed = git(&[
        "--no-optional-locks",
        "status",
        "--porcelain",
        "--untracked-files=no",
    ])
    .is_some();
    let digits = git(&["rev-parse", "--short=12", "HEAD"])?;
    Some(digits + if changed { "+" } else { "" })
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let number = std::env::var("CARGO_PKG_VERSION").expect("cargo gives the version");
    // A debug build is made anew for each change; to name commits in it would build it for each commit too.
    let of = match std::env::var("PROFILE").as_deref() {
        Ok("release") => commit().map(|commit| format!(" ({commit})")),
        _ => Some(" (debug build)".to_owned()),
    };
    println!(
        "cargo:rustc-env=AUTHSCOPE_VERSION={number}{}",
        of.unwrap_or_default()
    );
}
