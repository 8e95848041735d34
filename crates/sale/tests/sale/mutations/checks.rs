//! The laws of checks by a hook.

use std::collections::BTreeSet;

use tidegate_engine::testing::mutations::Mutation::{Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Missing, Number};
use tidegate_engine::testing::mutations::{Case, Folder};
use tidegate_engine::testing::{ManualClock, Stepper};
use tidegate_engine::{Report, Said, Settings};
use tidegate_sale::Hooks;

use super::{DOMAINS, LATE, row};

/// With a sale `club` whose hook is being asked about mia, and has refused tom; lea is in line.
pub(super) fn folder() -> Folder {
    let settings = Settings::default().with(Hooks(BTreeSet::from(["door".to_owned()])));
    let mut engine = Stepper::fresh_told(DOMAINS, settings);
    let (starts, ends) = (ManualClock::START_MS + 100, ManualClock::START_MS + 600_000);
    engine.call(&format!("SALE.CREATE club {starts} {ends} HOOK door"));
    for (buyer, word) in [
        ("lea", Some(r#"{"eligible":true}"#)),
        ("tom", Some(r#"{"eligible":false}"#)),
        ("mia", None),
    ] {
        engine
            .submit(&format!("SALE.JOIN club {buyer} WAIT 0"))
            .unwrap();
        engine.settle();
        for one in engine.courier.take() {
            let Some(word) = word else { continue };
            let body = word.as_bytes().to_vec().into();
            let said = Said { status: 200, body };
            engine.courier.report(&one, Report::Answer(said));
        }
        engine.settle();
    }
    engine.checkpoint_under_way();
    Folder::of(engine, DOMAINS)
}

const CHECKS: &str = "sale.checks";
const CLUB: &[u8] = b"club\0";
const MIA: &[u8] = b"club\0mia";
const TOM: &[u8] = b"club\0tom";

pub(super) const CASES: &[Case] = &[
    row(
        "sale.sales",
        CLUB,
        Field(17, Missing),
        "[1, 1] buyers are checked and refused, it says [0, 0]",
    ),
    row(
        "sale.sales",
        CLUB,
        Within(&[17, 1], Number(2)),
        "[1, 1] buyers are checked and refused, it says [2, 1]",
    ),
    row(
        "sale.sales",
        CLUB,
        Within(&[17, 2], Number(0)),
        "[1, 1] buyers are checked and refused, it says [1, 0]",
    ),
    row(
        CHECKS,
        MIA,
        Remove,
        "[] are being checked, by calls about [\"mia\"]",
    ),
    row(
        "engine.calls",
        b"\0",
        Remove,
        "[\"mia\"] are being checked, by calls about []",
    ),
    row(CHECKS, MIA, Field(0, Number(LATE)), "mia is checked by"),
    row(CHECKS, MIA, Field(3, Missing), "mia is checked by"),
    row(CHECKS, TOM, Field(2, Number(0)), "tom is checked by"),
    row(CHECKS, TOM, Field(2, Number(99)), "tom is checked by"),
    row(CHECKS, TOM, Copy(b"tom", b"lea"), "lea is checked by"),
    row(
        CHECKS,
        TOM,
        Move(b"club", b"clab"),
        "sale clab: a row of it lies in another slot",
    ),
];
