//! The events that were counted, kept in a topic: they go there by mail, in the transaction that counts them.
//!
//! What one command has counted in a shard is one letter, or a few if there is much of it, and each letter is a message:
//! its payload is a JSON array of events, and its headers say of which shard they are and number the letters of each.

use compact_str::{CompactString, format_compact};
use tidegate_engine::contract::Refuse;
use tidegate_engine::{Missing, Reads, Shard, Stop, Tx};
use tidegate_topic::Append;

use crate::limits::RAW_BYTES_MAX;
use crate::record::{Event, Fate};
use crate::table::{Counter, RAW, Sent};

/// What a letter has beside its events: its headers, of which a name is written twice as long at most.
const HEAD_BYTES: usize = 512;

/// A shard of a counter begins to send what it counts, if it is to.
pub(crate) fn begin(tx: &mut Tx<'_>, name: &str, counter: &Counter) {
    if !counter.raw.is_empty() {
        tx.put(&RAW, name, Sent::default());
    }
}

/// The same for the first shard, which sees to it that the topic is there.
pub(crate) fn open(tx: &mut Tx<'_>, name: &str, counter: &Counter) {
    begin(tx, name, counter);
    if !counter.raw.is_empty() {
        let nothing = Append {
            headers: CompactString::default(),
            payload: Vec::new().into(),
        };
        tx.send(&counter.raw, &nothing);
    }
}

/// Names the row that [`keep`] reads.
pub(crate) fn reads(reads: &mut Reads<'_>, (name, counter): (&str, &Counter)) {
    if !counter.raw.is_empty() {
        reads.row(&RAW, name);
    }
}

/// Sends what was counted of these events to the topic that keeps it, if there is one; if there is no room for so much
/// mail, nothing of it is counted.
pub(crate) fn keep<'a, R: Refuse>(
    tx: &mut Tx<'_>,
    (name, counter): (&str, &Counter),
    events: impl IntoIterator<Item = (&'a Event<'a>, &'a Fate)>,
) -> Result<(), Stop<R>> {
    if counter.raw.is_empty() {
        return Ok(());
    }
    let counted = events.into_iter();
    let counted = counted.filter(|(_, fate)| matches!(fate, Fate::Counted));
    let bags = bags_of(counted.map(|(event, _)| event), tx.now_ms());
    let Some(key) = bags.first().map(|bag| bag.key) else {
        return Ok(());
    };
    let bytes = bags.iter().map(|bag| bag.json.len() + HEAD_BYTES).sum();
    if !tx.may_send(bags.len(), bytes) {
        return Err(Stop::Busy);
    }
    let shard = Shard::of_whom(key, counter.shards).at;
    send(tx, (name, &counter.raw, shard), bags)?;
    Ok(())
}

fn send(
    tx: &mut Tx<'_>,
    (name, topic, shard): (&str, &str, u16),
    bags: Vec<Bag<'_>>,
) -> Result<(), Missing> {
    let mut sent = tx.get(&RAW, name)?.unwrap_or_default();
    let heading = heading(name, shard);
    for bag in bags {
        sent.letters += 1;
        sent.events += bag.events;
        let (letter, events) = (sent.letters, bag.events);
        let headers = format_compact!("{heading}{letter}\",\"events\":\"{events}\"}}");
        let payload = (bag.json + "]").into_bytes().into();
        tx.send(topic, &Append { headers, payload });
    }
    tx.put(&RAW, name, sent);
    Ok(())
}

/// What the headers of a shard's letters begin with: then comes the number of the letter.
pub(crate) fn heading(name: &str, shard: u16) -> String {
    let mut heading = String::from("{\"counter\":");
    push_text(&mut heading, name);
    heading += &format_compact!(",\"shard\":\"{shard}\",\"letter\":\"");
    heading
}

/// The number of a letter whose headers begin so.
pub(crate) fn number_of(letter: &Append, heading: &str) -> Option<u64> {
    let (number, _) = letter.headers.strip_prefix(heading)?.split_once('"')?;
    number.parse().ok()
}

/// Events of one letter.
struct Bag<'a> {
    /// The key of the first one.
    key: &'a str,
    /// All of them, but for the bracket at the end.
    json: String,
    events: u64,
}

fn bags_of<'a>(events: impl Iterator<Item = &'a Event<'a>>, now_ms: u64) -> Vec<Bag<'a>> {
    let mut bags: Vec<Bag<'a>> = Vec::new();
    for event in events {
        let json = json_of(event, now_ms);
        match bags.last_mut() {
            Some(bag) if bag.json.len() + json.len() + 2 <= RAW_BYTES_MAX => {
                bag.json.push(',');
                bag.json += &json;
                bag.events += 1;
            }
            Some(_) | None => bags.push(Bag {
                key: event.key,
                json: format!("[{json}"),
                events: 1,
            }),
        }
    }
    bags
}

/// An event as JSON, with the time at which it counts.
fn json_of(event: &Event<'_>, now_ms: u64) -> String {
    let mut json = String::from("{");
    if let Some(id) = event.id {
        push_field(&mut json, "event", id);
        json.push(',');
    }
    push_field(&mut json, "key", event.key);
    let (amount, at_ms) = (event.amount, event.at_ms.unwrap_or(now_ms));
    json += &format_compact!(",\"amount\":{amount},\"at_ms\":{at_ms}");
    if let Some(by) = event.by {
        json.push(',');
        push_field(&mut json, "by", by);
    }
    for (nth, (dim, value)) in event.dims().enumerate() {
        json += if nth == 0 { ",\"dims\":{" } else { "," };
        push_field(&mut json, dim, value);
    }
    json += if event.dims.is_some() { "}}" } else { "}" };
    json
}

fn push_field(json: &mut String, name: &str, value: &str) {
    push_text(json, name);
    json.push(':');
    push_text(json, value);
}

/// A text without control characters, as names are.
fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            json.push('\\');
        }
        json.push(char);
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Event<'_> = Event {
        id: None,
        key: "a\"\\b",
        amount: 3,
        at_ms: None,
        by: None,
        dims: None,
    };

    #[test]
    fn event_is_json_with_what_it_says() {
        assert_eq!(
            json_of(&PLAIN, 7),
            r#"{"key":"a\"\\b","amount":3,"at_ms":7}"#
        );
        let all = Event {
            id: Some("e1"),
            key: "k",
            at_ms: Some(5),
            by: Some("mia"),
            dims: Some("c=de\nd=x"),
            ..PLAIN
        };
        assert_eq!(
            json_of(&all, 7),
            r#"{"event":"e1","key":"k","amount":3,"at_ms":5,"by":"mia","dims":{"c":"de","d":"x"}}"#
        );
    }

    #[test]
    fn events_fill_one_letter_after_the_other() {
        let key = "k".repeat(100);
        let event = Event { key: &key, ..PLAIN };
        let many = 1_000;
        let bags = bags_of(std::iter::repeat_n(&event, many), 7);
        assert_eq!(bags.iter().map(|bag| bag.events).sum::<u64>(), many as u64);
        let sizes: Vec<_> = bags.iter().map(|bag| bag.json.len() + 1).collect();
        assert!(
            sizes.iter().all(|bytes| *bytes <= RAW_BYTES_MAX),
            "{sizes:?}"
        );
        assert_eq!(
            bags.len(),
            sizes.iter().sum::<usize>().div_ceil(RAW_BYTES_MAX)
        );
    }
}
