//! From a request to its response: has it decided, and records the outcome in the log, the meters and the audit stream.

use std::net::SocketAddr;
use std::time::Instant;

use super::address::SourceAddress;
use super::decide::Decision;
use super::log::audit::Event;
use super::meters;
use super::response::response;
use super::service::Service;
use super::words;
use crate::accounts::{Caller, StoreError, Upgrade};
use crate::protocol::{Action, Request, Response, UserName};

/// The requesting client.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The connection's number, from 1, as the log has it.
    pub connection: u64,
    /// The client's address.
    pub address: SocketAddr,
}

/// The result of a request.
pub struct Answer {
    /// The response to the client.
    pub response: Response,
    /// Whether the request was turned away without being looked at.
    pub refused: bool,
}

impl Service {
    /// Answers one request of `caller` and logs the outcome. Repeated refusals are answered more slowly. Dropping the
    /// future withdraws a request that waits for its turn.
    pub async fn answer(&self, peer: Peer, request: Request, caller: &Caller) -> Answer {
        let started = Instant::now();
        let mut in_flight = self.health.request(started);
        let Request {
            action,
            user_name,
            password,
        } = request;
        let source = SourceAddress::from(peer.address.ip());
        let result = match action {
            Action::Register => {
                self.register(peer, &user_name, password, caller, started)
                    .await
            }
            Action::Login => {
                self.log_in(peer, &user_name, password, caller, started)
                    .await
            }
        };
        let decision = result.unwrap_or_else(|error| {
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
            Decision::no(words)
        });
        let Decision {
            success,
            words: description,
            upgrade,
        } = decision;
        self.log_upgrade(peer, &user_name, upgrade);
        let outcome = words::outcome(&description);
        let answered = Instant::now();
        in_flight.answered(answered);
        let took = answered - started;
        meters::answered(action, outcome, took);
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
                ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "{}",
                action.noun()
            );
        }
        if self.audit.is_some() {
            self.audit(&Event {
                what: action.noun(),
                user: Some(user_name.as_str()),
                success,
                outcome: &description,
                address: Some(peer.address.ip().to_string()),
                conn: Some(peer.connection),
                ..Event::default()
            });
        }
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

    fn log_upgrade(&self, peer: Peer, user: &UserName, upgrade: Upgrade) {
        if matches!(upgrade, Upgrade::NotNeeded) {
            return;
        }
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
