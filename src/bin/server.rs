//! `authscope-server`: registers users and logs them in.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use authscope::accounts::{Accounts, HashPool, OpenReport, Progress, Scheme};
use authscope::server::{self, Limits};
use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Exit code for wrong usage and for a server that cannot run.
const FAILED: u8 = 2;

/// Registers users and logs them in over the RegLogin protocol.
#[derive(Parser)]
#[command(
    name = "authscope-server",
    version,
    after_help = "\
Examples:
  authscope-server
  authscope-server --listen '[::1]:8888' --passwd /var/lib/authscope/passwd
  authscope-server --log-format json 2> server.log

Exit codes:
  0  stopped by Ctrl-C, SIGTERM or SIGHUP
  2  wrong usage, or the server cannot start or go on"
)]
struct Cli {
    /// Where to listen.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8888")]
    listen: String,

    /// The file with the users; made with mode 0600 where it is missing.
    #[arg(long, value_name = "FILE", default_value = "./passwd")]
    passwd: PathBuf,

    /// How the log on standard error is written.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// The least severe log lines that are written.
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    log_level: LogLevel,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli);
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "authscope-server: {error}");
            ExitCode::from(FAILED)
        }
    }
}

fn start_log(cli: &Cli) {
    let level = match cli.log_level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
    };
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(level)
        .with_target(false)
        .with_ansi(colours);
    match cli.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn run(cli: &Cli) -> Result<(), Box<dyn std::error::Error>> {
    // A file that may not grow is an error to answer, not a reason to die.
    signal_hook::flag::register(
        signal_hook::consts::SIGXFSZ,
        Arc::new(AtomicBool::new(false)),
    )
    .map_err(|error| format!("cannot handle signals: {error}"))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = HashPool::start(Scheme::DEFAULT, cores, cores * 256)?;
    let (accounts, report) = Accounts::open(&cli.passwd, Arc::new(pool), false, &mut progress())?;
    tell(&report);
    let accounts = Arc::new(accounts);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let summary = runtime.block_on(async {
        let listener = TcpListener::bind(&cli.listen).await.map_err(|error| {
            format!(
                "cannot listen on {}: {error}; choose another address with --listen",
                cli.listen
            )
        })?;
        let shutdown = shutdown().map_err(|error| format!("cannot handle signals: {error}"))?;
        let address = listener
            .local_addr()
            .map_err(|error| format!("cannot listen on {}: {error}", cli.listen))?;
        tracing::info!("listening on {address}");
        server::run(listener, Arc::clone(&accounts), Limits::DEFAULT, shutdown)
            .await
            .map_err(|error| format!("cannot go on accepting connections: {error}"))
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    let counts = accounts.counts();
    tracing::info!(
        connections = summary.connections,
        requests = summary.requests,
        cut = summary.cut,
        registrations = counts.stored,
        syncs = counts.syncs,
        "stopped"
    );
    Ok(())
}

/// Ready when the server is to stop. A second signal ends the process at once.
fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = hang_up.recv() => "SIGHUP",
        };
        tracing::info!(signal = name, "told to stop");
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::warn!("told to stop again; stopping at once");
            std::process::exit(i32::from(FAILED));
        });
    })
}

/// Says how far a long load is, every two seconds.
fn progress() -> impl FnMut(Progress) {
    const EVERY: Duration = Duration::from_secs(2);
    let mut last = Instant::now();
    move |progress| {
        if last.elapsed() >= EVERY {
            last = Instant::now();
            let percent = progress.octets * 100 / progress.total.max(1);
            tracing::info!(lines = progress.lines, percent, "loading the passwd file");
        }
    }
}

fn tell(report: &OpenReport) {
    let path = report.path.display();
    if let Some(tail) = &report.tail {
        let user = tail.name.as_ref().map_or("unknown", |name| name.as_str());
        if tail.whole {
            tracing::warn!(
                %path, line = tail.line, user,
                "the last line had no line break; it is whole and has one now"
            );
        } else {
            tracing::warn!(
                %path, line = tail.line, octets = tail.len, user,
                "the last line was torn; cut it off"
            );
        }
    }
    if report.finished > 0 {
        tracing::warn!(%path, replacements = report.finished, "finished replacing hashes");
    }
    if report.mode & 0o077 != 0 {
        tracing::warn!(
            %path, mode = %format_args!("{:04o}", report.mode),
            "others than its owner can use the passwd file; chmod 600 it"
        );
    }
    tracing::info!(
        %path, users = report.users, created = report.created,
        "passwd file ready"
    );
}
