//! Mixed commands over many SKUs while the server is killed with -9 again and again, each time
//! where it has been killed least: what was acknowledged is found again, what was in doubt is
//! settled by asking again, the books balance.

mod place;
mod report;
mod stand_ins;
#[path = "../support/mod.rs"]
mod support;
mod tally;
mod worker;

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use place::{Hunter, Place};
use report::Report;
use rustix::process::Signal;
use support::{Client, Random, Server, figure, finish, folder, pid_of, tidegate, wait_for, words};
use tally::Tally;
use worker::Worker;

/// How many kills, and the seed of what is done and when it is killed; unless the environment says
/// otherwise. `bench/kills.sh` does ten times as many.
const KILLS: u64 = 20;
const KILLS_VARIABLE: &str = "TIDEGATE_KILLS";
const SEED: u64 = 20_260_401;
const SEED_VARIABLE: &str = "TIDEGATE_KILL_SEED";

/// Of so many kills one at least must fall in each place that is required.
const KILLS_PER_PLACE: u64 = 20;

/// Where the count of kills is a multiple of this, everything that was ever acknowledged is looked for,
/// as at the end.
const KILLS_PER_LOOK: u64 = 10;

const WORKERS: u64 = 8;
const SKUS: u64 = 50;

/// Few enough that many holds are refused.
const UNITS: i64 = 120;

/// Answers of a round before which its server is not killed, and how many more there may be.
const ANSWERS_LEAST: u64 = 300;
const ANSWERS_MORE: u64 = 700;

/// How long a running server is watched for the place to kill it in.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same for a start, which is over soon.
const PATIENCE_WITH_START: Duration = Duration::from_millis(100);

/// Starts that are killed in a row, at most.
const STARTS_MAX: u64 = 3;

fn setting(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

/// A server ends by nothing else.
fn assert_killed(status: ExitStatus) {
    let by_kill = status.signal() == Some(Signal::KILL.as_raw());
    assert!(by_kill, "it has ended by itself: {status}");
}

/// A folder, those who work with its servers, and what came of it.
struct Run<'a> {
    data: &'a Path,
    random: Random,
    hunter: Hunter,
    workers: Vec<Worker>,
    /// How much of what each worker has done was found again.
    checked: Vec<usize>,
    report: Report,
    /// How long the last start took.
    start: Duration,
}

impl<'a> Run<'a> {
    fn new(data: &'a Path, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut any = || random.below(u64::MAX);
        let hunter = Hunter::new(data, any());
        let workers = (0..WORKERS).map(|name| Worker::new(name, any())).collect();
        Self {
            data,
            hunter,
            workers,
            checked: vec![0; WORKERS as usize],
            random,
            report: Report {
                seed,
                ..Report::default()
            },
            start: Duration::ZERO,
        }
    }

    /// Where servers were killed least, of the places that they have.
    fn wanted(&self) -> Place {
        let exists = |place: &Place| match place {
            Place::Checkpoint | Place::Trim => self.hunter.has_checkpoints,
            Place::Append | Place::Sync | Place::Recovery | Place::Elsewhere => true,
        };
        let places = Place::ALL.into_iter().filter(exists);
        let rarest = places.min_by_key(|place| self.report.kills_at(*place));
        rarest.expect("because some places always exist")
    }

    /// Until there were so many kills, and for a while longer if one of the places was hardly hit: on a
    /// busy machine that is up to chance.
    fn goes_on(&self, kills: u64) -> bool {
        let done = self.report.kills();
        done < kills || done < 3 * kills && self.report.rare(kills / KILLS_PER_PLACE).is_some()
    }

    fn start(&mut self) -> Server {
        let began = Instant::now();
        let server = Server::start_with(self.data, checkpoint_often);
        self.start = began.elapsed();
        server
    }

    /// All workers at once, over one life of a server.
    fn work(&mut self, addr: &str, settle: bool, meanwhile: impl FnOnce(&AtomicU64, &mut Hunter)) {
        let answers = AtomicU64::new(0);
        thread::scope(|scope| {
            for worker in &mut self.workers {
                scope.spawn(|| worker.run(addr, &answers, settle));
            }
            meanwhile(&answers, &mut self.hunter);
        });
    }

    /// Works with a server until it is killed.
    fn kill_at_work(&mut self, mut server: Server, wanted: Place) {
        let addr = server.resp.clone();
        let enough = ANSWERS_LEAST + self.random.below(ANSWERS_MORE);
        let mut killed = wanted;
        self.work(&addr, false, |answers, hunter| {
            wait_for("answers", || {
                (answers.load(Ordering::Relaxed) >= enough).then_some(())
            });
            killed = hunter.stop_at(server.pid(), wanted, PATIENCE);
            assert_killed(server.kill());
        });
        self.report.killed.push(killed);
    }

