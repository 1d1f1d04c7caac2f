//! Runs tshark on captures, with and without the plugin, independently of the user's configuration.
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kept::{answer, answer_of};
use crate::need::skip;
use authscope::wireshark::plugin::plugin;
use serde_json::Value;
use tempfile::TempDir;

/// How tshark is asked to reassemble: two passes, and out-of-order segments put in order.
pub const TWO_PASSES: [&str; 3] = ["-2", "-o", "tcp.reassemble_out_of_order:TRUE"];

/// tshark with a home folder of its own.
pub struct Tshark {
    home: TempDir,
    plugin: PathBuf,
}

impl Tshark {
    /// `None`, and a loud word about it, where there is no tshark or it runs no scripts.
    pub fn find() -> Option<Self> {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("plugin.lua");
        std::fs::write(&path, plugin()).expect("the plugin is written");
        let tshark = Self { home, plugin: path };
        let without = |why: &str| {
            skip("tshark", why);
            None
        };
        let probe = tshark.home.path().join("probe.lua");
        std::fs::write(&probe, "print('scripts run')").expect("the probe is written");
        let script = format!("lua_script:{}", probe.display());
        match tshark
            .command()
            .args(["-X", &script, "-G", "folders"])
            .output()
        {
            Err(error) => without(&format!("tshark cannot be run ({error})")),
            Ok(out) if !String::from_utf8_lossy(&out.stdout).contains("scripts run") => {
                without("this tshark runs no Lua scripts (upstream's runs none for root)")
            }
            Ok(_) => Some(tshark),
        }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new("tshark");
        command
            .env("HOME", self.home.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("WIRESHARK_PLUGIN_DIR");
        command
    }

    /// What tshark prints about a capture, without the plugin.
    pub fn plain(&self, capture: &Path, arguments: &[&str]) -> String {
        self.run(capture, arguments, None)
    }

    /// What tshark prints about a capture, with the plugin.
    pub fn with_plugin(&self, capture: &Path, arguments: &[&str]) -> String {
        self.run(capture, arguments, Some(&self.plugin))
    }

    fn run(&self, capture: &Path, arguments: &[&str], script: Option<&Path>) -> String {
        let script_text = if script.is_some() {
            plugin()
        } else {
            String::new()
        };
        let question = [&[&script_text[..]], arguments].concat();
        answer(capture, &question, || self.ask(capture, arguments, script))
    }

    /// What tshark prints about a capture with another script.
    pub fn with_script(&self, capture: &Path, arguments: &[&str], script: &Path) -> String {
        let text = std::fs::read_to_string(script).expect("the script is read");
        let question = [&[&text[..]], arguments].concat();
        answer(capture, &question, || {
            self.ask(capture, arguments, Some(script))
        })
    }

    /// What `part` leaves of what tshark prints about a capture with the plugin; only that is kept. `what` names the part.
    pub fn part_with_plugin(
        &self,
        capture: &Path,
        arguments: &[&str],
        what: &str,
        part: impl FnOnce(&str) -> String,
    ) -> String {
        let script = plugin();
        let question = [&[&script[..], what], arguments].concat();
        answer(capture, &question, || {
            part(&self.ask(capture, arguments, Some(&self.plugin)))
        })
    }

    /// What `part` leaves of what tshark prints with a script about a capture that is made alike at each run, `name`.
    pub fn part_of_made(
        &self,
        (name, capture): (&str, &Path),
        arguments: &[&str],
        script: &Path,
        part: impl FnOnce(&str) -> String,
    ) -> String {
        let text = std::fs::read_to_string(script).expect("the script is read");
        let question = [&[&text[..]], arguments].concat();
        answer_of(name, capture, &question, || {
            part(&self.ask(capture, arguments, Some(script)))
        })
    }

    /// What tshark prints about a capture with what is in its home folder now; never an answer that is kept.
    pub fn ask(&self, capture: &Path, arguments: &[&str], script: Option<&Path>) -> String {
        let mut command = self.command();
        if let Some(script) = script {
            command
                .arg("-X")
                .arg(format!("lua_script:{}", script.display()));
        }
        let out = command
            .arg("-r")
            .arg(capture)
            .args(arguments)
            .output()
            .expect("tshark runs");
        let errors = String::from_utf8_lossy(&out.stderr);
        assert!(!errors.contains("Lua"), "{}: {errors}", capture.display());
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// The messages that the plugin finds in a capture.
    pub fn messages(&self, capture: &Path, more: &[&str]) -> Vec<Value> {
        let output = [
            "-T",
            "json",
            "--no-duplicate-keys",
            "-J",
            "frame tcp reglogin",
        ];
        let arguments = [more, &output].concat();
        let text = self.with_plugin(capture, &arguments);
        let packets: Vec<Value> = match text.trim() {
            "" => Vec::new(),
            text => serde_json::from_str(text).expect("tshark prints JSON"),
        };
        packets.iter().flat_map(messages_of).collect()
    }
}

/// A value, or each of a list's.
fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn messages_of(packet: &Value) -> Vec<Value> {
    let layers = &packet["_source"]["layers"];
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok());
    let mut messages = Vec::new();
    for layer in each(&layers["reglogin"]) {
        let mut message = serde_json::json!({
            "frame": number(&layers["frame"]["frame.number"]),
            "stream": number(&layers["tcp"]["tcp.stream"]),
        });
        for (key, value) in layer.as_object().into_iter().flatten() {
            let Some(key) = key.strip_prefix("reglogin.") else {
                continue;
            };
            let value = match key {
                "length" | "command" | "status" | "response_in" | "response_to" => {
                    number(value).into()
                }
                _ if key.ends_with("_tree") => continue,
                _ => value.clone(),
            };
            message[if key == "sender" { "from" } else { key }] = value;
        }
        let mut notes = Vec::new();
        collect_notes(layer, None, &mut notes);
        message["notes"] = notes.into();
        messages.push(message);
    }
    messages
}

/// The notes in a layer, whatever protocol's it is.
pub fn expert_notes(layer: &Value) -> Vec<Value> {
    let mut notes = Vec::new();
    for (key, value) in layer.as_object().into_iter().flatten() {
        for value in each(value) {
            if key == "_ws.expert" {
                notes.push(note(value, None));
            } else {
                notes.extend(expert_notes(value));
            }
        }
    }
    notes
}

fn collect_notes(node: &Value, field: Option<&str>, notes: &mut Vec<Value>) {
    for (key, value) in node.as_object().into_iter().flatten() {
        if key == "_ws.expert" {
            for expert in each(value) {
                notes.push(note(expert, field));
            }
        } else if let Some(field) = key
            .strip_prefix("reglogin.")
            .and_then(|key| key.strip_suffix("_tree"))
        {
            collect_notes(value, Some(field), notes);
        } else if key == "_ws.lua.text" {
            // A number that is hidden stands there as text, under no name.
            for hidden in each(value) {
                collect_notes(hidden, field_of_hidden(hidden), notes);
            }
        }
    }
}

/// Which number a text that hides one stands for, by what is said of it.
fn field_of_hidden(text: &Value) -> Option<&'static str> {
    let experts = each(&text["_ws.expert"]);
    let says = |kind: &str| {
        let key = format!("reglogin.note.{kind}");
        experts.iter().any(|expert| expert.get(&key).is_some())
    };
    let kinds = [
        ("status", "status"),
        ("length", "length"),
        ("unknown_command", "command"),
        ("wrong_direction", "command"),
        ("wrong_response", "command"),
    ];
    let known = kinds.into_iter().find(|(kind, _)| says(kind));
    // The same is said of both numbers of a header: which one, its place says.
    let of_header = says("number_as_text").then(|| {
        let at_start = |expert: &&Value| expert.to_string().contains("bytes 0 to 3");
        if experts.iter().any(at_start) {
            "length"
        } else {
            "command"
        }
    });
    known.map(|(_, field)| field).or(of_header)
}

