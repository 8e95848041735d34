//! One SKU in the simplest words there are, to hold the domain against; and what many were told at once.

mod races;

use std::collections::BTreeMap;

pub use races::Races;

use tidegate_engine::{Random, Retention};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    Confirmed,
    Released,
    Expired,
}

#[derive(Clone, Debug)]
struct Hold {
    words: String,
    position: u64,
    state: State,
    quantity: i64,
    returned: i64,
    buyer: Option<u64>,
    created_at_ms: u64,
    expires_at_ms: u64,
    returns: BTreeMap<u64, Option<i64>>,
    /// When it leaves for the archive, once it is finished.
    leaves_at_ms: Option<u64>,
    /// The slice to which it has left.
    slice: Option<u64>,
}

impl Hold {
    fn word(&self) -> &'static str {
        match self.state {
            State::Held => "held",
            State::Confirmed if self.returned == self.quantity => "returned",
            State::Confirmed => "confirmed",
            State::Released => "released",
            State::Expired => "expired",
        }
    }
}

/// A SKU whose commands are given and answered as words.
#[derive(Clone, Debug)]
pub struct Oracle {
    name: String,
    total: i64,
    version: u64,
    holds: BTreeMap<u64, Hold>,
    adds: BTreeMap<u64, i64>,
    now_ms: u64,
    retention: Option<Retention>,
}

/// Quantity, buyer, limit, time to live.
type HoldTerms = (i64, Option<u64>, Option<i64>, u64);

impl Oracle {
    /// A SKU that was declared with so many units.
    #[must_use]
    pub fn new(name: &str, total: i64) -> Self {
        Self {
            name: name.to_owned(),
            total,
            version: 1,
            holds: BTreeMap::new(),
            adds: BTreeMap::new(),
            now_ms: 0,
            retention: None,
        }
    }

    /// As of a domain whose archives are kept so, and whose idle timers fire as soon as they are due.
    #[must_use]
    pub fn keeping(self, retention: Retention) -> Self {
        Self {
            retention: Some(retention),
            ..self
        }
    }

    /// When what finishes now leaves for the archive.
    fn leaves_at_ms(&self) -> Option<u64> {
        Some(self.now_ms + self.retention?.after_ms)
    }

    fn is_dropped(&self, hold: &Hold) -> bool {
        self.retention.zip(hold.slice).is_some_and(|(kept, slice)| {
            slice < self.now_ms.saturating_sub(kept.keep_ms) / kept.slice_ms
        })
    }

    /// Time has passed: what is due expires.
    pub fn pass(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        let leaves_at_ms = self.leaves_at_ms();
        for hold in self.holds.values_mut() {
            if hold.state == State::Held && hold.expires_at_ms <= now_ms {
                hold.state = State::Expired;
                hold.leaves_at_ms = leaves_at_ms;
            }
            let leaves = hold.leaves_at_ms.take_if(|at_ms| *at_ms <= now_ms);
            if let (Some(_), Some(kept)) = (leaves, self.retention) {
                hold.slice = Some(now_ms / kept.slice_ms);
            }
        }
    }

    /// Some command about the SKU.
    #[must_use]
    pub fn random_command(&self, random: &mut Random) -> String {
        // Around the last hold made: ids that are used, and ids that are not.
        let around = (self.holds.len() as u64).saturating_sub(15);
        let (name, id) = (&self.name, around + random.below(30));
        let amount = random.below(4) + 1;
        match random.below(13) {
            0..=4 => {
                let ttl = [500, 5_000, 900_000, 900_000][random.below(4) as usize];
                let mut words = format!("STOCK.HOLD {name} h{id} {amount} TTL {ttl}");
                if random.chance(2, 3) {
                    words += &format!(" BUYER b{}", random.below(3));
                    if random.chance(1, 2) {
                        words += " MAX 6";
                    }
                }
                words
            }
            5..=6 => format!("STOCK.CONFIRM {name} h{id}"),
            7 => format!("STOCK.RELEASE {name} h{id}"),
            8..=9 => {
                let of = random.below(3);
                let quantity = if random.chance(1, 3) {
                    String::new()
                } else {
                    format!(" QTY {amount}")
                };
                format!("STOCK.RETURN {name} h{id} r{of}{quantity}")
            }
            10 => {
                // More comes in than goes out: else there would soon be nothing left to hold.
                let delta = 4 * amount.cast_signed() - 5;
                format!("STOCK.ADD {name} a{id} {delta}")
            }
            11 => format!("STOCK.HOLDINFO {name} h{id}"),
            _ => format!("STOCK.GET {name}"),
        }
    }

