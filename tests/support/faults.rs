//! A server whose system calls fail as a test says.

use std::process::Command;

use crate::need::skip;
use crate::programs::Place;

/// The command that starts a server with these faults (strace's `-e inject=…`), its calls of these
/// names written to the file `trace`; `None`, said loudly, where that cannot be done.
pub fn with_faults(place: &Place, calls: &str, inject: &[&str]) -> Option<Command> {
    let attached = Command::new("strace")
        .args(["-o", "/dev/null", "-e", "trace=fdatasync", "true"])
        .output();
    match attached {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            skip("strace", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        Err(error) => {
            skip("strace", error);
            return None;
        }
    }
    // With -D the server is the process that is started, and strace one beside it.
    let mut command = Command::new("strace");
    command
        .args(["-D", "-f", "-o"])
        .arg(place.path("trace"))
        .args(["-e", &format!("trace={calls}")]);
    for inject in inject {
        command.args(["-e", &format!("inject={inject}")]);
    }
    let plain = place.command();
    command.arg(plain.get_program()).args(plain.get_args());
    Some(command)
}
