//! A hall in which people wait for a sale.

use tidegate_engine::testing::{ManualClock, Stepper};
use tidegate_order::ORDER;
use tidegate_sale::SALE;
use tidegate_stock::STOCK;

/// When the sale starts.
pub(crate) const START: u64 = ManualClock::START_MS + 10_000;

/// What an answer says about this.
pub(crate) fn field<'a>(told: &'a str, name: &str) -> &'a str {
    let mut words = told.split_whitespace();
    let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in {told}"))
}

pub(crate) struct Hall(Option<Stepper>);

impl Hall {
    pub(crate) fn new() -> Self {
        Self::over(Stepper::fresh(&[STOCK, ORDER, SALE]))
    }

    pub(crate) fn over(engine: Stepper) -> Self {
        Self(Some(engine))
    }

    /// With a sale `s` that one may enter.
    pub(crate) fn open(options: &str) -> Self {
        let mut hall = Self::new();
        let told = hall.call(&format!(
            "SALE.CREATE s {START} {} {options}",
            START + 3_600_000
        ));
        assert_eq!(field(&told, "state"), "open");
        hall
    }

    pub(crate) fn engine(&mut self) -> &mut Stepper {
        self.0.as_mut().expect("it is open")
    }

    pub(crate) fn call(&mut self, words: &str) -> String {
        self.engine().call(words)
    }

    /// The tickets of so many who enter.
    pub(crate) fn enter(&mut self, people: usize) -> Vec<String> {
        let join = |number| format!("SALE.JOIN s buyer-{number}");
        (0..people)
            .map(|number| field(&self.call(&join(number)), "ticket").to_owned())
            .collect()
    }

    pub(crate) fn position(&mut self, ticket: &str) -> String {
        self.call(&format!("SALE.POSITION s {ticket}"))
    }

    /// Time passes, and all that is due happens.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.engine().clock.advance_ms(ms);
        self.engine().settle();
    }

    /// Time passes as it does, and what is due happens one after the other.
    pub(crate) fn wait(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(10) {
            self.pass(10);
        }
    }

    pub(crate) fn now(&mut self) -> u64 {
        let told = self.call("SALE.START s");
        field(&told, "now_ms").parse().expect("a number")
    }

    /// The sale starts, and is drawn.
    pub(crate) fn start(&mut self) {
        let now = self.now();
        self.pass(START - now);
        self.draw();
    }

    /// All steps of a draw that has begun.
    pub(crate) fn draw(&mut self) {
        for _ in 0..10 {
            self.pass(1);
        }
    }

    pub(crate) fn reopen(&mut self) {
        let engine = self.0.take().expect("it is open");
        self.0 = Some(engine.reopen().expect("it opens"));
    }

    pub(crate) fn at_edge(&mut self) -> u64 {
        self.engine().door().metrics().requests_at_edge.get()
    }

    pub(crate) fn balances(&mut self) {
        assert_eq!(self.engine().audit().faults, Vec::<String>::new());
    }
}
