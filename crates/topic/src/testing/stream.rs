//! A stream in the simplest words there are, with ids that are chosen: it says what each command answers.

use std::collections::BTreeMap;

use tidegate_engine::Random;

/// Milliseconds, and what tells apart entries of one.
type Id = (u64, u64);

#[derive(Clone, Debug)]
struct Pending {
    consumer: String,
    at_ms: u64,
    deliveries: u64,
}

#[derive(Clone, Debug, Default)]
struct Group {
    last: Id,
    consumers: Vec<String>,
    pending: BTreeMap<Id, Pending>,
}

/// A stream `s` with groups `g` and `h` of consumers `a`, `b` and `c`.
#[derive(Clone, Debug, Default)]
pub struct StreamOracle {
    now_ms: u64,
    last: Id,
    entries: BTreeMap<Id, u64>,
    groups: BTreeMap<&'static str, Group>,
    sent: u64,
}

const NO_GROUP: &str = "NOGROUP No such key 's' or consumer group";
const GROUPS: [&str; 2] = ["g", "h"];

fn told(id: Id) -> String {
    format!("{}-{}", id.0, id.1)
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<_> = items.into_iter().collect();
    format!("[{}]", items.join(" "))
}

fn entry(id: Id, value: Option<u64>) -> String {
    match value {
        Some(value) => format!("[{} [v {value}]]", told(id)),
        None => format!("[{} -]", told(id)),
    }
}

fn next(id: Id) -> Id {
    (id.0, id.1 + 1)
}

impl StreamOracle {
    /// Time has passed.
    pub fn pass(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// A command of any kind, and what it answers.
    pub fn random(&mut self, random: &mut Random) -> (String, String) {
        match random.below(15) {
            0..=2 => self.add(random),
            3 => self.trim(random),
            4 => self.delete(random),
            5 => self.range(random),
            6 => self.read(random),
            7 => self.group(random),
            _ if !self.groups.is_empty() => self.of_group(random),
            _ => ("XLEN s".to_owned(), self.entries.len().to_string()),
        }
    }

    /// Questions whose answers say all that there is to know about it; `…` stands for what is not said here.
    #[must_use]
    pub fn questions(&self) -> Vec<(String, String)> {
        let (length, last) = (self.entries.len(), told(self.last));
        let entries = self.entries.iter();
        let entries = list(entries.map(|(id, value)| entry(*id, Some(*value))));
        let groups = self.groups.iter().map(|(name, group)| {
            let (consumers, pending) = (group.consumers.len(), group.pending.len());
            let last = told(self.stand(group.last));
            format!(
                "name={name} consumers={consumers} pending={pending} last-delivered-id={last} …"
            )
        });
        let groups = groups.collect::<String>();
        let of_all = [
            (
                "XINFO STREAM s",
                format!("length={length} last-generated-id={last} …"),
            ),
            ("XRANGE s - +", entries),
            ("XINFO GROUPS s", format!("…{groups}")),
        ];
        let of_all = of_all.map(|(question, answer)| (question.to_owned(), answer));
        let of_each = GROUPS.map(|name| {
            let pending = self.groups.get(name).map(|group| group.list(self.now_ms));
            let answer = pending.unwrap_or_else(|| format!("{NO_GROUP} '{name}'"));
            (format!("XPENDING s {name} - + 1000"), answer)
        });
        of_all.into_iter().chain(of_each).collect()
    }

    /// Where a group stands: ids between which there is no entry are the same to it, but for those that are yet to
    /// come.
    fn stand(&self, last: Id) -> Id {
        if last > self.last {
            return last;
        }
        let before = self.entries.range(..=last).next_back();
        before.map_or((0, 0), |(id, _)| *id)
    }

    /// An answer to one of the questions, with ids of groups as they stand.
    #[must_use]
    pub fn with_stands(&self, answer: &str) -> String {
        const NAME: &str = "last-delivered-id=";
        let mut pieces = answer.split(NAME);
        let mut all = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (id, rest) = piece.split_once(' ').unwrap_or((piece, ""));
            let id = id
                .split_once('-')
                .and_then(|(ms, seq)| Some((ms.parse().ok()?, seq.parse().ok()?)));
            let stand = told(self.stand(id.unwrap_or_default()));
            all += &format!("{NAME}{stand} {rest}");
        }
        all
    }

    fn of_group(&mut self, random: &mut Random) -> (String, String) {
        match random.below(8) {
            0..=1 => self.give(random),
            2 => self.give_again(random),
            3 => self.ack(random),
            4 => self.claim(random),
            5 => self.auto_claim(random),
            6 => self.consumer(random),
            _ => self.pending(random),
        }
    }

    /// An id around those that are there.
    fn some_id(&self, random: &mut Random) -> Id {
        (random.below(self.last.0 + 3), random.below(4))
    }

