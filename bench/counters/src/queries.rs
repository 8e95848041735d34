//! Questions while events come in: spans of a key, and the leading keys of a day.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Flags;
use crate::figures::{now_ms, permille, thousands};
use crate::keys::{Random, Spread, name};
use crate::load::{BATCH, NOTHING, batch, batches, entry, for_each, go_on};
use crate::resp::Connection;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;
const YEAR_DAYS: u64 = 365;

/// How long events come in before the first question: until then they find their own keys on disk, as the restart left them.
const WARM_UP: Duration = Duration::from_secs(3);

/// Keys that have an event on each day of a year, and in each minute of a day.
const KEYS_OF_DAYS: usize = 5_000;
const KEYS_OF_MINUTES: usize = 500;

/// A year of days of some keys, and a day of minutes.
pub(crate) fn prefill(flags: &Flags) {
    let mut connection = Connection::to(flags.text("tidegate"));
    connection.ask("COUNTER.CREATE asked LATE_MS 370d");
    let now_ms = now_ms();
    let days = (1..=YEAR_DAYS).rev().map(|day| now_ms - day * DAY_MS);
    send(&mut connection, days, KEYS_OF_DAYS);
    let minutes = (1..=DAY_MS / MINUTE_MS)
        .rev()
        .map(|minute| now_ms - minute * MINUTE_MS);
    send(&mut connection, minutes, KEYS_OF_MINUTES);
    let events = YEAR_DAYS as usize * KEYS_OF_DAYS + 1_440 * KEYS_OF_MINUTES;
    println!(
        "{} events before: {} keys on each of {YEAR_DAYS} days, {} in each minute of a day",
        thousands(events as u64),
        thousands(KEYS_OF_DAYS as u64),
        KEYS_OF_MINUTES
    );
}

/// An event of each key at each of these times.
fn send(connection: &mut Connection, times: impl Iterator<Item = u64>, keys: usize) {
    let mut random = Random::new(1);
    let mut bytes = Vec::new();
    for at_ms in times {
        bytes.clear();
        let at = at_ms.to_string();
        let all: Vec<usize> = (0..keys).collect();
        let some = all.chunks(BATCH);
        let requests = some.len();
        for some in some {
            batch(&mut bytes, "asked", some.len());
            for key in some {
                entry(&mut bytes, &name(*key), &at, NOTHING, &mut random);
            }
        }
        connection.send(&bytes);
        connection.skip(requests);
    }
}

pub(crate) fn run(flags: &Flags) {
    let addr = flags.text("tidegate");
    let spread = Spread::zipf(flags.number("keys"));
    let of_each = for_each(flags.number("connections"), 50, 1, |random| {
        batches("asked", (1, BATCH), NOTHING, &spread, random)
    });
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let began = Instant::now();
        let stop = &stop;
        let load = |chunks| scope.spawn(move || go_on(addr, chunks, stop));
        let threads: Vec<_> = of_each
            .iter()
            .map(|chunks| load(chunks.as_slice()))
            .collect();
        thread::sleep(WARM_UP);
        let many = flags.number("questions");
        let mut asked = [
            (
                "a day of a key in minutes",
                question(addr, many, KEYS_OF_MINUTES, |key, now_ms| {
                    format!(
                        "COUNTER.RANGE asked {key} FROM {} TO {now_ms} STEP {MINUTE_MS}",
                        now_ms - DAY_MS + MINUTE_MS
                    )
                }),
            ),
            (
                "a year of a key in days",
                question(addr, many, KEYS_OF_DAYS, |key, now_ms| {
                    format!(
                        "COUNTER.RANGE asked {key} FROM {} TO {now_ms} STEP {DAY_MS}",
                        now_ms - YEAR_DAYS * DAY_MS
                    )
                }),
            ),
            (
                "the 100 leading keys of a day",
                question(addr, many, 1, |_, now_ms| {
                    let day = now_ms / DAY_MS * DAY_MS;
                    format!("COUNTER.TOP asked FROM {day} TO {} COUNT 100", day + DAY_MS)
                }),
            ),
        ];
        stop.store(true, Ordering::Relaxed);
        let events: u64 = threads
            .into_iter()
            .map(|thread| thread.join().expect("it sends"))
            .sum();
        let rate = events as f64 / began.elapsed().as_secs_f64();
        println!("{} events/s meanwhile", thousands(rate as u64));
        for (what, took) in &mut asked {
            let [half, most] = [500, 990].map(|share| permille(took, share) as f64 / 1_000.0);
            println!("{what:32} p50 {half:8.2} ms   p99 {most:8.2} ms");
        }
    });
}

/// How long each of so many questions took, in microseconds.
fn question(addr: &str, many: usize, keys: usize, line: impl Fn(&str, u64) -> String) -> Vec<u64> {
    let mut connection = Connection::to(addr);
    let mut random = Random::new(7);
    let one = |_| {
        let line = line(&name(random.below(keys)), now_ms());
        let began = Instant::now();
        connection.ask(&line);
        began.elapsed().as_micros() as u64
    };
    (0..many).map(one).collect()
}
