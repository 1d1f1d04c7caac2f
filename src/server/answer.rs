//! From a request to its response: policy, limits, the users, and the line in the log.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use super::address::SourceAddress;
use super::health::Health;
use super::limits::{Policy, ServerLimits};
use super::log::ClientLines;
use super::log::audit::{Audit, Event};
use super::logins::Logins;
use super::meters;
use super::rules::PasswordRules;
use super::throttle::{Guesses, Throttle};
use super::words;
use crate::accounts::{
    Accounts, AccountsError, Caller, Failures, Login, Registration, StoreError, Upgrade,
};
use crate::protocol::{
    Action, Description, Fault, MessageView, Password, Request, Response, UserName,
};

/// The requesting client.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The connection's number, from 1, as the log has it.
    pub connection: u64,
    /// The client's address.
    pub address: SocketAddr,
}

fn response(action: Action, success: bool, words: &str) -> Response {
    Response {
        action,
        success,
        description: Description::cut(words),
    }
}

/// A failure response.
pub fn failure(action: Action, words: &str) -> Response {
    response(action, false, words)
}

/// Answers requests: the users, and who may request what and how often.
pub struct Service {
    accounts: Arc<Accounts>,
    policy: Policy,
    guesses: Guesses,
    rules: Arc<PasswordRules>,
    audit: Option<Audit>,
    lines: Arc<ClientLines>,
    health: Arc<Health>,
    logins: Logins,
}

/// The parts of a service besides the users.
pub struct Parts {
    pub policy: Policy,
    /// What remembers failed logins beside the service itself.
    pub failures: Option<Arc<dyn Failures>>,
    pub rules: Arc<PasswordRules>,
    pub audit: Option<Audit>,
    pub lines: Arc<ClientLines>,
    pub health: Arc<Health>,
}

/// The result of a request.
pub struct Answer {
    /// The response to the client.
    pub response: Response,
    /// Whether the request was turned away without being looked at.
    pub refused: bool,
}

