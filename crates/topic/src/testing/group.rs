//! What a group has of each message.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::{Backoff, Random};

use super::{Message, is, number, values};

/// Where a message is for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No member was given it, or it was given back untried.
    Untried,
    /// It may be given again.
    Again,
    Leased,
    Resting(u64),
    Settled,
    Dead,
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
pub(super) struct Group {
    is_ordered: bool,
    tries: u32,
    pub(super) lease_ms: u64,
    rests: Backoff,
    /// By position, from 1 on.
    has: BTreeMap<u64, Has>,
    leases: BTreeMap<String, Lease>,
    /// The last one of which all was acknowledged at once.
    pub(super) done: Option<String>,
    /// Positions of dead letters by number.
    pub(super) dead: BTreeMap<u64, u64>,
    died: u64,
    pub(super) acked: u64,
    pub(super) is_paused: bool,
    pub(super) version: u64,
    /// Positions that were replayed when it was moved, and until when a lease or a rest from before keeps them.
    kept_until_ms: BTreeMap<u64, u64>,
}

/// Of which positions, or of all; after which rest; and when.
pub(super) type How<'a> = (Option<&'a BTreeSet<u64>>, Option<u64>, u64);

/// How groups of the oracle are declared.
pub(super) const LEASE_MS: u64 = 1_000;
pub(super) const TRIES: u32 = 3;
pub(super) const REST_MS: u64 = 400;
pub(super) const REST_MAX_MS: u64 = 800;

impl Group {
    pub(super) fn new(is_ordered: bool) -> Self {
        Self {
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
            kept_until_ms: BTreeMap::new(),
        }
    }

    /// Leases last so long.
    pub(super) fn lease_for(&mut self, lease_ms: u64) {
        self.lease_ms = lease_ms;
    }

    /// A message was published.
    pub(super) fn append(&mut self, position: u64) {
        let has = Has {
            state: State::Untried,
            tries: 0,
            is_replay: false,
        };
        self.has.insert(position, has);
    }

    pub(super) fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.has.values().filter(|has| is(&has.state)).count()
    }

    /// Whether a message is kept for it.
    pub(super) fn pins(&self, position: u64) -> bool {
        let has = &self.has[&position];
        let is_replay = match has.state {
            State::Dead | State::Settled => false,
            State::Untried | State::Again | State::Leased | State::Resting(_) => has.is_replay,
        };
        is_replay
            || self.kept_until_ms.contains_key(&position)
            || self.dead.values().any(|dead| *dead == position)
    }

    pub(super) fn pass(&mut self, messages: &BTreeMap<u64, Message>, now_ms: u64) {
        self.kept_until_ms.retain(|_, until_ms| *until_ms > now_ms);
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
    pub(super) fn random_lease(&self, random: &mut Random) -> Option<(&str, String)> {
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

    pub(super) fn read(
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
                // A key of which nothing is kept begins anew, whatever of it is under way.
                is_there && messages[at].is_over(now_ms) || messages[at].is_past
            };
            let may_follow = |at: &u64| is_given(at) || self.has[at].is_replay || is_over(at);
            let mut ahead = self.ahead(messages, position);
            if let Some(at) = ahead.find(|at| !may_follow(at)) {
                return Err(format!("{at} before {position}"));
            }
            let behind = messages[&position].before.filter(|_| self.is_ordered);
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

    pub(super) fn ack(&mut self, id: &str, chosen: Option<&BTreeSet<u64>>) -> String {
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
        if lease.items.is_empty() {
            return "acked=0 left=0 repeated=true".into(); // The rest was settled.
        }
        lease.items.retain(|(at, _)| !is_asked(at));
        let left = lease.items.len();
        let acked: Vec<_> = in_lease.into_iter().filter(|at| is_asked(at)).collect();
        if left == 0 && !lease.is_torn {
            self.leases.remove(id);
            self.done = Some(id.to_owned());
        }
        for position in &acked {
            self.has_mut(*position).state = State::Settled;
        }
        self.acked += acked.len() as u64;
        format!("acked={} left={left} repeated=false", acked.len())
    }

    pub(super) fn nack(
        &mut self,
        messages: &BTreeMap<u64, Message>,
        id: &str,
        how: How<'_>,
    ) -> String {
        let lease = self.leases.get(id);
        if lease.is_none_or(|lease| lease.items.is_empty()) {
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

    pub(super) fn set_paused(&mut self, is_paused: bool, version: u64) -> String {
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

    pub(super) fn go_to(&mut self, to: u64, version: u64) -> String {
        if version != self.version {
            return format!("version_changed version={}", self.version);
        }
        self.version += 1;
        for (position, has) in self.has.iter().filter(|(_, has)| has.is_replay) {
            let until_ms = match has.state {
                State::Leased => Some(u64::MAX), // Leases do not end where messages are dropped.
                State::Resting(until_ms) => Some(until_ms),
                State::Untried | State::Again | State::Settled | State::Dead => None,
            };
            self.kept_until_ms
                .extend(until_ms.map(|until_ms| (*position, until_ms)));
        }
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

    pub(super) fn replay(&mut self, messages: &BTreeMap<u64, Message>, number: u64) -> String {
        let Some(position) = self.dead.remove(&number) else {
            return "dead_not_found".into();
        };
        self.done = None; // It may have had this one after the group was moved back.
        // One of a group that was moved back may be given anyway. One that was dropped before the group had come to it is
        // as good as settled.
        let is_replayed = match self.has[&position].state {
            State::Dead | State::Settled => true,
            State::Untried => messages[&position].is_past,
            State::Again | State::Leased | State::Resting(_) => false,
        };
        if is_replayed {
            *self.has_mut(position) = Has {
                state: State::Again,
                tries: 0,
                is_replay: true,
            };
        }
        format!("position={position} dead={}", self.dead.len())
    }

    pub(super) fn drop_dead(&mut self, number: u64) -> String {
        if self.dead.remove(&number).is_none() {
            return "dead_not_found".into();
        }
        format!("dead={}", self.dead.len())
    }
}
