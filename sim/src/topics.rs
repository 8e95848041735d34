//! A topic beside an engine: what was published is given to every group, in the order of its key, until it is settled,
//! and never again after that was acknowledged.
//!
//! What a read gives depends on what was executed before it, and of that the answers may be lost. So what is checked
//! is what was told: each rule speaks of answers, and of commands that were sent behind an answer.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

use crate::briefs::Briefs;
use crate::sales::word;

const TOPIC: &str = "news";

/// Parts of a topic that has several.
const PARTS: u64 = 3;

/// Groups, named as their order.
const GROUPS: [&str; 2] = ["key", "none"];

/// Tries of a message, after which it is a dead letter.
const TRIES: u64 = 3;

/// Commands that may be under way.
const ASKED_MAX: usize = 4;

/// Messages of a run: a list of dead letters has room for all.
const MESSAGES_MAX: u64 = 90;

/// Rounds after which everything was given.
const ROUNDS_MAX: usize = 200;

/// A message of which it was told where it stands.
struct Message {
    position: u64,
    key: Option<u64>,
    /// It may expire before it is given.
    may_expire: bool,
}

/// What is known of a message in a group.
#[derive(Default)]
struct Fate {
    /// Somebody has asked for it to be settled.
    may_be_acked: bool,
    /// That was acknowledged by this moment.
    acked_at: Option<u64>,
    /// By that very command: it is no dead letter.
    is_acked: bool,
    /// Who was given it has it until then, unless it was given back.
    leased: Option<Leased>,
}

#[derive(Clone, Copy)]
struct Leased {
    until_ms: u64,
    /// When its answer was heard.
    heard_at: u64,
}

enum About {
    Publish { id: u64 },
    Read { group: usize },
    Ack { group: usize, positions: Vec<u64> },
    Nack,
}

struct Asked {
    token: u64,
    about: About,
    /// When it was sent.
    at: u64,
}

/// A lease that was heard of.
struct Lease {
    group: usize,
    id: String,
    positions: Vec<u64>,
}

#[derive(Default)]
pub(crate) struct Topics {
    /// Moments: one passes with each answer.
    at: u64,
    sent: u64,
    asked: Vec<Asked>,
    /// By id.
    messages: BTreeMap<u64, Message>,
    /// By group and position.
    fates: BTreeMap<(usize, u64), Fate>,
    leases: Vec<Lease>,
    /// By group: what must be a dead letter, as what is behind it was given.
    passed_over: BTreeSet<(usize, u64)>,
    /// Another topic, which is deleted now and then.
    briefs: Briefs,
}

impl Topics {
    /// In every other world the topic has several parts.
    pub(crate) fn declare(engine: &mut Stepper, seed: u64) {
        let parts = [1, PARTS][(seed % 2) as usize];
        engine.call(&format!("TOPIC.CREATE {TOPIC} PARTS {parts}"));
        Briefs::declare(engine, parts);
        for group in GROUPS {
            engine.call(&format!(
                "TOPIC.GROUP {TOPIC} {group} ORDER {group} LEASE 900 TRIES {TRIES} REST 100 REST_MAX 400"
            ));
        }
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        if random.chance(1, 3) {
            return self.briefs.ask(engine, random);
        }
        let group = random.below(GROUPS.len() as u64) as usize;
        let (about, command) = match random.below(10) {
            0..4 if self.sent < MESSAGES_MAX => self.publish(random),
            0..7 => Self::read(group, random),
            7..9 => match self.some_lease(random) {
                Some(lease) => self.ack(lease),
                None => Self::read(group, random),
            },
            _ => match self.some_lease(random) {
                Some(lease) => self.nack(lease, random),
                None => Self::read(group, random),
            },
        };
        self.submit(engine, about, &command);
    }

    fn submit(&mut self, engine: &mut Stepper, about: About, command: &str) {
        let token = engine.submit(command);
        let token = token.expect("because the command is well formed");
        let at = self.at;
        self.asked.push(Asked { token, about, at });
    }

    /// Publishes a message, or one of the last ones again.
    fn publish(&mut self, random: &mut Random) -> (About, String) {
        self.sent += 1;
        let id = self.sent - random.below(3).min(self.sent - 1);
        let mut command = format!("TOPIC.PUBLISH {TOPIC} m{id} p{id}");
        if let Some(key) = key_of(id) {
            command += &format!(" KEY k{key}");
        }
        if may_expire(id) {
            command += " TTL 1500";
        }
        if id.is_multiple_of(7) {
            command += " DELAY 700";
        }
        (About::Publish { id }, command)
    }

    fn read(group: usize, random: &mut Random) -> (About, String) {
        let (count, wait_ms) = (1 + random.below(4), random.below(2) * 500);
        let name = GROUPS[group];
        let command = format!("TOPIC.READ {TOPIC} {name} m COUNT {count} WAIT {wait_ms}");
        (About::Read { group }, command)
    }