    fn add(&mut self, random: &mut Random) -> (String, String) {
        let trims = random.chance(1, 4).then(|| random.below(12));
        let option = trims.map_or(String::new(), |count| format!("MAXLEN {count} "));
        let (word, id) = if random.chance(1, 3) {
            let ms = (self.last.0 + random.below(2)).max(1);
            let seq = if ms == self.last.0 {
                self.last.1 + 1
            } else {
                0
            };
            (format!("{ms}-*"), (ms, seq))
        } else {
            let id = (self.last.0 + random.below(3), random.below(4).max(1));
            (told(id), id)
        };
        self.sent += 1;
        let command = format!("XADD s {option}{word} v {}", self.sent);
        if id <= self.last {
            let no =
                "ERR The ID specified in XADD is equal or smaller than the target stream top item";
            return (command, no.to_owned());
        }
        self.last = id;
        self.entries.insert(id, self.sent);
        while trims.is_some_and(|count| self.entries.len() as u64 > count) {
            self.entries.pop_first();
        }
        (command, told(id))
    }

    fn trim(&mut self, random: &mut Random) -> (String, String) {
        let before = self.entries.len();
        let command = if random.chance(1, 2) {
            let count = random.below(15);
            while self.entries.len() as u64 > count {
                self.entries.pop_first();
            }
            format!("XTRIM s MAXLEN {count}")
        } else {
            let id = (
                self.last.0.saturating_sub(random.below(20)),
                random.below(4),
            );
            self.entries = self.entries.split_off(&id);
            format!("XTRIM s MINID {}", told(id))
        };
        (command, (before - self.entries.len()).to_string())
    }

    fn delete(&mut self, random: &mut Random) -> (String, String) {
        let ids = [0; 2].map(|_| self.some_id(random));
        let gone = ids.iter().filter(|id| self.entries.remove(*id).is_some());
        let gone = gone.count();
        (
            format!("XDEL s {} {}", told(ids[0]), told(ids[1])),
            gone.to_string(),
        )
    }

    fn range(&self, random: &mut Random) -> (String, String) {
        let (from, to, count) = (
            self.some_id(random),
            self.some_id(random),
            random.below(5) + 1,
        );
        let within = self
            .entries
            .iter()
            .filter(|(id, _)| (from..=to).contains(*id));
        let within: Vec<_> = within.map(|(id, value)| entry(*id, Some(*value))).collect();
        let most = usize::try_from(count).unwrap_or(1);
        if random.chance(1, 2) {
            let command = format!("XRANGE s {} {} COUNT {count}", told(from), told(to));
            return (command, list(within.into_iter().take(most)));
        }
        let command = format!("XREVRANGE s {} {} COUNT {count}", told(to), told(from));
        (command, list(within.into_iter().rev().take(most)))
    }

    /// So many entries behind an id.
    fn behind(&self, id: Id, count: u64) -> Vec<(Id, u64)> {
        let behind = self.entries.range(next(id)..);
        let behind = behind.take(usize::try_from(count).unwrap_or(1));
        behind.map(|(id, value)| (*id, *value)).collect()
    }

    fn read(&self, random: &mut Random) -> (String, String) {
        let (id, count) = (self.some_id(random), random.below(5) + 1);
        let entries = self.behind(id, count);
        let answer = match entries.len() {
            0 => "-".to_owned(),
            _ => format!(
                "s={}",
                list(entries.iter().map(|(id, value)| entry(*id, Some(*value))))
            ),
        };
        (
            format!("XREAD COUNT {count} STREAMS s {}", told(id)),
            answer,
        )
    }

    fn group(&mut self, random: &mut Random) -> (String, String) {
        let name = GROUPS[usize::from(random.chance(1, 2))];
        let id = self.some_id(random);
        let is_there = self.groups.contains_key(name);
        match (random.below(6), is_there) {
            (0..=2, false) => {
                let last = if random.chance(1, 2) { (0, 0) } else { id };
                self.groups.entry(name).or_default().last = last;
                let command = format!("XGROUP CREATE s {name} {} MKSTREAM", told(last));
                (command, "OK".to_owned())
            }
            (0, true) => {
                self.groups.remove(name);
                (format!("XGROUP DESTROY s {name}"), "1".to_owned())
            }
            (1..=2, true) => {
                let no = "BUSYGROUP Consumer Group name already exists";
                (format!("XGROUP CREATE s {name} $"), no.to_owned())
            }
            (_, true) => {
                self.groups.entry(name).or_default().last = id;
                (
                    format!("XGROUP SETID s {name} {}", told(id)),
                    "OK".to_owned(),
                )
            }
            (_, false) => {
                let command = format!("XPENDING s {name}");
                let is_stream = format!("{NO_GROUP} '{name}'");
                (command, is_stream)
            }
        }
    }

