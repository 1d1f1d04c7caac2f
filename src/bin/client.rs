//! `authscope-client`: registers a user or logs one in, and checks servers.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use authscope::cli::{completions, manual, usage};
use authscope::client::password::{self, PasswordError};
use authscope::client::{Client, ClientError, Tls};
use authscope::hostport::HostPort;
use authscope::platform::console;
use authscope::protocol::{Action, Password, Request, UserName};
use authscope::text::escape::Escaped;
use clap::{Args, CommandFactory, Parser, Subcommand};

#[path = "client/check.rs"]
mod check;

/// Exit code if the server refused, or does not follow the protocol.
const REFUSED: u8 = 1;
/// Exit code for wrong usage, and if no answer came.
const FAILED: u8 = 2;

/// Registers a user with an authscope-server, logs one in, or checks whether a server keeps to the protocol.
#[derive(Parser)]
#[command(
    name = "authscope-client",
    version = authscope::VERSION,
    after_help = "\
Examples:
  authscope-client register alice
  authscope-client login alice --server '[::1]:8888'
  authscope-client login alice --tls --ca-file ca.pem --server-name auth.example
  printf '%s\\n' \"$PASSWORD\" | authscope-client login alice --password-stdin
  authscope-client check 127.0.0.1:8888

Exit codes:
  0    the server said yes; check: nothing is wrong with it
  1    the server said no: name taken, no such user, wrong password, busy; check: something is wrong
  2    wrong usage, no password, no server, or an answer that is none
  130  interrupted by Ctrl-C while the password was asked for"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Store a new user.
    Register(Arguments),
    /// Check a user's password.
    Login(Arguments),
    /// Check whether a server keeps to the protocol: send what good and bad clients would, and show what is wrong with
    /// the answers. For those who write a server.
    Check(check::Arguments),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Man(manual::Arguments),
}

/// How a server is reached.
#[derive(Args)]
struct Reach {
    /// Encrypt the connection. SSLKEYLOGFILE is honoured.
    #[arg(long)]
    tls: bool,

    /// Trust the authorities whose certificates are in this PEM file, instead of the system's.
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,

    /// The name that the server's certificate is for [default: the host that is connected to].
    #[arg(long, value_name = "NAME", requires = "tls")]
    server_name: Option<String>,

    /// How long connecting may take, and then the answer.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

impl Reach {
    /// The TLS settings, if connections are encrypted.
    fn tls(&self) -> Result<Option<Tls>, ClientError> {
        let tls = self
            .tls
            .then(|| Tls::new(self.ca_file.as_deref(), self.server_name.clone()));
        Ok(tls.transpose()?)
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}").into())
}

#[derive(Args)]
struct Arguments {
    /// The user name: 1 to 20 bytes of UTF-8, without ':', control characters, or a space at
    /// either end; to register, without invisible characters.
    name: String,

    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:8888",
        help = "Where the server listens, such as auth.example:8888, [::1]:8888 or [fe80::1%eth0]:8888"
    )]
    server: HostPort,

    /// Read the password (1 to 30 bytes) from the first line of standard input instead of asking
    /// on the terminal.
    #[arg(long)]
    password_stdin: bool,

    #[command(flatten)]
    reach: Reach,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("takes more than 0 and at most 86400 seconds".into())
    }
}

fn main() -> ExitCode {
    console::prepare();
    completions::answer_shell(Cli::command);
    let done = match Cli::try_parse()
        .unwrap_or_else(|error| usage::exit(error))
        .command
    {
        Command::Register(arguments) => run(Action::Register, arguments),
        Command::Login(arguments) => run(Action::Login, arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Completions(arguments) => arguments.run("authscope-client").map_err(Into::into),
        Command::Man(arguments) => arguments.run(Cli::command()).map_err(Into::into),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "{}",
                usage::folded(&format!("authscope-client: {error}"))
            );
            let interrupted = error
                .downcast_ref::<PasswordError>()
                .and_then(PasswordError::signal_exit_code);
            ExitCode::from(interrupted.unwrap_or(FAILED))
        }
    }
}

fn run(action: Action, arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    // A stored name may be one that no server would register today; it can still log in.
    let user_name = UserName::new(arguments.name)
        .and_then(|name| match action {
            Action::Register => name.registrable(),
            Action::Login => Ok(name),
        })
        .map_err(|error| format!("cannot use this user name: {error}; nothing was done"))?;
    let tls = arguments.reach.tls()?;
    // A password from a pipe can be read first; a person is asked only once the server can be reached.
    let given = arguments
        .password_stdin
        .then(password::from_stdin)
        .transpose()?;
    let runtime = runtime()?;
    let answered = runtime.block_on(async {
        let connect = || Client::connect(&arguments.server, tls.as_ref(), arguments.reach.timeout);
        let mut client = connect().await?;
        let password = if let Some(password) = given {
            password
        } else {
            let (password, closed) = ask(&mut client, action).await?;
            if closed {
                client = connect().await?;
            }
            client.restart_clock();
            password
        };
        let request = Request {
            action,
            user_name,
            password,
        };
        Ok::<_, Box<dyn Error>>(client.ask(&request).await?)
    });
    // Does not wait for a name look-up that is still in progress.
    runtime.shutdown_background();
    let response = answered?;
    // The description comes from the network and is escaped.
    print(&format!("{}\n", Escaped(response.description.as_str())))?;
    Ok(code(response.success))
}

/// The exit code of an answer.
fn code(yes: bool) -> ExitCode {
    if yes {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    }
}

/// Writes to standard output. A closed pipe is not an error.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the answer: {error}").into())
        }
        _ => Ok(()),
    }
}

/// Asks for the password on the terminal. Returns it, and whether the server has closed the connection in the
/// meantime.
async fn ask(client: &mut Client, action: Action) -> Result<(Password, bool), Box<dyn Error>> {
    let twice = action == Action::Register;
    let mut typing = tokio::task::spawn_blocking(move || password::from_terminal(twice));
    let mut closed = false;
    loop {
        tokio::select! {
            // Checks first whether the server has closed the connection.
            biased;
            () = client.closed(), if !closed => closed = true,
            password = &mut typing => return Ok((password??, closed)),
        }
    }
}
