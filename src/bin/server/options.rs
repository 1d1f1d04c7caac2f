//! The arguments of `authscope-server`, and their translation for the library.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use authscope::accounts::{HashError, Scheme};
use authscope::server::{
    ClientLines, Config, Health, ListenAddress, LogSettings, PasswordRules, Policy, ServerLimits,
    Tls, TlsFiles, parse_network,
};
use authscope::text::trouble::Trouble;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use tracing::level_filters::LevelFilter;

use crate::Outcome;
use crate::accounts::{AccountsCommand, AccountsOptions};
use crate::cert::CertCommand;
use crate::control::{ControlOptions, ThrottleCommand};
use crate::users::UsersCommand;

/// Registers users and logs them in over the RegLogin protocol.
#[derive(Parser)]
#[command(
    name = "authscope-server",
    version = authscope::VERSION,
    args_conflicts_with_subcommands = false,
    after_help = "\
Examples:
  authscope-server
  authscope-server --listen :8888 --passwd /var/lib/authscope/passwd
  authscope-server --listen 192.0.2.7:8888 --listen '[fe80::1%eth0]:8888'
  authscope-server --log-format json --log-file server.log
  authscope-server --config /etc/authscope/server.toml --print-config
  authscope-server cert new server.example
  authscope-server users list
  authscope-server --passwd /var/lib/authscope/passwd users remove alice
  authscope-server --accounts postgres://authscope@db1,db2/authscope --migrate

Signals:
  SIGTERM, SIGINT  stop in order; a second one stops at once
  SIGHUP           open the log file anew, read certificate and key anew

Exit codes:
  0    stopped in order; a users command did what was asked
  1    a users command found no such user, or a fault in the file
  2    wrong usage, or the server cannot start, go on, or stop in time
  70   a fault in the server itself; its log says where
  130  stopped at once by SIGINT, 143 by SIGTERM"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// A file that says what options say, TOML: listen = ":8888", min-password = 8. What the
    /// command line says holds, then what the environment says (AUTHSCOPE_MIN_PASSWORD=8); an
    /// option without a value is turned off by =false: --no-registration=false.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Print all settings, each with where its value is from, as a configuration file, and do nothing else.
    #[arg(long)]
    pub print_config: bool,

    /// Where to listen: HOST:PORT, PORT for this machine only, or :PORT for all addresses. May be
    /// given several times.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8888")]
    pub listen: Vec<ListenAddress>,

    /// Where to offer counters and times as a Prometheus page, and /healthz and /readyz; in the
    /// forms of --listen, such as 9188 [default: nowhere].
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<ListenAddress>,

    #[command(flatten)]
    pub accounts: AccountsOptions,

    #[command(flatten)]
    pub control: ControlOptions,

    #[command(flatten)]
    pub log: LogOptions,

    #[command(flatten)]
    pub hashing: HashingOptions,

    #[command(flatten)]
    pub limits: LimitOptions,

    #[command(flatten)]
    pub policy: PolicyOptions,

    #[command(flatten)]
    pub tls: TlsOptions,
}

#[derive(Subcommand)]
pub enum Command {
    /// Show or change the users, also while a server runs.
    #[command(subcommand)]
    Users(UsersCommand),

    /// Show or forget who has to wait after failed logins at a running server.
    #[command(subcommand)]
    Throttle(ThrottleCommand),

    /// Show the status of a running server.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },

    /// Let a running server reopen its log and reload certificate and key, as SIGHUP does.
    Reload,

    /// Let a running server write all users to a file that is made for it, as users import reads.
    Backup {
        /// The file to make.
        file: PathBuf,
    },

    /// Make a key and a self-signed certificate.
    #[command(subcommand)]
    Cert(CertCommand),

    /// Prepare what holds the users.
    #[command(subcommand)]
    Accounts(AccountsCommand),
    Completions(authscope::cli::completions::Arguments),
    #[command(hide = true)]
    Man(authscope::cli::manual::Arguments),
}

#[derive(Args)]
#[command(next_help_heading = "Log")]
pub struct LogOptions {
    /// Append log lines to this file, which SIGHUP opens anew, instead of writing them to
    /// standard error.
    #[arg(long = "log-file", value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// How log lines are written.
    #[arg(long = "log-format", value_enum, default_value_t = LogFormat::Text)]
    pub format: LogFormat,

    /// The least severe log lines that are written.
    #[arg(long = "log-level", value_enum, default_value_t = LogLevel::Info)]
    pub level: LogLevel,

