//! Prints lists of users, and other output of commands.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use authscope::protocol::UserName;
use authscope::server::control::{Command, Reply, User};
use clap::ValueEnum;
use comfy_table::{Table, TableStyle};

use crate::Outcome;
use crate::control;
use crate::users::{Context, Reached, open, reach};

/// How `users list` prints.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// Name and hash scheme, a tab between them.
    Text,
    /// A table with all there is to say.
    Table,
    /// A JSON object a line.
    Json,
}

/// Prints all users.
pub fn list(format: ListFormat, context: &Context<'_>) -> Outcome {
    let mut rows = Vec::new();
    let mut print = |out: &mut dyn Write, user: &User| match format {
        ListFormat::Text => writeln!(out, "{}\t{}", shown(&user.name), user.scheme),
        ListFormat::Json => {
            serde_json::to_writer(&mut *out, user)?;
            writeln!(out)
        }
        ListFormat::Table => {
            rows.push(cells(user));
            Ok(())
        }
    };
    match reach(context, || open(context.accounts))? {
        Reached::Server(server) => {
            let all = |visit: &mut dyn FnMut(User) -> io::Result<()>| {
                let reply = server.ask(&Command::List, &mut |reply| match reply {
                    Reply::User(user) => visit(user),
                    _ => Ok(()),
                })?;
                control::ended(reply, None).map(drop)
            };
            write_each(all, &mut |out, user| print(out, &user))?;
        }
        Reached::Here(users) => {
            write_each(|visit| users.for_each(visit), &mut |out, user| {
                print(out, &User::new(user, None))
            })?;
        }
    }
    if format == ListFormat::Table {
        write_out(|out| write_table(out, rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The titles of the columns.
const TITLES: [&str; 5] = ["Name", "Scheme", "Registered", "Last login", "State"];

/// The cells of a user's row; a cell is empty if nothing is known.
fn cells(user: &User) -> [String; TITLES.len()] {
    let time = |seconds: Option<i64>| {
        let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        time.map_or_else(String::new, |time| time.to_string())
    };
    let mut state = Vec::new();
    if user.disabled {
        state.push("disabled".to_owned());
    }
    if let Some(seconds) = user.locked_seconds {
        state.push(format!("locked for {seconds} s"));
    }
    [
        shown(&user.name),
        user.scheme.clone(),
        time(user.created),
        time(user.last_login),
        state.join(", "),
    ]
}

/// Writes rows in columns, without empty columns: a passwd file does not tell when users registered.
fn write_table(out: &mut dyn Write, rows: Vec<[String; TITLES.len()]>) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).force_no_tty();
    let is_known = |at: &usize| *at == 0 || rows.iter().any(|row| !row[*at].is_empty());
    let known: Vec<usize> = (0..TITLES.len()).filter(is_known).collect();
    table.set_header(known.iter().map(|at| TITLES[*at]));
    for mut row in rows {
        table.add_row(known.iter().map(|at| std::mem::take(&mut row[*at])));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
        .lines()
        .try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// A name as it may be shown on a terminal.
pub fn shown(name: &str) -> String {
    match UserName::new(name) {
        Ok(name) => name.shown(),
        Err(_) => name.escape_debug().to_string(),
    }
}

/// Calls `write` for each of `all`, with standard output, until nobody reads it any more.
pub fn write_each<T>(
    all: impl FnOnce(&mut dyn FnMut(T) -> io::Result<()>) -> Outcome<()>,
    write: &mut dyn FnMut(&mut dyn Write, T) -> io::Result<()>,
) -> Outcome<()> {
    let mut trouble = None;
    write_out(|out| {
        let mut written = Ok(());
        let listed = all(&mut |one| {
            written = write(out, one);
            same_kind(&written)
        });
        // A closed pipe is not an error, whatever happened to the list.
        written?;
        trouble = listed.err();
        Ok(())
    })?;
    trouble.map_or(Ok(()), Err)
}

/// The same outcome, to stop with; the error itself is kept elsewhere.
pub fn same_kind(outcome: &io::Result<()>) -> io::Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(error) => Err(error.kind().into()),
    }
}

/// Writes to standard output; a closed pipe is not an error.
pub fn write_out(
    write: impl FnOnce(&mut BufWriter<io::StdoutLock<'_>>) -> io::Result<()>,
) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
