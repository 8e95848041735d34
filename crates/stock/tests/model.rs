//! Random commands against a naive oracle, with time passing, crashes and restarts in between.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::testing::{ManualClock, Stepper};
use tidegate_stock::STOCK;

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
    state: State,
    quantity: i64,
    returned: i64,
    buyer: Option<u64>,
    expires_at_ms: u64,
    returns: BTreeMap<u64, Option<i64>>,
}

/// One SKU, in the simplest words there are.
#[derive(Clone, Debug, Default)]
struct Oracle {
    total: i64,
    holds: BTreeMap<u64, Hold>,
    adds: BTreeMap<u64, i64>,
    now_ms: u64,
}

impl Oracle {
    fn expire(&mut self) {
        for hold in self.holds.values_mut() {
            if hold.state == State::Held && hold.expires_at_ms <= self.now_ms {
                hold.state = State::Expired;
            }
        }
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

    fn available(&self) -> i64 {
        self.total - self.held() - self.sold()
    }

    fn taken(&self, buyer: u64) -> i64 {
        let of = self.holds.values().filter(|hold| hold.buyer == Some(buyer));
        let alive = of.filter(|hold| matches!(hold.state, State::Held | State::Confirmed));
        alive.map(|hold| hold.quantity - hold.returned).sum()
    }

    /// What a hold is answered: the start of the answer is enough.
    fn hold(&mut self, id: u64, words: &str, (quantity, buyer, max, ttl): HoldTerms) -> String {
        if let Some(hold) = self.holds.get(&id) {
            return if hold.words == words {
                "repeated=true"
            } else {
                "id_conflict"
            }
            .into();
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
            state: State::Held,
            quantity,
            returned: 0,
            buyer,
            expires_at_ms: self.now_ms + ttl,
            returns: BTreeMap::new(),
        };
        self.holds.insert(id, hold);
        "repeated=false".into()
    }

    fn confirm(&mut self, id: u64) -> String {
        let Some(hold) = self.holds.get_mut(&id) else {
            return "hold_not_found".into();
        };
        match hold.state {
            State::Held => {
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
        let Some(hold) = self.holds.get_mut(&id) else {
            return "hold_not_found".into();
        };
        match hold.state {
            State::Held => {
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
        let Some(hold) = self.holds.get_mut(&id) else {
            return "hold_not_found".into();
        };
        if let Some(earlier) = hold.returns.get(&of) {
            return if *earlier == quantity {
                "repeated=true"
            } else {
                "id_conflict"
            }
            .into();
        }
        if hold.state != State::Confirmed {
            return "not_confirmed".into();
        }
        let left = hold.quantity - hold.returned;
        let units = quantity.unwrap_or(left);
        if units > left || left == 0 {
            return format!("return_exceeds_sold returnable={left}");
        }
        hold.returned += units;
        hold.returns.insert(of, quantity);
        "repeated=false".into()
    }

    fn add(&mut self, id: u64, delta: i64) -> String {
        if let Some(earlier) = self.adds.get(&id) {
            return if *earlier == delta {
                "repeated=true"
            } else {
                "id_conflict"
            }
            .into();
        }
        let committed = self.held() + self.sold();
        if self.total + delta < committed {
            return format!("below_committed committed={committed}");
        }
        self.total += delta;
        self.adds.insert(id, delta);
        "repeated=false".into()
    }
}

/// Quantity, buyer, limit, time to live.
type HoldTerms = (i64, Option<u64>, Option<i64>, u64);

fn random_command(random: &mut Random, oracle: &mut Oracle) -> (String, String) {
    let id = random.below(30);
    let amount = random.below(4).cast_signed() + 1;
    match random.below(12) {
        0..=4 => {
            let buyer = random.chance(2, 3).then(|| random.below(3));
            let max = (buyer.is_some() && random.chance(1, 2)).then_some(6);
            let ttl = [500, 5_000, 900_000][usize::try_from(random.below(3)).unwrap()];
            let mut words = format!("STOCK.HOLD s h{id} {amount} TTL {ttl}");
            if let Some(buyer) = buyer {
                words += &format!(" BUYER b{buyer}");
            }
            if let Some(max) = max {
                words += &format!(" MAX {max}");
            }
            let answer = oracle.hold(id, &words, (amount, buyer, max, ttl));
            (words, answer)
        }
        5..=6 => (format!("STOCK.CONFIRM s h{id}"), oracle.confirm(id)),
        7 => (format!("STOCK.RELEASE s h{id}"), oracle.release(id)),
        8..=9 => {
            let (of, whole) = (random.below(3), random.chance(1, 3));
            let quantity = (!whole).then_some(amount);
            let tail = quantity.map_or(String::new(), |quantity| format!(" QTY {quantity}"));
            (
                format!("STOCK.RETURN s h{id} r{of}{tail}"),
                oracle.give_back(id, of, quantity),
            )
        }
        10 => {
            let delta = if random.chance(1, 2) { amount } else { -amount };
            (format!("STOCK.ADD s a{id} {delta}"), oracle.add(id, delta))
        }
        _ => {
            let (held, sold) = (oracle.held(), oracle.sold());
            let answer = format!("available={} held={held} sold={sold}", oracle.available());
            ("STOCK.GET s".into(), answer)
        }
    }
}

/// A start begins where the log's promise of time ends. Learns where that is, from a hold on
/// another SKU, and sets the wall to it: the engine would lean towards the wall otherwise.
fn now_after_start(engine: &mut Stepper, step: u32) -> u64 {
    engine.call("STOCK.SET clock 1000");
    engine.call(&format!("STOCK.HOLD clock t{step} 1 TTL 1"));
    let details = engine.call(&format!("STOCK.HOLDINFO clock t{step}"));
    let created = details
        .split("created_at_ms=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let now_ms: u64 = created.unwrap().parse().unwrap();
    engine.clock.set_wall_ms(now_ms);
    now_ms
}

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call("STOCK.SET s 20");
    let mut oracle = Oracle {
        total: 20,
        now_ms: ManualClock::START_MS,
        ..Oracle::default()
    };
    for step in 0..150 {
        if random.chance(1, 8) {
            let ms = random.below(2_000);
            engine.pass_ms(ms);
            oracle.now_ms += ms;
        }
        if random.chance(1, 40) {
            if random.chance(1, 2) {
                engine.disk.crash(&mut random);
            }
            engine = engine
                .reopen()
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            oracle.now_ms = now_after_start(&mut engine, step);
        }
        oracle.expire();
        let (command, expected) = random_command(&mut random, &mut oracle);
        let answer = engine.call(&command);
        assert!(
            answer.contains(&expected),
            "seed {seed}, step {step}: {command}\n answered {answer}\n expected {expected}\n{oracle:?}"
        );
        let faults = engine.audit().faults;
        assert_eq!(
            faults,
            Vec::<String>::new(),
            "seed {seed}, step {step}: after {command}"
        );
    }
}

#[test]
fn random_commands_answer_as_the_oracle_and_keep_the_laws() {
    for seed in 0..120 {
        one_run(seed);
    }
}