    /// A group, and a consumer of it.
    fn someone(&self, random: &mut Random) -> (&'static str, &'static str) {
        let names: Vec<_> = self.groups.keys().copied().collect();
        let at = usize::try_from(random.below(names.len() as u64)).unwrap_or(0);
        let consumer = ["a", "b", "c"][usize::try_from(random.below(3)).unwrap_or(0)];
        (names[at], consumer)
    }

    fn group_of(&mut self, name: &str) -> &mut Group {
        let group = self.groups.get_mut(name);
        group.expect("because it is one of those that are there")
    }

    fn give(&mut self, random: &mut Random) -> (String, String) {
        let ((name, consumer), count) = (self.someone(random), random.below(5) + 1);
        let no_ack = random.chance(1, 6);
        let option = if no_ack { "NOACK " } else { "" };
        let command =
            format!("XREADGROUP GROUP {name} {consumer} COUNT {count} {option}STREAMS s >");
        let (now_ms, last) = (self.now_ms, self.groups[name].last);
        let entries = self.behind(last, count);
        if entries.is_empty() {
            return (command, "-".to_owned());
        }
        let group = self.group_of(name);
        group.meet(consumer);
        for (id, _) in &entries {
            group.last = *id;
            let given = Pending {
                consumer: consumer.to_owned(),
                at_ms: now_ms,
                deliveries: 1,
            };
            if !no_ack {
                group.pending.insert(*id, given);
            }
        }
        let entries = entries.iter().map(|(id, value)| entry(*id, Some(*value)));
        (command, format!("s={}", list(entries)))
    }

    fn give_again(&mut self, random: &mut Random) -> (String, String) {
        let ((name, consumer), count) = (self.someone(random), random.below(5) + 1);
        let from = self.some_id(random);
        let (now_ms, entries) = (self.now_ms, self.entries.clone());
        let pending = self.group_of(name).pending.range_mut(next(from)..);
        let own = pending.filter(|(_, pending)| pending.consumer == consumer);
        let own = own
            .take(usize::try_from(count).unwrap_or(1))
            .map(|(id, pending)| {
                let value = entries.get(id).copied();
                if value.is_some() {
                    pending.at_ms = now_ms;
                    pending.deliveries += 1;
                }
                entry(*id, value)
            });
        let answer = format!("s={}", list(own));
        let from = told(from);
        (
            format!("XREADGROUP GROUP {name} {consumer} COUNT {count} STREAMS s {from}"),
            answer,
        )
    }

    /// One that is pending, or any.
    fn pending_id(&self, name: &str, random: &mut Random) -> Id {
        let ids: Vec<_> = self.groups[name].pending.keys().copied().collect();
        if ids.is_empty() || random.chance(1, 4) {
            return self.some_id(random);
        }
        ids[usize::try_from(random.below(ids.len() as u64)).unwrap_or(0)]
    }

    fn ack(&mut self, random: &mut Random) -> (String, String) {
        let (name, _) = self.someone(random);
        let ids = [0; 2].map(|_| self.pending_id(name, random));
        let group = self.group_of(name);
        let acked = ids.iter().filter(|id| group.pending.remove(*id).is_some());
        let acked = acked.count().to_string();
        (
            format!("XACK s {name} {} {}", told(ids[0]), told(ids[1])),
            acked,
        )
    }

    fn claim(&mut self, random: &mut Random) -> (String, String) {
        let (name, consumer) = self.someone(random);
        let (id, idle_ms) = (self.pending_id(name, random), random.below(1_500));
        let (is_forced, just_id) = (random.chance(1, 3), random.chance(1, 3));
        let command = format!(
            "XCLAIM s {name} {consumer} {idle_ms} {}{}{}",
            told(id),
            if is_forced { " FORCE" } else { "" },
            if just_id { " JUSTID" } else { "" }
        );
        let (now_ms, value) = (self.now_ms, self.entries.get(&id).copied());
        let group = self.group_of(name);
        group.meet(consumer);
        let Some(value) = value else {
            group.pending.remove(&id);
            return (command, list([]));
        };
        let forced = is_forced.then(|| Pending {
            consumer: String::new(),
            at_ms: 0,
            deliveries: 1,
        });
        let pending = group.pending.get(&id).cloned().or(forced);
        let pending = pending.filter(|pending| now_ms - pending.at_ms >= idle_ms);
        let taken = pending.map(|pending| group.take(id, consumer, pending, (now_ms, just_id)));
        let taken = taken.map(|()| {
            if just_id {
                told(id)
            } else {
                entry(id, Some(value))
            }
        });
        (command, list(taken))
    }

