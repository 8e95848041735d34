//! Holds of one SKU that is hot, whole and split, without a network: `cargo bench -p tidegate --bench split -- FOLDER`.
//!
//! Two executors, a thread each, which also makes its half of the requests and submits them at the door, as it would
//! for the connections that it serves; a log writer, with the log in FOLDER. A request is a hold of one unit by one
//! of many buyers. Whole and split are measured in alternation, each on a fresh engine; what counts is the ratio of
//! the medians.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_engine::base::LsmBase;
use tidegate_engine::contract::{Outcome, Raw, Renderer, RequestDef, Status, Values};
use tidegate_engine::disk::RealDisk;
use tidegate_engine::{
    AllArchiveTimes, Answer, Checkpointer, Config, Door, Engine, Executor, MachineClock,
    MachineEntropy, Memory, Next, Progress, ReplySink, Settings, Shares, Space, Tender, Writer,
    tables_of,
};
use tidegate_stock::STOCK;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 5;
const HOLDS: u64 = 300_000;
const WARM_UP: u64 = 50_000;
const BUYERS: u64 = 20_000;
const EXECUTORS: usize = 2;
const SHARDS: u16 = 4;

/// Requests of one executor that are under way.
const WINDOW: usize = 1_024;

/// How long the log writer waits for those who were just answered, as a server's does.
const LINGER: Duration = Duration::from_millis(1);

const MIB: u64 = 1024 * 1024;

/// Renders nothing: what came of a request its status says.
struct Nothing;

impl Renderer for Nothing {
    fn render(&self, _outcome: &Outcome<'_>, _out: &mut Vec<u8>) {}
}

/// Where the answers of one executor's requests go.
struct Asked {
    under_way: AtomicUsize,
    done: AtomicU64,
    others: AtomicU64,
    bell: Arc<Bell>,
}

impl ReplySink for Asked {
    fn renderer(&self) -> &dyn Renderer {
        &Nothing
    }

    fn is_next(&self, _token: u64) -> bool {
        false
    }

    fn is_gone(&self, _token: u64) -> bool {
        false
    }

    fn deliver(&self, answers: &[Answer], _start: usize, _bytes: &[u8]) {
        let done = answers.iter().filter(|one| one.status == Status::Done);
        let done = done.count() as u64;
        self.done.fetch_add(done, Ordering::Relaxed);
        self.others
            .fetch_add(answers.len() as u64 - done, Ordering::Relaxed);
        self.under_way.fetch_sub(answers.len(), Ordering::AcqRel);
        self.bell.ring();
    }
}

/// Wakes a thread that sleeps.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    waits: Condvar,
}

impl Bell {
    fn ring(&self) {
        let mut rung = self.rung.lock().expect("because nobody panics with it");
        if !std::mem::replace(&mut *rung, true) {
            self.waits.notify_one();
        }
    }

    fn sleep(&self, at_most: Duration) {
        let rung = self.rung.lock().expect("because nobody panics with it");
        let (mut rung, _) = self
            .waits
            .wait_timeout_while(rung, at_most, |rung| !*rung)
            .expect("because nobody panics with it");
        *rung = false;
    }
}

