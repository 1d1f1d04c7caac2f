//! `authscope layout`: layout files, to start from and to check.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::error::Failure;
use super::guess;
use super::layouts::load;
use super::terminal::print;
use crate::layout::{self, Fields, Frame, Layout, Side};
use crate::wireshark::explain::heuristic;

/// Describe your own protocol in a file: start one, guess one from traffic, check it, try it on a message.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope layout example > my.toml          RegLogin's own layout, to start from
  authscope layout check my.toml              what was understood, or what is wrong and where
  authscope layout guess capture.pcapng       a layout proposed from traffic
  authscope layout check my.toml --message 0000003a00000001616c696365 --from client")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print RegLogin's layout, to start from.
    Example,
    /// Say what was understood of a layout file, or what is wrong with it and where.
    Check(Check),
    Guess(guess::Arguments),
}

#[derive(Debug, Args)]
struct Check {
    /// The layout file; - for standard input.
    file: PathBuf,

    /// Read this message by the layout and print its fields: bytes in hexadecimal, spaces and colons between them or not.
    #[arg(long, value_name = "HEX")]
    message: Option<String>,

    /// Who sends the message.
    #[arg(long, value_enum, default_value = "client", requires = "message")]
    from: Sender,

    /// Show secrets in the message.
    #[arg(long, requires = "message")]
    show_passwords: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sender {
    Client,
    Server,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let text = match &arguments.command {
        Command::Example => layout::EXAMPLE.to_owned(),
        Command::Check(check) => checked(check)?,
        Command::Guess(guess) => return guess::run(guess),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn checked(check: &Check) -> Result<String, Failure> {
    let layout = load(&check.file)?;
    match &check.message {
        None => Ok(layout::describe(&layout, |opening| {
            heuristic(opening).is_ok()
        })),
        Some(hex) => {
            let bytes = bytes(hex)?;
            let side = match check.from {
                Sender::Client => Side::Client,
                Sender::Server => Side::Server,
            };
            message(&layout, &bytes, side, check.show_passwords)
        }
    }
}

/// The bytes of hexadecimal text.
fn bytes(hex: &str) -> Result<Vec<u8>, Failure> {
    let digits: Vec<u32> = hex
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .map(|c| {
            c.to_digit(16).ok_or_else(|| {
                Failure::Text(format!(
                    "cannot read --message: {c:?} is no hexadecimal digit"
                ))
            })
        })
        .collect::<Result<_, _>>()?;
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        let message = format!(
            "cannot read --message: {} digits make no whole bytes",
            digits.len()
        );
        return Err(Failure::Text(message));
    }
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high << 4 | low).unwrap_or(0);
    Ok(pairs.iter().map(byte).collect())
}

/// Decodes a message by the layout: its kind, its fields, and its faults.
fn message(layout: &Layout, bytes: &[u8], side: Side, show: bool) -> Result<String, Failure> {
    let frame = layout.frame(bytes, side);
    let len = match frame {
        Frame::Whole(len) => len.min(bytes.len()),
        Frame::Need(_) | Frame::None => bytes.len(),
    };
    let (bytes, behind) = bytes.split_at(len);
    let decoded = layout.decode(bytes, side);
    let fields = Fields {
        layout,
        message: &decoded,
        bytes,
        show_secrets: show,
    };
    let kind = decoded
        .kind
        .map_or("unknown kind", |kind| &layout.kinds[kind].name);
    let fields = serde_json::to_string_pretty(&fields)
        .map_err(|error| Failure::Text(format!("cannot print the message: {error}")))?;
    let mut lines = vec![format!("{kind}, {len} bytes"), fields];
    match frame {
        Frame::Whole(whole) if whole > len => {
            lines.push(format!(
                "the length is {whole}: {} bytes are missing",
                whole - len
            ));
        }
        Frame::Need(need) => lines.push(format!("it takes {need} bytes to know the length")),
        Frame::None => {
            lines.push("these bytes begin no message: its length cannot be right".into());
        }
        Frame::Whole(_) => {}
    }
    lines.extend(decoded.faults.iter().map(|fault| fault.in_words(layout)));
    if !behind.is_empty() {
        lines.push(format!("{} bytes stand behind the message", behind.len()));
    }
    Ok(lines.join("\n") + "\n")
}
