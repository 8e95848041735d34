//! What shards of a split SKU say of each other: SKU `a` of 9 units in four shards, of which `mia` has sold one and
//! `tom` holds one, while `ann`, whose shard is the first one, waits for more units than it has.

use tidegate_engine::disk::FaultDisk;
use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Bool, Missing, Number};
use tidegate_engine::testing::mutations::Which::{At, Key};
use tidegate_engine::testing::mutations::{Case, Folder, Which};
use tidegate_engine::testing::{ManualClock, Stepper};
use tidegate_stock::STOCK;

const fn case(table: &'static str, row: Which, mutation: Mutation, law: &'static str) -> Case {
    Case {
        table,
        row,
        mutation,
        law,
    }
}

const SKUS: &str = "stock.skus";
const SHARDS: &str = "stock.shards";
const ASKS: &str = "stock.asks";
const SPLITS: &str = "engine.splits";

const HOME: Which = Key(b"a\0");
const MIA: Which = Key(b"a\x021.4\0");

pub(crate) const CASES: &[Case] = &[
    case(SPLITS, At(0), Remove, "the split of 1/a into 4 is nowhere"),
    case(
        SPLITS,
        At(0),
        Field(0, Number(5)),
        "1/a in 5 shards is nowhere",
    ),
    case(
        SPLITS,
        At(0),
        Field(0, Number(1)),
        "1 shards of it make no sense",
    ),
    case(
        SPLITS,
        At(0),
        Copy(b"a", b"b"),
        "1/b in 4 shards is nowhere",
    ),
    case(
        SPLITS,
        At(0),
        Move(b"a", b"b"),
        "1/b in 4 shards is nowhere",
    ),
    case(SHARDS, At(0), Remove, "it is lent to [2, 3]"),
    case(
        SHARDS,
        At(0),
        Copy(b"\x01", b"\x04"),
        "it is lent to [1, 2, 3, 4]",
    ),
    case(
        SHARDS,
        At(0),
        Within(&[0, 1], Number(3)),
        "9 units in all, 3 here, 7 lent",
    ),
    case(SHARDS, At(0), Within(&[0, 0], Number(3)), "is nowhere"),
    case(
        SHARDS,
        At(0),
        Within(&[1, 1], Number(1)),
        "and 1 given back",
    ),
    case(
        SHARDS,
        At(0),
        Within(&[1, 0], Number(1)),
        "0 units in 1 letters from",
    ),
    case(
        SHARDS,
        At(0),
        Field(2, Number(9)),
        "sold elsewhere, its shards have told (10, 1)",
    ),
    case(
        SHARDS,
        At(0),
        Field(3, Number(9)),
        "sold elsewhere, its shards have told (1, 9)",
    ),
    case(ASKS, At(0), Remove, "ask, it says"),
    case(ASKS, At(0), Copy(b"\x01", b"\x02"), "ask, it says"),
    case(ASKS, At(0), Field(2, Number(9)), "ask, it says"),
    case(
        ASKS,
        At(0),
        Field(1, Number(9)),
        "the answer to what a asks for the 1. time is nowhere",
    ),
    case(
        ASKS,
        At(0),
        Field(0, Number(2)),
        "the answer to what a asks for the 1. time is nowhere",
    ),
    case(
        SKUS,
        HOME,
        Within(&[11, 0], Number(1)),
        "it is no shard 1 of 4",
    ),
    case(
        SKUS,
        HOME,
        Within(&[11, 1], Number(3)),
        "the split of 1/a into 3 is nowhere",
    ),
    case(
        SKUS,
        HOME,
        Within(&[11, 2], Number(3)),
        "3 asks, and 0 answered",
    ),
    case(
        SKUS,
        HOME,
        Within(&[11, 3], Number(2)),
        "1 asks, and 2 answered",
    ),
    case(
        SKUS,
        HOME,
        Within(&[11, 7], Missing),
        "it is no shard 0 of 4",
    ),
    case(SKUS, HOME, Within(&[11, 7, 0], Number(8)), "8 units in all"),
    case(
        SKUS,
        HOME,
        Within(&[11, 7, 1], Number(8)),
        "8 held and 1 sold elsewhere",
    ),
    case(
        SKUS,
        HOME,
        Within(&[11, 7, 2], Number(8)),
        "1 held and 8 sold elsewhere",
    ),
    case(SKUS, HOME, Within(&[11, 7, 3], Number(8)), "ask, it says"),
    case(SKUS, HOME, Within(&[11, 7, 4], Number(0)), "ask, it says"),
    case(SKUS, HOME, Within(&[11, 7, 5], Number(2)), "ask, it says"),
    case(SKUS, HOME, Within(&[11, 7, 6], Number(2)), "ask, it says"),
    case(SKUS, HOME, Within(&[11, 7, 8], Number(2)), "round_for: 2"),
    case(SKUS, HOME, Within(&[11, 7, 9], Number(16)), "heard: 16"),
    case(SKUS, HOME, Within(&[11, 7, 9], Number(1)), "heard: 1"),
    case(
        SKUS,
        HOME,
        Within(&[11, 7, 7], Number(9)),
        "gives back for gathering 9 is nowhere",
    ),
    case(
        SKUS,
        HOME,
        Within(&[11, 7, 1], Number(u64::MAX)),
        "held and 1 sold elsewhere",
    ),
    case(SKUS, HOME, Within(&[11, 7, 9], Number(u64::MAX)), "heard: "),
    case(
        SHARDS,
        At(0),
        Within(&[0, 0], Number(u64::MAX)),
        "is nowhere",
    ),
    case(
        SHARDS,
        At(0),
        Within(&[1, 1], Number(u64::MAX)),
        "given back",
    ),
    case(SKUS, HOME, Within(&[11, 7, 11], Number(4)), "line_ask: 4"),
    case(
        SKUS,
        HOME,
        Within(&[11, 7, 12], Bool(true)),
        "and says that there are none",
    ),
    case(
        SKUS,
        HOME,
        Field(11, Missing),
        "rows of a SKU that is split, and it is not",
    ),
    case(
        SKUS,
        MIA,
        Within(&[11, 0], Number(2)),
        "it is no shard 2 of 4",
    ),
    case(
        SKUS,
        MIA,
        Within(&[11, 5, 1], Number(3)),
        "2 units, it was lent 3 and has given back 0",
    ),
    case(
        SKUS,
        MIA,
        Within(&[11, 5, 0], Number(3)),
        "2 units in 3 letters to",
    ),
    case(
        SKUS,
        MIA,
        Within(&[11, 6, 1], Number(1)),
        "it was lent 2 and has given back 1",
    ),
    case(SKUS, MIA, Within(&[11, 6, 0], Number(1)), "is nowhere"),
    case(SKUS, MIA, Field(0, Number(3)), "3 units, it was lent 2"),
    case(
        SKUS,
        MIA,
        Field(4, Number(3)),
        "the first shard is not told of its units",
    ),
    case(
        SKUS,
        MIA,
        Field(11, Missing),
        "rows of a SKU that is split, and it is not",
    ),
];

/// A folder of it, taken while `ann` waits.
pub(crate) fn folder() -> Folder {
    const DOMAINS: &[tidegate_engine::contract::Domain] = &[STOCK];
    let (disk, clock) = (FaultDisk::default(), ManualClock::default());
    let mut engine = Stepper::open(DOMAINS, &disk, &clock).unwrap();
    for command in [
        "STOCK.SET a 9",
        "STOCK.SPLIT a 4",
        "STOCK.HOLD a m 1 BUYER mia",
        "STOCK.CONFIRM a m BUYER mia",
        "STOCK.HOLD a t 1 BUYER tom",
    ] {
        engine.call(command);
    }
    engine.pass_ms(500);
    engine.submit("STOCK.HOLD a x 5 BUYER ann").unwrap();
    engine.execute();
    engine.write().unwrap();
    engine.checkpoint_under_way();
    Folder::of(engine, DOMAINS)
}
