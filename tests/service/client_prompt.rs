//! The client asks for the password after the server has answered, and leaves the terminal as it was, whatever the user
//! types.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::programs::{PATIENCE, Place, wait};
use crate::terminal::Terminal;
use rustix::process::{Pid, Signal, kill_process};

/// A program on a terminal of its own.
struct Typed {
    child: Child,
    terminal: Terminal,
}

impl Typed {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let terminal = Terminal::open();
        // The program's controlling terminal, which is where a password is asked for.
        let child = Command::new("setsid")
            .args(["--ctty", program])
            .args(arguments)
            .stdin(terminal.stdio())
            .stdout(terminal.stdio())
            .stderr(terminal.stdio())
            .spawn()
            .expect("setsid runs");
        Self { child, terminal }
    }

    fn screen(&self) -> String {
        self.terminal.screen()
    }

    fn wait_for(&self, part: &str) {
        self.terminal.wait_for(part);
    }

    fn echoes(&self) -> bool {
        self.terminal.echoes()
    }

    /// Waits for the prompt and until what is typed is not shown.
    fn wait_for_prompt(&self) {
        self.wait_for("Password: ");
        let deadline = Instant::now() + PATIENCE;
        while self.echoes() {
            assert!(
                Instant::now() < deadline,
                "the terminal shows what is typed"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn press(&mut self, keys: &str) {
        self.terminal.press(keys);
    }

    /// Waits until it has ended; its exit code.
    fn code(&mut self) -> Option<i32> {
        wait(&mut self.child).code()
    }
}

fn client(arguments: &[&str]) -> Typed {
    Typed::start(env!("CARGO_BIN_EXE_authscope-client"), arguments)
}

#[test]
fn nobody_is_asked_when_no_server_answers() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut client = client(&["login", "alice", "--server", &address]);
    assert_eq!(client.code(), Some(2));
    client.wait_for("authscope-server running there?");
    assert!(!client.screen().contains("Password"), "{}", client.screen());
}

#[test]
fn a_person_registers_and_logs_in() {
    let place = Place::new();
    let server = place.start(&[]);
    let address = server.address.to_string();
    let mut registering = client(&["register", "alice", "--server", &address]);
    registering.wait_for_prompt();
    registering.press("secret\r");
    registering.wait_for("Password again: ");
    registering.press("secret\r");
    assert_eq!(registering.code(), Some(0));
    registering.wait_for("registered");
    let mut client = client(&["login", "alice", "--server", &address]);
    client.wait_for_prompt();
    client.press("secret\r");
    assert_eq!(client.code(), Some(0));
    client.wait_for("login successful");
    assert!(!client.screen().contains("secret"), "{}", client.screen());
    assert!(client.echoes());
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_made_anew() {
    let place = Place::new();
    let server = place.start(&["--idle-timeout", "0.3", "--log-level", "debug"]);
    server.register("alice", "secret");
    let address = server.address.to_string();
    let mut client = client(&["login", "alice", "--server", &address]);
    client.wait_for_prompt();
    server.wait_for("idle for too long");
    client.press("secret\r");
    assert_eq!(client.code(), Some(0), "{}", client.screen());
    client.wait_for("login successful");
}

#[test]
fn time_to_type_is_not_the_servers_time() {
    let place = Place::new();
    let server = place.start(&[]);
    server.register("alice", "secret");
    let address = server.address.to_string();
    let mut client = client(&["login", "alice", "--server", &address, "--timeout", "2"]);
    client.wait_for_prompt();
    std::thread::sleep(Duration::from_millis(2500));
    client.press("secret\r");
    assert_eq!(client.code(), Some(0), "{}", client.screen());
}

#[test]
fn leaving_the_prompt_is_said_and_leaves_the_terminal_as_it_was() {
    let place = Place::new();
    let server = place.start(&[]);
    let address = server.address.to_string();
    for (keys, code, said) in [
        (
            "\u{3}",
            130,
            "authscope-client: interrupted; nothing was done\n",
        ),
        (
            "sec\u{3}",
            130,
            "authscope-client: interrupted; nothing was done\n",
        ),
        (
            "\u{4}",
            2,
            "authscope-client: no password was given, so nothing was done; type one, or give\n  it with --password-stdin\n",
        ),
        (
            "\r",
            2,
            "authscope-client: cannot use this password: the password is empty",
        ),
    ] {
        let mut client = client(&["login", "alice", "--server", &address]);
        client.wait_for_prompt();
        client.press(keys);
        assert_eq!(client.code(), Some(code), "{keys:?}: {}", client.screen());
        client.wait_for(&format!("Password: \n{said}"));
        assert!(client.echoes(), "{keys:?}");
    }
    assert!(!server.log().contains("alice"), "nothing was sent");
}

#[test]
fn a_signal_at_the_prompt_leaves_the_terminal_as_it_was() {
    let place = Place::new();
    let server = place.start(&[]);
    let address = server.address.to_string();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut client = client(&["login", "alice", "--server", &address]);
        client.wait_for_prompt();
        kill_process(Pid::from_child(&client.child), signal).unwrap();
        assert_eq!(client.code(), Some(code), "{}", client.screen());
        client.wait_for("interrupted; nothing was done");
        assert!(client.echoes());
    }
}

#[test]
fn setting_a_password_by_hand_can_be_left() {
    let place = Place::new();
    let mut server = place.start(&[]);
    server.register("alice", "secret");
    server.stop();
    let before = place.text();
    let passwd = place.passwd();
    let mut setting = Typed::start(
        env!("CARGO_BIN_EXE_authscope-server"),
        &[
            "--passwd",
            passwd.to_str().unwrap(),
            "users",
            "set-password",
            "alice",
        ],
    );
    setting.wait_for_prompt();
    setting.press("\u{3}");
    assert_eq!(setting.code(), Some(130), "{}", setting.screen());
    setting.wait_for("authscope-server: interrupted; nothing was done");
    assert_eq!(place.text(), before);
}

#[test]
fn an_empty_standard_input_is_no_password() {
    let output = Command::new(env!("CARGO_BIN_EXE_authscope-client"))
        .args(["login", "alice", "--password-stdin"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        crate::programs::stderr(&output),
        "authscope-client: no password was given, so nothing was done; type one, or give it with --password-stdin\n"
    );
}
