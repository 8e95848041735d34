//! A topic in the simplest words there are, to hold the domain against: it does not say what a read gives, but whether
//! it may give that, and whether it keeps something back.

mod group;
mod stream;

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::Random;

pub use stream::StreamOracle;

use group::{Group, LEASE_MS, REST_MAX_MS, REST_MS, State, TRIES};

#[derive(Clone, Debug)]
struct Message {
    key: Option<u64>,
    /// The one before it of its key, if that was kept when this came.
    before: Option<u64>,
    expires_at_ms: Option<u64>,
    /// It need not be kept.
    is_past: bool,
    /// It is not kept.
    is_gone: bool,
}

impl Message {
    /// Whether nobody is given it any more.
    fn is_over(&self, now_ms: u64) -> bool {
        self.is_gone || self.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }
}

/// A topic whose commands are given and answered as words, with two groups: `key` and `none`, named as their order.
#[derive(Clone, Debug)]
pub struct Oracle {
    name: String,
    now_ms: u64,
    messages: BTreeMap<u64, Message>,
    /// By when they appear, and their order.
    delayed: BTreeMap<(u64, u64), (u64, Message, u64)>,
    /// What was published under each id, and its position; 0 while it is delayed.
    ids: BTreeMap<u64, (String, u64)>,
    groups: BTreeMap<&'static str, Group>,
    sent: u64,
    /// Delayed messages so far.
    order: u64,
    /// How many messages are kept at most.
    retain_count: Option<u64>,
    /// Since when there are more.
    over_since_ms: Option<u64>,
    /// Payloads are numbers up to this one.
    most: u64,
}

/// How long messages stay that are too many, at most.
const LINGER_MS: u64 = 1_000;

