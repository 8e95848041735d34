//! A split SKU beside an engine: of those who want its units at once nobody is told `sold_out` while there are enough.

use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_stock::testing::Races;

const SKU: &str = "hot";
const UNITS: u64 = 17;
const SHARDS: u64 = 3;

/// Commands about it that may be under way.
const ASKED_MAX: usize = 6;

pub(crate) struct Splits(Races);

impl Default for Splits {
    fn default() -> Self {
        Self(Races::new(SKU, UNITS))
    }
}

impl Splits {
    pub(crate) fn declare(engine: &mut Stepper) {
        engine.call(&format!("STOCK.SET {SKU} {UNITS}"));
        engine.call(&format!("STOCK.SPLIT {SKU} {SHARDS}"));
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.0.under_way() < ASKED_MAX
    }

    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        self.0.ask(random, |command| {
            let token = engine.submit(command);
            token.expect("because the command is well formed")
        });
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(crate) fn collect(&mut self, engine: &Stepper) -> u64 {
        let answers = self
            .0
            .collect(|token| engine.answer(token).map(|(_, told)| told));
        answers.len() as u64
    }

    /// The process has ended: nobody will be answered.
    pub(crate) fn break_off(&mut self) {
        self.0.break_off();
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        self.0.wrong_no().map_or(Ok(()), Err)
    }
}