fn main() {
    let folder = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let (mut whole, mut split) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        whole.push(holds_a_second(&folder, None));
        split.push(holds_a_second(&folder, Some(SHARDS)));
        let (whole, split) = (whole[round - 1], split[round - 1]);
        println!(
            "round {round}: whole {whole:>9.0}/s   split {split:>9.0}/s   {:.2}x",
            split / whole
        );
    }
    let (whole, split) = (median(whole), median(split));
    println!(
        "median:  whole {whole:>9.0}/s   split {split:>9.0}/s   {:.2}x   ({SHARDS} shards, log in {})",
        split / whole,
        folder.display()
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn holds_a_second(folder: &Path, shards: Option<u16>) -> f64 {
    let data = folder.join(format!("tidegate-split-{}", std::process::id()));
    let figure = measure(&data, shards);
    std::fs::remove_dir_all(&data).expect("because this bench has made it");
    figure
}

fn measure(data: &Path, shards: Option<u16>) -> f64 {
    let Engine {
        door,
        executors,
        writer,
        tenders,
        checkpointer,
        ..
    } = open(data);
    let log = thread::spawn(move || write(writer));
    let reads = door.clone();
    let reader = thread::spawn(move || while reads.read_step(true).expect("the base is sound") {});
    let tends = tenders.map(|tender| thread::spawn(move || tend(tender)));
    let checkpoint = thread::spawn(move || checkpoint(checkpointer));
    let bells: Vec<Arc<Bell>> = executors.iter().map(|_| Arc::default()).collect();
    let may_go = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let asked: Vec<Arc<Asked>> = bells.iter().map(asked_by).collect();
    let mut threads = Vec::new();
    for (index, executor) in executors.into_iter().enumerate() {
        let (bell, asked) = (Arc::clone(&bells[index]), Arc::clone(&asked[index]));
        let waker = Arc::clone(&bell);
        executor.set_waker(Box::new(move || waker.ring()));
        let (door, may_go, is_over) = (door.clone(), Arc::clone(&may_go), Arc::clone(&is_over));
        threads.push(thread::spawn(move || {
            drive(
                executor,
                (&door, index as u64),
                &asked,
                &bell,
                (&may_go, &is_over),
            );
        }));
    }
    prepare(&door, shards, &bells);
    let wait_for = |many: u64| {
        may_go.store(many / EXECUTORS as u64, Ordering::Release);
        bells.iter().for_each(|bell| bell.ring());
        let done = || -> u64 {
            asked
                .iter()
                .map(|one| one.done.load(Ordering::Relaxed))
                .sum()
        };
        while done() < many {
            thread::sleep(Duration::from_micros(200));
        }
    };
    wait_for(WARM_UP);
    let from = Instant::now();
    wait_for(WARM_UP + HOLDS);
    let took = from.elapsed();
    is_over.store(true, Ordering::Release);
    let others: u64 = asked
        .iter()
        .map(|one| one.others.load(Ordering::Relaxed))
        .sum();
    assert_eq!(others, 0, "all holds are done");
    door.stop();
    bells.iter().for_each(|bell| bell.ring());
    threads
        .into_iter()
        .for_each(|one| one.join().expect("an executor ends"));
    door.finish();
    checkpoint.join().expect("the last checkpoint ends");
    log.join().expect("the log ends");
    reader.join().expect("the reader ends");
    for one in tends {
        one.join().expect("what keeps the base in order ends");
    }
    HOLDS as f64 / took.as_secs_f64()
}

fn open(data: &Path) -> Engine {
    std::fs::create_dir_all(data).expect("because the folder can be written");
    let disk = RealDisk::open(data).expect("because it is there");
    let memory = Memory::of(2_048 * MIB);
    let files = (memory.base_bytes(), 64);
    let base = LsmBase::open(&data.join("base"), &tables_of(&[STOCK]), files);
    let config = Config {
        partitions: EXECUTORS as u16,
        executors: EXECUTORS,
        space: Space::of(EXECUTORS),
        memory,
        shares: Shares::new(),
        archives: AllArchiveTimes::new(),
        settings: Settings::default(),
        checkpoint_every_ms: 3_600_000,
        seed: 7,
        entropy: Arc::new(MachineEntropy),
        reading: Arc::default(),
        accept_clock_jump: false,
    };
    let beside = Box::new(|_: &'static str, work: Box<dyn FnOnce() + Send>| {
        drop(thread::spawn(work));
    });
    let base = base.expect("because the folder is new");
    let disks: (Arc<_>, Arc<_>) = (Arc::new(disk), Arc::new(base));
    let clock = Arc::new(MachineClock::default());
    Engine::open(&config, (disks.0, disks.1), clock, &[STOCK], beside).expect("because it is new")
}

fn write(mut writer: Writer) {
    while writer.wait(Duration::from_millis(200)) {
        writer.linger(LINGER);
        writer.step().expect("because the disk is sound");
    }
}

