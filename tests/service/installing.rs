//! `make install`: the files, their owners and modes, and what a second install keeps.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::need::skip;
use crate::programs::{Place, stderr, stdout};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn install(prefix: &str, root: &Path) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_authscope-server")).parent();
    Command::new("make")
        .arg("--no-print-directory")
        .arg("-C")
        .arg(repository())
        .arg("install")
        .arg(format!("PREFIX={prefix}"))
        .arg(format!("DESTDIR={}", root.display()))
        .env("AUTHSCOPE_PROGRAMS", programs.unwrap())
        .output()
        .unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn everything_stands_below_the_prefix_and_the_configuration_stays() {
    let place = Place::new();
    let root = place.path("root");
    let output = install("/opt/authscope", &root);
    assert!(
        output.status.success(),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    let below = |path: &str| root.join("opt/authscope").join(path);
    for name in ["authscope", "authscope-server", "authscope-client"] {
        assert_eq!(mode(&below(&format!("bin/{name}"))), 0o755);
        let page = below(&format!("share/man/man1/{name}.1"));
        let text = std::fs::read_to_string(page).unwrap();
        assert!(text.contains(".SH NAME"), "{text}");
        for completions in [
            format!("share/bash-completion/completions/{name}"),
            format!("share/zsh/site-functions/_{name}"),
            format!("share/fish/vendor_completions.d/{name}.fish"),
        ] {
            let text = std::fs::read_to_string(below(&completions)).unwrap();
            assert!(text.contains(name), "{completions}");
        }
    }
    assert_eq!(mode(&below("bin/authscope-capture")), 0o755);
    assert!(below("share/man/man1/authscope-capture.1").exists());
    let unit =
        std::fs::read_to_string(below("lib/systemd/system/authscope-server.service")).unwrap();
    let start = "ExecStart=/opt/authscope/bin/authscope-server --config /etc/authscope/server.toml";
    assert!(unit.lines().any(|line| line == start), "{unit}");
    assert!(below("lib/sysusers.d/authscope.conf").exists());
    assert!(root.join("etc/logrotate.d/authscope-server").exists());
    let configuration = root.join("etc/authscope/server.toml");
    std::fs::write(&configuration, "min-password = 12\n").unwrap();
    assert!(install("/opt/authscope", &root).status.success());
    assert_eq!(
        std::fs::read_to_string(&configuration).unwrap(),
        "min-password = 12\n"
    );
}

#[test]
fn what_is_not_built_is_not_installed() {
    let place = Place::new();
    let output = Command::new(repository().join("tools/install.sh"))
        .args(["/usr", place.path("root").to_str().unwrap()])
        .env("AUTHSCOPE_PROGRAMS", place.path("nothing"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("make build"),
        "{}",
        stderr(&output)
    );
    assert!(!place.path("root").exists());
}

#[test]
fn the_package_configuration_is_one_that_the_server_takes() {
    let file = repository().join("packaging/server.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_authscope-server"))
        .arg("--print-config")
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    let page = stdout(&output);
    let path = file.display();
    for setting in [
        "min-password = 8  # ",
        "passwd = \"/var/lib/authscope/passwd\"  # ",
    ] {
        let found = page.lines().find(|line| line.starts_with(setting));
        assert!(
            found.is_some_and(|line| line.contains(&path.to_string())),
            "{page}"
        );
    }
    // What is commented out is right as well.
    let text = std::fs::read_to_string(&file).unwrap();
    let place = Place::new();
    let all: String = text
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|line| line.contains(" = "))
                .unwrap_or(line)
        })
        .filter(|line| !line.starts_with("passwd "))
        .flat_map(|line| [line, "\n"])
        .collect();
    std::fs::write(place.path("server.toml"), &all).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_authscope-server"))
        .arg("--print-config")
        .arg("--config")
        .arg(place.path("server.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{all}{}", stderr(&output));
    assert!(stdout(&output).contains("no-registration = true"));
}

#[test]
fn systemd_takes_the_user_and_logrotate_the_snippet() {
    let sbin = |name: &str| {
        let found = ["/usr/sbin", "/usr/bin"].map(|folder| PathBuf::from(folder).join(name));
        found.into_iter().find(|path| path.exists())
    };
    let Some(logrotate) = sbin("logrotate") else {
        skip("logrotate", "it is not installed");
        return;
    };
    let output = Command::new(logrotate)
        .arg("--debug")
        .arg(repository().join("packaging/logrotate"))
        .output()
        .unwrap();
    let said = stderr(&output) + &stdout(&output);
    assert!(
        output.status.success() && !said.contains("error:"),
        "{said}"
    );
    assert!(
        said.contains("rotating pattern: /var/log/authscope/*.jsonl"),
        "{said}"
    );
    let Some(sysusers) = sbin("systemd-sysusers") else {
        skip("systemd", "there is no systemd-sysusers");
        return;
    };
    let place = Place::new();
    std::fs::create_dir_all(place.path("root/etc")).unwrap();
    let output = Command::new(sysusers)
        .arg(format!("--root={}", place.path("root").display()))
        .arg(repository().join("packaging/sysusers.conf"))
        .output()
        .unwrap();
    let users = std::fs::read_to_string(place.path("root/etc/passwd")).unwrap_or_default();
    assert!(users.contains("authscope:x:"), "{users}{}", stderr(&output));
}
