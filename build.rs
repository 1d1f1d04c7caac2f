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

/// Makes the import library of Npcap's wpcap.dll for a program that captures on Windows, unless LIBPCAP_LIBDIR names a
/// folder that has one, as Npcap's SDK does.
fn import_npcap() {
    const LIST: &str = "packaging/windows/wpcap.def";
    println!("cargo:rerun-if-changed={LIST}");
    println!("cargo:rerun-if-env-changed=LIBPCAP_LIBDIR");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let captures = variable("CARGO_CFG_TARGET_OS") == "windows"
        && std::env::var_os("CARGO_FEATURE_LIVE").is_some();
    if !captures || std::env::var_os("LIBPCAP_LIBDIR").is_some() {
        return;
    }
    if variable("CARGO_CFG_TARGET_ENV") != "gnu" {
        println!(
            "cargo:warning=set LIBPCAP_LIBDIR to the folder Lib\\x64 of Npcap's SDK (https://npcap.com), or build without \
             live capture: --no-default-features --features postgres"
        );
        return;
    }
    let folder = variable("OUT_DIR");
    let made = ["x86_64-w64-mingw32-dlltool", "dlltool"]
        .into_iter()
        .any(|tool| {
            let arguments = ["-d", LIST, "-l", &format!("{folder}/libwpcap.a")];
            let done = Command::new(tool).args(arguments).status();
            done.is_ok_and(|status| status.success())
        });
    assert!(
        made,
        "no dlltool, which makes the import library of Npcap: install mingw-w64, or set LIBPCAP_LIBDIR to its SDK"
    );
    println!("cargo:rustc-link-search=native={folder}");
}

fn main() {
    import_npcap();
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
