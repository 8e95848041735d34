//! A receiver of what is pushed: an HTTP server on loopback that answers as a test says.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// What signs what is sent to it.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Brought {
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Brought {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Writes settings that name the receiver `worker` at this address; gives their file.
pub(crate) fn names_receiver(folder: &Path, url: &str) -> PathBuf {
    let secret = folder.join("worker.whsec");
    std::fs::write(&secret, SECRET).expect("a file");
    let config = folder.join("tidegate.toml");
    let text = format!("[receivers.worker]\nurl = \"{url}/of/{{id}}\"\nsecret_file = {secret:?}\n");
    std::fs::write(&config, text).expect("a file");
    config
}

/// The same, and that its host bears one call at once, each for a while.
pub(crate) fn names_slow_receiver(folder: &Path, url: &str) -> PathBuf {
    let config = names_receiver(folder, url);
    let host = url.trim_start_matches("http://");
    let limits = format!("[hosts.\"{host}\"]\nconcurrency = 1\ntimeout_ms = 30000\n");
    let text = std::fs::read_to_string(&config).expect("a file");
    std::fs::write(&config, text + &limits).expect("a file");
    config
}

/// How a test answers what is brought; with nothing it keeps silent, and the connection.
pub(crate) type Answering = dyn Fn(&Brought) -> Option<(u16, String)> + Send + Sync;

/// Answers so; gives its address, and what it is sent, in the order in which it was.
pub(crate) fn receiver(
    answer: impl Fn(&Brought) -> Option<(u16, String)> + Send + Sync + 'static,
) -> (String, Receiver<Brought>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let (tell, told) = mpsc::channel();
    let answer: Arc<Answering> = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (tell, answer) = (tell.clone(), Arc::clone(&answer));
            thread::spawn(move || {
                let mut stream = stream.expect("a connection");
                let brought = read(&stream);
                tell.send(brought.clone()).ok(); // The test may have heard enough.
                match answer(&brought) {
                    Some((status, body)) => say(&mut stream, status, &body),
                    None => thread::park(),
                }
            });
        }
    });
    (format!("http://{addr}"), told)
}

fn read(stream: &TcpStream) -> Brought {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).expect("a line");
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).expect("a line");
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or("0", String::as_str);
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("a body");
    Brought {
        line: line.trim_end().to_owned(),
        headers,
        body,
    }
}

fn say(stream: &mut TcpStream, status: u16, body: &str) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).ok(); // The server may have been killed.
}
