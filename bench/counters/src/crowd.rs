//! Many events over many keys, counted exactly; and one key that has half of them.

use std::path::Path;
use std::thread;
use std::time::Instant;

use crate::Flags;
use crate::figures::{cpu_s, folder_bytes, median, now_ms, peak_bytes, thousands};
use crate::keys::{Random, Spread, name};
use crate::load::{BATCH, NOTHING, batch, batches, entry, for_each, measure, rest, total};
use crate::resp::Connection;

const CONNECTIONS: usize = 8;

/// Batches that a connection sends at once.
const AT_ONCE: usize = 4;

const HOUR_MS: u64 = 3_600_000;

/// What was sent: events of each key, and the hours in which it had some, a bit for each.
struct Sent {
    events: Vec<u32>,
    hours: Vec<u32>,
}

impl Sent {
    fn of(keys: usize) -> Self {
        Self {
            events: vec![0; keys],
            hours: vec![0; keys],
        }
    }

    fn merge(mut self, other: Self) -> Self {
        for (sum, more) in self.events.iter_mut().zip(other.events) {
            *sum += more;
        }
        for (all, more) in self.hours.iter_mut().zip(other.hours) {
            *all |= more;
        }
        self
    }
}

/// What one connection sends: its share of events, spread evenly over a span of time.
struct Sender<'a> {
    addr: &'a str,
    spread: &'a Spread,
    events: usize,
    /// When the first one happened, and over how many hours they are spread.
    begin_ms: u64,
    hours: u64,
}

impl Sender<'_> {
    fn send(&self, seed: u64) -> Sent {
        let mut random = Random::new(seed);
        let mut sent = Sent::of(self.spread.keys());
        let mut connection = Connection::to(self.addr);
        let (mut bytes, mut done) = (Vec::new(), 0);
        while done < self.events {
            bytes.clear();
            let mut requests = 0;
            while requests < AT_ONCE && done < self.events {
                let many = BATCH.min(self.events - done);
                batch(&mut bytes, "crowd", many);
                for at in done..done + many {
                    self.event(&mut bytes, at, &mut sent, &mut random);
                }
                (done, requests) = (done + many, requests + 1);
            }
            connection.send(&bytes);
            connection.skip(requests);
        }
        sent
    }

    fn event(&self, bytes: &mut Vec<u8>, at: usize, sent: &mut Sent, random: &mut Random) {
        let key = self.spread.key(random);
        let since_ms = at as u64 * self.hours * HOUR_MS / self.events as u64;
        sent.events[key] += 1;
        sent.hours[key] |= 1 << (since_ms / HOUR_MS);
        let at_ms = (self.begin_ms + since_ms).to_string();
        entry(bytes, &name(key), &at_ms, NOTHING, random);
    }
}

pub(crate) fn crowd(flags: &Flags) {
    let (addr, pid) = (flags.text("tidegate"), flags.number("pid"));
    let spread = Spread::zipf(flags.number("keys"));
    let hours = flags.number("hours");
    assert!(hours <= u64::from(u32::BITS), "each has a bit");
    let events: usize = flags.number("events");
    Connection::to(addr).ask("COUNTER.CREATE crowd LATE_MS 2d");
    let (began, cpu_before) = (Instant::now(), cpu_s(pid));
    let sender = Sender {
        addr,
        spread: &spread,
        events: events / CONNECTIONS,
        begin_ms: now_ms() / HOUR_MS * HOUR_MS - hours * HOUR_MS,
        hours,
    };
    let sent = thread::scope(|scope| {
        let sender = &sender;
        let one = |seed| scope.spawn(move || sender.send(seed));
        let threads: Vec<_> = (0..CONNECTIONS as u64).map(one).collect();
        let sent = threads
            .into_iter()
            .map(|thread| thread.join().expect("it sends"));
        sent.reduce(Sent::merge).expect("some have sent")
    });
    let seconds = began.elapsed().as_secs_f64();
    let all: u64 = sent.events.iter().map(|events| u64::from(*events)).sum();
    let cpu_us = (cpu_s(pid) - cpu_before) * 1e6 / all as f64;
    println!(
        "{} events in {seconds:.0} s: {} a second, {cpu_us:.2} us of the server's processor time each",
        thousands(all),
        thousands((all as f64 / seconds) as u64)
    );
    let mut connection = Connection::to(addr); // One that was idle all the while would have been closed.
    assert_eq!(total(&mut connection, "crowd"), all, "all keys together");
    check_keys(&mut connection, &sent);
    let key_hours: u64 = sent
        .hours
        .iter()
        .map(|hours| u64::from(hours.count_ones()))
        .sum();
    let (log, base) = folder_bytes(Path::new(flags.text("data")));
    let keys = sent.events.iter().filter(|events| **events > 0).count();
    println!(
        "peak memory {} MiB; {} keys in {} key-hours: {} bytes each in the base, beside {} MiB of log",
        peak_bytes(pid) >> 20,
        thousands(keys as u64),
        thousands(key_hours),
        base / key_hours,
        log >> 20
    );
}

/// Asks for keys of each rank, and compares.
fn check_keys(connection: &mut Connection, sent: &Sent) {
    let many = sent.events.len();
    let leading = 0..many.min(1_000);
    let others = (1..10_000).map(|at| at * many / 10_000);
    let mut checked = 0;
    for key in leading.chain(others) {
        let counted = total_of(connection, key);
        assert_eq!(counted, u64::from(sent.events[key]), "{}", name(key));
        checked += 1;
    }
    println!(
        "the total and those of {} keys are exact",
        thousands(checked)
    );
}

fn total_of(connection: &mut Connection, key: usize) -> u64 {
    let reply = connection.ask(&format!("COUNTER.GET crowd {}", name(key)));
    reply.field("count").integer() as u64
}

/// Keys that are all alike, and the same with one key that has half of all events.
pub(crate) fn hot(flags: &Flags) {
    let (addr, pid) = (flags.text("tidegate"), flags.number("pid"));
    let (keys, seconds) = (flags.number("keys"), flags.number("seconds"));
    let mut connection = Connection::to(addr);
    let mut costs = [Vec::new(), Vec::new()];
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..flags.number::<u64>("rounds") {
        for half_for_one in [false, true] {
            let counter = format!("hot-{half_for_one}");
            connection.ask(&format!("COUNTER.CREATE {counter}"));
            let spread = Spread::Uniform { keys, half_for_one };
            let mut of_each = for_each(CONNECTIONS, 200, round << 32, |random| {
                batches(&counter, (AT_ONCE, BATCH), NOTHING, &spread, random)
            });
            let (before, cpu_before) = (total(&mut connection, &counter), cpu_s(pid));
            let (events, seconds) = measure(addr, &mut of_each, seconds);
            let cpu_us = (cpu_s(pid) - cpu_before) * 1e6 / events as f64;
            assert_eq!(
                total(&mut connection, &counter) - before,
                events,
                "{counter}"
            );
            costs[usize::from(half_for_one)].push(cpu_us);
            rates[usize::from(half_for_one)].push(events as f64 / seconds);
            rest();
        }
    }
    let [uniform, one] = costs.map(median);
    let [uniform_rate, one_rate] = rates.map(median);
    println!(
        "all keys alike     {uniform:6.2} us of the server's processor time an event, {} events/s",
        thousands(uniform_rate as u64)
    );
    println!(
        "half for one key   {one:6.2} us of the server's processor time an event, {} events/s",
        thousands(one_rate as u64)
    );
    println!(
        "                   {:6.2} times the cost, {:.2} times the time",
        one / uniform,
        uniform_rate / one_rate
    );
}
