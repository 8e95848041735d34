//! What one hot key costs: `cargo bench -p tidegate-counter --bench hot_key`.
//!
//! Events of a counter with 8 shards and the usual levels are submitted at the door and run on the stepped engine, one
//! thread, with the log in memory: with keys that are all alike, of Zipf's law, half of them one key, and all of them one
//! key. What is told is processor time for each event, as Linux counts it, of executing and of all; what counts is the
//! ratio to keys that are all alike, and with two executors what the busier one has to do.
#![allow(clippy::print_stdout, reason = "it tells figures")]

use tidegate_counter::COUNTER;
use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;

const KEYS: u64 = 1_000_000;

/// Events of a batch, and how many there are in all.
const BATCHES: [(usize, usize); 2] = [(1, 30_000), (100, 200_000)];

/// Events that are submitted before they run.
const WINDOW: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Alike,
    Zipf,
    HalfOne,
    One,
}

impl Keys {
    fn next(self, random: &mut Random, zipf: &[f64]) -> u64 {
        match self {
            Self::HalfOne if random.chance(1, 2) => 0,
            Self::Alike | Self::HalfOne => random.below(KEYS),
            Self::Zipf => {
                let total = zipf.last().copied().unwrap_or_default();
                let part = random.below(1 << 40) as f64 / (1_u64 << 40) as f64;
                zipf.partition_point(|sum| *sum < part * total) as u64
            }
            Self::One => 0,
        }
    }
}

/// Processor time of this thread, in nanoseconds.
fn processor_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = stat.split(' ').next();
    first.and_then(|ns| ns.parse().ok()).unwrap_or_default()
}

/// Commands with so many events each, with ids or without.
fn commands(
    keys: Keys,
    zipf: &[f64],
    (batch, events): (usize, usize),
    has_ids: bool,
) -> Vec<String> {
    let mut random = Random::new(5);
    let numbers: Vec<usize> = (0..events).collect();
    let commands = numbers.chunks(batch).map(|numbers| {
        let items = numbers.iter().map(|n| {
            let id = if has_ids {
                format!("e{n}")
            } else {
                "*".to_owned()
            };
            format!(" {id} k{}", keys.next(&mut random, zipf))
        });
        match batch {
            1 => items.fold("COUNTER.ADD v".to_owned(), |all, item| all + &item),
            _ => items.fold(format!("COUNTER.ADDALL v {batch}"), |all, item| {
                all + &item + " \"\" \"\" \"\" \"\""
            }),
        }
    });
    commands.collect()
}

/// Nanoseconds for each event: of executing, and of all.
fn measured(commands: &[String], batch: usize) -> (u64, u64) {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call("COUNTER.CREATE v SHARDS 8");
    let (mut executing, mut all) = (0, 0);
    for some in commands.chunks(WINDOW.div_ceil(batch).min(256)) {
        let begun = processor_ns();
        for command in some {
            engine.submit(command).expect("because it is a command");
        }
        let submitted = processor_ns();
        while engine.execute() {}
        executing += processor_ns() - submitted;
        engine.settle();
        all += processor_ns() - begun;
    }
    let events = (commands.len() * batch) as u64;
    (executing / events, all / events)
}

fn main() {
    let mut sum = 0.0;
    let zipf = (1..=KEYS).map(|rank| {
        sum += 1.0 / rank as f64;
        sum
    });
    let zipf: Vec<f64> = zipf.collect();
    for has_ids in [false, true] {
        for (batch, events) in BATCHES {
            let mut alike = 0;
            println!("batches of {batch}, with ids {has_ids}: ns for an event, executing and all");
            for keys in [Keys::Alike, Keys::Zipf, Keys::HalfOne, Keys::One] {
                let commands = commands(keys, &zipf, (batch, events), has_ids);
                let (executing, all) = measured(&commands, batch);
                if keys == Keys::Alike {
                    alike = executing.max(1);
                }
                let ratio = executing as f64 / alike as f64;
                println!("  {keys:?} {executing} {all}, {ratio:.2} of those alike");
                if keys == Keys::One {
                    // Half of the events are of it, and of the others each executor has a half.
                    println!(
                        "  half of them one key, the busier of two executors: {:.2}",
                        0.5 + ratio
                    );
                }
            }
        }
    }
}
