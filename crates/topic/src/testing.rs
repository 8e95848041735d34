//! A topic in the simplest words there are, to hold the domain against: it does not say what a read gives, but whether
//! it may give that, and whether it keeps something back.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::{Backoff, Random};

/// Where a message is for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// No member was given it, or it was given back untried.
    Untried,
    /// It may be given again.
    Again,
    Leased,
    Resting(u64),
    Settled,
    Dead,
}

#[derive(Clone, Debug)]
struct Message {
    key: Option<u64>,
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

/// What a group has of a message.
#[derive(Clone, Debug)]
struct Has {
    state: State,
    tries: u32,
    is_replay: bool,
}

#[derive(Clone, Debug)]
struct Lease {
    until_ms: u64,
    /// Some of it was given back.
    is_torn: bool,
    /// Position, and the one before it of its key if that was given before it.
    items: Vec<(u64, Option<u64>)>,
}

#[derive(Clone, Debug)]
struct Group {
    is_ordered: bool,
    tries: u32,
    lease_ms: u64,
    rests: Backoff,
    /// By position, from 1 on.
    has: BTreeMap<u64, Has>,
    leases: BTreeMap<String, Lease>,
    /// The last one of which all was acknowledged at once.
    done: Option<String>,
    /// Positions of dead letters by number.
    dead: BTreeMap<u64, u64>,
    died: u64,
    acked: u64,
    is_paused: bool,
    version: u64,
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
}

/// How long messages stay that are too many, at most.
const LINGER_MS: u64 = 1_000;

const LEASE_MS: u64 = 1_000;
const TRIES: u32 = 3;
const REST_MS: u64 = 400;
const REST_MAX_MS: u64 = 800;

impl Oracle {
    /// A topic of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let group = |is_ordered| Group {
            is_ordered,
            tries: TRIES,
            lease_ms: LEASE_MS,
            rests: Backoff {
                min_ms: REST_MS,
                max_ms: REST_MAX_MS,
            },
            has: BTreeMap::new(),
            leases: BTreeMap::new(),
            done: None,
            dead: BTreeMap::new(),
            died: 0,
            acked: 0,
            is_paused: false,
            version: 1,
        };
        Self {
            name: name.to_owned(),
            now_ms: 0,
            messages: BTreeMap::new(),
            delayed: BTreeMap::new(),
            ids: BTreeMap::new(),
            groups: BTreeMap::from([("key", group(true)), ("none", group(false))]),
            sent: 0,
            order: 0,
            retain_count: None,
            over_since_ms: None,
        }
    }

    /// Which keeps so many messages. Leases do not end meanwhile: a message whose last lease ends when it is dropped
    /// may be a dead letter or not.
    #[must_use]
    pub fn keeping(mut self, count: u64) -> Self {
        for group in self.groups.values_mut() {
            group.lease_ms = 1_000 * LEASE_MS;
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
        let retain = self.retain_count;
        let retain = retain.map_or(String::new(), |count| format!(" RETAIN_COUNT {count}"));
        std::iter::once(format!("TOPIC.CREATE {name}{retain}"))
            .chain(groups)
            .collect()
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
        self.messages.insert(position, message);
        for group in self.groups.values_mut() {
            let has = Has {
                state: State::Untried,
                tries: 0,
                is_replay: false,
            };
            group.has.insert(position, has);
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
        match random.below(12) {
            0..=3 => self.random_publish(random),
            4..=6 => format!("TOPIC.READ {name} {group} m COUNT {}", random.below(5) + 1),
            7..=8 => match (of.random_lease(random), &of.done) {
                (Some((lease, some)), _) if random.chance(5, 6) => {
                    format!("TOPIC.ACK {name} {group} {lease}{some}")
                }
                (_, Some(done)) => format!("TOPIC.ACK {name} {group} {done}"),
                (_, None) => format!("TOPIC.ACK {name} {group} 999.1"),
            },
            9..=10 => match of.random_lease(random) {
                Some((lease, some)) => {
                    let delay = ["", " DELAY 0", " DELAY 300"][random.below(3) as usize];
                    format!("TOPIC.NACK {name} {group} {lease}{some}{delay}")
                }
                None => format!("TOPIC.NACK {name} {group} 999.1"),
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
        let mut words = format!("TOPIC.PUBLISH {} i{id} x", self.name);
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
            "TOPIC.REPLAY" => is(answer, &group.replay(number(words[3]))),
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

    fn publish(&mut self, command: &str, words: &[&str]) -> String {
        let id = number(words[2]);
        if let Some((earlier, position)) = self.ids.get(&id) {
            if earlier != command {
                return "id_conflict".into();
            }
            let position = shown(*position);
            return format!("position={position} … repeated=true");
        }
        let option = |name: &str| {
            let at = words.iter().position(|word| *word == name);
            at.and_then(|at| words.get(at + 1)).map(|word| number(word))
        };
        let due_ms = self.now_ms + option("DELAY").unwrap_or(0);
        let message = Message {
            key: option("KEY"),
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

/// Of which positions, or of all; after which rest; and when.
type How<'a> = (Option<&'a BTreeSet<u64>>, Option<u64>, u64);

impl Group {
    fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.has.values().filter(|has| is(&has.state)).count()
    }

    /// Whether a message is kept for it.
    fn pins(&self, position: u64) -> bool {
        let has = &self.has[&position];
        let is_replay = match has.state {
            State::Dead | State::Settled => false,
            State::Untried | State::Again | State::Leased | State::Resting(_) => has.is_replay,
        };
        is_replay || self.dead.values().any(|dead| *dead == position)
    }

    fn pass(&mut self, messages: &BTreeMap<u64, Message>, now_ms: u64) {
        for has in self.has.values_mut() {
            if matches!(has.state, State::Resting(until_ms) if until_ms <= now_ms) {
                has.state = State::Again;
            }
        }
        let over = self.leases.iter();
        let over = over.filter(|(_, lease)| lease.until_ms <= now_ms);
        let number_of = |id: &str| id.split('.').next().map_or(0, number);
        let over = over.map(|(id, lease)| (lease.until_ms, number_of(id), id.clone()));
        let over: BTreeSet<_> = over.collect();
        for (_, _, id) in over {
            self.give_back(messages, &id, (None, Some(0), now_ms));
        }
    }

    /// A lease, and some of its positions, or all.
    fn random_lease(&self, random: &mut Random) -> Option<(&str, String)> {
        let at = random.below(self.leases.len() as u64);
        let (id, lease) = self.leases.iter().nth(usize::try_from(at).ok()?)?;
        if random.chance(1, 2) {
            return Some((id, String::new()));
        }
        let some: BTreeSet<_> = lease.items.iter().map(|(position, _)| *position).collect();
        let some: Vec<_> = some.into_iter().filter(|_| random.chance(1, 2)).collect();
        let numbers: Vec<_> = some.iter().map(u64::to_string).collect();
        if numbers.is_empty() {
            return Some((id, String::new()));
        }
        Some((
            id,
            format!(" POSITIONS {} {}", numbers.len(), numbers.join(" ")),
        ))
    }

    /// Positions before this one that have to do with it: those of the same key.
    fn of_key<'a>(
        &self,
        messages: &'a BTreeMap<u64, Message>,
        position: u64,
    ) -> impl Iterator<Item = u64> + use<'a> {
        let key = messages[&position].key.filter(|_| self.is_ordered);
        let before = messages.range(..position);
        let of_key = before.filter(move |(_, other)| key.is_some() && other.key == key);
        of_key.map(|(at, _)| *at)
    }

    /// Those of them that are not settled.
    fn ahead<'a>(
        &'a self,
        messages: &'a BTreeMap<u64, Message>,
        position: u64,
    ) -> impl Iterator<Item = u64> + 'a {
        let is_open = |at: &u64| !matches!(self.has[at].state, State::Settled | State::Dead);
        self.of_key(messages, position).filter(is_open)
    }

    /// What has expired and is first of its key is as good as settled.
    fn let_go(&mut self, messages: &BTreeMap<u64, Message>, now_ms: u64) {
        for (position, message) in messages {
            let state = &self.has[position].state;
            let is_there = matches!(state, State::Untried | State::Again);
            let is_first = self.ahead(messages, *position).next().is_none();
            if is_there && message.is_over(now_ms) && is_first {
                self.has_mut(*position).state = State::Settled;
            }
        }
    }

    fn has_mut(&mut self, position: u64) -> &mut Has {
        let has = self.has.get_mut(&position);
        has.expect("because a position has a message")
    }

    fn read(
        &mut self,
        messages: &BTreeMap<u64, Message>,
        now_ms: u64,
        most: u64,
        answer: &str,
    ) -> Result<(), String> {
        if self.is_paused {
            return is(answer, "lease=- until_ms=- messages=[]");
        }
        self.let_go(messages, now_ms);
        let given: Vec<_> = values(answer, "{position=").collect();
        let attempts = values(answer, "attempt=");
        let mut items: Vec<(u64, Option<u64>)> = Vec::new();
        for (position, attempt) in given.iter().copied().zip(attempts) {
            let has = self
                .has
                .get(&position)
                .ok_or("a message that is there")?
                .clone();
            if !matches!(has.state, State::Untried | State::Again) {
                return Err(format!("not {position}, which is {:?}", has.state));
            }
            if messages[&position].is_over(now_ms) {
                return Err(format!("not {position}, which has expired or is not kept"));
            }
            if attempt != u64::from(has.tries) + 1 {
                return Err(format!("{position} as attempt {}", has.tries + 1));
            }
            let is_given = |at: &u64| items.iter().any(|(given, _)| given == at);
            let is_over = |at: &u64| {
                let is_there = matches!(self.has[at].state, State::Untried | State::Again);
                let is_over = messages[at].is_over(now_ms) || messages[at].is_past;
                is_there && is_over || messages[at].is_gone
            };
            let may_follow = |at: &u64| is_given(at) || self.has[at].is_replay || is_over(at);
            let mut ahead = self.ahead(messages, position);
            if let Some(at) = ahead.find(|at| !may_follow(at)) {
                return Err(format!("{at} before {position}"));
            }
            let behind = self.of_key(messages, position).last();
            let is_untried = has.state == State::Untried;
            items.push((position, behind.filter(|at| is_untried && is_given(at))));
        }
        for (position, _) in &items {
            self.has_mut(*position).state = State::Leased;
        }
        if (items.len() as u64) < most
            && let Some(kept) = self.kept_back(messages)
        {
            return Err(format!("{kept} as well"));
        }
        if let Some(id) = answer
            .strip_prefix("lease=")
            .and_then(|rest| rest.split(' ').next())
            && !items.is_empty()
        {
            let until_ms = now_ms + self.lease_ms;
            self.leases.insert(
                id.to_owned(),
                Lease {
                    until_ms,
                    is_torn: false,
                    items,
                },
            );
        }
        Ok(())
    }

    /// A message that may be given.
    fn kept_back(&self, messages: &BTreeMap<u64, Message>) -> Option<u64> {
        let there = self
            .has
            .iter()
            .filter(|(_, has)| matches!(has.state, State::Untried | State::Again));
        let there = there.filter(|(at, _)| !messages[*at].is_past);
        let mut first = there.filter(|(at, _)| self.ahead(messages, **at).next().is_none());
        first.next().map(|(at, _)| *at)
    }

    fn ack(&mut self, id: &str, chosen: Option<&BTreeSet<u64>>) -> String {
        let Some(lease) = self.leases.get_mut(id) else {
            return if self.done.as_deref() == Some(id) {
                "acked=0 left=0 repeated=true".into()
            } else {
                "lease_ended".into()
            };
        };
        let is_asked = |at: &u64| chosen.is_none_or(|chosen| chosen.contains(at));
        let in_lease: BTreeSet<_> = lease.items.iter().map(|(at, _)| *at).collect();
        let early = lease.items.iter().find(|(at, behind)| {
            is_asked(at) && behind.is_some_and(|at| in_lease.contains(&at) && !is_asked(&at))
        });
        if let Some((position, Some(before))) = early {
            return format!("out_of_order position={position} before={before}");
        }
        lease.items.retain(|(at, _)| !is_asked(at));
        let left = lease.items.len();
        let acked: Vec<_> = in_lease.into_iter().filter(|at| is_asked(at)).collect();
        if left == 0 {
            let lease = self.leases.remove(id);
            let is_whole = lease.is_some_and(|lease| !lease.is_torn);
            self.done = is_whole.then(|| id.to_owned());
        }
        for position in &acked {
            self.has_mut(*position).state = State::Settled;
        }
        self.acked += acked.len() as u64;
        format!("acked={} left={left} repeated=false", acked.len())
    }

    fn nack(&mut self, messages: &BTreeMap<u64, Message>, id: &str, how: How<'_>) -> String {
        if !self.leases.contains_key(id) {
            return "lease_ended".into();
        }
        let (returned, dead) = self.give_back(messages, id, how);
        let left = self.leases.get(id).map_or(0, |lease| lease.items.len());
        format!("returned={returned} dead={dead} left={left}")
    }

    /// Gives messages of a lease back; how many are given again, and how many died.
    fn give_back(
        &mut self,
        messages: &BTreeMap<u64, Message>,
        id: &str,
        (chosen, delay_ms, now_ms): How<'_>,
    ) -> (usize, u64) {
        let Some(lease) = self.leases.remove(id) else {
            return (0, 0);
        };
        let died = self.died;
        let (mut back, mut left) = (BTreeSet::new(), Vec::<(u64, Option<u64>)>::new());
        for (position, behind) in lease.items {
            let is_asked = chosen.is_none_or(|chosen| chosen.contains(&position));
            let is_left = |at: &u64| left.iter().any(|(left, _)| left == at);
            if behind.is_some_and(|at| back.contains(&at) || is_asked && is_left(&at)) {
                self.has_mut(position).state = State::Untried;
            } else if is_asked {
                self.fail(position, messages[&position].is_gone, (delay_ms, now_ms));
            } else {
                left.push((position, behind));
                continue;
            }
            back.insert(position);
        }
        if !left.is_empty() {
            let lease = Lease {
                until_ms: lease.until_ms,
                is_torn: lease.is_torn || !back.is_empty(),
                items: left,
            };
            self.leases.insert(id.to_owned(), lease);
        }
        let is_open = |at: &&u64| !matches!(self.has[at].state, State::Settled | State::Dead);
        (back.iter().filter(is_open).count(), self.died - died)
    }

    /// A try was in vain.
    fn fail(&mut self, position: u64, is_gone: bool, (delay_ms, now_ms): (Option<u64>, u64)) {
        let (most, rests) = (self.tries, self.rests);
        let has = self.has_mut(position);
        has.tries += 1;
        if has.tries == most && is_gone {
            has.state = State::Settled;
        } else if has.tries == most {
            has.state = State::Dead;
            self.died += 1;
            self.dead.insert(self.died, position);
        } else {
            let rest_ms = delay_ms.unwrap_or_else(|| rests.rest_ms(position, has.tries));
            has.state = if rest_ms == 0 {
                State::Again
            } else {
                State::Resting(now_ms + rest_ms)
            };
        }
    }

    fn set_paused(&mut self, is_paused: bool, version: u64) -> String {
        if version != self.version {
            return format!("version_changed version={}", self.version);
        }
        self.is_paused = is_paused;
        self.version += 1;
        format!(
            "version={} … paused={is_paused} repeated=false",
            self.version
        )
    }

    fn go_to(&mut self, to: u64, version: u64) -> String {
        if version != self.version {
            return format!("version_changed version={}", self.version);
        }
        self.version += 1;
        self.leases.clear();
        self.done = None;
        for (position, has) in &mut self.has {
            *has = Has {
                state: if *position < to {
                    State::Settled
                } else {
                    State::Untried
                },
                tries: 0,
                is_replay: false,
            };
        }
        format!(
            "version={} next={to} paused=false repeated=false",
            self.version
        )
    }

    fn replay(&mut self, number: u64) -> String {
        let Some(position) = self.dead.remove(&number) else {
            return "dead_not_found".into();
        };
        self.done = None; // It may have had this one after the group was moved back.
        // One of a group that was moved back may be given anyway.
        if matches!(self.has[&position].state, State::Dead | State::Settled) {
            *self.has_mut(position) = Has {
                state: State::Again,
                tries: 0,
                is_replay: true,
            };
        }
        format!("position={position} dead={}", self.dead.len())
    }

    fn drop_dead(&mut self, number: u64) -> String {
        if self.dead.remove(&number).is_none() {
            return "dead_not_found".into();
        }
        format!("dead={}", self.dead.len())
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
