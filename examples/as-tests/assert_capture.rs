//! Captures as tests in Rust: copy this function.

/// Panics with the differences if `authscope check` finds faults in the capture.
#[track_caller]
pub fn assert_capture(capture: &str, options: &[&str]) {
    let authscope = option_env!("CARGO_BIN_EXE_authscope").unwrap_or("authscope");
    let mut command = std::process::Command::new(authscope);
    let done = command.arg("check").args(options).arg(capture).output();
    let done = done.expect("authscope is installed");
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&said));
}