impl Oracle {
    /// A topic of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            now_ms: 0,
            messages: BTreeMap::new(),
            delayed: BTreeMap::new(),
            ids: BTreeMap::new(),
            groups: BTreeMap::from([("key", Group::new(true)), ("none", Group::new(false))]),
            sent: 0,
            order: 0,
            retain_count: None,
            over_since_ms: None,
            most: 2,
        }
    }

    /// Which keeps so many messages. Leases do not end meanwhile: a message whose last lease ends when it is dropped
    /// may be a dead letter or not.
    #[must_use]
    pub fn keeping(mut self, count: u64) -> Self {
        for group in self.groups.values_mut() {
            group.lease_for(1_000 * LEASE_MS);
        }
        self.retain_count = Some(count);
        self
    }

    /// The commands that declare it and its groups.
    #[must_use]
    pub fn declarations(&self) -> Vec<String> {
        let name = &self.name;
        let group = |(order, group): (&&str, &Group)| {
            let lease_ms = group.lease_ms;
            format!(
                "TOPIC.GROUP {name} {order} ORDER {order} LEASE {lease_ms} TRIES {TRIES} REST {REST_MS} \
                 REST_MAX {REST_MAX_MS}"
            )
        };
        let groups = self.groups.iter().map(group);
        std::iter::once(self.creation(self.most))
            .chain(groups)
            .collect()
    }

    /// The command that declares it with payloads up to a number.
    fn creation(&self, most: u64) -> String {
        let retain = self.retain_count;
        let retain = retain.map_or(String::new(), |count| format!(" RETAIN_COUNT {count}"));
        let schema = format!(r#"{{"type":"integer","maximum":{most}}}"#);
        format!("TOPIC.CREATE {} SCHEMA {schema}{retain}", self.name)
    }

    /// Time has passed: what is due happens.
    pub fn pass(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        while let Some(entry) = self.delayed.first_entry()
            && entry.key().0 <= now_ms
        {
            let ((due_ms, _), (id, message, _)) = entry.remove_entry();
            let late_ms = now_ms - due_ms;
            let position = self.append(Message {
                expires_at_ms: message.expires_at_ms.map(|at_ms| at_ms + late_ms),
                ..message
            });
            if let Some((_, at)) = self.ids.get_mut(&id) {
                *at = position;
            }
        }
        for group in self.groups.values_mut() {
            group.pass(&self.messages, now_ms);
        }
    }

    /// Learns from an answer to `TOPIC.GET` what is kept: nobody says when exactly the rest is dropped.
    ///
    /// # Errors
    /// It is too much, or too little.
    pub fn learn(&mut self, answer: &str) -> Result<(), String> {
        let first = values(answer, " first=").next().ok_or("a first one")?;
        let last = self.messages.len() as u64;
        let most = self.retain_count.unwrap_or(u64::MAX);
        let before = self.messages.values().filter(|message| message.is_past);
        let before = before.count() as u64 + 1;
        let due = (last + 1).saturating_sub(most).max(before);
        if !(before..=due).contains(&first) {
            return Err(format!("first={before} to {due}"));
        }
        if first == due {
            self.over_since_ms = None;
        } else if first > before {
            self.over_since_ms = Some(self.now_ms); // There came more behind that.
        } else {
            let since_ms = *self.over_since_ms.get_or_insert(self.now_ms);
            if self.now_ms >= since_ms + LINGER_MS {
                return Err(format!("first={due} by now"));
            }
        }
        for (_, message) in self.messages.range_mut(..first) {
            message.is_past = true;
        }
        self.ids.retain(|_, (_, at)| *at == 0 || *at >= first);
        self.drop_unpinned();
        Ok(())
    }

    /// And is not, unless it is a dead letter or replayed.
    fn drop_unpinned(&mut self) {
        for (position, message) in &mut self.messages {
            let is_pinned = self.groups.values().any(|group| group.pins(*position));
            message.is_gone |= message.is_past && !is_pinned;
        }
    }

    fn append(&mut self, message: Message) -> u64 {
        let position = self.messages.len() as u64 + 1;
        let of_key = |other: &Message| message.key.is_some() && other.key == message.key;
        let last = self.messages.iter().rfind(|(_, other)| of_key(other));
        let before = last.filter(|(_, last)| !last.is_past).map(|(at, _)| *at);
        self.messages
            .insert(position, Message { before, ..message });
        for group in self.groups.values_mut() {
            group.append(position);
        }
        position
    }

    /// Some command about the topic.
    #[must_use]
    pub fn random_command(&self, random: &mut Random) -> String {
        let name = &self.name;
        let group = ["key", "none"][random.below(2) as usize];
        let of = &self.groups[group];
        if random.chance(1, 30) {
            return self.random_steering(random, group);
        }
        if random.chance(1, 60) {
            let compatible = if random.chance(1, 2) {
                ""
            } else {
                " COMPATIBLE no"
            };
            return self.creation(1 + random.below(4)) + compatible;
        }
        match random.below(12) {
            0..=3 => self.random_publish(random),
            4..=6 => format!("TOPIC.READ {name} {group} m COUNT {}", random.below(5) + 1),
            7..=8 => match (of.random_lease(random), &of.done) {
                (Some((lease, some)), _) if random.chance(5, 6) => {
                    format!("TOPIC.ACK {name} {group} {lease}{some}")
                }
                (_, Some(done)) => format!("TOPIC.ACK {name} {group} {done}"),
                (_, None) => format!("TOPIC.ACK {name} {group} 9.999999"),
            },
            9..=10 => match of.random_lease(random) {
                Some((lease, some)) => {
                    let delay = ["", " DELAY 0", " DELAY 300"][random.below(3) as usize];
                    format!("TOPIC.NACK {name} {group} {lease}{some}{delay}")
                }
                None => format!("TOPIC.NACK {name} {group} 9.999999"),
            },
            _ => match of.dead.keys().next() {
                Some(number) if random.chance(2, 3) => {
                    format!("TOPIC.REPLAY {name} {group} {number}")
                }
                Some(number) => format!("TOPIC.DROP {name} {group} {number}"),
                None => format!("TOPIC.DROP {name} {group} 1"),
            },
        }
    }

    /// Pauses or resumes a group, or moves it, now and then under a version that it has not.
    fn random_steering(&self, random: &mut Random, group: &str) -> String {
        let name = &self.name;
        let of = &self.groups[group];
        let version = of.version + u64::from(random.chance(1, 6));
        if of.is_paused {
            return format!("TOPIC.RESUME {name} {group} IF {version}");
        }
        if random.chance(1, 2) {
            return format!("TOPIC.PAUSE {name} {group} IF {version}");
        }
        let to = random.below(self.messages.len() as u64 + 3);
        format!("TOPIC.MOVE {name} {group} {version} TO {to}")
    }

    fn random_publish(&self, random: &mut Random) -> String {
        // Around the last id: some are used again.
        let id = self.sent.saturating_sub(2) + random.below(6);
        let payload = if random.chance(1, 12) { 3 } else { 1 };
        let mut words = format!("TOPIC.PUBLISH {} i{id} {payload}", self.name);
        if random.chance(3, 4) {
            words += &format!(" KEY k{}", random.below(3));
        }
        if random.chance(1, 5) {
            words += &format!(" DELAY {}", random.below(900) + 1);
        }
        if random.chance(1, 5) {
            words += &format!(" TTL {}", random.below(900) + 1);
        }
        words
    }

    /// Takes in what a command was answered with.
    ///
    /// # Errors
    /// What it should have been answered with.
    pub fn check(&mut self, command: &str, answer: &str) -> Result<(), String> {
        let checked = self.check_words(command, answer);
        self.drop_unpinned();
        checked
    }

    fn check_words(&mut self, command: &str, answer: &str) -> Result<(), String> {
        let words: Vec<_> = command.split(' ').collect();
        if words[0] == "TOPIC.PUBLISH" {
            return is(answer, &self.publish(command, &words));
        }
        if words[0] == "TOPIC.CREATE" {
            return is(answer, &self.declare(command));
        }
        let past = self.messages.values().filter(|message| message.is_past);
        let first = past.count() as u64 + 1;
        let group = self.groups.get_mut(words[2]).ok_or("a group of it")?;
        let chosen = words.iter().position(|word| *word == "POSITIONS");
        let chosen = chosen.map(|at| {
            let count = usize::try_from(number(words[at + 1])).unwrap_or(0);
            let positions = words[at + 2..].iter().take(count);
            positions.map(|word| number(word)).collect::<BTreeSet<_>>()
        });
        let now_ms = self.now_ms;
        match words[0] {
            "TOPIC.READ" => {
                let most = number(words[5]);
                group.read(&self.messages, now_ms, most, answer)
            }
            "TOPIC.ACK" => is(answer, &group.ack(words[3], chosen.as_ref())),
            "TOPIC.NACK" => {
                let delay = words.iter().position(|word| *word == "DELAY");
                let delay_ms = delay.map(|at| number(words[at + 1]));
                let how = (chosen.as_ref(), delay_ms, now_ms);
                is(answer, &group.nack(&self.messages, words[3], how))
            }
            "TOPIC.PAUSE" => is(answer, &group.set_paused(true, number(words[4]))),
            "TOPIC.RESUME" => is(answer, &group.set_paused(false, number(words[4]))),
            "TOPIC.MOVE" => {
                let to = number(words[5]).clamp(first, self.messages.len() as u64 + 1);
                is(answer, &group.go_to(to, number(words[3])))
            }
            "TOPIC.REPLAY" => is(answer, &group.replay(&self.messages, number(words[3]))),
            "TOPIC.DROP" => is(answer, &group.drop_dead(number(words[3]))),
            name => Err(format!("{name} to be one of its commands")),
        }
    }

    /// Questions whose answers have these words in them.
    #[must_use]
    pub fn questions(&self) -> Vec<(String, Vec<String>)> {
        let name = &self.name;
        let groups = self.groups.iter().map(|(group, of)| {
            let resting = of.count(|state| matches!(state, State::Resting(_)));
            let leased = of.count(|state| *state == State::Leased);
            let (dead, acked) = (of.dead.len(), of.acked);
            format!(
                "group={group} … leased={leased} … resting={resting} … dead={dead} acked={acked} "
            )
        });
        let (last, delayed) = (self.messages.len(), self.delayed.len());
        let topic = format!("last={last} … delayed={delayed} ");
        vec![
            (format!("TOPIC.GROUPS {name}"), groups.collect()),
            (format!("TOPIC.GET {name}"), vec![topic]),
        ]
    }

    /// Payloads may be more from now on, or less if that is said.
    fn declare(&mut self, command: &str) -> String {
        let most = values(command, "maximum\":").next().unwrap_or(0);
        if most < self.most && !command.contains("COMPATIBLE no") {
            return "schema_incompatible".into();
        }
        self.most = most;
        format!("maximum\":{most}")
    }

    fn publish(&mut self, command: &str, words: &[&str]) -> String {
        let id = number(words[2]);
        if let Some((earlier, position)) = self.ids.get(&id) {
            if earlier != command {
                return "id_conflict".into();
            }
            let position = shown(*position);
            return format!("position={position} … repeated=true");
        }
        if number(words[3]) > self.most {
            return "schema_violated".into();
        }
        let option = |name: &str| {
            let at = words.iter().position(|word| *word == name);
            at.and_then(|at| words.get(at + 1)).map(|word| number(word))
        };
        let due_ms = self.now_ms + option("DELAY").unwrap_or(0);
        let message = Message {
            key: option("KEY"),
            before: None,
            expires_at_ms: option("TTL").map(|ttl_ms| due_ms + ttl_ms),
            is_past: false,
            is_gone: false,
        };
        self.sent = self.sent.max(id);
        let position = if due_ms > self.now_ms {
            self.order += 1;
            let order = self.order;
            self.delayed.insert((due_ms, order), (id, message, order));
            0
        } else {
            self.append(message)
        };
        self.ids.insert(id, (command.to_owned(), position));
        format!("position={} … repeated=false", shown(position))
    }
}

/// Whether an answer has these pieces in it, in this order.
///
/// # Errors
/// It has not.
pub fn is(answer: &str, expected: &str) -> Result<(), String> {
    let mut rest = answer;
    for piece in expected.split('…') {
        let Some(at) = rest.find(piece) else {
            return Err(expected.to_owned());
        };
        rest = &rest[at + piece.len()..];
    }
    Ok(())
}

fn shown(position: u64) -> String {
    if position == 0 {
        "-".to_owned()
    } else {
        position.to_string()
    }
}

/// Every number behind a word in an answer.
fn values<'a>(answer: &'a str, word: &'a str) -> impl Iterator<Item = u64> + 'a {
    let pieces = answer.split(word).skip(1);
    pieces.map(|piece| {
        let end = piece.find(|char: char| !char.is_ascii_digit());
        number(&piece[..end.unwrap_or(piece.len())])
    })
}

/// The number in a word such as `i17` or `300`.
fn number(word: &str) -> u64 {
    let digits = word.trim_start_matches(|char: char| char.is_ascii_lowercase());
    digits.parse().expect("because the number is there")
}
