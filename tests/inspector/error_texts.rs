//! The error messages of typical mistakes: what was being done, to what, what went wrong, and what to do. Each is
//! printed by the real program and was reviewed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const LAB: &str = "captures/lab-report.pcap";

/// Command lines; FOLDER is a folder with `empty.pcap`, `text.pcap`, `bad.toml`, `passwd` and a folder `none`.
const MISTAKES: [&str; 69] = [
    "authscope read nosuch.pcap",
    "authscope nosuch.pcap",
    "authscope read FOLDER/empty.pcap",
    "authscope read FOLDER/text.pcap",
    "authscope read FOLDER/none",
    "authscope read",
    "authscope raed captures/lab-report.pcap",
    "authscope read --nosuch captures/lab-report.pcap",
    "authscope read --message captures/lab-report.pcap",
    "authscope read -T xml captures/lab-report.pcap",
    "authscope read -Y 'reglogin.stat == 0' captures/lab-report.pcap",
    "authscope read -Y 'zzz == 0' captures/lab-report.pcap",
    "authscope read -Y 'reglogin.status ==' captures/lab-report.pcap",
    "authscope read -Y 'reglogin.type == logn' captures/lab-report.pcap",
    "authscope read -T fields captures/lab-report.pcap",
    "authscope read -T fields -e nosuch captures/lab-report.pcap",
    "authscope read -e frame.number captures/lab-report.pcap",
    "authscope read -E foo=1 -T fields -e frame.number captures/lab-report.pcap",
    "authscope read captures/damaged-cut-in-record.pcap -q",
    "authscope read -q -w FOLDER/no/x.pcapng captures/lab-report.pcap",
    "authscope read -q -w /dev/full captures/lab-report.pcap",
    "authscope read -q -w captures/lab-report.pcap captures/lab-report.pcap",
    "authscope read -q -w FOLDER/x -b filesize:x captures/lab-report.pcap",
    "authscope read -q -w FOLDER/x -a nonsense:1 captures/lab-report.pcap",
    "authscope read -L nosuch.toml captures/lab-report.pcap",
    "authscope read -L FOLDER/bad.toml captures/lab-report.pcap",
    "authscope read -d foo captures/lab-report.pcap",
    "authscope read -d tcp.port==9000,Foo captures/lab-report.pcap",
    "authscope read -p 99999 captures/lab-report.pcap",
    "authscope read -c x captures/lab-report.pcap",
    "authscope read --max-buffer 3Q captures/lab-report.pcap",
    "authscope read --tls-keylog nosuch.log captures/recorded-tls.pcapng",
    "authscope read --exchanges --password-tags nosuch captures/lab-report.pcap",
    "authscope read -Y reglogin.response_in -",
    "authscope live -B 0",
    "authscope live -f 'nonsense filter'",
    "authscope follow captures/ssh-on-port-2222.pcap",
    "authscope follow --stream 99 captures/lab-report.pcap",
    "authscope follow --user bob captures/lab-report.pcap",
    "authscope stats --rows captures/lab-report.pcap",
    "authscope stats --top x captures/lab-report.pcap",
    "authscope fields nosuch",
    "authscope schema nosuch",
    "authscope report captures/lab-report.pcap",
    "authscope report captures/lab-report.pcap -o FOLDER/no/x.html",
    "authscope wireshark plugin --install --folder FOLDER/no",
    "authscope layout check nosuch.toml",
    "authscope layout guess captures/ssh-on-port-2222.pcap",
    "authscope tui captures/lab-report.pcap",
    "authscope extcap",
    "authscope -r captures/lab-report.pcap -z http,tree",
    "authscope -r captures/lab-report.pcap -R tcp",
    "authscope-client login",
    "authscope-client login alice --server foo",
    "authscope-client login alice --server 127.0.0.1:1",
    "authscope-client login alice --server 127.0.0.1:1 --password-stdin",
    "authscope-client login a:b --password-stdin",
    "authscope-client login alice --timeout x",
    "authscope-client login alice --tls --ca-file nosuch.pem --password-stdin",
    "authscope-server --listen foo",
    "authscope-server --passwd FOLDER/no/passwd",
    "authscope-server --passwd FOLDER/none --listen 127.0.0.1:0",
    "authscope-server --config nosuch.toml",
    "authscope-server --nosuch",
    "authscope-server --min-password 0",
    "authscope-server --hash nosuch",
    "authscope-server --tls-cert nosuch.pem --tls-key nosuch.pem --listen 127.0.0.1:0 --passwd FOLDER/passwd",
    "authscope-server --passwd FOLDER/passwd users remove nosuch",
    "authscope-server --passwd FOLDER/passwd status",
];

/// A command line's standard error and exit code.
fn told(line: &str, folder: &str) -> (String, Option<i32>) {
    let programs = Path::new(env!("CARGO_BIN_EXE_authscope"));
    let programs = programs.parent().expect("a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", &line.replace("FOLDER", folder)])
        .env("PATH", format!("{programs}:{path}"))
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("AUTHSCOPE_LISTEN")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .expect("a shell runs");
    let said = String::from_utf8(output.stderr).expect("text");
    (said.replace(folder, "FOLDER"), output.status.code())
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("empty.pcap"), "").expect("it is written");
    std::fs::write(at("text.pcap"), "hello\n").expect("it is written");
    std::fs::write(at("bad.toml"), "[package]\nname = \"x\"\n").expect("it is written");
    std::fs::write(at("passwd"), "").expect("it is written");
    std::fs::create_dir(at("none")).expect("a folder");
    let folder = folder.path().to_str().expect("a name");
    let mut all = String::new();
    for line in MISTAKES {
        let (said, code) = told(line, folder);
        assert!(matches!(code, Some(1 | 2)), "{line}: {code:?} {said}");
        assert!(!said.trim().is_empty(), "{line} says nothing");
        for raw in [
            "os error",
            "Error {",
            "unwrap",
            "panicked",
            "invalid digit",
            "I/O error",
        ] {
            assert!(!said.contains(raw), "{line}: {said}");
        }
        let _ = writeln!(all, "$ {line}\n{}\n", said.trim_end());
    }
    assert!(all.contains(LAB));
    insta::assert_snapshot!(all);
}
