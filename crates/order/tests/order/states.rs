//! The table of states and commands in the docs: every pair is tried on a real order.

use crate::bank::{Bank, begin, pass, shop, told, webhook};
use tidegate_engine::testing::Stepper;
use tidegate_order::{PLACING_MS, State, TAKING_TRIES_MAX};

const DOC: &str = include_str!("../../../../docs/orders.md");

/// What can happen to an order, as the columns of the table have it.
const COLUMNS: [&str; 8] = [
    "PLACE", "PAY", "CANCEL", "FULFIL", "REFUND", "time", "paid", "failed",
];

/// When the units of an order are taken, as the two parts of a cell have it.
const DEDUCTS: [&str; 2] = ["place", "pay"];

const TTL_MS: u64 = 900_000;

/// Longer than anything is waited for.
const LONG_MS: u64 = 100 * 3_600_000;

/// After so many hops a command that waits for nothing is answered.
const HOPS_MAX: usize = 4;

/// An order by the name of o, in some state, and its bank.
struct Scene {
    shop: Stepper,
    bank: Bank,
    deduct: &'static str,
    /// Webhooks that the bank has sent.
    told: u64,
}

/// What is seen of a command.
struct Seen {
    before: String,
    answer: Option<String>,
    after: String,
}

impl Scene {
    /// An order in this state, if one with such a deduct can be.
    fn in_state(state: State, deduct: &'static str) -> Option<Self> {
        let mut scene = Self {
            shop: shop(),
            bank: Bank::default(),
            deduct,
            told: 0,
        };
        let is_possible = match state {
            State::Refused | State::Reserved => deduct == "place",
            State::Open => deduct == "pay",
            State::Placing
            | State::Busy
            | State::Paying
            | State::Taking
            | State::Paid
            | State::Fulfilled
            | State::Cancelled
            | State::Expired
            | State::Refunding
            | State::Refunded => true,
        };
        is_possible.then(|| {
            scene.drive(state);
            scene
        })
    }

    fn drive(&mut self, state: State) {
        match state {
            State::Refused => {
                self.shop.call("STOCK.SET a 1");
                self.shop.call(&self.place());
            }
            State::Placing => {
                // What it claims is asked for once this is written.
                self.shop.submit(&self.place()).unwrap();
            }
            State::Busy => {
                self.drive(State::Placing);
                self.shop.execute();
                self.shop.clock.advance_ms(PLACING_MS);
                self.shop.execute();
                self.shop.settle();
            }
            State::Reserved | State::Open => {
                self.drive(State::Paying);
                self.fail();
                self.shop.settle();
            }
            State::Paying => {
                self.shop.call(&self.place());
                self.begin("p");
            }
            State::Expired => {
                self.drive(State::Paying);
                pass(&mut self.shop, &mut self.bank, TTL_MS + 10_000);
            }
            State::Taking => {
                self.drive(State::Paying);
                self.begin("q");
                // What is not taken when it is placed, or was given back by time.
                if self.deduct == "place" {
                    pass(&mut self.shop, &mut self.bank, TTL_MS + 10_000);
                }
                self.pay();
            }
            State::Paid => {
                self.drive(State::Paying);
                self.begin("q");
                self.pay();
                self.shop.settle();
            }
            State::Fulfilled => {
                self.drive(State::Paid);
                self.shop.call("ORDER.FULFIL o");
            }
            State::Cancelled => {
                self.drive(State::Paying);
                self.shop.call("ORDER.CANCEL o");
            }
            State::Refunding => {
                self.drive(State::Paid);
                self.shop.call("ORDER.REFUND o all");
            }
            State::Refunded => {
                self.drive(State::Refunding);
                self.bank.answer(&mut self.shop);
            }
        }
    }

    fn place(&self) -> String {
        let deduct = self.deduct;
        format!("ORDER.PLACE o buyer 2 a 2 10 b 1 5 CURRENCY EUR DEDUCT {deduct} TTL {TTL_MS}")
    }

    fn begin(&mut self, payment: &str) {
        begin(&mut self.shop, &mut self.bank, "o", payment);
    }

    /// A payment that is not paid yet is, and the bank tells so.
    fn pay(&mut self) {
        let mut payments = self.bank.payments.iter_mut();
        let (number, payment) = payments.find(|(_, it)| it.status != "paid").unwrap();
        payment.status = "paid";
        payment.paid = Some(payment.amount);
        let number = *number;
        self.tell(number);
    }

    fn fail(&mut self) {
        let mut payments = self.bank.payments.iter_mut();
        let (number, payment) = payments.find(|(_, it)| it.status != "paid").unwrap();
        payment.status = "failed";
        let number = *number;
        self.tell(number);
    }

