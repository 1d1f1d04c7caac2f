//! A real browser without a window, controlled through its DevTools pipe.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::need::skip;

/// Its names on Debian and elsewhere.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    id: u64,
    /// What pages said on their console, and what went wrong in them.
    pub said: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; `None`, loudly, where there is none.
    pub fn start() -> Option<Self> {
        let runs = |name: &str| {
            let version = Command::new(name)
                .arg("--version")
                .stderr(Stdio::null())
                .output();
            version.is_ok_and(|done| done.status.success())
        };
        let Some(name) = NAMES.into_iter().find(|name| runs(name)) else {
            skip(
                "chromium",
                "no browser is installed: apt-get install chromium",
            );
            return None;
        };
        let profile = tempfile::tempdir().expect("a folder");
        // It reads commands from descriptor 3 and answers on 4.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null";
        let mut child = Command::new("sh")
            .args([
                "-c",
                script,
                name,
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell runs");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut browser = Self {
            child,
            to,
            from,
            session: None,
            id: 0,
            said: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = browser.call(
            "Target.attachToTarget",
            &json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    fn next(&mut self) -> Value {
        let mut octets = Vec::new();
        self.from
            .read_until(0, &mut octets)
            .expect("the browser answers");
        assert_eq!(octets.pop(), Some(0), "the browser ended");
        serde_json::from_slice(&octets).expect("JSON")
    }

    /// Keeps what is to be known of an event.
    fn hear(&mut self, event: &Value) {
        let method = event["method"].as_str().unwrap_or_default();
        if [
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        ]
        .contains(&method)
        {
            self.said.push(event.clone());
        }
        let url = event["params"]["request"]["url"]
            .as_str()
            .unwrap_or("file:");
        if method == "Network.requestWillBeSent"
            && !url.starts_with("file:")
            && !url.starts_with("data:")
        {
            self.said.push(event.clone());
        }
    }

    /// Calls a method and gives its result.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.id += 1;
        let mut message = json!({"id": self.id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to
            .write_all(message.to_string().as_bytes())
            .expect("the browser reads");
        self.to.write_all(&[0]).expect("the browser reads");
        self.to.flush().expect("the browser reads");
        loop {
            let answer = self.next();
            if answer["id"] == self.id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.hear(&answer);
        }
    }

    /// Opens a file and waits until it is shown.
    pub fn open(&mut self, file: &std::path::Path) {
        let url = format!("file://{}", file.display());
        self.call("Page.navigate", &json!({"url": url}));
        loop {
            let event = self.next();
            self.hear(&event);
            if event["method"] == "Page.loadEventFired" {
                return;
            }
        }
    }

    /// A window of this size, light or dark.
    pub fn window(&mut self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// What an expression is on the page.
    pub fn ask(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// A picture of the whole page, as PNG in base64.
    pub fn picture(&mut self) -> String {
        let asked = json!({"format": "png", "captureBeyondViewport": true});
        let answer = self.call("Page.captureScreenshot", &asked);
        answer["data"].as_str().expect("a picture").to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its helpers end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
