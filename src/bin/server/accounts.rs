//! Where users are stored: `--accounts`, `--passwd` and related options, and opening that store.

use std::path::{Path, PathBuf};
#[cfg(feature = "postgres")]
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use authscope::accounts::{Failures, OpenReport, PasswdFile, Progress, Store};
#[cfg(feature = "postgres")]
use authscope::accounts::{Postgres, PostgresSettings};
#[cfg(feature = "postgres")]
use authscope::{platform, text::trouble::Trouble};
use clap::{Args, Subcommand};
use tokio::runtime::Runtime;

use crate::Outcome;

#[derive(Args)]
#[command(next_help_heading = "Users")]
pub struct AccountsOptions {
    /// The file with the users; made with mode 0600 where it is missing.
    #[arg(long, value_name = "FILE", default_value = "./passwd", global = true)]
    passwd: PathBuf,

    /// What holds the users: file:PATH, which is the same as --passwd PATH, or
    /// postgres://USER@HOST/DATABASE, which several servers can share.
    #[arg(long, value_name = "PLACE", conflicts_with = "passwd", global = true)]
    accounts: Option<Place>,

    /// A file whose first line is the database user's password [default: the environment variable
    /// PGPASSWORD, or none].
    #[arg(long, value_name = "FILE", global = true)]
    accounts_password_file: Option<PathBuf>,

    /// Connections to the database at most.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000), global = true)]
    accounts_connections: u16,

    /// Use a database that acknowledges commits which a crash can lose.
    #[arg(long, global = true)]
    accounts_weak_commit: bool,

    /// Make or update the database's tables at the start.
    #[arg(long)]
    migrate: bool,
}

/// What stores the users.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Postgres(String),
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::File(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.into()));
        }
        Err("takes file:PATH or postgres://USER@HOST/DATABASE")
    }
}

#[derive(Clone, Copy, Subcommand)]
pub enum AccountsCommand {
    /// Make the database's tables, or bring them up to date.
    Init,
}

/// The open store of users.
pub struct Opened {
    pub store: Arc<dyn Store>,
    pub failures: Option<Arc<dyn Failures>>,
    report: Option<OpenReport>,
}

impl Opened {
    /// Logs what was found.
    pub fn log(&self, took: Duration) {
        if let Some(report) = &self.report {
            report.log(took);
        } else {
            let users = self.store.counts().users;
            tracing::info!(users, "users in PostgreSQL");
        }
    }
}

impl AccountsOptions {
    fn place(&self) -> Place {
        let passwd = || Place::File(self.passwd.clone());
        self.accounts.clone().unwrap_or_else(passwd)
    }

    /// The passwd file; `None` if users are stored elsewhere, where several servers can share them.
    pub fn passwd_file(&self) -> Option<PathBuf> {
        match self.place() {
            Place::File(path) => Some(path),
            Place::Postgres(_) => None,
        }
    }

    /// Opens the store.
    pub fn open(&self, runtime: &Runtime, progress: &mut dyn FnMut(Progress)) -> Outcome<Opened> {
        match self.place() {
            Place::File(path) => open_file(&path, progress),
            Place::Postgres(url) => self.open_database(runtime, &url),
        }
    }
}

fn open_file(path: &Path, progress: &mut dyn FnMut(Progress)) -> Outcome<Opened> {
    let (store, report) = PasswdFile::open(path, progress)?;
    Ok(Opened {
        store: Arc::new(store),
        failures: None,
        report: Some(report),
    })
}

/// A runtime for a command that queries a database.
pub fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
}

pub fn run(command: AccountsCommand, options: &AccountsOptions) -> Outcome {
    let AccountsCommand::Init = command;
    match options.place() {
        Place::File(_) => Err(
            "a passwd file needs no preparation; accounts init is for --accounts postgres://…"
                .into(),
        ),
        Place::Postgres(url) => options.init(&url),
    }
}

#[cfg(feature = "postgres")]
impl AccountsOptions {
    fn settings(&self, url: &str) -> Result<PostgresSettings, String> {
        let password = match &self.accounts_password_file {
            Some(path) => {
                if platform::file::is_exposed(path).unwrap_or(false) {
                    let path = path.display();
                    tracing::warn!(
                        "others can read the database's password in \"{path}\"; give it mode 0600"
                    );
                }
                let text = std::fs::read_to_string(path).map_err(|error| {
                    format!(
                        "cannot read the database's password from \"{}\": {}",
                        path.display(),
                        Trouble(&error)
                    )
                })?;
                Some(text.lines().next().unwrap_or_default().to_owned())
            }
            None => std::env::var("PGPASSWORD").ok(),
        };
        Ok(PostgresSettings {
            url: url.into(),
            password,
            connections: self.accounts_connections.into(),
            weak_commit: self.accounts_weak_commit,
            migrate: self.migrate,
        })
    }

    fn open_database(&self, runtime: &Runtime, url: &str) -> Outcome<Opened> {
        let settings = self.settings(url)?;
        let store = Arc::new(runtime.block_on(Postgres::open(&settings))?);
        Ok(Opened {
            store: Arc::clone(&store) as Arc<dyn Store>,
            failures: Some(store),
            report: None,
        })
    }

    fn init(&self, url: &str) -> Outcome {
        let settings = self.settings(url)?;
        let applied = runtime()?.block_on(Postgres::init(&settings))?;
        println!("migrations applied: {applied}");
        Ok(ExitCode::SUCCESS)
    }
}

/// The error of a program built without PostgreSQL.
#[cfg(not(feature = "postgres"))]
const WITHOUT: &str = "this program was built without PostgreSQL; build it with the feature postgres, which is on by default";

#[cfg(not(feature = "postgres"))]
#[allow(clippy::unused_self, reason = "as with PostgreSQL")]
impl AccountsOptions {
    fn open_database(&self, _: &Runtime, _: &str) -> Outcome<Opened> {
        Err(WITHOUT.into())
    }

    fn init(&self, _: &str) -> Outcome {
        Err(WITHOUT.into())
    }
}