    fn tell(&mut self, number: u64) {
        let body = told(&self.bank, number);
        self.told += 1;
        let message = format!("m{}", self.told);
        let words = webhook(&self.shop, b"a secret", (&message, 0), &body);
        let answer = self.run(&words).answer.unwrap();
        assert!(answer.contains("repeated=false"), "{answer}");
    }

    /// Runs what can be run and has it written, but for letters that leave then.
    fn hop(&mut self) {
        for _ in 0..4 {
            while self.shop.execute() {}
        }
        self.shop.write().unwrap();
    }

    /// Runs a command, and looks at the order just before and just after it.
    fn run(&mut self, words: &str) -> Seen {
        let before = self.look();
        let told = self.shop.submit(words).unwrap();
        let after = self.look();
        self.hop();
        let (before, after) = (self.seen(before), self.seen(after));
        let answer = self.shop.answer(told).map(|(_, answer)| answer);
        Seen {
            before,
            answer,
            after,
        }
    }

    fn look(&mut self) -> u64 {
        self.shop.submit("ORDER.GET o").unwrap()
    }

    /// What was seen then, though it may take more hops until that is told.
    fn seen(&mut self, looked: u64) -> String {
        for _ in 0..HOPS_MAX {
            if self.shop.answer(looked).is_none() {
                self.hop();
            }
        }
        let (_, shown) = self.shop.answer(looked).unwrap();
        let (_, state) = shown.split_once(" state=").unwrap();
        state.split(' ').next().unwrap().to_owned()
    }

    /// What comes of something that happens to it while it is in this state, as the table has it.
    fn cell(&mut self, column: &str, state: &str) -> String {
        let command = match column {
            "PLACE" => self.place(),
            "PAY" => "ORDER.PAY o new bank".to_owned(),
            "CANCEL" => "ORDER.CANCEL o".to_owned(),
            "FULFIL" => "ORDER.FULFIL o".to_owned(),
            "REFUND" => "ORDER.REFUND o new".to_owned(),
            _ => return self.event(column, state),
        };
        let seen = self.run(&command);
        assert_eq!(seen.before, state);
        let Some(answer) = seen.answer else {
            return seen.after;
        };
        let is_done = answer.starts_with("id=");
        let changes = is_done && !answer.contains("repeated=true");
        assert!(changes || seen.after == state, "{command}: {answer}");
        match (changes, is_done) {
            (true, _) => seen.after,
            (false, true) => "repeated".to_owned(),
            (false, false) => answer.split(' ').next().unwrap().to_owned(),
        }
    }

    fn event(&mut self, event: &str, state: &str) -> String {
        let before = self.look();
        match event {
            "paid" | "failed" if self.bank.payments.is_empty() => return "none".to_owned(),
            "paid" => self.pay(),
            "failed" => self.fail(),
            _ => self.let_time_pass(state),
        }
        let after = self.look();
        self.hop();
        assert_eq!(self.seen(before), state);
        let after = self.seen(after);
        if after == state {
            "-".to_owned()
        } else {
            after
        }
    }

    fn let_time_pass(&mut self, state: &str) {
        self.shop.execute(); // Whoever looks before does.
        if state == "placing" || state == "taking" {
            // Letters go so slowly that each attempt is over before it has all its units.
            for _ in 0..TAKING_TRIES_MAX + 2 {
                self.shop.clock.advance_ms(PLACING_MS);
                self.hop(); // It is known then what time it is.
                self.hop();
            }
        } else {
            self.shop.pass_ms(LONG_MS);
        }
    }
}

/// A cell, of what is seen of orders that take their units when they are placed, and when they are paid.
fn cell(state: State, column: &str) -> String {
    let mut seen = Vec::new();
    for deduct in DEDUCTS {
        let Some(mut scene) = Scene::in_state(state, deduct) else {
            continue;
        };
        seen.push(scene.cell(column, &word(state)));
        scene.shop.settle();
        // That tells of a step that may not follow the one before, too.
        let faults = scene.shop.audit().faults;
        assert_eq!(faults, Vec::<String>::new(), "{state:?} {column} {deduct}");
    }
    seen.dedup();
    seen.join(" / ")
}

fn word(state: State) -> String {
    format!("{state:?}").to_lowercase()
}

fn row(state: State) -> String {
    let cells = COLUMNS.map(|column| cell(state, column));
    format!("| {} | {} |", word(state), cells.join(" | "))
}

#[test]
fn table_of_states_and_commands_in_the_docs_is_what_orders_do() {
    let head = format!("| state | {} |", COLUMNS.join(" | "));
    let line = format!("|{}", "---|".repeat(1 + COLUMNS.len()));
    let rows = State::ALL.map(row);
    let table = [vec![head, line], rows.to_vec()].concat().join("\n");
    let in_docs: Vec<_> = DOC.lines().filter(|line| line.starts_with('|')).collect();
    let in_docs = in_docs.join("\n");
    assert!(in_docs == table, "docs/orders.md is to have\n{table}\n");
}
