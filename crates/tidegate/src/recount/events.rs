//! The events that a topic keeps of a counter, summed by key and bucket.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::server::{RecountError, Server, list, number, text};
use super::span::Piece;
use crate::client::path_segment;

/// Messages of one page.
const PAGE: usize = 1_000;

/// How far ahead an event may be of the time at which it is counted, in milliseconds.
const AHEAD_MS: u64 = 60_000;

/// How long letters may be on their way.
const WAIT: Duration = Duration::from_secs(30);

const REST: Duration = Duration::from_millis(20);

/// A key, and when its bucket begins.
pub(super) type Place = (String, u64);

pub(super) struct Events<'a> {
    server: &'a Server<'a>,
    counter: &'a str,
    topic: String,
    pieces: &'a [Piece],
    /// The position of the last letter.
    last: u64,
    /// The last letter of each shard.
    letters: BTreeMap<u64, u64>,
    /// How many events there were in the span.
    pub(super) events: u64,
    pub(super) sums: BTreeMap<Place, u64>,
}

impl<'a> Events<'a> {
    pub(super) fn new(
        server: &'a Server<'a>,
        (counter, topic): (&'a str, &str),
        pieces: &'a [Piece],
    ) -> Self {
        Self {
            server,
            counter,
            topic: path_segment(topic),
            pieces,
            last: 0,
            letters: BTreeMap::new(),
            events: 0,
            sums: BTreeMap::new(),
        }
    }

    /// Whether all events from this time on are there.
    pub(super) fn check_kept(&self, from_ms: u64) -> Result<(), RecountError> {
        let topic = self.server.get(&format!("/v1/topics/{}", self.topic))?;
        if number(&topic, "first")? <= 1 {
            return Ok(());
        }
        let page = self.page(0, 1)?;
        let kept_ms = match list(&page, "items")?.first() {
            Some(first) => number(first, "at_ms")? + AHEAD_MS,
            None => u64::MAX,
        };
        if from_ms < kept_ms {
            return Err(RecountError::Dropped(kept_ms));
        }
        Ok(())
    }

    fn page(&self, after: u64, limit: usize) -> Result<Value, RecountError> {
        let topic = &self.topic;
        self.server.get(&format!(
            "/v1/topics/{topic}/messages?after={after}&limit={limit}"
        ))
    }

    /// Reads what has come.
    pub(super) fn read(&mut self) -> Result<(), RecountError> {
        let mut after = self.last;
        loop {
            let page = self.page(after, PAGE)?;
            for message in list(&page, "items")? {
                after = number(message, "position")?;
                self.take(message, after)?;
            }
            let next = page["next"].as_str().and_then(|next| next.parse().ok());
            let Some(next) = next else {
                return Ok(());
            };
            after = next;
        }
    }

    /// Reads on until all letters have come that were sent by now.
    pub(super) fn catch_up(&mut self) -> Result<(), RecountError> {
        let raw = format!("/v1/counters/{}/raw", path_segment(self.counter));
        let raw = self.server.get(&raw)?;
        let began = Instant::now();
        loop {
            self.read()?;
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
            thread::sleep(REST);
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
            self.count(event)?;
        }
        Ok(())
    }

    fn count(&mut self, event: &Value) -> Result<(), RecountError> {
        let at_ms = number(event, "at_ms")?;
        let mut pieces = self.pieces.iter();
        if let Some(bucket_ms) = pieces.find_map(|piece| piece.bucket_ms(at_ms)) {
            let place = (text(event, "key")?.to_owned(), bucket_ms);
            *self.sums.entry(place).or_default() += number(event, "amount")?;
            self.events += 1;
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