    fn auto_claim(&mut self, random: &mut Random) -> (String, String) {
        let (name, consumer) = self.someone(random);
        let (from, idle_ms, count) = (
            self.some_id(random),
            random.below(1_500),
            random.below(3) + 1,
        );
        let from = if random.chance(1, 2) { (0, 0) } else { from };
        let command = format!(
            "XAUTOCLAIM s {name} {consumer} {idle_ms} {} COUNT {count}",
            told(from)
        );
        let (now_ms, entries) = (self.now_ms, self.entries.clone());
        let group = self.group_of(name);
        group.meet(consumer);
        let mut left: Vec<_> = group
            .pending
            .range(from..)
            .map(|(id, one)| (*id, one.clone()))
            .collect();
        left.reverse();
        let (mut taken, mut gone, mut looks) = (Vec::new(), Vec::new(), 10 * count);
        while looks > 0
            && ((taken.len() + gone.len()) as u64) < count
            && let Some((id, pending)) = left.pop()
        {
            looks -= 1;
            match entries.get(&id) {
                None => {
                    group.pending.remove(&id);
                    gone.push(told(id));
                }
                Some(value) if now_ms - pending.at_ms >= idle_ms => {
                    group.take(id, consumer, pending, (now_ms, false));
                    taken.push(entry(id, Some(*value)));
                }
                Some(_) => {}
            }
        }
        let next = left.last().map_or((0, 0), |(id, _)| *id);
        (
            command,
            format!("[{} {} {}]", told(next), list(taken), list(gone)),
        )
    }

    fn consumer(&mut self, random: &mut Random) -> (String, String) {
        let (name, consumer) = self.someone(random);
        let group = self.group_of(name);
        if random.chance(1, 2) {
            let is_new = group.meet(consumer);
            let answer = u64::from(is_new).to_string();
            return (format!("XGROUP CREATECONSUMER s {name} {consumer}"), answer);
        }
        let before = group.pending.len();
        group
            .pending
            .retain(|_, pending| pending.consumer != consumer);
        group.consumers.retain(|other| other != consumer);
        let gone = (before - group.pending.len()).to_string();
        (format!("XGROUP DELCONSUMER s {name} {consumer}"), gone)
    }

    fn pending(&self, random: &mut Random) -> (String, String) {
        let (name, consumer) = self.someone(random);
        let group = &self.groups[name];
        if random.chance(1, 2) {
            return (format!("XPENDING s {name}"), group.sum());
        }
        let (idle_ms, from, to) = (
            random.below(800),
            self.some_id(random),
            self.some_id(random),
        );
        let all = group.pending.iter().filter(|(id, pending)| {
            let idle = self.now_ms - pending.at_ms;
            (from..=to).contains(*id) && idle >= idle_ms && pending.consumer == consumer
        });
        let all = all.take(3).map(|(id, pending)| {
            let idle = self.now_ms - pending.at_ms;
            format!("[{} {consumer} {idle} {}]", told(*id), pending.deliveries)
        });
        let (from, to) = (told(from), told(to));
        (
            format!("XPENDING s {name} IDLE {idle_ms} {from} {to} 3 {consumer}"),
            list(all),
        )
    }
}

impl Group {
    /// A consumer is one from now on; whether it was none.
    fn meet(&mut self, consumer: &str) -> bool {
        let is_new = self.consumers.iter().all(|other| other != consumer);
        if is_new {
            self.consumers.push(consumer.to_owned());
        }
        is_new
    }

    fn take(&mut self, id: Id, consumer: &str, from: Pending, (now_ms, just_id): (u64, bool)) {
        let taken = Pending {
            consumer: consumer.to_owned(),
            at_ms: now_ms,
            deliveries: from.deliveries + u64::from(!just_id),
        };
        self.pending.insert(id, taken);
    }

    fn list(&self, now_ms: u64) -> String {
        list(self.pending.iter().map(|(id, pending)| {
            let (idle_ms, deliveries) = (now_ms.saturating_sub(pending.at_ms), pending.deliveries);
            format!(
                "[{} {} {idle_ms} {deliveries}]",
                told(*id),
                pending.consumer
            )
        }))
    }

    fn sum(&self) -> String {
        let ends = self.pending.keys().next().zip(self.pending.keys().last());
        let Some((first, last)) = ends else {
            return "[0 - - -]".to_owned();
        };
        let mut of_each: BTreeMap<&str, u64> = BTreeMap::new();
        for pending in self.pending.values() {
            *of_each.entry(&pending.consumer).or_default() += 1;
        }
        let of_each = of_each
            .iter()
            .map(|(name, count)| format!("[{name} {count}]"));
        let count = self.pending.len();
        format!(
            "[{count} {} {} {}]",
            told(*first),
            told(*last),
            list(of_each)
        )
    }
}
