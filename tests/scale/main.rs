//! Captures of many hosts: the commands of docs/at-scale.md print what the page shows, database engines find what
//! `authscope stats` finds, and Parquet is small. `make test-scale` installs what the tests need into target/scale/.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use authscope::protocol::Action;
use authscope::synth::load::Load;
use serde_json::Value;
use tempfile::TempDir;

use need::skip;
use scene::{Exchange, MILLISECOND, Scene};

#[path = "../support/need.rs"]
mod need;
#[path = "../support/scene.rs"]
#[allow(dead_code)] // Other tests use the rest of it.
mod scene;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SECOND: i64 = 1000 * MILLISECOND;

/// The program's folder, and that of the tools that `make test-scale` installs, before those of the system.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_authscope"));
    let folder = program.parent().unwrap().display();
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{folder}:{ROOT}/target/scale/bin:{path}")
}

fn shell(folder: &Path, line: &str) -> Output {
    let output = Command::new("sh")
        .args(["-ec", line])
        .current_dir(folder)
        .env("PATH", path())
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .output()
        .expect("a shell");
    assert!(
        output.status.success(),
        "{line}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn printed(folder: &Path, line: &str) -> String {
    String::from_utf8(shell(folder, line).stdout).expect("text")
}

/// Whether a tool is there.
fn has(line: &str) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("PATH", path());
    command.output().is_ok_and(|output| output.status.success())
}

static DUCKDB: LazyLock<bool> = LazyLock::new(|| has("duckdb --version"));
static SPARK: LazyLock<bool> =
    LazyLock::new(|| has("java -version && python3 -c 'import pyspark'"));

/// What stands in the captures of three hosts at the same time: who guesses at one password, and who tries one password
/// on many names, spreads it over them, so that no host alone shows it.
fn hosts(folder: &Path) {
    std::fs::create_dir(folder.join("hosts")).unwrap();
    for (host, name) in (1..).zip(["alpha", "beta", "gamma"]) {
        let mut scene = Scene::at(host);
        let shift = i64::from(host) * 100 * MILLISECOND;
        let register = Exchange {
            host,
            action: Action::Register,
            user: name,
            answer: Some((true, "registered")),
            after: 30 * MILLISECOND + shift / 100,
            ..Exchange::LOGIN
        };
        scene.put(&register, shift);
        for round in 0..4 {
            let own = Exchange {
                host,
                user: name,
                after: (5 + i64::from(round)) * MILLISECOND + shift / 1000,
                ..Exchange::LOGIN
            };
            let sprayed = Exchange {
                host: 66,
                user: &format!("user{host}{round}"),
                password: "Winter2026",
                answer: Exchange::WRONG,
                ..Exchange::LOGIN
            };
            let guessed = Exchange {
                host: 77,
                user: "alice",
                password: &format!("guess{host}{round}"),
                answer: Exchange::WRONG,
                ..Exchange::LOGIN
            };
            for exchange in [own, sprayed, guessed] {
                scene.put(&exchange, SECOND);
            }
        }
        if name == "gamma" {
            // A guess is right.
            let right = Exchange {
                host: 77,
                ..Exchange::LOGIN
            };
            scene.put(&right, SECOND);
        }
        let saved = scene.save(folder);
        std::fs::rename(saved, folder.join(format!("hosts/{name}.pcap"))).unwrap();
    }
}

/// A folder with the captures of three hosts, a key, and the job.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    hosts(place.path());
    std::fs::write(place.path().join("tags.key"), [7; 32]).unwrap();
    let job = Path::new(ROOT).join("examples/at-scale/findings.py");
    std::fs::copy(job, place.path().join("findings.py")).unwrap();
    place
}

/// A command of the page, and what it prints there: lines that begin with `$ ` and, where it goes on, `> `.
struct Recipe {
    line: String,
    shown: String,
}

fn recipe(block: &str) -> Recipe {
    let lines = block.lines();
    let command: Vec<&str> = lines
        .clone()
        .enumerate()
        .take_while(|(index, line)| *index == 0 && line.starts_with("$ ") || line.starts_with("> "))
        .map(|(_, line)| &line[2..])
        .collect();
    let rest = lines.skip(command.len());
    Recipe {
        line: command.join("\n"),
        shown: rest.flat_map(|line| [line, "\n"]).collect(),
    }
}

