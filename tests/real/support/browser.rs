//! Chromium without a window, driven over the pipe that its DevTools protocol offers: requests go in
//! on descriptor 3 and answers come out on 4, JSON with a NUL after each.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{fresh_directory, store, wait_for};

/// A browser with one page. Dropping it ends it.
pub(crate) struct Browser {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What the page complained of: exceptions, blocked sources, failed requests.
    pub(crate) complaints: Vec<String>,
}

impl Browser {
    /// Starts it. The machine's own Chromium is taken where there is one.
    pub(crate) fn start(test: &str) -> Self {
        let directory = fresh_directory(&format!("{test}.chromium"));
        let unpacked = store().join("roots/chromium/usr");
        let own = PathBuf::from("/usr/bin/chromium");
        let (program, libraries) = if own.exists() {
            (own, None)
        } else {
            (unpacked.join("lib/chromium/chromium"), Some(unpacked.join("lib/x86_64-linux-gnu")))
        };
        let mut command = Command::new("bash");
        command
            .args(["-c", "exec \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null", "browser"])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", directory.join("profile").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(directory.join("log")).unwrap());
        if let Some(libraries) = libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let mut child = command.spawn().unwrap();
        let requests = child.stdin.take().unwrap();
        let mut pipe = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            loop {
                let mut message = Vec::new();
                match pipe.read_until(0, &mut message) {
                    Ok(length) if length > 1 => message.truncate(length - 1),
                    _ => return,
                }
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let (session, last, complaints) = (None, 0, Vec::new());
        let mut browser = Self { child, requests, answers, session, last, complaints };
        let made = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": made["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// One request of the protocol, and its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut request = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&request).unwrap();
        bytes.push(0);
        self.requests.write_all(&bytes).unwrap();
        loop {
            let message = self
                .answers
                .recv_timeout(Duration::from_secs(60))
                .unwrap_or_else(|error| panic!("{method}: {error}"));
            self.listen(&message);
            if message["id"] == self.last {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn listen(&mut self, event: &Value) {
        let bad = ["Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"];
        if event["method"].as_str().is_some_and(|method| bad.contains(&method)) {
            self.complaints.push(event["params"].to_string());
        }
    }

    /// The window's size in CSS pixels, and which colours its user likes.
    pub(crate) fn window(&mut self, width: u32, height: u32, scheme: &str) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.call("Emulation.setEmulatedMedia", json!({"features": [feature]}));
    }

    /// Goes to a page and waits until it is there.
    pub(crate) fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url}));
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// The value of an expression.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        wait_for(
            Duration::from_secs(20),
            || (self.eval(expression) == true).then_some(()),
            || expression.to_owned(),
        );
    }

    /// Presses a key and lets it go.
    pub(crate) fn press(&mut self, key: &str, code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let mut event =
                json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if key == "Enter" && kind == "keyDown" {
                event["text"] = json!("\r");
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Writes where the focus is.
    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Keeps a picture of the page, `whole` or as much as the window shows, for a person.
    pub(crate) fn picture(&mut self, name: &str, whole: bool) {
        let params = json!({"format": "png", "captureBeyondViewport": whole});
        let made = self.call("Page.captureScreenshot", params);
        let bytes = STANDARD.decode(made["data"].as_str().unwrap()).unwrap();
        let directory = store().join("report");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(name), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Already ended is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
