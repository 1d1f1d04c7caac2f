//! Writes the inspector's man pages into the directory named on the command line.

use std::error::Error;

use authscope::cli::Cli;
use clap::CommandFactory;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os()
        .nth(1)
        .ok_or("name the directory to write to")?;
    std::fs::create_dir_all(&directory)?;
    clap_mangen::generate_to(Cli::command(), &directory)?;
    Ok(())
}
