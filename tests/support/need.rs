//! What a test needs that a machine may lack: a tool, a privilege, an address family.

use std::io::Write as _;
use std::path::Path;

/// Says that the rest of this test is skipped since `need` is missing, and counts it: `make test` lists all of them at
/// its end. Where the variable `AUTHSCOPE_REQUIRE` names `need` (names with commas between them, or `all`), the test
/// fails instead.
pub fn skip(need: &str, why: impl std::fmt::Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let required = std::env::var("AUTHSCOPE_REQUIRE").unwrap_or_default();
    let named = |name: &str| name == need || name == "all";
    assert!(
        !required.split(',').any(|name| named(name.trim())),
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
