//! The inspector.

use std::process::ExitCode;

fn main() -> ExitCode {
    authscope::cli::main()
}
