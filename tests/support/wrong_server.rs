//! A server that follows the protocol except for one fault, named after the check of `authscope-client check` that
//! should find it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use authscope::protocol::layout::{
    COMMAND, DESCRIPTION, HEADER_LEN, LENGTH, PASSWORD, REQUEST_LEN, RESPONSE_LEN, USER_NAME,
};
use authscope::protocol::{
    Action, Command, Description, Framing, MessageKind, MessageView, Request, Response, UserName,
    frame,
};

/// How long it waits for the rest of a request.
const REQUEST: Duration = Duration::from_secs(3);
/// How long it waits for a request: longer than a check waits for the end of a connection.
const IDLE: Duration = Duration::from_secs(9);
/// Longer than any client waits.
const EVER: Duration = Duration::from_mins(1);

/// What all connections share.
struct Shared {
    /// The check that is to find it; none for a server without a fault.
    fault: &'static str,
    /// Names in NFC, with passwords.
    users: Mutex<HashMap<String, Vec<u8>>>,
    /// What it does wrong once only is done.
    done: AtomicBool,
    /// Held by the connection that is served, where that is one at a time.
    turn: Mutex<()>,
    /// Connections that are open.
    open: AtomicUsize,
    /// A client was gone amid a request.
    shaken: AtomicBool,
}

/// Starts a server that has this fault; where it listens.
pub fn start(fault: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let shared = Arc::new(Shared {
        fault,
        users: Mutex::default(),
        done: AtomicBool::new(false),
        turn: Mutex::new(()),
        open: AtomicUsize::new(0),
        shaken: AtomicBool::new(false),
    });
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let shared = Arc::clone(&shared);
            shared.open.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                Connection {
                    stream,
                    shared: &shared,
                    buffer: Vec::new(),
                    reads: Vec::new(),
                    answered: 0,
                    last: "",
                }
                .serve();
                shared.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    address
}

/// What reading came to.
enum Reading {
    Some,
    End,
    Slow,
}

struct Connection<'a> {
    stream: TcpStream,
    shared: &'a Shared,
    buffer: Vec<u8>,
    /// How many bytes each read of the present request brought.
    reads: Vec<usize>,
    answered: usize,
    /// What it said last.
    last: &'static str,
}

