//! A desk at which jobs are handed out.

use tidegate_engine::testing::Stepper;
use tidegate_engine::{Receivers, Settings};
use tidegate_job::JOB;

/// What an answer says about this, the first time that it does.
pub(crate) fn field<'a>(told: &'a str, name: &str) -> &'a str {
    let mut words = told.split([' ', '[', '{', '}', ']']);
    let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in {told}"))
}

/// All that an answer says about this.
fn fields<'a>(told: &'a str, name: &str) -> Vec<&'a str> {
    let words = told.split([' ', '[', '{', '}', ']']);
    words
        .filter_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        .collect()
}

pub(crate) struct Desk {
    engine: Option<Stepper>,
    /// The lease of the running one of [`Desk::in_all_states`].
    pub(crate) lease: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let receivers = Receivers(["r".to_owned()].into());
        let settings = Settings::default().with(receivers);
        Self::over(Stepper::fresh_told(&[JOB], settings))
    }

    pub(crate) fn over(engine: Stepper) -> Self {
        Self {
            engine: Some(engine),
            lease: String::new(),
        }
    }

    /// With the receiver `r` in its settings, and a queue `q` that has a job in each state, named after it.
    pub(crate) fn in_all_states() -> Self {
        let mut desk = Self::new();
        for (id, how) in [
            ("done", ""),
            ("dead", "RETRIES 0"),
            ("running", "TIMEOUT 500000"),
        ] {
            desk.call(&format!("JOB.ADD q {id} x {how}"));
            desk.lease = desk.take("q");
            let lease = desk.lease.clone();
            match id {
                "done" => desk.call(&format!("JOB.DONE q done {lease}")),
                "dead" => desk.call(&format!("JOB.FAIL q dead {lease} ERROR broken")),
                _ => String::new(),
            };
        }
        desk.call("JOB.ADD q cancelled x");
        desk.call("JOB.CANCEL q cancelled");
        desk.call("JOB.ADD q scheduled x DELAY 50000");
        desk.call("JOB.ADD q ready x");
        desk
    }

    pub(crate) fn engine(&mut self) -> &mut Stepper {
        self.engine.as_mut().expect("it is open")
    }

    pub(crate) fn call(&mut self, words: &str) -> String {
        self.engine().call(words)
    }

    /// Asks something that may have to wait.
    pub(crate) fn submit(&mut self, words: &str) -> u64 {
        let token = self.engine().submit(words).expect("it is one");
        self.engine().settle();
        token
    }

    pub(crate) fn now(&mut self) -> u64 {
        self.engine().now_ms()
    }

    /// Time passes, and all that is due happens.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.engine().pass_ms(ms);
    }

    /// Takes the one job of a queue; gives the lease.
    pub(crate) fn take(&mut self, queue: &str) -> String {
        let told = self.call(&format!("JOB.TAKE w 1 {queue}"));
        field(&told, "lease").to_owned()
    }

    /// The ids of jobs that are taken of one queue.
    pub(crate) fn taken(&mut self, how: &str) -> Vec<String> {
        self.taken_of(&format!("1 {how}"))
    }

    /// The same of several.
    pub(crate) fn taken_of(&mut self, how: &str) -> Vec<String> {
        let told = self.call(&format!("JOB.TAKE w {how}"));
        let ids = fields(&told, "id").into_iter();
        ids.map(str::to_owned).collect()
    }

    /// The ids of jobs of `q` in a state, read in pages of two.
    pub(crate) fn listed(&mut self, state: &str) -> Vec<String> {
        let mut ids = Vec::new();
        let mut after = String::new();
        loop {
            let told = self.call(&format!("JOB.LIST q {state} LIMIT 2{after}"));
            ids.extend(fields(&told, "id").into_iter().map(str::to_owned));
            match field(&told, "next") {
                "-" => return ids,
                next => after = format!(" AFTER {next}"),
            }
        }
    }

    pub(crate) fn reopen(&mut self) {
        let engine = self.engine.take().expect("it is open");
        self.engine = Some(engine.reopen().expect("it opens"));
    }

    pub(crate) fn close(mut self) -> Stepper {
        self.engine.take().expect("it is open")
    }

    pub(crate) fn balances(&mut self) {
        assert_eq!(self.engine().audit().faults, Vec::<String>::new());
    }
}