    /// Starts a server and kills it on its way.
    fn kill_at_start(&mut self) {
        let mut start = tidegate(&[&"serve", &"--data", &self.data]);
        start.args(["--resp", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        let mut server = start.spawn().expect("the binary is there");
        let most = u64::try_from(self.start.as_micros()).expect("because it is short");
        thread::sleep(Duration::from_micros(self.random.below(most)));
        let (pid, wanted) = (pid_of(&server), Place::Recovery);
        let killed = self.hunter.stop_at(pid, wanted, PATIENCE_WITH_START);
        self.report.killed.push(killed);
        server.kill().expect("it is our child");
        assert_killed(server.wait().expect("it is our child"));
    }

    /// Asks again for everything that was ever acknowledged, or only for what was since the last time.
    fn find_again(&mut self, all: bool, client: &mut Client) {
        for (worker, checked) in self.workers.iter().zip(&mut self.checked) {
            let first = if all { 0 } else { *checked };
            *checked = worker.done.len();
            self.report.checked += (*checked - first) as u64;
            self.report.lost.extend(worker.find_again(first, client));
        }
    }

    /// Checks what a server has read back, and settles with it what is in doubt.
    fn check(&mut self, server: &Server) {
        let mut client = Client::to(&server.resp);
        // Before anything else changes: nothing that was acknowledged is missing. What is lost once
        // stays lost, so that older things need not be looked at each time.
        let all = self.report.kills().is_multiple_of(KILLS_PER_LOOK);
        self.find_again(all, &mut client);
        self.work(&server.resp, true, |_, _| {});
        for sku in 0..SKUS {
            let expected = Tally::of_answers(&self.workers, sku);
            let wrong = match Tally::of_rows(&mut client, sku) {
                Ok(found) if found == expected => continue,
                Ok(found) => format!("{found:?}, and by the answers {expected:?}"),
                Err(wrong) => wrong,
            };
            self.report.broken.push(format!("sku-{sku}: {wrong}"));
        }
    }

    /// Compares what `tidegate check` says of the folder with the answers.
    fn check_folder(&mut self) {
        let checked = finish(tidegate(&[&"check", &self.data]));
        let mut expected = vec![("laws broken", 0)];
        let count = |kind: &str| {
            let done = self.workers.iter().flat_map(|worker| &worker.done);
            let count = done.filter(|sent| sent.what.kind() == kind).count();
            i64::try_from(count).expect("because they are few")
        };
        let tallies: Vec<_> = (0..SKUS)
            .map(|sku| Tally::of_answers(&self.workers, sku))
            .collect();
        let sum = |of: fn(&Tally) -> i64| tallies.iter().map(of).sum();
        expected.extend([
            ("stock.units_total", sum(|tally| tally.total)),
            ("stock.units_held", sum(|tally| tally.held)),
            ("stock.units_sold", sum(|tally| tally.sold)),
            ("stock.adds_applied", count("add")),
            ("stock.holds", count("hold")),
            ("stock.returns", count("return")),
        ]);
        for (name, expected) in expected {
            let found = figure(&checked.stdout, name);
            if found != Some(expected) {
                let wrong = format!("check: {name}: {found:?} instead of {expected}: {checked:?}");
                self.report.broken.push(wrong);
            }
        }
    }
}

/// So that every life of a server has some.
fn checkpoint_often(serve: &mut Command) {
    serve.args(["--checkpoint-every", "1"]);
}

#[test]
fn what_was_acknowledged_outlives_every_kill_and_what_was_in_doubt_is_settled_by_asking_again() {
    let (kills, seed) = (setting(KILLS_VARIABLE, KILLS), setting(SEED_VARIABLE, SEED));
    let folder = folder();
    let real = folder.path().canonicalize().expect("it is there");
    let data = real.join("data");
    let mut run = Run::new(&data, seed);
    let mut server = run.start();
    let declare = (0..SKUS).map(|sku| words(&format!("STOCK.SET sku-{sku} {UNITS}")));
    let declared = Client::to(&server.resp).pipeline(&declare.collect::<Vec<_>>());
    assert_eq!(declared.len() as u64, SKUS);

    while run.report.is_clean() && run.goes_on(kills) {
        match run.wanted() {
            Place::Recovery => {
                run.kill_at_work(server, Place::Elsewhere);
                let starts = 1 + run.random.below(STARTS_MAX);
                for _ in 0..starts {
                    run.kill_at_start();
                }
            }
            wanted @ (Place::Append
            | Place::Sync
            | Place::Checkpoint
            | Place::Trim
            | Place::Elsewhere) => run.kill_at_work(server, wanted),
        }
        server = run.start();
        run.check(&server);
        println!("{}", run.report.so_far());
    }
    run.find_again(true, &mut Client::to(&server.resp));
    server.stop();
    run.check_folder();

    run.report.count(&run.workers);
    let report = run.report;
    println!("{report}");
    assert!(report.is_clean(), "{:#?} {:#?}", report.lost, report.broken);
    // What these rounds are for has happened in them.
    let rare = report.rare(kills / KILLS_PER_PLACE);
    assert!(rare.is_none(), "few kills in {rare:?}");
    let sold_out: u64 = run.workers.iter().map(|worker| worker.sold_out).sum();
    assert!(sold_out > 0, "nobody was too late");
    assert!(
        report.found_done > 0,
        "no kill fell between an effect and its acknowledgement"
    );
}
