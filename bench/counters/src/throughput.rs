//! Events a second, beside a Redis that counts the same by Lua.

use std::time::{Duration, Instant};

use crate::Flags;
use crate::figures::{median, now_ms, thousands};
use crate::keys::{Random, Spread, name};
use crate::load::{
    BATCH, Chunk, NOTHING, Said, batches, for_each, measure, rest, singles, somebody, total,
};
use crate::resp::{Connection, Reply, request};

const CONNECTIONS: usize = 50;

/// Events that each connection has ready, at least; it begins again then.
const READY: usize = 2_000;

/// How long it may take until all that was acknowledged is durable.
const DURABLE_WITHIN: Duration = Duration::from_secs(20);

/// A bucket of a minute, who came to a key in an hour, and the leading keys of the minute; events are pairs of a key
/// and who it is by.
const LUA: &str = "for i = 1, #ARGV, 2 do
redis.call('HINCRBY', KEYS[1], ARGV[i], 1)
redis.call('PFADD', KEYS[3] .. ARGV[i], ARGV[i + 1])
redis.call('ZINCRBY', KEYS[2], 1, ARGV[i])
end
return #ARGV / 2";

/// Counters for events one by one: that has minutes, and who came in an hour, as the Redis has; the same, relaxed; and one
/// of the usual levels, with who came in an hour and in a day.
const ALIKE: &str = "alike";
const RELAXED: &str = "relaxed";
const USUAL: &str = "usual";

#[derive(Clone, Copy)]
enum Work {
    /// So many requests at once, of one event each.
    Singles {
        pipeline: usize,
        counter: &'static str,
    },
    Batches {
        said: Said,
        is_relaxed: bool,
    },
    RedisSingles {
        pipeline: usize,
    },
    RedisBatches,
}

use Work::{Batches, RedisBatches, RedisSingles, Singles};

impl Work {
    fn is_redis(self) -> bool {
        matches!(self, RedisSingles { .. } | RedisBatches)
    }

    fn counter(self) -> &'static str {
        match self {
            Singles { counter, .. } => counter,
            Batches {
                is_relaxed: true, ..
            } => "batches-relaxed",
            Batches {
                said: Said { who: true, .. },
                ..
            } => USUAL,
            Batches { .. } => "batches",
            RedisSingles { .. } | RedisBatches => "redis",
        }
    }

    fn chunk_events(self) -> usize {
        match self {
            Singles { pipeline, .. } | RedisSingles { pipeline } => pipeline,
            Batches { .. } | RedisBatches => BATCH,
        }
    }
}

/// A Redis, with its script.
struct Redis {
    addr: String,
    sha: String,
}

impl Redis {
    fn at(addr: &str) -> Self {
        let mut connection = Connection::to(addr);
        let mut load = Vec::new();
        request(&mut load, ["SCRIPT", "LOAD", LUA].into_iter());
        connection.send(&load);
        let Reply::Text(sha) = connection.reply() else {
            panic!("a script has a name");
        };
        Self {
            addr: addr.to_owned(),
            sha,
        }
    }

    fn chunk(
        &self,
        minute: u64,
        (requests, events): (usize, usize),
        spread: &Spread,
        random: &mut Random,
    ) -> Chunk {
        let mut bytes = Vec::new();
        let keys = [
            format!("count:{minute}"),
            format!("top:{minute}"),
            format!("who:{}:", minute / 60),
        ];
        for _ in 0..requests {
            let mut words = vec!["EVALSHA".to_owned(), self.sha.clone(), "3".to_owned()];
            words.extend(keys.iter().cloned());
            for _ in 0..events {
                words.extend([name(spread.key(random)), somebody(random)]);
            }
            request(
                &mut bytes,
                words
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .into_iter(),
            );
        }
        Chunk {
            bytes,
            requests,
            events: (requests * events) as u64,
            ids: Vec::new(),
        }
    }

    fn total(&self, minute: u64) -> u64 {
        let reply = Connection::to(&self.addr).ask(&format!("HVALS count:{minute}"));
        reply
            .list()
            .iter()
            .map(|count| count.integer() as u64)
            .sum()
    }
}

struct Bench {
    tidegate: String,
    redis: Redis,
    spread: Spread,
    seconds: f64,
    /// Of the measurement, so that each has other events.
    round: u64,
}

