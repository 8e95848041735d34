//! Each thread of a server panics in a process of its own, which must end and say which.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_engine::base::{
    Base, BaseDamage, BaseError, BaseSnapshot, Change, PlainBase, StoredRows, Tend,
};
use tidegate_engine::contract::Domain;
use tidegate_engine::disk::{Disk, FaultDisk, File};
use tidegate_engine::limits::PARTITIONS_DEFAULT;
use tidegate_engine::testing::TOY;
use tidegate_engine::{
    AllArchiveTimes, Config, Engine, MachineClock, MachineEntropy, Memory, Shares, Shed, Slice,
    Space, tables_of,
};

use crate::serve::listen::{Fronts, Listeners};
use crate::serve::runtime::Runtime;
use crate::{MemorySize, Settings};

const DOMAINS: &[Domain] = &[TOY];

/// What panics in the process of the test below.
const BREAKS: &str = "TIDEGATE_TEST_PANIC_AT";

/// What it is asked for then.
const ASKS: &str = "TIDEGATE_TEST_PANIC_ASKS";

/// How long that process may live on.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is to panic, once it is told to.
#[derive(Clone)]
struct Fuse {
    at: Arc<str>,
    is_lit: Arc<AtomicBool>,
}

impl Fuse {
    fn pass(&self, at: &str) {
        let is_lit = self.is_lit.load(Ordering::Acquire);
        assert!(!is_lit || *self.at != *at, "{at} breaks");
    }
}

/// A base, a snapshot of it, a disk or a file that panics.
struct Fused<T>(T, Fuse);

impl Base for Fused<PlainBase> {
    fn has(&self, table: u16) -> bool {
        self.0.has(table)
    }

    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        self.1.pass("reading a row");
        self.0.get(table, key)
    }

    fn snapshot(&self) -> Box<dyn BaseSnapshot> {
        self.1.pass("taking a snapshot");
        let snapshot = Mutex::new(self.0.snapshot());
        Box::new(Fused(snapshot.into_inner().unwrap(), self.1.clone()))
    }

    fn ingest(
        &self,
        table: u16,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), BaseError> {
        self.1.pass("a checkpoint");
        self.0.ingest(table, changes)
    }

    fn drop_slices(&self, table: u16, below: Slice) -> Result<(), BaseError> {
        self.0.drop_slices(table, below)
    }

    fn tend(&self, what: Tend) -> Result<bool, BaseError> {
        self.1.pass("merging");
        self.0.tend(what)
    }

    fn backlog(&self) -> usize {
        self.0.backlog()
    }

    fn damages(&self) -> Result<Vec<BaseDamage>, BaseError> {
        self.0.damages()
    }
}

impl BaseSnapshot for Fused<Box<dyn BaseSnapshot>> {
    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        self.0.get(table, key)
    }

    fn range(&self, table: u16, prefix: &[u8], from: &[u8]) -> StoredRows<'_> {
        self.1.pass("reading rows");
        self.0.range(table, prefix, from)
    }
}