/// Whether the answer is yes, and the answer in words.
type Outcome = (bool, Cow<'static, str>);

impl Service {
    /// A service for these users.
    pub fn new(accounts: Arc<Accounts>, limits: &ServerLimits, parts: Parts) -> Self {
        let Parts {
            policy,
            failures,
            rules,
            audit,
            lines,
            health,
        } = parts;
        let guesses = Guesses::new(Throttle::new(limits), failures);
        Self {
            accounts,
            policy,
            guesses,
            rules,
            audit,
            lines,
            health,
            logins: Logins::default(),
        }
    }

    /// The users.
    pub const fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }

    /// What is remembered of failed logins.
    pub const fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    /// Which passwords may be chosen.
    pub fn rules(&self) -> &PasswordRules {
        &self.rules
    }

    /// Whether the server can take more clients now, and if not, why; the store of users knows that best.
    pub fn ready(&self) -> Result<(), String> {
        let store = self.accounts.ready().map_err(|error| error.to_string());
        store.and_then(|()| self.health.ready().map_err(str::to_owned))
    }

    /// Records whether users can be looked up.
    fn note<T>(&self, asked: Result<T, AccountsError>) -> Result<T, AccountsError> {
        match &asked {
            Ok(_) => self.health.looked_up(true),
            Err(AccountsError::LookUp(StoreError::Unavailable(_) | StoreError::Stopped)) => {
                self.health.looked_up(false);
            }
            Err(_) => {}
        }
        asked
    }

    /// Adds to the audit stream, if there is one.
    pub fn audit(&self, event: &Event<'_>) {
        if let Some(audit) = &self.audit {
            audit.add(event);
        }
    }

    /// Logins that the store has not been told of.
    pub const fn logins(&self) -> &Logins {
        &self.logins
    }

    /// For whom passwords are hashed that come from `address`.
    pub fn caller(&self, address: IpAddr) -> Caller {
        let source = SourceAddress::from(address);
        Caller::new(
            source.nearest().bits,
            self.guesses.throttle.is_exempt(address),
        )
    }

    /// Answers one request of `caller` and logs the outcome. Repeated refusals are answered more slowly. Dropping the
    /// future withdraws a request that waits for its turn.
    pub async fn answer(&self, peer: Peer, request: Request, caller: &Caller) -> Answer {
        let started = Instant::now();
        let _in_flight = self.health.request();
        let Request {
            action,
            user_name,
            password,
        } = request;
        let source = SourceAddress::from(peer.address.ip());
        let result = match action {
            Action::Register => self.register(peer, &user_name, password, caller).await,
            Action::Login => self.log_in(peer, &user_name, password, caller).await,
        };
        let (success, description) = result.unwrap_or_else(|error| {
            let words = words::of_error(&error);
            if words == words::SERVER_ERROR && self.lines.admits(source) {
                tracing::error!(
                    conn = peer.connection,
                    request = action.noun(),
                    user = user_name.as_str(),
                    %error,
                    "request failed"
                );
            }
            (false, words.into())
        });
        let outcome = words::outcome(&description);
        meters::answered(action, outcome, started.elapsed());
        match outcome {
            words::REGISTERED => self.health.stored(true),
            words::NOT_STORED | words::OUTCOME_UNKNOWN => self.health.stored(false),
            _ => {}
        }
        let refused = words::is_refusal(outcome);
        let told = if refused {
            self.lines.is_first_refusal(source, outcome)
        } else {
            self.lines.admits(source)
        };
        if told {
            tracing::info!(
                conn = peer.connection,
                peer = %peer.address,
                user = user_name.as_str(),
                outcome = &*description,
                success,
                ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                "{}",
                action.noun()
            );
        }
        self.audit(&Event {
            what: action.noun(),
            user: Some(user_name.as_str()),
            success,
            outcome: &description,
            address: Some(peer.address.ip().to_string()),
            conn: Some(peer.connection),
            ..Event::default()
        });
        if refused {
            let late = self
                .guesses
                .throttle
                .refused(peer.address.ip(), Instant::now());
            tokio::time::sleep(late).await;
        }
        Answer {
            response: response(action, success, &description),
            refused,
        }
    }

    async fn register(
        &self,
        peer: Peer,
        name: &UserName,
        password: Password,
        caller: &Caller,
    ) -> Result<Outcome, AccountsError> {
        if self.policy.registration_closed {
            return Ok((false, words::REGISTRATION_CLOSED.into()));
        }
        if let Some(wait) = self
            .guesses
            .throttle
            .register(peer.address.ip(), Instant::now())
        {
            return Ok((false, words::wait_to_register(wait).into()));
        }
        if let Err(reason) = self.rules.judge(&password) {
            return Ok((false, reason));
        }
        let registration = self.accounts.register(name, password, caller.clone());
        Ok(match self.note(registration.await)? {
            Registration::Registered => (true, words::REGISTERED.into()),
            Registration::NameTaken => (false, words::NAME_TAKEN.into()),
            Registration::NameRefused(error) => (false, error.to_string().into()),
        })
    }

    async fn log_in(
        &self,
        peer: Peer,
        name: &UserName,
        password: Password,
        caller: &Caller,
    ) -> Result<Outcome, AccountsError> {
        let attempt = self
            .guesses
            .throttle
            .attempt(peer.address.ip(), name, &password);
        let standing = self.guesses.standing(&attempt).await;
        if let Some(wait) = standing.wait {
            return Ok((false, words::wait(wait).into()));
        }
        if !standing.delay.is_zero() {
            tokio::time::sleep(standing.delay).await;
        }
        let login = self.accounts.log_in(name, password, caller.clone());
        let outcome = self.note(login.await)?;
        // Many simultaneous logins can pass the first check together. Those that are verified after the last allowed
        // failure are not told whether they were right.
        let standing = self.guesses.standing(&attempt).await;
        if let Some(wait) = standing.wait {
            return Ok((false, words::wait(wait).into()));
        }
        let words = match outcome {
            Login::Successful {
                name: stored,
                upgrade,
            } => {
                self.log_upgrade(peer, name, upgrade);
                self.logins.note(stored);
                self.guesses.succeeded(&attempt, standing).await;
                return Ok((true, words::LOGIN_SUCCESSFUL.into()));
            }
            Login::Disabled if !self.policy.uniform_failures => {
                return Ok((false, words::DISABLED.into()));
            }
            _ if self.policy.uniform_failures => words::LOGIN_FAILED,
            Login::NoSuchUser => words::NO_SUCH_USER,
            Login::WrongPassword | Login::Disabled => words::WRONG_PASSWORD,
        };
        if self.guesses.failed(&attempt).await {
            let late = self
                .guesses
                .throttle
                .refused(peer.address.ip(), Instant::now());
            tokio::time::sleep(late).await;
        }
        Ok((false, words.into()))
    }

    fn log_upgrade(&self, peer: Peer, user: &UserName, upgrade: Upgrade) {
        let told = self.lines.admits(SourceAddress::from(peer.address.ip()));
        match upgrade {
            Upgrade::Done if told => log_replaced(peer, user, Ok(true)),
            Upgrade::Failed(error) if told => log_replaced(peer, user, Err(error)),
            Upgrade::Begun(replacing) if told => {
                let user = user.clone();
                tokio::spawn(async move {
                    if let Ok(replaced) = replacing.await {
                        log_replaced(peer, &user, replaced);
                    }
                });
            }
            Upgrade::NotNeeded | Upgrade::Done | Upgrade::Failed(_) | Upgrade::Begun(_) => {}
        }
    }
}

fn log_replaced(peer: Peer, user: &UserName, replaced: Result<bool, StoreError>) {
    let (conn, user) = (peer.connection, user.as_str());
    match replaced {
        Ok(true) => tracing::info!(conn, user, "hash upgraded"),
        Ok(false) => {}
        Err(error) => tracing::warn!(conn, user, %error, "hash not upgraded"),
    }
}

/// The response to bytes that are not a request: `None` if their command is not a request's, because then the
/// expected kind of response is unknown.
pub fn refuse(octets: &[u8], fault: &Fault) -> Option<Response> {
    let command = MessageView::new(octets).command()?;
    let action = command.action()?;
    (command == action.request()).then(|| failure(action, &fault.summary()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_reason() {
        let octets = Request {
            action: Action::Login,
            user_name: UserName::new("alice").unwrap(),
            password: Password::new("secret").unwrap(),
        }
        .encode();
        for (index, octet, words) in [
            (
                3,
                57,
                "total length is 57, but a login request has 58 octets",
            ),
            (9, b':', "the user name has a colon at its offset 1"),
            (
                57,
                1,
                "rubbish behind the text (offset 57 of the message, password)",
            ),
        ] {
            let mut octets = octets.as_ref().to_vec();
            octets[index] = octet;
            let error = Request::decode(&octets).unwrap_err();
            let response = refuse(&octets, &error).unwrap();
            assert_eq!(response, failure(Action::Login, words));
        }
    }

    #[test]
    fn what_is_no_request_gets_no_response() {
        for command in [0, 2, 4, 5] {
            let mut octets = [0; 58];
            octets[3] = 58;
            octets[7] = command;
            let error = Request::decode(&octets).unwrap_err();
            assert_eq!(refuse(&octets, &error), None);
        }
    }
}
