//! What is counted beside commands: what hooks have said.

use tidegate_engine::CountDef;

use crate::check::Verdict;

const ELIGIBLE: CountDef = CountDef {
    name: "checked_eligible",
    doc: "Buyers of whom a hook has said that they may enter.",
};
const NOT_ELIGIBLE: CountDef = CountDef {
    name: "checked_not_eligible",
    doc: "Times that a hook has said that a buyer may not enter.",
};
const UNKNOWN: CountDef = CountDef {
    name: "checked_unknown",
    doc: "Checks of which a hook has said neither in time, or not as it should: see `CALL.LIST` and the hook's own log.",
};

/// One for each verdict.
pub(crate) const COUNTS: [CountDef; 3] = [ELIGIBLE, NOT_ELIGIBLE, UNKNOWN];

impl Verdict {
    /// How often it was given.
    pub(crate) fn count(self) -> &'static CountDef {
        match self {
            Self::Eligible => &ELIGIBLE,
            Self::NotEligible => &NOT_ELIGIBLE,
            Self::Unknown => &UNKNOWN,
        }
    }
}