impl Disk for Fused<FaultDisk> {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn create(&self, name: &str, size: u64) -> io::Result<Box<dyn File>> {
        self.0.create(name, size).map(|file| self.fused(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.0.open(name).map(|file| self.fused(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.0.sync_folder()
    }

    fn path(&self, name: &str) -> String {
        self.0.path(name)
    }
}

impl Fused<FaultDisk> {
    fn fused(&self, file: Box<dyn File>) -> Box<dyn File> {
        Box::new(Fused(file, self.1.clone()))
    }
}

impl File for Fused<Box<dyn File>> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_at(at, into)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(at, bytes)
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        self.0.set_size(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.pass("a sync");
        self.0.sync()
    }
}

/// A server over what may panic; what keeps it running, and its addresses.
fn serve(fuse: &Fuse) -> (Fronts, SocketAddr, SocketAddr) {
    let disk = FaultDisk::default();
    let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(DOMAINS)).unwrap();
    let memory = MemorySize::usual();
    let config = Config {
        partitions: PARTITIONS_DEFAULT,
        executors: 1,
        space: Space {
            segment: 512 * 1024,
            reserve: 256 * 1024,
            ahead: 128 * 1024,
        },
        memory: Memory::of(memory.bytes()),
        checkpoint_every_ms: 50,
        seed: 7,
        entropy: Arc::new(MachineEntropy),
        shares: Shares::new(),
        archives: AllArchiveTimes::new(),
        settings: tidegate_engine::Settings::default(),
        reading: Arc::default(),
        accept_clock_jump: false,
    };
    let disks: (Arc<dyn Disk>, Arc<dyn Base>) = (
        Arc::new(Fused(disk, fuse.clone())),
        Arc::new(Fused(base, fuse.clone())),
    );
    let at_once = Box::new(|_: &'static str, work: Box<dyn FnOnce() + Send>| work());
    let clock = Arc::new(MachineClock::default());
    let engine = Engine::open(&config, disks, clock, DOMAINS, at_once).unwrap();
    let free = "127.0.0.1:0".parse().unwrap();
    let settings = Settings {
        data: PathBuf::new(),
        resp: free,
        http: free,
        memory,
        checkpoint_every: Duration::from_millis(50),
        sample_every: None,
        shares: Shares::new(),
        archives: AllArchiveTimes::new(),
        outside: crate::Outside::default(),
        admin: None,
        proxies: Vec::new(),
        password: None,
        beacon_origins: Vec::new(),
        shed: Shed::None,
        accept_clock: false,
    };
    let listeners = Listeners::bind(&settings).unwrap();
    let door = engine.door.clone();
    let runtime =
        Arc::new(Runtime::start(engine, &crate::serve::Outside::default(), None).unwrap());
    let fronts = Fronts::start(&settings, listeners, &door, &runtime).unwrap();
    let (resp, http) = (fronts.resp, fronts.http);
    (fronts, resp, http)
}

/// Waits for the answer to begin, and gives back the connection: what is answered bit by bit would end
/// with it.
fn ask(addr: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 1];
    let _ = stream.read(&mut answer);
    stream
}

#[test]
#[ignore = "ends its process: run by the tests below"]
fn server_of_which_a_thread_panics() {
    let fuse = Fuse {
        at: env::var(BREAKS).unwrap().into(),
        is_lit: Arc::default(),
    };
    let (fronts, resp, http) = serve(&fuse);
    ask(resp, "NOTE.PUT door w1 open\r\n");
    fuse.is_lit.store(true, Ordering::Release);
    let _asked = match &*env::var(ASKS).unwrap() {
        path if path.starts_with('/') => {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            ask(http, &request)
        }
        command => ask(resp, &format!("{command}\r\n")),
    };
    std::thread::sleep(PATIENCE);
    drop(fronts);
    panic!("the server goes on without it");
}

fn assert_ends(breaks: &str, asks: &str, thread: &str) {
    let mut own = Command::new(env::current_exe().unwrap());
    own.args([
        "--ignored",
        "--nocapture",
        "server_of_which_a_thread_panics",
    ]);
    let output = own.env(BREAKS, breaks).env(ASKS, asks).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(6), "{told}");
    assert!(told.contains(&format!("{breaks} breaks")), "{told}");
    let named = format!("tidegate: this was in the thread {thread}");
    assert!(told.contains(&named), "{told}");
}

const WRITE: &str = "NOTE.PUT door w2 open";
const LIST: &str = "NOTE.LIST";

#[test]
fn panic_of_the_log_writer_ends_the_server_and_is_named() {
    assert_ends("a sync", WRITE, "log.");
}

#[test]
fn panic_of_the_checkpointer_ends_the_server_and_is_named() {
    assert_ends("a checkpoint", WRITE, "checkpoint.");
}

#[test]
fn panic_of_what_merges_files_ends_the_server_and_is_named() {
    assert_ends("merging", WRITE, "base-");
}

#[test]
fn panic_of_a_reader_ends_the_server_and_is_named() {
    assert_ends("reading rows", LIST, "reader-");
}

#[test]
fn panic_of_an_executor_outside_domain_code_ends_the_server_and_is_named() {
    assert_ends("taking a snapshot", LIST, "executor-0.");
}

#[test]
fn panic_of_what_blocks_beside_an_executor_ends_the_server_and_is_named() {
    assert_ends("reading rows", "/backup", "executor-0-blocking.");
}