    /// Most log lines a second, warnings and errors counted apart from the rest, a quarter of it for
    /// one address; what is left out is counted; 0 for no bound.
    #[arg(long = "log-rate", value_name = "N", default_value_t = 1000)]
    pub rate: u32,
}

impl LogOptions {
    pub fn settings(&self) -> LogSettings {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        LogSettings {
            json: matches!(self.format, LogFormat::Json),
            level: match self.level {
                LogLevel::Error => LevelFilter::ERROR,
                LogLevel::Warn => LevelFilter::WARN,
                LogLevel::Info => LevelFilter::INFO,
                LogLevel::Debug => LevelFilter::DEBUG,
            },
            rate: self.rate,
            colours: self.file.is_none() && io::stderr().is_terminal() && !no_colour,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Args)]
#[command(next_help_heading = "Password hashing")]
pub struct HashingOptions {
    /// How passwords are hashed. Hashes of other schemes are verified as well, and replaced at
    /// the user's next login.
    #[arg(long, value_enum, default_value_t = HashName::Argon2id, global = true)]
    hash: HashName,

    /// Memory for one Argon2id hash; at least 7168, and times passes at least 35840.
    #[arg(long, value_name = "KIB", default_value_t = 19_456, global = true)]
    argon2_memory: u32,

    /// Passes of Argon2id over its memory.
    #[arg(long, value_name = "N", default_value_t = 2, global = true)]
    argon2_passes: u32,

    /// Lanes of Argon2id.
    #[arg(long, value_name = "N", default_value_t = 1, global = true)]
    argon2_lanes: u32,

    /// Rounds of PBKDF2-HMAC-SHA-256; at least 600000.
    #[arg(long, value_name = "N", default_value_t = 600_000, global = true)]
    pbkdf2_rounds: u32,

    /// Passwords hashed at once [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    hash_threads: Option<u16>,

    /// Passwords that may wait to be hashed; past it, "server busy, try again" [default: 256 for
    /// each thread].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    hash_queue: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum HashName {
    /// Argon2id, OWASP's first choice.
    Argon2id,
    /// PBKDF2-HMAC-SHA-256, for those who need FIPS 140.
    #[value(name = "pbkdf2-sha256")]
    Pbkdf2Sha256,
}

impl HashingOptions {
    pub fn scheme(&self) -> Result<Scheme, HashError> {
        match self.hash {
            HashName::Argon2id => Scheme::Argon2id {
                memory_kib: self.argon2_memory,
                passes: self.argon2_passes,
                lanes: self.argon2_lanes,
            },
            HashName::Pbkdf2Sha256 => Scheme::Pbkdf2Sha256 {
                rounds: self.pbkdf2_rounds,
            },
        }
        .check()
    }

    pub fn threads(&self, cores: usize) -> usize {
        self.hash_threads.map_or(cores, usize::from)
    }

    pub fn queue(&self, cores: usize) -> usize {
        self.hash_queue.unwrap_or(256 * self.threads(cores))
    }
}

const DEFAULT: ServerLimits = ServerLimits::DEFAULT;

#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitOptions {
    /// Connections at once; further ones wait in the system's backlog.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.connections, value_parser = at_least_one)]
    max_connections: usize,

    /// Connections at once from one address (an IPv6 /64 counts as one); further ones are closed.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.per_address, value_parser = at_least_one)]
    max_per_address: usize,

    /// Requests read ahead on one connection; one of them is worked on at a time.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.read_ahead, value_parser = read_ahead)]
    read_ahead: usize,

    /// How long a connection may stay without a request.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT.idle.as_secs_f64(), value_parser = seconds)]
    idle_timeout: f64,

    /// How long a request may take from its first byte to its last, and a response to be read.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT.request.as_secs_f64(), value_parser = seconds)]
    request_timeout: f64,

    /// How long a shutdown waits for requests in flight.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT.drain.as_secs_f64(), value_parser = seconds)]
    drain_timeout: f64,

    /// Failed logins for a name from an address before the next has to wait: 1 s, then 2 s, 4 s,
    /// up to 15 minutes; 0 for no waiting.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.failures)]
    max_failures: u32,

    /// Failed logins from an address, over all names, before the next has to wait likewise.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.address_failures, value_parser = clap::value_parser!(u32).range(1..))]
    max_address_failures: u32,

    /// Registrations a second from an address, after 500 at once; 0 for no limit.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.registration_rate, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    registration_rate: u32,

    /// A network that no limit on an address holds for, such as 192.0.2.0/24; may be given several
    /// times.
    #[arg(long, value_name = "NET", value_parser = parse_network)]
    throttle_exempt: Vec<IpNet>,

