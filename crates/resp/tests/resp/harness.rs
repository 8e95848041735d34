//! A front over a real engine, whose executors, log and connections run on threads of their own.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidegate_engine::base::{Base, PlainBase};
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::limits::{CHECKPOINT_EVERY_MS_DEFAULT, MEMORY_BYTES_MIN};
use tidegate_engine::{
    AllArchiveTimes, Config, Engine, MachineClock, MachineEntropy, Memory, Shares, Space, tables_of,
};
use tidegate_resp::{Front, Options};

use crate::toy::TOY;

/// How long a test waits for what must come.
const WAIT: Duration = Duration::from_secs(10);

/// A running server.
pub(crate) struct Server {
    pub(crate) front: Arc<Front>,
    addr: SocketAddr,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Options::new("1.2.3"))
    }

    pub(crate) fn with(options: Options) -> Self {
        Self::open(options, true)
    }

    /// A server whose engine takes requests and answers none.
    pub(crate) fn asleep(options: Options) -> Self {
        Self::open(options, false)
    }

    fn open(options: Options, is_awake: bool) -> Self {
        let config = Config {
            partitions: 4,
            executors: 2,
            space: Space::of(2),
            memory: Memory::of(MEMORY_BYTES_MIN),
            shares: Shares::new(),
            archives: AllArchiveTimes::new(),
            settings: tidegate_engine::Settings::default(),
            checkpoint_every_ms: CHECKPOINT_EVERY_MS_DEFAULT,
            seed: 1,
            entropy: Arc::new(MachineEntropy),
            reading: Arc::default(),
            accept_clock_jump: false,
        };
        let disk: Arc<dyn Disk> = Arc::new(FaultDisk::default());
        let base = PlainBase::open(Arc::clone(&disk), &tables_of(&[TOY])).unwrap();
        let places = (disk, Arc::new(base) as Arc<dyn Base>);
        let clock = Arc::new(MachineClock::default());
        let at_once = Box::new(|_: &'static str, work: Box<dyn FnOnce() + Send>| work());
        let engine = Engine::open(&config, places, clock, &[TOY], at_once).unwrap();
        let Engine {
            door,
            executors,
            mut writer,
            ..
        } = engine;
        let front = Front::new(door, options);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Self {
            addr: listener.local_addr().unwrap(),
            front: Arc::clone(&front),
            ended: Arc::default(),
            threads: Vec::new(),
        };
        if is_awake {
            for mut executor in executors {
                server.run(move || {
                    let _ = executor.step();
                });
            }
            server.run(move || {
                writer.step().unwrap();
            });
        }
        server.listen(listener);
        server
    }

    fn run(&mut self, mut step: impl FnMut() + Send + 'static) {
        let ended = Arc::clone(&self.ended);
        self.threads.push(thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                step();
                thread::sleep(Duration::from_micros(100));
            }
        }));
    }

    fn listen(&mut self, listener: TcpListener) {
        let (front, ended) = (Arc::clone(&self.front), Arc::clone(&self.ended));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        listener.set_nonblocking(true).unwrap();
        self.threads.push(thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while !ended.load(Ordering::Relaxed) {
                    let accepted =
                        tokio::time::timeout(Duration::from_millis(5), listener.accept());
                    if let Ok(accepted) = accepted.await {
                        tokio::spawn(Arc::clone(&front).serve(accepted.unwrap().0, 0));
                    }
                }
            });
        }));
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        stream.set_write_timeout(Some(WAIT)).unwrap();
        Client {
            stream,
            left: Vec::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// A peer that counts bytes, not replies: what it expects it gives.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    left: Vec<u8>,
}

impl Client {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Reads exactly what is expected.
    pub(crate) fn expect(&mut self, expected: &str) -> &mut Self {
        let mut got = vec![0; expected.len()];
        self.stream.read_exact(&mut got).unwrap_or_else(|error| {
            panic!(
                "{error} instead of {expected:?}, after {:?}",
                String::from_utf8_lossy(&got)
            )
        });
        assert_eq!(String::from_utf8_lossy(&got), expected);
        self
    }

    /// Asks by a line and expects a reply.
    pub(crate) fn ask(&mut self, line: &str, expected: &str) -> &mut Self {
        self.send(format!("{line}\r\n")).expect(expected)
    }

    /// One line of a reply, without its end.
    pub(crate) fn line(&mut self) -> String {
        self.left.clear();
        while !self.left.ends_with(b"\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            self.left.push(byte[0]);
        }
        String::from_utf8_lossy(&self.left).trim_end().to_owned()
    }

    /// Reads all that comes until the server closes.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// A request as clients write it.
pub(crate) fn request(args: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend(format!("${}\r\n{arg}\r\n", arg.len()).into_bytes());
    }
    bytes
}