    fn some_lease(&mut self, random: &mut Random) -> Option<Lease> {
        if self.leases.is_empty() {
            return None;
        }
        let at = random.below(self.leases.len() as u64) as usize;
        Some(self.leases.swap_remove(at))
    }

    fn ack(&mut self, lease: Lease) -> (About, String) {
        let Lease {
            group,
            id,
            positions,
        } = lease;
        for position in &positions {
            self.fate(group, *position).may_be_acked = true;
        }
        let command = format!("TOPIC.ACK {TOPIC} {} {id}", GROUPS[group]);
        (About::Ack { group, positions }, command)
    }

    fn nack(&mut self, lease: Lease, random: &mut Random) -> (About, String) {
        for position in &lease.positions {
            self.fate(lease.group, *position).leased = None;
        }
        let delay = ["", " DELAY 0", " CAUSE broken"][random.below(3) as usize];
        let command = format!(
            "TOPIC.NACK {TOPIC} {} {}{delay}",
            GROUPS[lease.group], lease.id
        );
        (About::Nack, command)
    }

    fn fate(&mut self, group: usize, position: u64) -> &mut Fate {
        self.fates.entry((group, position)).or_default()
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(crate) fn collect(&mut self, engine: &Stepper) -> Result<u64, String> {
        let before = self.at;
        for asked in std::mem::take(&mut self.asked) {
            let Some((status, answer)) = engine.answer(asked.token) else {
                self.asked.push(asked);
                continue;
            };
            self.at += 1;
            if status == Status::Done {
                let heard = self.hear(&asked, &answer, engine.now_ms());
                heard.map_err(|what| format!("{TOPIC}: {answer}\n  {what}"))?;
            }
        }
        Ok(self.at - before + self.briefs.collect(engine))
    }

    fn hear(&mut self, asked: &Asked, answer: &str, now_ms: u64) -> Result<(), String> {
        match &asked.about {
            About::Publish { id } => {
                // One that is delayed has no position yet.
                if let Some(position) = word(answer, "position").and_then(|at| at.parse().ok()) {
                    self.note_published(*id, position)?;
                }
            }
            About::Ack { group, positions } => {
                let at = self.at;
                for position in positions {
                    let fate = self.fate(*group, *position);
                    fate.acked_at.get_or_insert(at);
                    fate.is_acked |= answer.contains("repeated=false");
                }
            }
            About::Read { group } => return self.given(*group, asked.at, answer, now_ms),
            About::Nack => {}
        }
        Ok(())
    }

    /// A read that was sent then has given something.
    fn given(&mut self, group: usize, sent: u64, answer: &str, now_ms: u64) -> Result<(), String> {
        let items: Vec<_> = items(answer, "{position=").collect();
        let positions: Vec<u64> = items.iter().filter_map(|item| first_number(item)).collect();
        let until_ms = word(answer, "until_ms").and_then(|ms| ms.parse().ok());
        for (position, item) in positions.iter().zip(&items) {
            let attempt = word(item, "attempt").and_then(first_number).unwrap_or(0);
            if !(1..=TRIES).contains(&attempt) {
                return Err(format!("attempt {attempt} of {TRIES}"));
            }
            self.note_position(item, *position)?;
            let at = self.at;
            let fate = self.fate(group, *position);
            if fate.acked_at.is_some_and(|at| at <= sent) {
                return Err(format!("{position} was settled before it was asked for"));
            }
            let is_leased = |leased: &Leased| leased.heard_at <= sent && now_ms < leased.until_ms;
            if !fate.may_be_acked && fate.leased.as_ref().is_some_and(is_leased) {
                return Err(format!("{position} is leased"));
            }
            let leased = |until_ms| Leased {
                until_ms,
                heard_at: at,
            };
            fate.leased = until_ms.map(leased);
        }
        if GROUPS[group] == "key" {
            self.check_order(group, &positions);
        }
        if let Some(id) = word(answer, "lease").filter(|id| *id != "-") {
            let id = id.to_owned();
            self.leases.push(Lease {
                group,
                id,
                positions,
            });
        }
        Ok(())
    }

    /// A delayed message tells where it stands when it is given.
    fn note_position(&mut self, item: &str, position: u64) -> Result<(), String> {
        let id = word(item, "id")
            .and_then(|id| id.strip_prefix('m'))
            .and_then(first_number);
        let id = id.ok_or("a message that nobody has published")?;
        self.note_published(id, position)
    }

    /// A message stands where it has been told that it stands.
    fn note_published(&mut self, id: u64, position: u64) -> Result<(), String> {
        let message = Message {
            position,
            key: key_of(id),
            may_expire: may_expire(id),
        };
        match self.messages.insert(id, message) {
            Some(known) if known.position != position => {
                Err(format!("m{id} was at {}", known.position))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What is before a message in its key is settled, or stands before it in the same read.
    fn check_order(&mut self, group: usize, positions: &[u64]) {
        for (at, position) in positions.iter().enumerate() {
            let of = |position| {
                self.messages
                    .values()
                    .find(move |other| other.position == position)
            };
            let key = of(*position).and_then(|message| message.key);
            let before = self.messages.values().filter(|other| {
                key.is_some() && other.key == key && other.position < *position && !other.may_expire
            });
            for other in before {
                let fate = self.fates.get(&(group, other.position));
                let may_be_acked = fate.is_some_and(|fate| fate.may_be_acked);
                if !may_be_acked && !positions[..at].contains(&other.position) {
                    self.passed_over.insert((group, other.position));
                }
            }
        }
    }

    /// The process has ended: nobody will be answered.
    /// What was asked is not answered any more, and a lease that was told may be forgotten.
    pub(crate) fn break_off(&mut self) {
        self.asked.clear();
        self.briefs.break_off();
        self.fates.values_mut().for_each(|fate| fate.leased = None);
    }

    /// What was passed over is a dead letter, and what was settled is none.
    pub(crate) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        self.briefs.check(engine)?;
        for (group, name) in GROUPS.iter().enumerate() {
            let dead = dead(engine, name);
            let missing = self
                .passed_over
                .iter()
                .find(|(of, at)| *of == group && !dead.contains(at));
            if let Some((_, position)) = missing {
                return Err(format!(
                    "{TOPIC} {name}: {position} was passed over, and is not dead: {dead:?}"
                ));
            }
            let acked = |at: &&u64| {
                let fate = self.fates.get(&(group, **at));
                fate.is_some_and(|fate| fate.is_acked)
            };
            if let Some(position) = dead.iter().find(acked) {
                return Err(format!(
                    "{TOPIC} {name}: {position} was acknowledged, and is dead"
                ));
            }
        }
        Ok(())
    }

    /// Everything that was published is given, or was settled before.
    pub(crate) fn drain(&mut self, engine: &mut Stepper) -> Result<(), String> {
        for (group, name) in GROUPS.iter().enumerate() {
            let mut idle_rounds = 0;
            let mut rounds = 0;
            while idle_rounds < 3 {
                rounds += 1;
                if rounds > ROUNDS_MAX {
                    return Err(format!("{TOPIC} {name}: there is no end of messages"));
                }
                engine.pass_ms(1_000);
                let answer = engine.call(&format!("TOPIC.READ {TOPIC} {name} m COUNT 100"));
                let given = self.given(group, self.at, &answer, engine.now_ms());
                given.map_err(|what| format!("{TOPIC}: {answer}\n  {what}"))?;
                let Some(lease) = self.leases.pop().filter(|_| answer.contains("{position="))
                else {
                    idle_rounds += 1;
                    continue;
                };
                idle_rounds = 0;
                let (about, command) = self.ack(lease);
                let told = engine.call(&command);
                if !told.contains("repeated=false") {
                    return Err(format!("{command}: {told}"));
                }
                self.at += 1;
                let asked = Asked {
                    token: 0,
                    about,
                    at: self.at,
                };
                self.hear(&asked, &told, engine.now_ms())?;
            }
            self.check_all_given(engine, (group, name))?;
        }
        self.check(engine)
    }

    fn check_all_given(
        &self,
        engine: &mut Stepper,
        (group, name): (usize, &str),
    ) -> Result<(), String> {
        let dead = dead(engine, name);
        let lost = self.messages.values().find(|message| {
            let fate = self.fates.get(&(group, message.position));
            let is_settled = fate.is_some_and(|fate| fate.may_be_acked);
            !is_settled && !message.may_expire && !dead.contains(&message.position)
        });
        match lost {
            Some(message) => Err(format!(
                "{TOPIC} {name}: {} was never given",
                message.position
            )),
            None => Ok(()),
        }
    }
}

/// The key of a message; a quarter of them have none.
fn key_of(id: u64) -> Option<u64> {
    (id % 4 < 3).then_some(id % 3)
}

/// Whether a message is published with so little time that it may expire.
fn may_expire(id: u64) -> bool {
    id.is_multiple_of(11)
}

/// Positions of the dead letters of a group.
fn dead(engine: &mut Stepper, group: &str) -> BTreeSet<u64> {
    let answer = engine.call(&format!("TOPIC.DEAD {TOPIC} {group} LIMIT 100"));
    let positions = items(&answer, "{number=").filter_map(|item| {
        let position = word(item, "position")?;
        first_number(position)
    });
    positions.collect()
}

/// The items of a list in an answer, from behind what each begins with.
pub(crate) fn items<'a>(answer: &'a str, begin: &'a str) -> impl Iterator<Item = &'a str> {
    answer.split(begin).skip(1)
}

/// The number that something begins with.
pub(crate) fn first_number(words: &str) -> Option<u64> {
    let end = words.find(|char: char| !char.is_ascii_digit());
    words[..end.unwrap_or(words.len())].parse().ok()
}