    /// Does what a command of [`Oracle::random_command`] asks for; gives a part of its answer.
    ///
    /// # Panics
    /// It is no such command.
    pub fn apply(&mut self, command: &str) -> String {
        let words: Vec<_> = command.split(' ').collect();
        let option = |name: &str| {
            let at = words.iter().position(|word| *word == name);
            at.and_then(|at| words.get(at + 1)).copied()
        };
        let id = words.get(2).map_or(0, |word| number(word)).unsigned_abs();
        match words[0] {
            "STOCK.HOLD" => {
                let buyer = option("BUYER").map(|word| number(word).unsigned_abs());
                let ttl_ms = option("TTL").map_or(900_000, |word| number(word).unsigned_abs());
                let terms = (number(words[3]), buyer, option("MAX").map(number), ttl_ms);
                self.hold(id, command, terms)
            }
            "STOCK.CONFIRM" => self.confirm(id),
            "STOCK.RELEASE" => self.release(id),
            "STOCK.RETURN" => {
                let of = number(words[3]).unsigned_abs();
                self.give_back(id, of, option("QTY").map(number))
            }
            "STOCK.ADD" => self.add(id, number(words[3])),
            "STOCK.GET" => self.info(),
            "STOCK.HOLDINFO" => self.hold_info(id),
            name => panic!("{name} is none of its commands"),
        }
    }

    /// Questions whose whole answers say all that there is to know about the SKU.
    #[must_use]
    pub fn questions(&self) -> Vec<(String, String)> {
        let name = &self.name;
        vec![
            (format!("STOCK.GET {name}"), self.info()),
            (format!("STOCK.HOLDS {name} LIMIT 1000"), self.all_holds()),
        ]
    }

    fn held(&self) -> i64 {
        let held = self.holds.values().filter(|hold| hold.state == State::Held);
        held.map(|hold| hold.quantity).sum()
    }

    fn sold(&self) -> i64 {
        let sold = self
            .holds
            .values()
            .filter(|hold| hold.state == State::Confirmed);
        sold.map(|hold| hold.quantity - hold.returned).sum()
    }

