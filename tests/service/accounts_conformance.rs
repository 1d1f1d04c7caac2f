//! The same tests for every account store: of several registrations of one name one succeeds, a hash is replaced only
//! if it is still the one that was read, what was acknowledged survives a crash, and any two legal names are different
//! users.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use authscope::accounts::{Answer, Entry, LoggedIn, PasswdError, PasswdFile, Store};
use authscope::protocol::UserName;
use tokio::runtime::Runtime;

use crate::programs::{Place, Server};

const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// One of the stores, and the ways to it.
struct Kind<'a> {
    /// Opens it in this process.
    open: &'a dyn Fn(&Runtime) -> Arc<dyn Store>,
    /// Starts a server on it.
    serve: &'a dyn Fn() -> Server,
}

fn name(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

fn one_winner_a_name(kind: &Kind<'_>, runtime: &Runtime) {
    let store = (kind.open)(runtime);
    let added = runtime.block_on(async {
        let adding: Vec<_> = (0..64)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let name = name(&format!("one{}", n % 8));
                    let _arriving = store.announce();
                    store.add(name, HEX.into()).await
                })
            })
            .collect();
        let mut added = 0;
        for adding in adding {
            // A store that is busy says so, and has added nothing.
            added += usize::from(adding.await.unwrap().unwrap_or(false));
        }
        added
    });
    assert_eq!(added, 8);
    for n in 0..8 {
        let name = name(&format!("one{n}"));
        assert!(runtime.block_on(store.is_taken(&name)).unwrap());
        assert!(runtime.block_on(store.find(&name)).unwrap().is_some());
    }
}

fn replaced_by_whoever_saw_the_last_hash(kind: &Kind<'_>, runtime: &Runtime) {
    let store = (kind.open)(runtime);
    let ask = |future: Answer<'_, bool>| runtime.block_on(future).unwrap();
    let alice = || name("alice");
    let version = || {
        let found = runtime.block_on(store.find(&name("alice"))).unwrap();
        found.unwrap().version
    };
    assert!(ask(store.add(alice(), HEX.into())));
    let first = version();
    let other = HEX.to_uppercase();
    assert!(ask(store.replace(alice(), first, other.clone())));
    assert!(!ask(store.replace(alice(), first, HEX.into())));
    assert_ne!(version(), first);
    assert!(ask(store.replace(alice(), version(), HEX.into())));
    let nobody = store.replace(name("nobody"), first, other);
    assert!(!runtime.block_on(nobody).unwrap_or(false));
}

fn any_legal_name_is_its_own(kind: &Kind<'_>, runtime: &Runtime) {
    let store = (kind.open)(runtime);
    let names = [
        "a",
        "A",
        "\u{e4}",
        "\u{c4}",
        "ae",
        "o'hara",
        "\"quoted\"",
        "\\x41",
        "%",
        "_",
        "a b",
        "$1",
        "NULL",
        "\u{1f642}",
        "\u{df}",
        "ss",
        "i",
        "\u{131}",
        "--",
        "x;y",
        "a\u{301}b",
    ];
    for text in names {
        let added = runtime.block_on(store.add(name(text), HEX.into()));
        assert!(added.unwrap(), "{text}");
    }
    for text in names {
        let again = runtime.block_on(store.add(name(text), HEX.into()));
        assert!(!again.unwrap(), "{text}");
        let found = runtime.block_on(store.find(&name(text))).unwrap();
        assert!(found.is_some(), "{text}");
    }
    let none = runtime.block_on(store.find(&name("aE"))).unwrap();
    assert!(none.is_none());
}

fn listed(store: &Arc<dyn Store>, runtime: &Runtime) -> Vec<Entry> {
    runtime.block_on(async {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let listing = {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.list(sender).await })
        };
        let mut all = Vec::new();
        while let Some(entry) = receiver.recv().await {
            all.push(entry);
        }
        listing.await.unwrap().unwrap();
        all
    })
}

fn last_logins_are_kept(kind: &Kind<'_>, runtime: &Runtime) {
    let logins = [("late", 5), ("l\u{e0}te", 100), ("nobody", 7)];
    let names = ["late", "l\u{e0}te", "never"];
    let last = |store: &Arc<dyn Store>| {
        let all = listed(store, runtime);
        names.map(|text| {
            let found = all.iter().find(|entry| entry.name == text);
            found.expect(text).last_login
        })
    };
    let store = (kind.open)(runtime);
    for text in names {
        let added = runtime.block_on(store.add(name(text), HEX.into()));
        assert!(added.unwrap());
    }
    assert_eq!(last(&store), [None; 3]);
    // A login is one after the registration.
    std::thread::sleep(Duration::from_millis(110));
    let before = jiff::Timestamp::now().as_second();
    let noted = logins.map(|(text, milliseconds)| LoggedIn {
        name: name(text),
        ago: Duration::from_millis(milliseconds),
    });
    runtime.block_on(store.note_logins(noted.to_vec())).unwrap();
    let after = last(&store);
    for seconds in &after[..2] {
        assert!(
            (before - 2..=before + 60).contains(&seconds.unwrap()),
            "{after:?}"
        );
    }
    assert_eq!(after[2], None);
    drop(store);
    let store = (kind.open)(runtime);
    assert_eq!(last(&store), after);
    assert!(runtime.block_on(store.remove(name("late"))).unwrap());
    let added = runtime.block_on(store.add(name("late"), HEX.into()));
    assert!(added.unwrap());
    assert_eq!(last(&store), [None, after[1], None]);
}