/// Takes rows to the base where memory asks for it; what is left in the end goes with the folder.
fn checkpoint(mut checkpointer: Checkpointer) {
    while !checkpointer.is_stopping() {
        let progress = checkpointer.step().expect("because the disk is sound");
        if progress != Progress::Made {
            checkpointer.wait(Duration::from_millis(100));
        }
    }
    checkpointer.finish();
}

/// Keeps the base in order, and its filters complete.
fn tend(mut tender: Tender) {
    while !tender.is_stopping() {
        if !tender.step().expect("because the disk is sound") {
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn asked_by(bell: &Arc<Bell>) -> Arc<Asked> {
    Arc::new(Asked {
        under_way: AtomicUsize::new(0),
        done: AtomicU64::new(0),
        others: AtomicU64::new(0),
        bell: Arc::clone(bell),
    })
}

/// Steps an executor, and keeps requests under way until as many were sent as may go.
fn drive(
    mut executor: Executor,
    (door, index): (&Door, u64),
    asked: &Arc<Asked>,
    bell: &Bell,
    (may_go, is_over): (&AtomicU64, &AtomicBool),
) {
    let def = *def_of("STOCK.HOLD");
    let sink: Arc<dyn ReplySink> = Arc::clone(asked) as Arc<dyn ReplySink>;
    let mut sent = 0;
    while !(is_over.load(Ordering::Acquire) && executor.may_end()) {
        let may_go = may_go.load(Ordering::Acquire);
        while sent < may_go && asked.under_way.load(Ordering::Acquire) < WINDOW {
            let number = sent * EXECUTORS as u64 + index;
            let (id, buyer) = (format!("h{number}"), format!("buyer-{}", number % BUYERS));
            submit(
                door,
                &def,
                &[Some("hot"), Some(&id), Some("1"), Some(&buyer)],
                (&sink, sent),
            );
            asked.under_way.fetch_add(1, Ordering::AcqRel);
            sent += 1;
        }
        match executor.step() {
            Next::Now => {}
            Next::After(ms) => bell.sleep(Duration::from_millis(ms.min(10))),
            Next::Woken => bell.sleep(Duration::from_millis(10)),
        }
    }
}

fn def_of(name: &str) -> &'static RequestDef {
    let def = STOCK.requests.iter().find(|def| def.resp == name);
    def.expect("because stock has it")
}

fn submit(
    door: &Door,
    def: &RequestDef,
    words: &[Option<&str>],
    (sink, token): (&Arc<dyn ReplySink>, u64),
) {
    let mut values: Vec<Option<Raw<'_>>> = vec![None; def.fields.len()];
    for (value, word) in values.iter_mut().zip(words) {
        *value = word.map(|word| Raw::Text(word.as_bytes()));
    }
    let work = def
        .read(&Values(&values))
        .expect("because it is well formed");
    let stock = door
        .domains()
        .iter()
        .position(|domain| domain.name == "stock");
    door.submit(
        stock.expect("because it is registered"),
        def,
        work,
        sink,
        token,
    );
}

/// Declares the SKU, and splits it.
fn prepare(door: &Door, shards: Option<u16>, bells: &[Arc<Bell>]) {
    let asked = asked_by(&Arc::default());
    let sink: Arc<dyn ReplySink> = Arc::clone(&asked) as Arc<dyn ReplySink>;
    let ask = |def: &RequestDef, words: &[Option<&str>], token: u64| {
        submit(door, def, words, (&sink, token));
        bells.iter().for_each(|bell| bell.ring());
        while asked.done.load(Ordering::Relaxed) <= token {
            thread::sleep(Duration::from_millis(1));
        }
    };
    ask(def_of("STOCK.SET"), &[Some("hot"), Some("10000000")], 0);
    if let Some(shards) = shards {
        ask(
            def_of("STOCK.SPLIT"),
            &[Some("hot"), Some(&shards.to_string())],
            1,
        );
        thread::sleep(Duration::from_millis(200)); // All shards have their units.
    }
}
