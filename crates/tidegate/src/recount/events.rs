//! The events that a topic keeps of a counter.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::server::{Ask, RecountError, list, number, text};
use super::tally::Tally;

/// Messages of one page.
const PAGE: u64 = 1_000;

/// How far ahead an event may be of the time at which it is counted, in milliseconds.
pub(super) const AHEAD_MS: u64 = 60_000;

/// How long letters may be on their way.
const WAIT: Duration = Duration::from_secs(30);

const REST: Duration = Duration::from_millis(20);

/// What is read of a topic.
pub(super) struct Events<'a, A> {
    ask: &'a A,
    counter: &'a str,
    topic: &'a str,
    /// Only messages published at this time or later.
    since_ms: u64,
    /// How many pages are read at most, and how long it is rested behind each.
    pub(super) pace: Option<Pace>,
    /// The position of the last letter.
    last: u64,
    /// The last letter of each shard.
    letters: BTreeMap<u64, u64>,
    pub(super) tally: Tally,
}

/// So much and no more, and not all at once.
pub(super) struct Pace {
    pub(super) pages_left: usize,
    pub(super) rest: Duration,
}

impl<'a, A: Ask> Events<'a, A> {
    pub(super) fn new(
        ask: &'a A,
        (counter, topic): (&'a str, &'a str),
        since_ms: u64,
        tally: Tally,
    ) -> Self {
        Self {
            ask,
            counter,
            topic,
            since_ms,
            pace: None,
            last: 0,
            letters: BTreeMap::new(),
            tally,
        }
    }

    /// Whether all events from this time on are there.
    pub(super) async fn check_kept(&self, from_ms: u64) -> Result<(), RecountError> {
        let name = [("name", json!(self.topic))];
        let topic = self.ask.told("TOPIC.GET", &name).await?;
        if number(&topic, "first")? <= 1 {
            return Ok(());
        }
        let first = [name[0].clone(), ("limit", json!(1))];
        let page = self.ask.told("TOPIC.BROWSE", &first).await?;
        let kept_ms = match list(&page, "items")?.first() {
            Some(first) => number(first, "at_ms")? + AHEAD_MS,
            None => u64::MAX,
        };
        if from_ms < kept_ms {
            return Err(RecountError::Dropped(kept_ms));
        }
        Ok(())
    }

    async fn page(&self, after: u64) -> Result<Value, RecountError> {
        let mut given = vec![("name", json!(self.topic)), ("limit", json!(PAGE))];
        if after > 0 {
            given.push(("after", json!(after)));
        }
        if self.since_ms > 0 {
            given.push(("since_ms", json!(self.since_ms)));
        }
        self.ask.told("TOPIC.BROWSE", &given).await
    }

    /// Reads what has come. Gives whether that is all: it may be more than is read at most.
    pub(super) async fn read(&mut self) -> Result<bool, RecountError> {
        let mut after = self.last;
        loop {
            if let Some(pace) = &mut self.pace {
                let Some(left) = pace.pages_left.checked_sub(1) else {
                    return Ok(false);
                };
                pace.pages_left = left;
                sleep(pace.rest).await;
            }
            let page = self.page(after).await?;
            for message in list(&page, "items")? {
                after = number(message, "position")?;
                self.take(message, after)?;
            }
            let next = page["next"].as_str().and_then(|next| next.parse().ok());
            let Some(next) = next else {
                return Ok(true);
            };
            after = next;
        }
    }

    /// Reads on until all letters have come that were sent by now.
    pub(super) async fn catch_up(&mut self) -> Result<(), RecountError> {
        let name = [("name", json!(self.counter))];
        let raw = self.ask.told("COUNTER.RAW", &name).await?;
        let began = Instant::now();
        loop {
            self.read().await?;
            let Some((shard, letter)) = self.missing(&raw)? else {
                return Ok(());
            };
            if began.elapsed() > WAIT {
                let waited_s = WAIT.as_secs();
                return Err(RecountError::Behind {
                    shard,
                    letter,
                    waited_s,
                });
            }
            sleep(REST).await;
        }
    }

    /// The shard of which a letter has not come, and that.
    fn missing(&self, raw: &Value) -> Result<Option<(u64, u64)>, RecountError> {
        for shard in list(raw, "shards")? {
            let (shard, letter) = (number(shard, "shard")?, number(shard, "letters")?);
            if self.letters.get(&shard).copied().unwrap_or(0) < letter {
                return Ok(Some((shard, letter)));
            }
        }
        Ok(None)
    }

    fn take(&mut self, message: &Value, position: u64) -> Result<(), RecountError> {
        let headers = message["headers"].as_str().unwrap_or_default();
        let headers: Value = serde_json::from_str(headers).unwrap_or_default();
        if headers["counter"] != self.counter {
            return Ok(());
        }
        let of_header = |name: &'static str| {
            let number = text(&headers, name)?.parse();
            number.map_err(|_| RecountError::Unreadable(name))
        };
        self.letters
            .insert(of_header("shard")?, of_header("letter")?);
        self.last = position;
        let events: Value = serde_json::from_slice(&payload(message)?)
            .map_err(|_| RecountError::Unreadable("events of a message"))?;
        for event in events.as_array().into_iter().flatten() {
            self.tally.count(event)?;
        }
        Ok(())
    }
}

fn payload(message: &Value) -> Result<Vec<u8>, RecountError> {
    if let Some(payload) = message["payload"].as_str() {
        return Ok(payload.as_bytes().to_vec());
    }
    let bytes = BASE64_STANDARD.decode(text(message, "payload_base64")?);
    bytes.map_err(|_| RecountError::Unreadable("payload"))
}