fn acknowledged_is_there_after_a_crash(kind: &Kind<'_>) {
    let acknowledged = Mutex::new(Vec::new());
    for round in 0..3 {
        let mut server = (kind.serve)();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (address, acknowledged) = (server.address, &acknowledged);
                scope.spawn(move || {
                    for n in 0.. {
                        let user = format!("r{round}t{thread}n{n}");
                        if !registered(address, &user) {
                            return;
                        }
                        acknowledged.lock().unwrap().push(user);
                    }
                });
            }
            let enough = 5 * (round + 1);
            let deadline = std::time::Instant::now() + crate::programs::PATIENCE;
            while acknowledged.lock().unwrap().len() < enough {
                assert!(std::time::Instant::now() < deadline);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            server.kill();
        });
    }
    let server = (kind.serve)();
    let users = acknowledged.into_inner().unwrap();
    for user in &users {
        let answer = server.register(user, "other");
        assert_eq!(answer, "no: user name taken", "{user}");
    }
    assert_eq!(server.login(&users[0], "x"), "yes: login successful");
}

/// Whether a registration is answered with yes; not where the server is gone.
fn registered(address: std::net::SocketAddr, user: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else {
        return false;
    };
    let request = crate::programs::request(authscope::protocol::Action::Register, user, "x");
    let mut octets = [0; authscope::protocol::layout::RESPONSE_LEN];
    let answered =
        stream.write_all(request.as_ref()).is_ok() && stream.read_exact(&mut octets).is_ok();
    answered
        && authscope::protocol::Response::decode(&octets).is_ok_and(|response| response.success)
}

fn several_are_added_at_once(kind: &Kind<'_>, runtime: &Runtime) {
    let store = (kind.open)(runtime);
    let other = HEX.to_uppercase();
    for (user, hash) in [("has-another", other.as_str()), ("has-the-same", HEX)] {
        assert!(
            runtime
                .block_on(store.add(name(user), hash.into()))
                .unwrap()
        );
    }
    let users = ["has-another", "has-the-same", "first", "second"];
    let users = users.map(|user| (name(user), HEX.to_owned()));
    let (added, same) = runtime.block_on(store.add_all(&users)).unwrap();
    assert_eq!(added, 2);
    let mut same: Vec<String> = same.into_iter().collect();
    same.sort();
    assert_eq!(same, ["first", "has-the-same", "second"]);
    let kept = runtime.block_on(store.find(&name("has-another"))).unwrap();
    assert_eq!(kept.unwrap().hash, other);
}

fn conforms(open: &dyn Fn(&Runtime) -> Arc<dyn Store>, serve: &dyn Fn() -> Server) {
    let kind = Kind { open, serve };
    let runtime = Runtime::new().unwrap();
    let inside = runtime.enter();
    one_winner_a_name(&kind, &runtime);
    replaced_by_whoever_saw_the_last_hash(&kind, &runtime);
    any_legal_name_is_its_own(&kind, &runtime);
    last_logins_are_kept(&kind, &runtime);
    several_are_added_at_once(&kind, &runtime);
    drop(inside);
    drop(runtime);
    acknowledged_is_there_after_a_crash(&kind);
}

#[test]
fn the_passwd_file_conforms() {
    let place = Place::new();
    let open = |_: &Runtime| -> Arc<dyn Store> {
        // A program that another test starts has this one's files, and so the lock, until it begins.
        let begun = Instant::now();
        loop {
            match PasswdFile::open(&place.passwd(), &mut |_| {}) {
                Ok((store, _)) => return Arc::new(store),
                Err(PasswdError::Held { .. }) if begun.elapsed() < Duration::from_secs(10) => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    let file = format!("file:{}", place.passwd().display());
    let serve = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_authscope-server"));
        command.args(["--listen", "127.0.0.1:0", "--accounts", &file]);
        Server::start(command)
    };
    conforms(&open, &serve);
}

#[test]
#[cfg(feature = "postgres")]
fn postgresql_conforms() {
    use crate::database::{PASSWORD, shared, start};
    use authscope::accounts::{Postgres, PostgresSettings};
    let Some(cluster) = shared() else {
        return;
    };
    let url = cluster.url(&cluster.empty());
    let open = |runtime: &Runtime| -> Arc<dyn Store> {
        let settings = PostgresSettings {
            url: url.clone(),
            password: Some(PASSWORD.into()),
            connections: 8,
            weak_commit: false,
            migrate: true,
        };
        Arc::new(runtime.block_on(Postgres::open(&settings)).unwrap())
    };
    let serve = || start(&url, &[]);
    conforms(&open, &serve);
}
