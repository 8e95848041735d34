//! Processes of the binary: a server to kill and start again, and commands that end by themselves.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use super::{DEADLINE, wait_for};

/// A command of the binary, without what the environment of the tests may say.
pub(crate) fn tidegate(args: &[&dyn AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(args).env_remove("TIDEGATE_PASSWORD");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command that must end by itself; one that does not is killed.
pub(crate) fn finish(mut command: Command) -> Output {
    end_of(command.spawn().expect("the binary is there"))
}

/// The same, of a process that runs already. What it prints must fit into a pipe.
pub(crate) fn end_of(mut process: Child) -> Output {
    let ended = wait_for_end(&mut process);
    let output = process.wait_with_output().expect("it is our child");
    assert!(ended, "it does not end: {output:?}");
    output
}

/// Sends a signal to a child.
pub(crate) fn signal(process: &Child, signal: Signal) {
    kill_process(pid_of(process), signal).expect("it is our child");
}

/// The pid of a child.
pub(crate) fn pid_of(process: &Child) -> Pid {
    let pid = i32::try_from(process.id()).expect("a pid");
    Pid::from_raw(pid).expect("a pid is not 0")
}

fn wait_for_end(process: &mut Child) -> bool {
    let began = std::time::Instant::now();
    while began.elapsed() < DEADLINE {
        if process.try_wait().expect("it is our child").is_some() {
            return true;
        }
        thread::sleep(std::time::Duration::from_millis(1));
    }
    process.kill().expect("it can be killed");
    false
}

/// A figure that `tidegate check` has printed.
pub(crate) fn figure(printed: &[u8], name: &str) -> Option<i64> {
    let text = String::from_utf8_lossy(printed);
    let figure = text.lines().find_map(|line| line.strip_prefix(name));
    figure?.trim().parse().ok()
}

/// A running server. It is killed, not stopped, when dropped.
pub(crate) struct Server {
    process: Child,
    output: Arc<Mutex<String>>,
    listeners: Vec<JoinHandle<()>>,
    /// Where it speaks RESP.
    pub(crate) resp: String,
    /// Where it speaks HTTP.
    pub(crate) http: String,
}

impl Server {
    /// Starts a server over `data`, on free ports, and waits until it is ready.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, |_| {})
    }

    /// The same, with more of a command line or an environment.
    pub(crate) fn start_with(data: &Path, more: impl FnOnce(&mut Command)) -> Self {
        let mut command = tidegate(&[&"serve", &"--data", &data]);
        more(&mut command);
        let free = |flag: &str| !command.get_args().any(|arg| arg == flag);
        let (resp, http) = (free("--resp"), free("--http"));
        if resp {
            command.args(["--resp", "127.0.0.1:0"]);
        }
        if http {
            command.args(["--http", "127.0.0.1:0"]);
        }
        Self::run(command)
    }

    /// Runs a command line that ends in a server which is ready.
    pub(crate) fn run(mut command: Command) -> Self {
        let mut process = command.spawn().expect("the binary is there");
        let output = Arc::new(Mutex::new(String::new()));
        let (lines, printed) = mpsc::channel::<String>();
        let (out, err) = (process.stdout.take(), process.stderr.take());
        let listeners = [
            listen(out.expect("piped"), Arc::clone(&output), Some(lines)),
            listen(err.expect("piped"), Arc::clone(&output), None),
        ];
        let mut server = Self {
            process,
            output,
            listeners: listeners.into(),
            resp: String::new(),
            http: String::new(),
        };
        loop {
            let Ok(line) = printed.recv_timeout(DEADLINE) else {
                panic!("it ended before it was ready: {}", server.output());
            };
            let mut words = line.split_whitespace();
            let (name, addr) = (words.next(), words.next().unwrap_or_default());
            match name {
                Some("RESP") => addr.clone_into(&mut server.resp),
                Some("HTTP") => server.http = addr.trim_start_matches("http://").to_owned(),
                Some("ready") => return server,
                Some(_) | None => {}
            }
        }
    }

    /// All that it has printed so far.
    pub(crate) fn output(&self) -> String {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.clone()
    }

    /// Waits until it ends by itself, and gives its exit code. All that it has printed is there then.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let ended = || self.process.try_wait().expect("it is our child");
        let status = wait_for("a server to end", ended);
        self.hear_out();
        status.code()
    }

    /// Reads what is left of what it has printed, once it has ended.
    fn hear_out(&mut self) {
        for listener in self.listeners.drain(..) {
            listener.join().expect("it only reads");
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        pid_of(&self.process)
    }

    /// Ends it as a power failure would, but for the page cache: `kill -9`. Says how it ended, for
    /// it may have ended before.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        self.process.kill().expect("it is our child");
        self.process.wait().expect("it is our child")
    }

    /// Asks it to stop, waits until it has, and gives all that it has ever printed.
    pub(crate) fn stop(mut self) -> String {
        signal(&self.process, Signal::TERM);
        let status = wait_for("a server to stop", || {
            self.process.try_wait().expect("it is our child")
        });
        self.hear_out();
        assert!(status.success(), "{status}: {}", self.output());
        self.output()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Keeps what a process prints, so that it can always print more.
fn listen(
    from: impl Read + Send + 'static,
    output: Arc<Mutex<String>>,
    lines: Option<Sender<String>>,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.push_str(&line);
            output.push('\n');
            drop(output);
            if let Some(lines) = &lines {
                // Nobody listens any more once the server is ready.
                lines.send(line).ok();
            }
        }
    })
}