impl Connection<'_> {
    fn has(&self, fault: &str) -> bool {
        self.shared.fault == fault
    }

    /// Whether it has this fault and does it for the first time.
    fn once(&self, fault: &str) -> bool {
        self.has(fault) && !self.shared.done.swap(true, Ordering::SeqCst)
    }

    fn serve(&mut self) {
        let turn = self.has("beside-silence");
        let _turn = turn.then(|| self.shared.turn.lock().unwrap());
        if self.has("hang-up") {
            let deadline = Instant::now() + Duration::from_millis(500);
            while self.shared.open.load(Ordering::SeqCst) > 1 && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            if self.shared.shaken.swap(false, Ordering::SeqCst) {
                return;
            }
        }
        while self.next() {}
    }

    /// Waits for a request, or the rest of one, and answers it; whether to go on.
    fn next(&mut self) -> bool {
        let begun = !self.buffer.is_empty();
        let mut deadline = Instant::now() + if begun { REQUEST } else { IDLE };
        loop {
            self.overlook();
            if let Some(goes_on) = self.judge() {
                return goes_on;
            }
            let begins = self.buffer.is_empty();
            if !self.read_more(deadline) {
                return false;
            }
            if begins || self.has("dripping") {
                deadline = Instant::now() + REQUEST;
            }
        }
    }

    /// Reads more; false where nothing more comes, and all is done that there is to do about it.
    fn read_more(&mut self, deadline: Instant) -> bool {
        match self.read(deadline) {
            Reading::Some => true,
            Reading::End => {
                self.ended();
                false
            }
            Reading::Slow => {
                self.waited();
                false
            }
        }
    }

    fn read(&mut self, deadline: Instant) -> Reading {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(left)).expect("a timeout");
        let mut octets = [0; 8192];
        match self.stream.read(&mut octets) {
            Ok(0) => Reading::End,
            Ok(count) => {
                self.reads.push(count);
                self.buffer.extend_from_slice(&octets[..count]);
                Reading::Some
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Reading::Slow,
            Err(_) => Reading::End,
        }
    }

    /// The client has said that nothing more comes.
    fn ended(&mut self) {
        let begun = !self.buffer.is_empty();
        if self.has("half-close") && !begun && self.answered == 3
            || self.has("no-request") && !begun && self.answered == 0
        {
            std::thread::sleep(EVER);
        }
        if self.has("half-a-request") && begun && self.answered > 0 {
            self.say(Action::Login, false, "cut off");
        }
        if self.has("hang-up") && begun && self.answered == 0 {
            self.shared.shaken.store(true, Ordering::SeqCst);
        }
    }

    /// The client was waited for, and nothing came.
    fn waited(&mut self) {
        let command = MessageView::new(&self.buffer).command();
        match command.and_then(Command::action) {
            Some(_) if self.has("half-and-silence") && self.buffer.len() == REQUEST_LEN / 2 => {}
            Some(action) => self.refuse(action, "request not complete in time"),
            None if self.has("length-and-silence") && !self.buffer.is_empty()
                || self.has("silence") && self.buffer.is_empty() && self.answered == 0 =>
            {
                self.refuse(Action::Login, "request not complete in time");
            }
            None => {}
        }
    }

    /// Overlooks what it should refuse: mends it before it is judged, or loses it.
    fn overlook(&mut self) {
        let octets = &mut self.buffer;
        let command = MessageView::new(octets).command();
        let mut change = |at: usize, from: &[u8], to: &[u8]| {
            if octets.get(at..at + from.len()) == Some(from) {
                octets[at..at + to.len()].copy_from_slice(to);
            }
        };
        let number = u32::to_be_bytes;
        match self.shared.fault {
            "wrong-length" => change(LENGTH.offset, &number(57), &number(58)),
            "length-of-the-body" => change(LENGTH.offset, &number(50), &number(58)),
            "unknown-command" => change(COMMAND.offset, &number(9), &number(3)),
            "little-endian" => {
                let swapped = [58u32.to_le_bytes(), 3u32.to_le_bytes()].concat();
                change(0, &swapped, &[number(58), number(3)].concat());
            }
            "empty-name" => change(USER_NAME.offset, &[0; USER_NAME.width], b"x"),
            "empty-password" => change(PASSWORD.offset, &[0; PASSWORD.width], b"x"),
            "dirty-name" => change(USER_NAME.end() - 2, b"\0x", b"\0\0"),
            "dirty-password" if command == Some(Command::LoginRequest) => {
                change(PASSWORD.end() - 2, b"\0x", b"\0\0");
            }
            "name-with-colon" => change(USER_NAME.offset, b":", b"x"),
            "name-with-control" => change(USER_NAME.offset, b"\x07", b"x"),
            "name-with-space" => change(USER_NAME.offset, b" ", b"x"),
            "two-in-one"
                if octets.len() == 2 * REQUEST_LEN
                    && command == Some(Command::RegistrationRequest) =>
            {
                octets.truncate(REQUEST_LEN);
            }
            "one-and-a-half" if octets.len() == REQUEST_LEN + REQUEST_LEN / 2 => {
                octets.truncate(REQUEST_LEN);
            }
            "pipelining"
                if octets.len() > 10 * REQUEST_LEN
                    && octets[LENGTH.range()] == number(REQUEST_LEN as u32) =>
            {
                octets[..2 * REQUEST_LEN].rotate_left(REQUEST_LEN);
            }
            _ => {}
        }
    }

    /// Answers what stands first in the buffer; `None` where that is not all there.
    fn judge(&mut self) -> Option<bool> {
        let view = MessageView::new(&self.buffer);
        let action = view.command().and_then(Command::action);
        if self.has("http") && self.buffer.starts_with(b"GET ") {
            self.write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            return Some(false);
        }
        if self.has("tls-record") && self.buffer.first() == Some(&0x16) {
            self.refuse(Action::Login, "TLS is off");
            return Some(false);
        }
        if self.has("a-response") && self.buffer.starts_with(&[0, 0, 0, 73]) {
            self.refuse(Action::Register, "thank you");
            return Some(false);
        }
        match frame(&self.buffer, MessageKind::Request) {
            Framing::Need(_) => None,
            Framing::Invalid(fault) => {
                let length = view.length();
                let kind = view.command().and_then(Command::kind);
                match action.filter(|_| kind == Some(MessageKind::Request)) {
                    Some(_)
                        if self.has("zero-length")
                            && self.buffer.len() == HEADER_LEN
                            && length == Some(0) => {}
                    Some(_) if self.has("huge-length") && length == Some(u32::MAX) => {
                        std::thread::sleep(EVER);
                    }
                    Some(_) if self.has("readable-refusal") && self.buffer.len() > 1000 => {}
                    Some(action) => return Some(self.refuse_message(action, &fault.summary())),
                    None => {}
                }
                Some(false)
            }
            Framing::Complete(len) => {
                let reads = std::mem::take(&mut self.reads);
                if self.has("byte-by-byte") && reads.len() > 3
                    || self.has("in-parts") && reads.len() == 3 && reads[0] == 2
                    || self.has("failure-goes-on") && self.last == "no such user"
                {
                    return Some(false);
                }
                let message = self.buffer[..len].to_vec();
                match Request::decode(&message) {
                    Ok(request) => {
                        self.buffer.drain(..len);
                        self.answer(&request);
                        Some(true)
                    }
                    Err(fault) => {
                        let name = MessageView::new(&message).user_name();
                        let name = name.map(|name| name.octets().to_vec()).unwrap_or_default();
                        if self.has("name-not-utf8") && name.first() == Some(&0xff) {
                            return Some(false);
                        }
                        if self.has("not-registered") && action == Some(Action::Register) {
                            let name = String::from_utf8(name).expect("a name");
                            // The login that follows has the password without the rubbish.
                            let password = MessageView::new(&message).password().unwrap();
                            let password = password.octets().to_vec();
                            self.shared.users.lock().unwrap().insert(name, password);
                        }
                        let action = action.expect("a request");
                        Some(self.refuse_message(action, &fault.summary()))
                    }
                }
            }
        }
    }

    /// Refuses the message that stands first; whether to go on.
    fn refuse_message(&mut self, action: Action, words: &str) -> bool {
        if self.has("nothing-behind") && self.buffer.len() == 2 * REQUEST_LEN {
            self.say(action, false, words);
            self.buffer.drain(..REQUEST_LEN);
            return true;
        }
        self.refuse(action, words);
        false
    }

    /// Says no, and sees to it that the client can read it.
    fn refuse(&mut self, action: Action, words: &str) {
        self.say(action, false, words);
        let _ = self.stream.shutdown(Shutdown::Write);
        let timeout = Some(Duration::from_secs(1));
        self.stream.set_read_timeout(timeout).expect("a timeout");
        let mut octets = [0; 8192];
        while matches!(self.stream.read(&mut octets), Ok(1..)) {}
    }

    fn write(&mut self, octets: &[u8]) {
        // A client that is gone is told nothing.
        let _ = self.stream.write_all(octets);
    }

    fn say(&mut self, action: Action, success: bool, words: &str) {
        let description = Description::cut(words);
        let response = Response {
            action,
            success,
            description,
        };
        self.write(&response.encode());
    }

    fn answer(&mut self, request: &Request) {
        let (success, words) = match request.action {
            Action::Register => self.register(request),
            Action::Login => self.log_in(request),
        };
        let mut response = Response {
            action: request.action,
            success,
            description: Description::cut(words),
        };
        if success && request.action == Action::Register && self.once("register") {
            response.action = Action::Login;
        }
        let mut octets = response.encode().to_vec();
        if success && request.action == Action::Login && self.once("login") {
            octets.truncate(RESPONSE_LEN - 1);
        }
        if words == "no such user" && self.once("no-such-user") {
            octets[DESCRIPTION.offset] = 0xff;
        }
        self.write(&octets);
        self.answered += 1;
        self.last = words;
    }

    /// A name as it is looked up.
    fn looked_up(&self, name: &UserName) -> String {
        let composed = name.composed().filter(|_| !self.has("nfc-name"));
        composed.as_ref().unwrap_or(name).as_str().to_owned()
    }

    /// A password as it is compared.
    fn compared(&self, request: &Request) -> Vec<u8> {
        let password = request.password.expose();
        match self.shared.fault {
            "any-password" => String::from_utf8_lossy(password).into_owned().into_bytes(),
            "full-fields" => password[..password.len().min(PASSWORD.width - 1)].to_vec(),
            _ => password.to_vec(),
        }
    }

    fn register(&self, request: &Request) -> (bool, &'static str) {
        let name = &request.user_name;
        let refused = name.registrable().is_err() && !self.has("invisible-name");
        if refused || self.has("utf8-name") && !name.as_str().is_ascii() {
            return (false, "this name cannot be registered");
        }
        let mut users = self.shared.users.lock().unwrap();
        let key = self.looked_up(name);
        if users.contains_key(&key) {
            return if self.has("register-taken") && self.answered == 0 {
                (true, "registered")
            } else {
                (false, "user name taken")
            };
        }
        users.insert(key, self.compared(request));
        (true, "registered")
    }

    fn log_in(&self, request: &Request) -> (bool, &'static str) {
        let users = self.shared.users.lock().unwrap();
        match users.get(&self.looked_up(&request.user_name)) {
            None if self.has("reasons") && self.answered > 0 => (false, "wrong password"),
            None => (false, "no such user"),
            Some(password) if *password == self.compared(request) => (true, "login successful"),
            Some(_) if self.once("wrong-password") => (true, "login successful"),
            Some(_) => (false, "wrong password"),
        }
    }
}
