//! What a test needs that a machine may not have: a tool, a privilege, an address family.
#![allow(dead_code)] // Each test crate uses its own part.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says that the rest of this test is skipped since `need` is missing, and counts it: `make test` lists all of them at
/// its end. Where the variable `AUTHSCOPE_REQUIRE` names `need` (names with commas between them, or `all`, and `-NAME` for
/// what may be missing all the same), the test fails instead.
pub fn skip(need: &str, why: impl std::fmt::Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let required = std::env::var("AUTHSCOPE_REQUIRE").unwrap_or_default();
    let named = |name: &str| name == need || name == "all";
    let spared = |name: &str| name.strip_prefix('-') == Some(need);
    let mut all = required.split(',').map(str::trim);
    assert!(
        !all.clone().any(named) || all.any(spared),
        "{need} is required (AUTHSCOPE_REQUIRE) and missing: {why}"
    );
    let line = format!("SKIPPED {test}: needs {need}: {}\n", why.to_string().trim());
    eprint!("{line}");
    // One write a line: tests of several threads append to the file.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped");
    std::fs::File::options()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .expect("what is skipped is written down");
}

/// A Python that has this module; `None`, and a loud word about it, where there is none. `tools/setup.sh test` installs
/// what the tests need.
pub fn python_with(module: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/python3");
    let has_module = |python: &PathBuf| {
        let mut command = Command::new(python);
        let done = command.args(["-c", &format!("import {module}")]).output();
        done.is_ok_and(|done| done.status.success())
    };
    let found = [own, PathBuf::from("python3")].into_iter().find(has_module);
    if found.is_none() {
        skip(
            module,
            "no Python here has it; tools/setup.sh test installs it",
        );
    }
    found
}