    /// A network of proxies whose connections begin with a PROXY header (version 1 or 2), and are
    /// refused without one; may be given several times.
    #[arg(long, value_name = "NET", value_parser = parse_network)]
    trusted_proxy: Vec<IpNet>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    // A semaphore cannot count higher, and no system has so many descriptors.
    up_to(10_000_000, text)
}

fn read_ahead(text: &str) -> Result<usize, String> {
    up_to(1024, text)
}

fn up_to(most: usize, text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        Ok(_) => Err(format!("takes 1 to {most}")),
        Err(_) => Err("not a number".into()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(seconds)
    } else {
        Err("takes more than 0 and at most 86400 seconds".into())
    }
}

#[derive(Args)]
#[command(next_help_heading = "Policy")]
pub struct PolicyOptions {
    /// Answer an unknown user and a wrong password alike, in equal time.
    #[arg(long)]
    uniform_failures: bool,

    /// Refuse every registration; users come in by authscope-server users add.
    #[arg(long)]
    no_registration: bool,

    /// Characters that a password has at least where one is chosen.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=30), global = true)]
    min_password: u8,

    /// Refuse passwords that are on a line of this file, whatever their case.
    #[arg(long, value_name = "FILE", global = true)]
    blocklist: Option<PathBuf>,

    /// Append a line of JSON to this file, which SIGHUP opens anew, for each registration, login
    /// and change of users; - for standard error.
    #[arg(long, value_name = "FILE", global = true)]
    pub audit: Option<PathBuf>,
}

#[derive(Args)]
#[command(next_help_heading = "Encryption")]
pub struct TlsOptions {
    /// The server's certificate chain, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Whether connections are encrypted; they all use the same port [default: optional with
    /// --tls-cert, off without].
    #[arg(long, value_enum)]
    tls: Option<TlsName>,

    /// Write the secrets of TLS connections to the file that the environment variable
    /// SSLKEYLOGFILE names, so that captures can be decrypted. For debugging only.
    #[arg(long, requires = "tls_cert")]
    tls_key_log: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum TlsName {
    /// Plain connections only.
    Off,
    /// As the client begins.
    Optional,
    /// A plain request is refused.
    Required,
}

impl TlsOptions {
    fn tls(&self) -> Outcome<Tls> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return match self.tls {
                None | Some(TlsName::Off) => Ok(Tls::default()),
                Some(_) => Err("--tls needs a certificate: give --tls-cert and --tls-key".into()),
            };
        };
        if self.tls == Some(TlsName::Off) {
            return Ok(Tls::default());
        }
        if self.tls_key_log {
            let Some(file) = std::env::var_os("SSLKEYLOGFILE") else {
                return Err("--tls-key-log needs the environment variable SSLKEYLOGFILE".into());
            };
            tracing::warn!(
                file = %file.display(),
                "secrets of TLS connections are written to a file; whoever reads it can read the connections"
            );
        }
        let required = self.tls == Some(TlsName::Required);
        let files = TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            key_log: self.tls_key_log,
        };
        Ok(Tls::new(required, files)?)
    }
}

impl PolicyOptions {
    pub fn rules(&self) -> Result<PasswordRules, String> {
        PasswordRules::new(self.min_password.into(), self.blocklist.as_deref()).map_err(|error| {
            let path = self.blocklist.as_deref().unwrap_or_else(|| "".as_ref());
            format!(
                "cannot read the passwords to refuse from \"{}\": {}",
                path.display(),
                Trouble(&error)
            )
        })
    }
}

impl Cli {
    pub fn config(&self, lines: Arc<ClientLines>) -> Outcome<Config> {
        let limits = &self.limits;
        Ok(Config {
            limits: ServerLimits {
                connections: limits.max_connections,
                per_address: limits.max_per_address,
                read_ahead: limits.read_ahead,
                idle: Duration::from_secs_f64(limits.idle_timeout),
                request: Duration::from_secs_f64(limits.request_timeout),
                drain: Duration::from_secs_f64(limits.drain_timeout),
                failures: limits.max_failures,
                address_failures: limits.max_address_failures,
                registration_rate: limits.registration_rate,
                exempt: limits.throttle_exempt.iter().copied().collect(),
            },
            proxies: limits.trusted_proxy.iter().copied().collect(),
            policy: Policy {
                registration_closed: self.policy.no_registration,
                uniform_failures: self.policy.uniform_failures,
            },
            tls: self.tls.tls()?,
            health: Arc::new(Health::default()),
            lines,
            failures: None,
            rules: Arc::new(self.policy.rules()?),
            audit: None,
            control: None,
        })
    }
}
