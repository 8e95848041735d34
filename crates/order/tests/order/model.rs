//! Random orders and stock beside each other, with letters under way, time passing and the power failing:
//! every law holds at each step, and what was answered stays true.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_engine::testing::Stepper;
use tidegate_engine::{Random, contract::Status};
use tidegate_order::{ORDER, PLACING_MS};
use tidegate_stock::STOCK;

/// So few, with so few units, that orders are in each other's way.
const SKUS: [&str; 4] = ["a", "b", "y", "z"];
/// Others between them that have enough for all: while one after the other is claimed, orders are seen to
/// wait. So many that one letter does not name them.
const PLENTY: usize = 66;
const BUYERS: usize = 2;
const ORDERS: usize = 10;
const HOLDS: usize = 3;

/// What is ordered: the same by every attempt to place it.
#[derive(Clone, Debug)]
struct Content {
    buyer: usize,
    lines: Vec<(usize, u64)>,
    /// How many of those that have enough.
    plenty: usize,
    ttl_ms: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Place(usize),
    Cancel(usize),
    Get(usize),
    List(usize),
    Set(usize, u64),
    Add(usize, i64),
    Hold(usize, usize, u64, u64),
    Release(usize, usize),
    /// Time passes, and nobody looks yet.
    Pass(u64),
    /// Executors are stepped once, and nothing is written.
    Execute,
    /// The same, and what there is to write is written, so that letters may leave.
    Hop,
    Settle,
    /// One begins, or goes on.
    Checkpoint,
    Reopen,
    /// The power fails; what was not synced is kept, lost or torn, as this seed has it.
    Crash(u64),
}