/// With UPDATE_AT_SCALE set, what the commands print is written there instead; read it before it is committed.
#[test]
fn every_recipe_prints_what_the_page_shows() {
    const START: &str = "```console\n";
    if !*DUCKDB || !*SPARK {
        return skip("duckdb and spark", "make test-scale installs them");
    }
    let page = Path::new(ROOT).join("docs/at-scale.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let place = place();
    let mut parts = text.split(START);
    let mut again = parts.next().unwrap().to_owned();
    let mut differ = Vec::new();
    let mut recipes = 0;
    for part in parts {
        let (block, behind) = part.split_once("```\n").unwrap();
        let Recipe { line, shown } = recipe(block);
        let printed = printed(place.path(), &line);
        if printed != shown {
            differ.push(format!("$ {line}\n{printed}"));
        }
        let command = line.replace('\n', "\n> ");
        for piece in [START, "$ ", &command, "\n", &printed, "```\n", behind] {
            again.push_str(piece);
        }
        recipes += 1;
    }
    assert!(recipes >= 8, "{recipes}");
    if std::env::var_os("UPDATE_AT_SCALE").is_some() {
        std::fs::write(&page, again).unwrap();
    } else {
        assert!(
            differ.is_empty(),
            "these print something else:\n{}",
            differ.join("\n")
        );
    }
}

/// The findings that are about who attacks, without the numbers of frames, which are other ones in merged files.
fn findings(lines: impl Iterator<Item = Value>) -> Vec<String> {
    let kinds = [
        "password guessing",
        "password spraying",
        "user-name probing",
    ];
    let mut found: Vec<String> = lines
        .filter(|one| kinds.iter().any(|kind| one["kind"] == **kind))
        .map(|one| {
            let succeeded = one["succeeded_in"].is_number() || one["succeeded"] == true;
            let keys = ["kind", "username", "address", "count", "names", "passwords"];
            let values = keys.map(|key| format!("{key}={}", one[key]));
            let times = ["first", "last"].map(|key| match &one[key] {
                Value::String(text) => text.parse().unwrap(),
                number => number.as_f64().unwrap(),
            });
            format!("{} succeeded={succeeded} {times:?}", values.join(" "))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn spark_finds_over_all_hosts_what_stats_finds_in_the_merged_files() {
    if !*SPARK {
        return skip("spark", "make test-scale installs it");
    }
    let place = place();
    let stats = printed(place.path(), "authscope stats -T json hosts/*.pcap");
    let stats: Value = serde_json::from_str(&stats).unwrap();
    let merged = findings(stats["findings"].as_array().unwrap().iter().cloned());
    assert_eq!(merged.len(), 2, "{stats:#}");
    for host in ["alpha", "beta", "gamma"] {
        let alone = printed(
            place.path(),
            &format!("authscope stats -T json hosts/{host}.pcap"),
        );
        let alone: Value = serde_json::from_str(&alone).unwrap();
        assert_eq!(alone["findings"], serde_json::json!([]), "{host}");
    }
    let found = printed(
        place.path(),
        "python3 findings.py --key tags.key hosts/*.pcap",
    );
    let found = found
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(findings(found), merged);
    // So it is with rows.
    let rows = "for host in alpha beta gamma; do
        authscope read --exchanges -T jsonl --password-tags tags.key hosts/$host.pcap > $host.jsonl
        authscope read --exchanges -T parquet --password-tags tags.key hosts/$host.pcap > $host.parquet
    done";
    shell(place.path(), rows);
    for rows in [
        "*.jsonl",
        "*.parquet",
        "alpha.jsonl beta.parquet gamma.jsonl",
    ] {
        let of_rows = printed(
            place.path(),
            &format!("authscope stats --rows -T json {rows}"),
        );
        let of_rows: Value = serde_json::from_str(&of_rows).unwrap();
        assert_eq!(
            findings(of_rows["findings"].as_array().unwrap().iter().cloned()),
            merged
        );
        for key in COUNTED {
            assert_eq!(of_rows[key], stats[key], "{key} of {rows}");
        }
    }
}

/// The parts of statistics that rows tell as well.
const COUNTED: [&str; 6] = [
    "messages",
    "outcomes",
    "unanswered",
    "response_time",
    "users",
    "addresses",
];

/// Counts by outcome, percentiles in milliseconds, and top users, as sorted text.
type Told = BTreeMap<String, String>;

fn by_stats(stats: &Value) -> Told {
    let mut told = Told::new();
    for (action, of) in [("registration", "registration"), ("login", "login")] {
        for outcome in ["success", "failure"] {
            let count = &stats["outcomes"][format!("{action} {outcome}")];
            told.insert(format!("{action} {outcome}"), count.to_string());
        }
        let times = &stats["response_time"][of];
        assert_eq!(times["exact"], true);
        for quantile in ["p50", "p90", "p99"] {
            let milliseconds = times[quantile].as_f64().unwrap() * 1e3;
            told.insert(format!("{action} {quantile}"), format!("{milliseconds:.6}"));
        }
    }
    let users = stats["users"].as_array().unwrap();
    for (index, user) in users.iter().take(10).enumerate() {
        let row = format!(
            "{} {} {}",
            user["username"], user["requests"], user["failures"]
        );
        told.insert(format!("user {index}"), row);
    }
    told
}

/// The same of what an engine answers to the three questions.
fn by_engine(outcomes: &Value, times: &Value, users: &Value) -> Told {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut told = Told::new();
    for row in outcomes.as_array().unwrap() {
        if row["outcome"] != "no response" {
            let key = format!("{} {}", text(&row["action"]), text(&row["outcome"]));
            told.insert(key, row["count"].to_string());
        }
    }
    for row in times.as_array().unwrap() {
        for quantile in ["p50", "p90", "p99"] {
            let milliseconds = row[quantile].as_f64().unwrap();
            let key = format!("{} {quantile}", text(&row["action"]));
            told.insert(key, format!("{milliseconds:.6}"));
        }
    }
    for (index, row) in users.as_array().unwrap().iter().enumerate() {
        let row = format!("{} {} {}", row["user"], row["requests"], row["failures"]);
        told.insert(format!("user {index}"), row);
    }
    told
}

/// The questions, to rows in `FROM`.
const QUESTIONS: [&str; 3] = [
    "SELECT action, outcome, count(*) AS count FROM rows WHERE action IS NOT NULL GROUP BY ALL ORDER BY ALL",
    "SELECT action, quantile_disc(milliseconds, 0.5) AS p50, quantile_disc(milliseconds, 0.9) AS p90,
        quantile_disc(milliseconds, 0.99) AS p99
     FROM rows WHERE milliseconds IS NOT NULL GROUP BY action",
    "SELECT \"user\", count(*) AS requests, count(*) FILTER (outcome = 'failure') AS failures
     FROM rows WHERE request IS NOT NULL GROUP BY \"user\" ORDER BY requests DESC, failures DESC, \"user\" LIMIT 10",
];

/// A large capture, with answers that were never captured.
fn load(folder: &Path, frames: u64) -> PathBuf {
    let path = folder.join("load.pcap");
    let load = Load {
        frames,
        connections: frames / 30,
        gaps: 0.01,
        loss: 0.01,
        ..Load::default()
    };
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    load.write(&mut file).unwrap();
    path
}

#[test]
fn engines_count_what_stats_counts() {
    let place = place();
    let folder = place.path();
    load(folder, 60_000);
    let rows = "for form in jsonl parquet; do authscope read --exchanges -T $form load.pcap > load.$form; done";
    shell(folder, rows);
    let json = |line: &str| -> Value { serde_json::from_str(&printed(folder, line)).unwrap() };
    let stats = json("authscope stats -T json load.pcap");
    let told = by_stats(&stats);
    assert_eq!(told.len(), 4 + 6 + 10);
    for file in ["load.jsonl", "load.parquet"] {
        let of_rows = json(&format!("authscope stats --rows -T json {file}"));
        for key in COUNTED {
            assert_eq!(of_rows[key], stats[key], "{key} of {file}");
        }
    }
    if *DUCKDB {
        for file in ["load.jsonl", "load.parquet"] {
            let [outcomes, times, users] = QUESTIONS.map(|question| {
                let question = question.replace("FROM rows", &format!("FROM '{file}'"));
                json(&format!(
                    "duckdb -json -c '{}'",
                    question.replace('\'', "'\\''")
                ))
            });
            assert_eq!(
                by_engine(&outcomes, &times, &users),
                told,
                "DuckDB over {file}"
            );
        }
    } else {
        skip("duckdb", "make test-scale installs it");
    }
    if *SPARK {
        let answers = printed(folder, "python3 findings.py --counts load.pcap");
        let mut answers = answers
            .lines()
            .map(|line| -> Value { serde_json::from_str(line).unwrap() });
        let [outcomes, times, users] =
            ["outcomes", "response_time", "users"].map(|key| answers.next().unwrap()[key].clone());
        assert_eq!(by_engine(&outcomes, &times, &users), told, "Spark");
    } else {
        skip("spark", "make test-scale installs it");
    }
}

#[test]
fn parquet_is_a_tenth_of_jsonl() {
    let place = tempfile::tempdir().unwrap();
    load(place.path(), 300_000);
    for rows in ["--messages", "--exchanges"] {
        let [jsonl, parquet] = ["jsonl", "parquet"].map(|form| {
            let line = format!("authscope read {rows} -T {form} load.pcap | wc -c");
            printed(place.path(), &line).trim().parse::<u64>().unwrap()
        });
        assert!(parquet * 10 <= jsonl, "{rows}: {parquet} of {jsonl}");
    }
}

/// What is in JSON is in Parquet.
#[test]
fn parquet_says_what_jsonl_says() {
    if !*DUCKDB {
        return skip("duckdb", "make test-scale installs it");
    }
    let mut captures: Vec<PathBuf> = std::fs::read_dir(Path::new(ROOT).join("captures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "pcap" || end == "pcapng")
        })
        .collect();
    captures.sort();
    let place = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for capture in captures.iter().step_by(7) {
        let written = |form: &str, rows: &str| {
            let output = Command::new(env!("CARGO_BIN_EXE_authscope"))
                .args(["read", rows, "-T", form])
                .arg(capture)
                .output()
                .unwrap();
            output.stdout
        };
        for rows in ["--messages", "--exchanges"] {
            std::fs::write(place.path().join("a.parquet"), written("parquet", rows)).unwrap();
            let columns = "* REPLACE (epoch_ns(time) AS time)";
            let query = format!("duckdb -json -c \"SELECT {columns} FROM 'a.parquet'\"");
            let table = printed(place.path(), &query);
            let table: Vec<Value> = match table.trim() {
                "" | "[" | "[]" | "[{]" => Vec::new(),
                text => {
                    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
                }
            };
            let lines = String::from_utf8(written("jsonl", rows)).unwrap();
            let lines: Vec<Value> = lines
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .filter(|line: &Value| line.get("interrupted").is_none())
                .collect();
            assert_eq!(table.len(), lines.len(), "{} {rows}", capture.display());
            for (row, line) in table.iter().zip(&lines) {
                same(row, line);
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

/// Whether a row of the table is the object of a line.
fn same(row: &Value, line: &Value) {
    for (key, value) in row.as_object().unwrap() {
        let told = line.get(key).unwrap_or(&Value::Null);
        let alike = match (value, told) {
            // What JSON nests is text in the table.
            (Value::String(text), Value::Array(_) | Value::Object(_)) => {
                serde_json::from_str::<Value>(text).unwrap() == *told
            }
            (Value::Number(one), Value::Number(other)) if key == "time" => {
                let nanoseconds = (other.as_f64().unwrap() * 1e9).round();
                (one.as_f64().unwrap() - nanoseconds).abs() < 1000.0
            }
            // So DuckDB shows decimals.
            (Value::String(text), Value::Number(other)) if key == "response_time" => {
                text.parse().ok() == other.as_f64()
            }
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            _ => value == told,
        };
        assert!(
            alike,
            "{key}: {value} in the table, {told} in the line\n{line}"
        );
    }
}
