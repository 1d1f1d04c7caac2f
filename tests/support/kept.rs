//! tshark's answers about the stored captures, and about captures that tests generate identically at each run, stored
//! in `tests/fixtures/`, so that tshark is not started hundreds of times.
//!
//! An answer is looked up by the capture's bytes, by the question, and by the version of tshark that the file names.
//! What is not stored is asked of tshark. `AUTHSCOPE_FIXTURES=update` asks everything and writes the file again (`make
//! fixtures`); `AUTHSCOPE_FIXTURES=compare` asks everything and fails if an answer differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// Answers by capture and question.
static KEPT: LazyLock<BTreeMap<String, String>> = LazyLock::new(load);

#[derive(PartialEq)]
enum Mode {
    Use,
    Update,
    Compare,
}

fn mode() -> Mode {
    match std::env::var("AUTHSCOPE_FIXTURES").as_deref() {
        Ok("update") => Mode::Update,
        Ok("compare") => Mode::Compare,
        Ok(other) => panic!("AUTHSCOPE_FIXTURES is {other:?}; it can be update or compare"),
        Err(_) => Mode::Use,
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file() -> PathBuf {
    root().join("tests/fixtures/tshark.jsonl.zst")
}

fn load() -> BTreeMap<String, String> {
    let packed = fs::read(file()).expect("tests/fixtures/tshark.jsonl.zst is there");
    let text = zstd::decode_all(&packed[..]).expect("it is whole");
    let text = String::from_utf8(text).expect("it is UTF-8");
    let pairs = text.lines().skip(1);
    pairs
        .map(|line| serde_json::from_str::<(String, String)>(line).expect("a key and an answer"))
        .collect()
}

fn version() -> String {
    let output = Command::new("tshark").arg("--version").output();
    let text = String::from_utf8(output.expect("tshark runs").stdout).expect("UTF-8");
    text.lines().next().unwrap_or_default().to_owned()
}

/// Where answers are gathered while they are asked anew: a line each.
fn gathered() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("answers.jsonl")
}

/// The second step of `make fixtures`: what the tests asked becomes the file of kept answers.
#[test]
#[ignore = "run by make fixtures"]
fn pack_the_answers() {
    let lines = fs::read_to_string(gathered()).expect("answers were gathered");
    let answers: BTreeSet<&str> = lines.lines().collect();
    let mut text = format!("{}\n", serde_json::json!({ "tshark": version() }));
    for line in answers {
        text += line;
        text.push('\n');
    }
    let packed = zstd::encode_all(text.as_bytes(), 19).expect("memory takes it");
    fs::write(file(), packed).expect("it is written");
    fs::remove_file(gathered()).expect("it is removed");
}

/// The first 64 bits of the SHA-256, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let first = digest.first_chunk().expect("32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

/// What tshark answers to `question` about `capture`: kept, or else what `ask` finds out. Only of stored captures are
/// answers kept. `question` must hold all that the answer depends on; of a long script, its text will do.
pub fn answer(capture: &Path, question: &[&str], ask: impl FnOnce() -> String) -> String {
    let path = root().join(capture);
    match path.strip_prefix(root().join("captures")) {
        Ok(name) => answer_of(&name.display().to_string(), &path, question, ask),
        Err(_) => ask(),
    }
}

/// The same about a capture that is made alike at each run: from a fixed seed, or by hand. `name` is what its answers are
/// kept under.
pub fn answer_of(
    name: &str,
    path: &Path,
    question: &[&str],
    ask: impl FnOnce() -> String,
) -> String {
    let bytes = fs::read(path).expect("the capture is read");
    let asked = digest(question.join("\0").as_bytes());
    let key = format!("{name} {} {asked}", digest(&bytes));
    match mode() {
        Mode::Use => KEPT.get(&key).cloned().unwrap_or_else(ask),
        Mode::Compare => {
            let answer = ask();
            assert_eq!(
                KEPT.get(&key),
                Some(&answer),
                "{key}: {} answers otherwise than what is kept; look, then: make fixtures",
                version()
            );
            answer
        }
        Mode::Update => {
            let answer = ask();
            let pair = serde_json::to_string(&(key, &answer)).expect("text is JSON");
            // One write a line: tests of several threads append to the file.
            fs::File::options()
                .create(true)
                .append(true)
                .open(gathered())
                .and_then(|mut file| file.write_all(format!("{pair}\n").as_bytes()))
                .expect("an answer is written down");
            answer
        }
    }
}