    /// Units that may be had.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.total - self.held() - self.sold()
    }

    fn taken(&self, buyer: u64) -> i64 {
        let of = self.holds.values().filter(|hold| hold.buyer == Some(buyer));
        let alive = of.filter(|hold| matches!(hold.state, State::Held | State::Confirmed));
        alive.map(|hold| hold.quantity - hold.returned).sum()
    }

    fn info(&self) -> String {
        let (name, total, version) = (&self.name, self.total, self.version);
        let (available, held, sold) = (self.available(), self.held(), self.sold());
        format!(
            "sku={name} total={total} available={available} held={held} sold={sold} version={version}"
        )
    }

    fn all_holds(&self) -> String {
        let mut holds: Vec<_> = self.holds.iter().collect();
        holds.sort_by_key(|(_, hold)| hold.position);
        let kept = holds.iter().filter(|(_, hold)| !self.is_dropped(hold));
        let lines = kept.map(|(id, hold)| {
            let state = hold.word();
            let buyer = hold
                .buyer
                .map_or("-".to_owned(), |buyer| format!("b{buyer}"));
            format!(
                "{{id=h{id} owner=- position={} state={state} quantity={} returned={} buyer={buyer} \
                 created_at_ms={} expires_at_ms={}}}",
                hold.position, hold.quantity, hold.returned, hold.created_at_ms, hold.expires_at_ms
            )
        });
        format!("items=[{}] next=-", lines.collect::<Vec<_>>().join(" "))
    }

    fn hold_info(&self, id: u64) -> String {
        let Some(hold) = self.holds.get(&id) else {
            return "hold_not_found".into();
        };
        let (state, quantity, returned) = (hold.word(), hold.quantity, hold.returned);
        if self.is_dropped(hold) {
            return format!("hold_dropped quantity={quantity} returned={returned} state={state}");
        }
        let expires_at_ms = hold.expires_at_ms;
        let buyer = hold
            .buyer
            .map_or("-".to_owned(), |buyer| format!("b{buyer}"));
        format!(
            "state={state} quantity={quantity} returned={returned} buyer={buyer} created_at_ms={} \
             expires_at_ms={expires_at_ms} history=[{{kind=hold ",
            hold.created_at_ms
        )
    }

    fn hold(&mut self, id: u64, words: &str, (quantity, buyer, max, ttl_ms): HoldTerms) -> String {
        if let Some(hold) = self.holds.get(&id) {
            return repeated_or_conflict(hold.words == words);
        }
        if let (Some(buyer), Some(max)) = (buyer, max)
            && self.taken(buyer) + quantity > max
        {
            return format!("over_limit taken={} max={max}", self.taken(buyer));
        }
        if quantity > self.available() {
            return format!("sold_out available={}", self.available());
        }
        let hold = Hold {
            words: words.to_owned(),
            position: self.holds.len() as u64 + 1,
            state: State::Held,
            quantity,
            returned: 0,
            buyer,
            created_at_ms: self.now_ms,
            expires_at_ms: self.now_ms + ttl_ms,
            returns: BTreeMap::new(),
            leaves_at_ms: None,
            slice: None,
        };
        self.holds.insert(id, hold);
        "repeated=false".into()
    }

    fn confirm(&mut self, id: u64) -> String {
        let leaves_at_ms = self.leaves_at_ms();
        let Some(hold) = self.holds.get_mut(&id) else {
            return "hold_not_found".into();
        };
        match hold.state {
            State::Held => {
                hold.leaves_at_ms = leaves_at_ms;
                hold.state = State::Confirmed;
                "repeated=false"
            }
            State::Confirmed => "repeated=true",
            State::Released => "hold_released",
            State::Expired => "hold_expired",
        }
        .into()
    }

    fn release(&mut self, id: u64) -> String {
        let leaves_at_ms = self.leaves_at_ms();
        let Some(hold) = self.holds.get_mut(&id) else {
            return "hold_not_found".into();
        };
        match hold.state {
            State::Held => {
                hold.leaves_at_ms = leaves_at_ms;
                hold.state = State::Released;
                "repeated=false"
            }
            State::Confirmed => "already_confirmed",
            State::Released => "repeated=true",
            State::Expired => "hold_expired",
        }
        .into()
    }

    fn give_back(&mut self, id: u64, of: u64, quantity: Option<i64>) -> String {
        let leaves_at_ms = self.leaves_at_ms();
        let is_dropped = self
            .holds
            .get(&id)
            .is_some_and(|hold| self.is_dropped(hold));
        let Some(hold) = self.holds.get_mut(&id) else {
            return "hold_not_found".into();
        };
        if let Some(earlier) = hold.returns.get(&of) {
            return repeated_or_conflict(*earlier == quantity);
        }
        if hold.state != State::Confirmed {
            return "not_confirmed".into();
        }
        let left = hold.quantity - hold.returned;
        let units = quantity.unwrap_or(left);
        if units > left || left == 0 {
            return format!("return_exceeds_sold returnable={left}");
        }
        if is_dropped {
            return "hold_dropped".into();
        }
        if hold.slice.take().is_some() {
            hold.leaves_at_ms = leaves_at_ms;
        }
        hold.returned += units;
        hold.returns.insert(of, quantity);
        "repeated=false".into()
    }

    fn add(&mut self, id: u64, delta: i64) -> String {
        if let Some(earlier) = self.adds.get(&id) {
            return repeated_or_conflict(*earlier == delta);
        }
        let committed = self.held() + self.sold();
        if self.total + delta < committed {
            return format!("below_committed committed={committed}");
        }
        self.total += delta;
        self.version += 1;
        self.adds.insert(id, delta);
        "repeated=false".into()
    }
}

/// The number in a word such as `h17`, `-3` or `900000`.
fn number(word: &str) -> i64 {
    let number = word.trim_start_matches(|char: char| char.is_ascii_lowercase());
    number.parse().expect("because the number is there")
}

fn repeated_or_conflict(is_same: bool) -> String {
    if is_same {
        "repeated=true".to_owned()
    } else {
        "id_conflict".to_owned()
    }
}