impl Bench {
    /// Events a second, as the server has counted them.
    fn measure(&mut self, work: Work) -> f64 {
        self.round += 1;
        let chunks = READY.div_ceil(work.chunk_events());
        let minute = now_ms() / 60_000 * 1_000 + self.round;
        let counter = work.counter();
        let mut of_each = for_each(CONNECTIONS, chunks, self.round << 32, |random| match work {
            Singles { pipeline, .. } => singles(counter, pipeline, &self.spread, random),
            Batches { said, .. } => batches(counter, (1, BATCH), said, &self.spread, random),
            RedisSingles { pipeline } => {
                self.redis
                    .chunk(minute, (pipeline, 1), &self.spread, random)
            }
            RedisBatches => self.redis.chunk(minute, (1, BATCH), &self.spread, random),
        });
        let is_redis = work.is_redis();
        let addr = if is_redis {
            &self.redis.addr
        } else {
            &self.tidegate
        };
        let count = || match is_redis {
            true => self.redis.total(minute),
            false => total(&mut Connection::to(&self.tidegate), counter),
        };
        let before = count();
        let (events, seconds) = measure(addr, &mut of_each, self.seconds);
        let mut counted = count() - before;
        let told = Instant::now();
        while counted < events && told.elapsed() < DURABLE_WITHIN {
            rest(); // Questions are answered from what is durable, which relaxed ones were not yet.
            counted = count() - before;
        }
        assert_eq!(
            counted, events,
            "{counter}: all that was acknowledged was counted, once"
        );
        rest();
        events as f64 / seconds
    }
}

pub(crate) fn run(flags: &Flags) {
    let mut bench = Bench {
        tidegate: flags.text("tidegate").to_owned(),
        redis: Redis::at(flags.text("redis")),
        spread: Spread::zipf(flags.number("keys")),
        seconds: flags.number("seconds"),
        round: 0,
    };
    declare(&bench.tidegate);
    let who = Said {
        ids: false,
        who: true,
    };
    let ids = Said {
        ids: true,
        who: false,
    };
    let works = [
        (
            "one by one, -P 16",
            Singles {
                pipeline: 16,
                counter: ALIKE,
            },
        ),
        (
            "one by one, -P 16, usual levels",
            Singles {
                pipeline: 16,
                counter: USUAL,
            },
        ),
        (
            "one by one, -P 16, relaxed",
            Singles {
                pipeline: 16,
                counter: RELAXED,
            },
        ),
        ("redis, one by one, -P 16", RedisSingles { pipeline: 16 }),
        (
            "one by one, -P 64",
            Singles {
                pipeline: 64,
                counter: ALIKE,
            },
        ),
        (
            "one by one, -P 64, usual levels",
            Singles {
                pipeline: 64,
                counter: USUAL,
            },
        ),
        (
            "one by one, -P 64, relaxed",
            Singles {
                pipeline: 64,
                counter: RELAXED,
            },
        ),
        ("redis, one by one, -P 64", RedisSingles { pipeline: 64 }),
        (
            "batches of 100",
            Batches {
                said: NOTHING,
                is_relaxed: false,
            },
        ),
        (
            "batches of 100, relaxed",
            Batches {
                said: NOTHING,
                is_relaxed: true,
            },
        ),
        (
            "batches with ids, 100 each",
            Batches {
                said: ids,
                is_relaxed: false,
            },
        ),
        (
            "batches of 100, with who came",
            Batches {
                said: who,
                is_relaxed: false,
            },
        ),
        ("redis, batches of 100", RedisBatches),
    ];
    let only = flags.text("only");
    let works: Vec<_> = works
        .into_iter()
        .filter(|(name, _)| name.contains(only))
        .collect();
    let mut rates = vec![Vec::new(); works.len()];
    for _ in 0..flags.number("rounds") {
        for ((_, work), rates) in works.iter().zip(&mut rates) {
            rates.push(bench.measure(*work));
        }
    }
    for ((name, _), rates) in works.iter().zip(rates) {
        println!("{name:32}{:>12} events/s", thousands(median(rates) as u64));
    }
}

fn declare(addr: &str) {
    let mut connection = Connection::to(addr);
    for (counter, options) in [
        (ALIKE, "BUCKETS 60000:2d,1h:90d UNIQUE yes"),
        (USUAL, "UNIQUE yes"),
        (RELAXED, "BUCKETS 60000:2d,1h:90d UNIQUE yes CLASS relaxed"),
        ("batches", ""),
        ("batches-relaxed", "CLASS relaxed"),
    ] {
        connection.ask(format!("COUNTER.CREATE {counter} {options}").trim_end());
    }
}
