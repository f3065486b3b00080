//! A moto server on a free port.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use crate::DEADLINE;

pub struct Moto {
    pub url: String,
    child: Child,
}

impl Moto {
    pub fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/moto_server");
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("moto starts; `make up` installs it");
        let log = BufReader::new(child.stderr.take().expect("moto's log"));
        let (sender, url) = mpsc::channel();
        // Reads to the end, so that moto never waits for its log to be read.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some((_, url)) = line.split_once("Running on ") {
                    let _ = sender.send(url.trim().to_owned());
                }
            }
        });
        let url = url.recv_timeout(DEADLINE);
        if url.is_err() {
            let _ = child.kill();
        }
        Self { url: url.expect("moto logs its URL in time"), child }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
