//! Messages on the control socket.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A request.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Adds a user.
    Add {
        /// The user name.
        name: String,
        /// The password's bytes.
        password: Zeroizing<Vec<u8>>,
    },
    /// Removes a user.
    Remove {
        /// The user name.
        name: String,
    },
    /// Sets a user's password.
    SetPassword {
        /// The user name.
        name: String,
        /// The password's bytes.
        password: Zeroizing<Vec<u8>>,
    },
    /// Prevents a user from logging in.
    Disable {
        /// The user name.
        name: String,
    },
    /// Allows a user to log in again.
    Enable {
        /// The user name.
        name: String,
    },
    /// Forgets failed logins for a name.
    Unlock {
        /// The user name.
        name: String,
    },
    /// Lists all users.
    List,
    /// Writes all users to a file on the server's machine.
    Backup {
        /// The file, with its whole path.
        file: PathBuf,
    },
    /// Lists who must wait after failed logins.
    ThrottleList,
    /// Forgets failed logins.
    ThrottleClear {
        /// Only for this name; all names if it is missing.
        name: Option<String>,
        /// Only from this address; all addresses if it is missing.
        address: Option<IpAddr>,
    },
    /// Asks for the server's status.
    Status,
    /// Reads files again, as SIGHUP does.
    Reload,
}

impl Command {
    /// Its event name in the audit stream, and whether it changes something.
    pub(super) const fn what(&self) -> (&'static str, bool) {
        match self {
            Self::Add { .. } => ("user added", true),
            Self::Remove { .. } => ("user removed", true),
            Self::SetPassword { .. } => ("password set", true),
            Self::Disable { .. } => ("user disabled", true),
            Self::Enable { .. } => ("user enabled", true),
            Self::Unlock { .. } => ("user unlocked", true),
            Self::Backup { .. } => ("backup", true),
            Self::ThrottleClear { .. } => ("throttle cleared", true),
            Self::Reload => ("reload", true),
            Self::List | Self::ThrottleList | Self::Status => ("", false),
        }
    }

    /// The user concerned.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Add { name, .. }
            | Self::Remove { name }
            | Self::SetPassword { name, .. }
            | Self::Disable { name }
            | Self::Enable { name }
            | Self::Unlock { name } => Some(name),
            Self::ThrottleClear { name, .. } => name.as_deref(),
            _ => None,
        }
    }
}

/// A line of an answer. All but the first two end it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// A user of a list.
    User(User),
    /// Somebody who has to wait.
    Wait(Wait),
    /// How the server is.
    Status(Status),
    /// It is done.
    Done(String),
    /// The answer is no.
    No(String),
    /// It could not be done.
    Error(String),
}

/// A user of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// The name.
    pub name: String,
    /// The hash's scheme.
    pub scheme: String,
    /// Whether the user may not log in.
    pub disabled: bool,
    /// When the user registered, in seconds since 1970; a passwd file does not keep it.
    pub created: Option<i64>,
    /// When the user last logged in, in seconds since 1970.
    pub last_login: Option<i64>,
    /// How long a login must wait after failed ones, in seconds.
    pub locked_seconds: Option<u64>,
}

/// Somebody who has to wait.
#[derive(Debug, Serialize, Deserialize)]
pub struct Wait {
    /// From where.
    pub network: String,
    /// The user name; missing for all names.
    pub user: Option<String>,
    /// For how long.
    pub seconds: u64,
}

/// How the server is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Since it started.
    pub uptime_seconds: u64,
    /// Whether it can take clients, as `/readyz` says.
    pub ready: bool,
    /// Why it is not.
    pub reason: Option<String>,
    /// Users.
    pub users: usize,
    /// Registrations stored since it started.
    pub registrations: u64,
    /// Passwords that wait to be hashed.
    pub passwords_waiting: usize,
    /// Open connections.
    pub connections: usize,
}
