//! The texts of descriptions, at most 64 bytes each, and the labels under which answers are counted.

use std::time::Duration;

use crate::accounts::{AccountsError, HashingError, StoreError};

/// A registration is on disk.
pub const REGISTERED: &str = "registered";
/// Another user has the name.
pub const NAME_TAKEN: &str = "user name taken";
/// A registration could not be put on disk.
pub const NOT_STORED: &str = "the server could not store the registration";
/// A registration may be on disk or not.
pub const OUTCOME_UNKNOWN: &str = "registration outcome unknown, try to log in";
/// The password is right.
pub const LOGIN_SUCCESSFUL: &str = "login successful";
/// The user has another password.
pub const WRONG_PASSWORD: &str = "wrong password";
/// There is no user of that name.
pub const NO_SUCH_USER: &str = "no such user";
/// Unknown user or wrong password, if the server does not tell which.
pub const LOGIN_FAILED: &str = "wrong user name or password";
/// Nobody can register.
pub const REGISTRATION_CLOSED: &str = "registration is closed";
/// The queue of passwords to be hashed is full.
pub const BUSY: &str = "server busy, try again";
/// A bug or failure in the server; its log says more.
pub const SERVER_ERROR: &str = "server error, try again later";
/// The connection is not encrypted.
pub const TLS_REQUIRED: &str = "this server requires TLS";
/// A request that started did not end in time.
pub const TOO_SLOW: &str = "request not complete in time";

/// The password is right, and the user may not log in.
pub const DISABLED: &str = "this user is disabled";
/// A password that is on the list of those refused.
pub const PASSWORD_TOO_COMMON: &str = "password too common, choose another";

/// The label for a description that says how long passwords must be.
pub const PASSWORD_TOO_SHORT: &str = "password too short";
/// The label for a description that says how long to wait after failed logins.
pub const THROTTLED: &str = "too many failed logins";
/// The label for a description that says how long to wait for a registration.
pub const TOO_MANY_REGISTRATIONS: &str = "too many registrations";
/// The label for a description that says why a name is not allowed.
pub const NAME_REFUSED: &str = "user name not allowed";

/// All fixed texts.
pub const ALL: [&str; 15] = [
    REGISTERED,
    NAME_TAKEN,
    NOT_STORED,
    OUTCOME_UNKNOWN,
    LOGIN_SUCCESSFUL,
    WRONG_PASSWORD,
    NO_SUCH_USER,
    BUSY,
    SERVER_ERROR,
    LOGIN_FAILED,
    REGISTRATION_CLOSED,
    TLS_REQUIRED,
    TOO_SLOW,
    DISABLED,
    PASSWORD_TOO_COMMON,
];

/// All labels under which answers are counted.
pub const OUTCOMES: [&str; ALL.len() + 4] = {
    let others = [
        THROTTLED,
        TOO_MANY_REGISTRATIONS,
        PASSWORD_TOO_SHORT,
        NAME_REFUSED,
    ];
    let mut all = [""; ALL.len() + 4];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < ALL.len() {
            ALL[at]
        } else {
            others[at - ALL.len()]
        };
        at += 1;
    }
    all
};

/// Too many logins failed; says how long to wait, in whole seconds.
#[must_use]
pub fn wait(time: Duration) -> String {
    format!("{THROTTLED}, try again in {} s", whole_seconds(time))
}

/// Too many registrations; says how long to wait, in whole seconds.
#[must_use]
pub fn wait_to_register(time: Duration) -> String {
    format!(
        "{TOO_MANY_REGISTRATIONS}, try again in {} s",
        whole_seconds(time)
    )
}

/// A password has fewer characters than it needs.
#[must_use]
pub fn too_short(least: usize) -> String {
    format!("{PASSWORD_TOO_SHORT}, choose one of at least {least} characters")
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// The label of a description: its text without the varying part.
#[must_use]
pub fn outcome(description: &str) -> &'static str {
    OUTCOMES
        .into_iter()
        .find(|words| description.starts_with(words))
        .unwrap_or(NAME_REFUSED)
}

/// Whether the server refused the request without processing it.
#[must_use]
pub fn is_refusal(outcome: &str) -> bool {
    [THROTTLED, TOO_MANY_REGISTRATIONS, BUSY, REGISTRATION_CLOSED].contains(&outcome)
}

/// The description for an error.
pub(super) const fn of_error(error: &AccountsError) -> &'static str {
    match error {
        AccountsError::Hashing(HashingError::Busy)
        | AccountsError::Store(StoreError::Busy)
        | AccountsError::LookUp(StoreError::Busy) => BUSY,
        AccountsError::Store(StoreError::OutcomeUnknown(_)) => OUTCOME_UNKNOWN,
        AccountsError::Store(_) => NOT_STORED,
        AccountsError::Hashing(_) | AccountsError::LookUp(_) => SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Description;

    #[test]
    fn every_description_fits() {
        for words in ALL {
            assert_eq!(Description::cut(words).as_str(), words);
        }
        let longest = wait(Duration::from_mins(15));
        assert_eq!(Description::cut(&longest).as_str(), longest);
        assert_eq!(outcome(&longest), THROTTLED);
        let longest = too_short(30);
        assert_eq!(Description::cut(&longest).as_str(), longest);
        assert_eq!(outcome(&longest), PASSWORD_TOO_SHORT);
        let longest = wait_to_register(Duration::from_hours(1));
        assert_eq!(Description::cut(&longest).as_str(), longest);
        assert_eq!(outcome(&longest), TOO_MANY_REGISTRATIONS);
    }
}
