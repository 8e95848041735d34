//! A folder with orders in every state, some of them under way.

use tidegate_engine::contract::Domain;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::Folder;
use tidegate_order::ORDER;
use tidegate_stock::STOCK;

const DOMAINS: &[Domain] = &[STOCK, ORDER];

/// SKUs that an order claims one after the other: while it does, others can be seen to wait.
const CHAIN: usize = 12;

/// Of a server that has placed orders of every kind, and took them to the base while letters were under
/// way. `kept` is reserved, `refused`, `cancelled` and `expired` are just that, `dropped` was cancelled
/// while it was being placed. `placing` has the only unit of `last` and claims others, `waiting` stands in
/// line for it, and `ended` has been cancelled just now.
pub(crate) fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    settled(&mut engine);
    under_way(&mut engine);
    engine.checkpoint_under_way();
    Folder::of(engine, DOMAINS)
}

fn settled(engine: &mut Stepper) {
    for command in [
        "STOCK.SET a 9",
        "STOCK.SET b 9",
        "STOCK.SET c 9",
        "STOCK.SET last 1",
        "ORDER.PLACE kept mia 3 a 1 100 b 2 100 c 1 50 CURRENCY EUR TTL 3600000",
        "ORDER.PLACE refused mia 2 a 1 100 b 99 100",
        "ORDER.PLACE cancelled mia 2 a 1 100 b 1 100",
        "ORDER.CANCEL cancelled",
        "ORDER.PLACE expired mia 2 a 1 100 b 1 100 TTL 1000",
        "ORDER.PLACE ended zoe 2 a 1 100 b 1 100",
    ] {
        engine.call(command);
    }
    for at in 0..CHAIN {
        engine.call(&format!("STOCK.SET m{at:02} 9"));
    }
    engine
        .submit("ORDER.PLACE dropped mia 2 a 1 100 b 1 100")
        .unwrap();
    one_hop(engine);
    assert!(
        engine
            .call("ORDER.CANCEL dropped")
            .contains("state=cancelled")
    );
    engine.pass_ms(1_000);
}

fn under_way(engine: &mut Stepper) {
    let chain = (0..CHAIN).map(|at| format!(" m{at:02} 1 1"));
    let chain: String = chain.collect();
    let count = 1 + CHAIN;
    engine
        .submit(&format!("ORDER.PLACE placing tom {count} last 1 7{chain}"))
        .unwrap();
    for _ in 0..2 {
        one_hop(engine);
    }
    engine.submit("ORDER.PLACE waiting tim 1 last 1 7").unwrap();
    for _ in 0..4 {
        one_hop(engine);
    }
    engine.submit("ORDER.CANCEL ended").unwrap();
    one_hop(engine);
}

/// Runs what can be run and has it written, but for letters that leave then.
fn one_hop(engine: &mut Stepper) {
    for _ in 0..4 {
        while engine.execute() {}
    }
    engine.write().unwrap();
}