/// Wireshark's numbers for severities and groups, as its expert items have them.
fn note(expert: &Value, field: Option<&str>) -> Value {
    let code = |key: &str| {
        expert[key]
            .as_str()
            .and_then(|text| text.parse::<u32>().ok())
    };
    let severity = match code("_ws.expert.severity") {
        Some(0x0020_0000) => "chat",
        Some(0x0040_0000) => "note",
        Some(0x0060_0000) => "warning",
        Some(0x0080_0000) => "error",
        other => panic!("severity {other:?}"),
    };
    let group = match code("_ws.expert.group") {
        Some(0x0100_0000) => "checksum",
        Some(0x0200_0000) => "sequence",
        Some(0x0600_0000) => "reassembly",
        Some(0x0700_0000) => "malformed",
        Some(0x0900_0000) => "protocol",
        Some(0x0d00_0000) => "assumption",
        other => panic!("group {other:?}"),
    };
    let mut note = serde_json::json!({
        "severity": severity, "group": group, "text": expert["_ws.expert.message"],
    });
    if let Some(field) = field {
        note["field"] = field.into();
    }
    note
}

/// Every stored capture that tshark can read to its end, by name.
pub fn captures() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut files: Vec<(String, PathBuf)> = std::fs::read_dir(&folder)
        .expect("captures/ is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.to_string_lossy();
            [".pcap", ".pcapng", ".pcap.gz", ".pcap.zst"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .map(|path| {
            (
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                path,
            )
        })
        .collect();
    files.sort();
    assert!(files.len() > 50, "captures/ has {} files", files.len());
    files
}

/// What `check` finds wrong with each of `items`, looked at by a few threads.
pub fn in_parallel<T: Sync>(
    items: &[T],
    check: impl Fn(&T) -> Option<String> + Sync,
) -> Vec<String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let found = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(item) =
                    items.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Some(wrong) = check(item) {
                        found.lock().expect("no thread panicked").push(wrong);
                    }
                }
            });
        }
    });
    found.into_inner().expect("no thread panicked")
}

/// What tshark lists of several captures joined one behind the other; `None`, and a loud word
/// about it, where there is no mergecap. A tshark for each would take minutes.
pub fn list_joined(tshark: &Tshark, captures: &[PathBuf], fields: &[&str]) -> Option<String> {
    let mut joined = tshark.home().join("joined.pcapng");
    if let [one] = captures {
        joined.clone_from(one);
    } else {
        let mut command = Command::new("mergecap");
        command.args(["-a", "-F", "pcapng", "-I", "none", "-w"]);
        let done = match command.arg(&joined).args(captures).output() {
            Ok(done) => done,
            Err(error) => {
                skip("mergecap", error);
                return None;
            }
        };
        assert!(done.status.success(), "{done:?}");
    }
    let mut arguments = vec!["-o", "tcp.check_checksum:TRUE", "-T", "fields"];
    for field in fields {
        arguments.extend(["-e", field]);
    }
    Some(tshark.plain(&joined, &arguments))
}
