//! The machine stops at any moment of any history, and any part of what was not synced may have reached the disk. The
//! next start succeeds, what was acknowledged is there, and nobody has another user's hash.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index as Pick;
use tokio::sync::oneshot;

use super::Shared;
use super::start::start;
use super::writer::{Change, Writer};
use crate::accounts::store::StoreError;
use crate::protocol::UserName;

/// What a disk loses or keeps as a whole.
const BLOCK: usize = 4096;

/// What becomes of the file in one step.
#[derive(Debug, Clone)]
enum Step {
    /// Changes that are written at once.
    Batch(Vec<Act>),
    Compact,
    Restart,
}

#[derive(Debug, Clone)]
enum Act {
    /// One of the names registers.
    Register(Pick),
    /// One of those who are registered, if any, gets another hash.
    Replace(Pick),
}

/// How much of what was not synced reached the disk.
#[derive(Debug, Clone)]
struct Crash {
    /// For each block, whether it did; for blocks behind the last of them, its first.
    blocks: Vec<bool>,
    /// Where the file ends, from the start of what was not synced to all that was written.
    end: Pick,
    /// Whether it ends there, or is as long as what was written.
    short: bool,
}

/// Names that look like marks, other names with something before them, and any others.
fn names() -> impl Strategy<Value = UserName> {
    let marked = prop_oneof![
        "[a-d]=[a-d]{1,3}",
        "[a-d]=[a-d]=[a-d]",
        "xreplace|replace|c 0 00000000|x[c] 1 1",
        "[=:$ -~]{1,20}",
        "\\PC{1,6}",
        "[a-d]{1,2}",
    ];
    marked.prop_filter_map("a name that may be registered", |name| {
        UserName::new(name).ok()
    })
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => any::<Pick>().prop_map(Act::Register),
        2 => any::<Pick>().prop_map(Act::Replace),
    ];
    vec(act, 1..90)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => acts().prop_map(Step::Batch),
        1 => Just(Step::Compact),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..7)
}

fn crashes() -> impl Strategy<Value = Vec<Crash>> {
    let crash = (vec(any::<bool>(), 1..6), any::<Pick>(), any::<bool>());
    let crash = crash.prop_map(|(blocks, end, short)| Crash { blocks, end, short });
    vec(crash, 4)
}

/// A hash that no other call gives.
fn hash(number: usize) -> String {
    format!("{number:064x}")
}

/// Hashes that a user may have: the one that was acknowledged, and, until the next start tells,
/// one that was not.
type Users = BTreeMap<UserName, String>;

struct History {
    users: Users,
    hashes: usize,
}

impl History {
    /// The changes of a batch, what they make of the users, and where they are answered.
    #[expect(clippy::type_complexity)]
    fn batch(
        &mut self,
        acts: &[Act],
        names: &[UserName],
        shared: &Shared,
    ) -> (
        Vec<Change>,
        Vec<(
            UserName,
            String,
            oneshot::Receiver<Result<bool, StoreError>>,
        )>,
    ) {
        let (mut changes, mut answers) = (Vec::new(), Vec::new());
        for act in acts {
            self.hashes += 1;
            let hash = hash(self.hashes);
            let (reply, answer) = oneshot::channel();
            let (name, change) = match act {
                Act::Register(pick) => {
                    let name = pick.get(names).clone();
                    let (given, hash) = (name.clone(), hash.clone());
                    (given, Change::Add { name, hash, reply })
                }
                Act::Replace(pick) => {
                    let known: Vec<_> = self.users.keys().collect();
                    if known.is_empty() {
                        continue;
                    }
                    let name = (*pick.get(&known)).clone();
                    let (_, found) = shared.find(&name).unwrap().unwrap();
                    let (version, hash) = (found.version, hash.clone());
                    let given = name.clone();
                    (
                        given,
                        Change::Replace {
                            name,
                            version,
                            hash,
                            reply,
                        },
                    )
                }
            };
            changes.push(change);
            answers.push((name, hash, answer));
        }
        (changes, answers)
    }
}

fn open(path: &Path) -> (Writer, std::sync::Arc<Shared>) {
    let (writer, shared, _) = start(path, &mut |_| {}).unwrap();
    (writer, shared)
}

/// The hash that a start finds for each user.
fn users_at(path: &Path) -> Users {
    let mut users = Users::new();
    let editor = super::Editor::open(path).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    editor
        .for_each_user(&mut |name, _, _| {
            users.insert(name, String::new());
            Ok(())
        })
        .unwrap();
    for (name, hash) in &mut users {
        // After a start the file is compact: a user has one line.
        let start = format!("{name}:");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(&start));
        *hash = lines.next().unwrap().to_owned();
        assert_eq!(lines.next(), None, "{name}");
    }
    users
}

/// The file after the machine stopped while `written` was being put where `synced` is.
fn after_crash(synced: &[u8], written: &[u8], crash: &Crash) -> Vec<u8> {
    let mut left = written.to_vec();
    let first = synced.len() / BLOCK;
    for (number, block) in left.chunks_mut(BLOCK).enumerate().skip(first) {
        if !crash.blocks[(number - first) % crash.blocks.len()] {
            let kept = synced.len().saturating_sub(number * BLOCK).min(block.len());
            block[kept..].fill(0);
        }
    }
    if crash.short {
        left.truncate(synced.len() + crash.end.index(written.len() - synced.len() + 1));
    }
    left
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_may_stop_at_any_moment(
        names in vec(names(), 1..120),
        steps in steps(),
        crashes in crashes(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        let crashed = directory.path().join("crashed");
        let mut history = History { users: Users::new(), hashes: 0 };
        let (mut writer, mut shared) = open(&path);
        for step in &steps {
            let before = std::fs::read(&path).unwrap();
            let acknowledged = history.users.clone();
            let mut attempted = BTreeMap::new();
            match step {
                Step::Batch(acts) => {
                    let (changes, answers) = history.batch(acts, &names, &shared);
                    writer.commit(changes);
                    for (name, hash, mut answer) in answers {
                        if answer.try_recv().unwrap().unwrap() {
                            history.users.insert(name.clone(), hash.clone());
                            attempted.insert(name, hash);
                        }
                    }
                }
                Step::Compact => writer.compact(),
                Step::Restart => {
                    drop((writer, shared));
                    (writer, shared) = open(&path);
                }
            }
            let after = std::fs::read(&path).unwrap();
            let states: Vec<_> = if after.starts_with(&before) {
                crashes.iter().map(|crash| after_crash(&before, &after, crash)).collect()
            } else {
                // Compacted: a rename is done or not.
                vec![before, after]
            };
            for state in states {
                std::fs::write(&crashed, &state).unwrap();
                drop(open(&crashed));
                let found = users_at(&crashed);
                for (name, hash) in &acknowledged {
                    let now = &found[name];
                    prop_assert!(now == hash || attempted.get(name) == Some(now), "{}", name);
                }
                for (name, hash) in &found {
                    let hers = acknowledged.get(name) == Some(hash) || attempted.get(name) == Some(hash);
                    prop_assert!(hers, "{}: {}", name, hash);
                }
            }
        }
        drop((writer, shared));
        drop(open(&path));
        prop_assert_eq!(users_at(&path), history.users);
    }
}