fn content() -> impl Strategy<Value = Content> {
    let lines = vec((0..SKUS.len(), 1u64..4), 1..4);
    let plenty = prop_oneof![8 => Just(0), 8 => 1..8usize, 1 => Just(PLENTY)];
    let ttl_ms = prop_oneof![Just(500), Just(20_000), Just(900_000)];
    (0..BUYERS, lines, plenty, ttl_ms).prop_map(|(buyer, lines, plenty, ttl_ms)| Content {
        buyer,
        lines,
        plenty,
        ttl_ms,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let of_sku = || 0..SKUS.len();
    let passing = prop_oneof![Just(1), Just(499), Just(PLACING_MS - 1), Just(PLACING_MS)];
    prop_oneof![
        10 => (0..ORDERS).prop_map(Step::Place),
        3 => (0..ORDERS).prop_map(Step::Cancel),
        1 => (0..ORDERS).prop_map(Step::Get),
        1 => (0..BUYERS).prop_map(Step::List),
        1 => (of_sku(), 0u64..6).prop_map(|(sku, total)| Step::Set(sku, total)),
        1 => (of_sku(), -2i64..4).prop_map(|(sku, delta)| Step::Add(sku, delta)),
        2 => (of_sku(), 0..HOLDS, 1u64..3, 1u64..3_000)
            .prop_map(|(sku, id, units, ttl_ms)| Step::Hold(sku, id, units, ttl_ms)),
        1 => (of_sku(), 0..HOLDS).prop_map(|(sku, id)| Step::Release(sku, id)),
        2 => passing.prop_map(Step::Pass),
        1 => Just(Step::Execute),
        20 => Just(Step::Hop),
        1 => Just(Step::Settle),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
        1 => any::<u64>().prop_map(Step::Crash),
    ]
}

/// What callers were told of an order, and have asked for.
#[derive(Clone, Debug, Default)]
struct Told {
    is_known: bool,
    was_refused: bool,
    was_reserved: bool,
    was_cancelled: bool,
    is_to_be_cancelled: bool,
}

struct World {
    engine: Option<Stepper>,
    contents: Vec<Content>,
    /// Requests about orders that were not answered yet.
    open: Vec<(u64, usize)>,
    told: Vec<Told>,
    adds: usize,
}

impl World {
    fn new(contents: Vec<Content>) -> Self {
        let mut engine = Stepper::fresh(&[STOCK, ORDER]);
        for sku in SKUS {
            engine.submit(&format!("STOCK.SET {sku} 3")).unwrap();
        }
        for sku in 0..PLENTY {
            engine.submit(&format!("STOCK.SET m{sku} 999")).unwrap();
        }
        engine.settle();
        Self {
            engine: Some(engine),
            contents,
            open: Vec::new(),
            told: vec![Told::default(); ORDERS],
            adds: 0,
        }
    }

    fn engine(&mut self) -> &mut Stepper {
        self.engine.as_mut().unwrap()
    }

    fn submit(&mut self, command: &str) -> u64 {
        self.engine().submit(command).unwrap()
    }

    fn submit_about(&mut self, order: usize, command: &str) {
        let token = self.submit(command);
        self.open.push((token, order));
    }

    fn place(&self, order: usize) -> String {
        let Content {
            buyer,
            lines,
            plenty,
            ttl_ms,
        } = &self.contents[order];
        let count = lines.len() + plenty;
        let few = lines.iter();
        let few = few.map(|(sku, units)| format!(" {} {units} 10", SKUS[*sku]));
        let plenty = (0..*plenty).map(|sku| format!(" m{sku} 1 10"));
        let lines: String = few.chain(plenty).collect();
        format!("ORDER.PLACE o{order} b{buyer} {count}{lines} TTL {ttl_ms}")
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Place(order) => self.submit_about(order, &self.place(order)),
            Step::Cancel(order) => {
                self.told[order].is_to_be_cancelled = true;
                self.submit_about(order, &format!("ORDER.CANCEL o{order}"));
            }
            Step::Get(order) => self.submit_about(order, &format!("ORDER.GET o{order}")),
            Step::List(buyer) => drop(self.submit(&format!("ORDER.LIST b{buyer}"))),
            Step::Set(sku, total) => drop(self.submit(&format!("STOCK.SET {} {total}", SKUS[sku]))),
            Step::Add(sku, delta) => {
                self.adds += 1;
                let id = self.adds;
                self.submit(&format!("STOCK.ADD {} a{id} {delta}", SKUS[sku]));
            }
            Step::Hold(sku, id, units, ttl_ms) => {
                let sku = SKUS[sku];
                self.submit(&format!("STOCK.HOLD {sku} h{id} {units} TTL {ttl_ms}"));
            }
            Step::Release(sku, id) => {
                self.submit(&format!("STOCK.RELEASE {} h{id}", SKUS[sku]));
            }
            Step::Pass(ms) => self.engine().clock.advance_ms(ms),
            Step::Execute => drop(self.engine().execute()),
            Step::Hop => {
                self.engine().execute();
                self.engine().write().unwrap();
            }
            Step::Settle => self.engine().settle(),
            Step::Checkpoint => {
                self.engine().ask_checkpoint();
                self.engine().checkpoint_step().unwrap();
            }
            Step::Reopen => self.reopen(),
            Step::Crash(seed) => {
                self.engine().disk.crash(&mut Random::new(seed));
                self.reopen();
            }
        }
        self.hear();
    }

    fn reopen(&mut self) {
        self.open.clear();
        let engine = self.engine.take().unwrap();
        self.engine = Some(engine.reopen().unwrap());
    }

    /// Notes what was answered: it stays true from then on.
    fn hear(&mut self) {
        let engine = self.engine.as_ref().unwrap();
        let told = &mut self.told;
        self.open.retain(|(token, order)| {
            let Some((status, answer)) = engine.answer(*token) else {
                return true;
            };
            told[*order].hear(status, &answer);
            false
        });
    }

    fn faults(&self) -> Vec<String> {
        self.engine.as_ref().unwrap().audit().faults
    }

    /// Everything that can happen has happened: compares what is there with what was told.
    fn conclude(mut self) {
        self.engine().settle();
        self.engine().pass_ms(PLACING_MS);
        assert_eq!(self.faults(), Vec::<String>::new(), "at the end");
        self.hear();
        assert_eq!(self.open, [], "all were answered");
        let mut held = [0u64; SKUS.len()];
        let mut lists = vec![BTreeMap::new(); BUYERS];
        for order in 0..ORDERS {
            let info = self.engine().call(&format!("ORDER.GET o{order}"));
            self.told[order].check(&info);
            let content = &self.contents[order];
            let state = value(&info, "state");
            if state == Some("reserved") {
                for (sku, units) in &content.lines {
                    held[*sku] += units;
                }
            }
            if let Some(state) = state
                && state != "busy"
            {
                lists[content.buyer].insert(format!("o{order}"), state.to_owned());
            }
        }
        for (buyer, expected) in lists.into_iter().enumerate() {
            let told = self.engine().call(&format!("ORDER.LIST b{buyer}"));
            assert_eq!(listed(&told), expected, "the list of b{buyer}: {told}");
        }
        for (sku, held) in SKUS.into_iter().zip(held) {
            self.check_sku(sku, held);
        }
    }

    /// Its units add up, what is held is that of orders and of plain holds, and nobody stands in line.
    fn check_sku(&mut self, sku: &str, by_orders: u64) {
        let of_holds = (0..HOLDS).map(|id| {
            let hold = self.engine().call(&format!("STOCK.HOLDINFO {sku} h{id}"));
            let is_held = value(&hold, "state") == Some("held");
            if is_held {
                number(&hold, "quantity")
            } else {
                0
            }
        });
        let held = by_orders + of_holds.sum::<u64>();
        let told = self.engine().call(&format!("STOCK.GET {sku}"));
        assert_eq!(number(&told, "held"), held, "{sku}: {told}");
        let parts = ["available", "held", "sold"].map(|part| number(&told, part));
        assert_eq!(parts.iter().sum::<u64>(), number(&told, "total"), "{sku}");
        self.engine().call(&format!("STOCK.ADD {sku} last 1"));
        let hold = self.engine().call(&format!("STOCK.HOLD {sku} last 1"));
        assert!(hold.contains("state=held"), "{sku}: {hold}");
    }
}

impl Told {
    fn hear(&mut self, status: Status, answer: &str) {
        let state = value(answer, "state");
        if answer.starts_with("refused ") {
            self.was_refused = true;
        } else if answer.starts_with("wrong_state ") {
            // Busy is a refusal, too, that may end.
            self.is_known = true;
        } else if let Some(state) = state {
            self.is_known = true;
            self.was_reserved |= matches!(state, "reserved" | "expired");
            self.was_cancelled |= state == "cancelled";
        } else {
            // Units that are given up may take longer to come back than anybody waits.
            let is_fine = matches!(status, Status::Busy | Status::NotFound | Status::Pending);
            assert!(is_fine, "{status:?} {answer}");
        }
    }

    fn check(&self, info: &str) {
        let Some(state) = value(info, "state") else {
            assert_eq!(info, "unknown_order");
            assert!(!self.is_known && !self.was_refused, "{self:?}");
            return;
        };
        assert_ne!(state, "placing", "{info}");
        let is_refused = state == "refused";
        assert!(!self.was_refused || is_refused, "{self:?} {info}");
        assert!(!self.was_reserved || state != "refused", "{self:?} {info}");
        assert!(
            !self.was_cancelled || state == "cancelled",
            "{self:?} {info}"
        );
        let may_be_cancelled = self.is_to_be_cancelled || state != "cancelled";
        assert!(may_be_cancelled, "{self:?} {info}");
    }
}

/// The first value of this name.
fn value<'a>(told: &'a str, name: &str) -> Option<&'a str> {
    let mut words = told.split_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn number(told: &str, name: &str) -> u64 {
    value(told, name).unwrap().parse().unwrap()
}

/// Ids and states of a page.
fn listed(told: &str) -> BTreeMap<String, String> {
    let items = told.split('{').skip(1);
    let entry = |item: &str| {
        let (id, state) = (value(item, "id"), value(item, "state"));
        (id.unwrap().to_owned(), state.unwrap().to_owned())
    };
    items.map(entry).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn laws_hold_at_every_step_and_what_was_answered_stays_true(
        contents in vec(content(), ORDERS),
        steps in vec(step(), 1..120),
    ) {
        let mut world = World::new(contents);
        for step in &steps {
            world.take(step);
            prop_assert_eq!(world.faults(), Vec::<String>::new(), "after {:?}", step);
        }
        world.conclude();
    }
}
