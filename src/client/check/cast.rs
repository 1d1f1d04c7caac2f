//! The users of a run: recognisable names that nobody has, and their passwords.

use crate::protocol::layout::{PASSWORD, USER_NAME};
use crate::protocol::{Action, Password, Request, RequestOctets, UserName};

/// What every name of a run begins with, so that it can be recognised.
const PREFIX: &str = "check";

/// Letters of random parts: none looks like another.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Random letters.
fn random(count: usize) -> String {
    let letters = (0..count).map(|_| char::from(LETTERS[fastrand::usize(..LETTERS.len())]));
    letters.collect()
}

/// The users of a run.
pub struct Cast {
    /// Random, in all its names.
    tag: String,
    /// Random, in all its passwords.
    key: String,
}

impl Cast {
    /// Users that no earlier run had.
    pub fn new() -> Self {
        Self {
            tag: random(8),
            key: random(12),
        }
    }

    /// The user whose name ends like this; of one run always the same.
    pub fn user(&self, end: &str) -> User {
        User {
            name: format!("{PREFIX}-{}-{end}", self.tag),
            password: format!("pw-{}-{end}", self.key).into_bytes(),
        }
    }

    /// The user whom most checks are about.
    pub fn alice(&self) -> User {
        self.user("a")
    }

    /// A user whom nobody ever registers.
    pub fn nobody(&self) -> User {
        self.user("no")
    }

    /// A user whose name and password fill their fields.
    pub fn full(&self) -> User {
        let mut user = self.user("");
        while user.name.len() < USER_NAME.width {
            user.name.push('n');
        }
        user.password.resize(PASSWORD.width, b'p');
        user
    }
}

/// A user of a run.
#[derive(Debug, Clone)]
pub struct User {
    /// The name, for a request as it is.
    pub name: String,
    /// The password, for a request as it is. It is made up for the run, and reports show it.
    pub password: Vec<u8>,
}

impl User {
    /// The same user with another password.
    pub fn with(&self, password: impl Into<Vec<u8>>) -> Self {
        Self {
            name: self.name.clone(),
            password: password.into(),
        }
    }

    /// The request of this user; legal, or a mistake in the table of checks.
    fn request(&self, action: Action) -> Vec<u8> {
        let octets: RequestOctets = Request {
            action,
            user_name: UserName::new(&*self.name).expect("a name that a request can have"),
            password: Password::new(&*self.password).expect("a password that a request can have"),
        }
        .encode();
        octets.as_ref().to_vec()
    }

    /// The registration request of this user.
    pub fn registers(&self) -> Vec<u8> {
        self.request(Action::Register)
    }

    /// The login request of this user.
    pub fn logs_in(&self) -> Vec<u8> {
        self.request(Action::Login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_registered_and_recognised() {
        let cast = Cast::new();
        for user in [cast.alice(), cast.nobody(), cast.full(), cast.user("é名")] {
            let name = UserName::new(&*user.name).unwrap();
            assert_eq!(name.registrable(), Ok(name));
            assert!(user.name.starts_with("check-"));
            assert_eq!(user.registers().len(), user.logs_in().len());
        }
        assert_eq!(cast.full().name.len(), 20);
        assert_eq!(cast.full().password.len(), 30);
        assert_ne!(Cast::new().alice().name, cast.alice().name);
        assert_eq!(cast.alice().name, cast.alice().name);
    }
}
