//! Requests sent again and again by some connections, each of which sends when it was answered.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::keys::{Random, Spread, name};
use crate::resp::{Connection, begin, request, word};

/// What a connection sends at once.
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) requests: usize,
    pub(crate) events: u64,
    /// Where its ids begin, which are others each time that it is sent.
    pub(crate) ids: Vec<usize>,
}

impl Chunk {
    fn renew(&mut self, lap: u32) {
        let lap = format!("{lap:08x}");
        for at in &self.ids {
            self.bytes[*at..at + lap.len()].copy_from_slice(lap.as_bytes());
        }
    }
}

/// What events of a counter say beside their keys.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    pub(crate) ids: bool,
    pub(crate) who: bool,
}

pub(crate) const NOTHING: Said = Said {
    ids: false,
    who: false,
};

/// Events of a batch.
pub(crate) const BATCH: usize = 100;

/// What stands before an id of 24 digits: the lap in which it is sent, and a random one.
const ID_HEAD: &str = "$24\r\n";

/// Different ones that events are by.
const PEOPLE: usize = 1_000_000;

pub(crate) fn somebody(random: &mut Random) -> String {
    format!("u{}", random.below(PEOPLE))
}

/// An event in a request of a batch; `at` is empty for now.
pub(crate) fn entry(out: &mut Vec<u8>, key: &str, at: &str, said: Said, random: &mut Random) {
    if said.ids {
        word(out, &format!("{:08x}{:016x}", 0, random.next()));
    } else {
        word(out, "*");
    }
    word(out, key);
    word(out, "");
    word(out, at);
    if said.who {
        word(out, &somebody(random));
    } else {
        word(out, "");
    }
    word(out, "");
}

/// Begins a batch of so many events.
pub(crate) fn batch(out: &mut Vec<u8>, counter: &str, events: usize) {
    begin(out, 3 + 6 * events);
    for text in ["COUNTER.ADDALL", counter, &events.to_string()] {
        word(out, text);
    }
}

/// `requests` batches of `events` events, of keys as they are spread.
pub(crate) fn batches(
    counter: &str,
    (requests, events): (usize, usize),
    said: Said,
    spread: &Spread,
    random: &mut Random,
) -> Chunk {
    let (mut bytes, mut ids) = (Vec::new(), Vec::new());
    for _ in 0..requests {
        batch(&mut bytes, counter, events);
        for _ in 0..events {
            let key = name(spread.key(random));
            if said.ids {
                ids.push(bytes.len() + ID_HEAD.len());
            }
            entry(&mut bytes, &key, "", said, random);
        }
    }
    Chunk {
        bytes,
        requests,
        events: (requests * events) as u64,
        ids,
    }
}

/// `requests` events, each a request.
pub(crate) fn singles(
    counter: &str,
    requests: usize,
    spread: &Spread,
    random: &mut Random,
) -> Chunk {
    let mut bytes = Vec::new();
    for _ in 0..requests {
        let (key, who) = (name(spread.key(random)), somebody(random));
        let words = ["COUNTER.ADD", counter, "*", &key, "BY", &who];
        request(&mut bytes, words.into_iter());
    }
    Chunk {
        bytes,
        requests,
        events: requests as u64,
        ids: Vec::new(),
    }
}

/// Sends for so long; gives how many events were acknowledged, and in how many seconds.
pub(crate) fn measure(addr: &str, of_each: &mut [Vec<Chunk>], seconds: f64) -> (u64, f64) {
    let start = Barrier::new(of_each.len() + 1);
    thread::scope(|scope| {
        let start = &start;
        let one = |chunks| scope.spawn(move || send_for(addr, chunks, start, seconds));
        let threads: Vec<_> = of_each.iter_mut().map(one).collect();
        start.wait();
        let began = Instant::now();
        let sent = threads
            .into_iter()
            .map(|thread| thread.join().expect("it sends"));
        let events = sent.sum();
        (events, began.elapsed().as_secs_f64())
    })
}

fn send_for(addr: &str, chunks: &mut Vec<Chunk>, start: &Barrier, seconds: f64) -> u64 {
    let mut connection = Connection::to(addr);
    start.wait();
    let began = Instant::now();
    let mut events = 0;
    for lap in 0.. {
        for chunk in &mut *chunks {
            chunk.renew(lap);
            connection.send(&chunk.bytes);
            connection.skip(chunk.requests);
            events += chunk.events;
            if began.elapsed().as_secs_f64() >= seconds {
                return events;
            }
        }
    }
    events
}

/// Sends until it is told to stop; gives how many events were acknowledged.
pub(crate) fn go_on(addr: &str, chunks: &[Chunk], stop: &AtomicBool) -> u64 {
    let mut connection = Connection::to(addr);
    let mut events = 0;
    for chunk in chunks.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        connection.send(&chunk.bytes);
        connection.skip(chunk.requests);
        events += chunk.events;
    }
    events
}

/// Chunks of several connections, each its own.
pub(crate) fn for_each(
    connections: usize,
    chunks: usize,
    seed: u64,
    make: impl Fn(&mut Random) -> Chunk,
) -> Vec<Vec<Chunk>> {
    let of_one = |number: usize| {
        let mut random = Random::new(seed + number as u64);
        (0..chunks).map(|_| make(&mut random)).collect()
    };
    (0..connections).map(of_one).collect()
}

/// What was counted of all keys.
pub(crate) fn total(connection: &mut Connection, counter: &str) -> u64 {
    let reply = connection.ask(&format!("COUNTER.GET {counter} *"));
    reply.field("count").integer() as u64
}

/// Rests a little, so that what one measurement leaves behind is not in the next one.
pub(crate) fn rest() {
    thread::sleep(Duration::from_millis(500));
}
