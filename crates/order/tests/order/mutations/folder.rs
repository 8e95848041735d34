//! A folder with orders in every state, some of them under way.

use tidegate_engine::contract::Domain;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::Folder;
use tidegate_engine::{Report, Said};
use tidegate_order::ORDER;
use tidegate_stock::STOCK;

use crate::bank::{Bank, begin, shop, told, webhook};

const DOMAINS: &[Domain] = &[STOCK, ORDER];

/// SKUs that an order claims one after the other: while it does, others can be seen to wait.
const CHAIN: usize = 12;

/// Of a server that has placed orders of every kind, and took them to the base while letters were under
/// way. `kept` is reserved, `refused`, `cancelled` and `expired` are just that, `dropped` was cancelled
/// while it was being placed. `placing` has the only unit of `last` and claims others, `waiting` stands in
/// line for it, and `ended` has been cancelled just now.
///
/// `sold` is paid, by its payment `p`, of which a part went back, and its payment `q` may be paid yet; `back`
/// is about to be refunded, a refund of `stuck` is for a person, and so is the amount that was paid for
/// `wrong`. Of the payments of `unpaid`, whose time is over, `p` is known not to have been paid, and `q` is
/// being asked for; that of `begun` was tried to be made in vain. `taken` has just been paid.
pub(crate) fn folder() -> Folder {
    let (mut engine, mut bank) = (shop(), Bank::default());
    with_money(&mut engine, &mut bank);
    settled(&mut engine);
    under_way(&mut engine, &mut bank);
    engine.checkpoint_under_way();
    Folder::of(engine, DOMAINS)
}

fn with_money(engine: &mut Stepper, bank: &mut Bank) {
    for sku in ["a", "b"] {
        engine.call(&format!("STOCK.SET {sku} 29"));
    }
    for (order, paid) in [("sold", 250), ("back", 250), ("stuck", 250), ("wrong", 249)] {
        place(engine, order, "TTL 3600000");
        begin(engine, bank, order, "p");
        if order == "sold" {
            begin(engine, bank, order, "q");
        }
        let paid = pay(engine, bank, (order, paid));
        engine.call(&paid);
    }
    engine.call("ORDER.REFUND sold part 1 a 1");
    bank.answer(engine);
    engine.call("ORDER.REFUND stuck all");
    answer_one(engine, bank, "refund", 422);
    place(engine, "unpaid", "TTL 60000");
    begin(engine, bank, "unpaid", "p");
    begin(engine, bank, "unpaid", "q");
    engine.pass_ms(50_000);
    bank.answer(engine);
    engine.pass_ms(10_000);
    bank.hear(engine);
    // The others are asked for, too: by and by, in the order of their numbers.
    bank.asked.sort_by_key(|one| one.about.clone());
    let mut first = bank.payments.iter().filter(|(_, it)| it.order == "unpaid");
    let first = first.next().unwrap().0.to_string();
    bank.asked.retain(|one| one.about == first);
    bank.answer(engine);
    engine.call("ORDER.REFUND back all");
    place(engine, "begun", "TTL 3600000");
    engine.submit("ORDER.PAY begun p bank").unwrap();
    for rest_ms in [1_000, 60_000] {
        engine.pass_ms(1_000);
        in_vain(engine, "create", rest_ms);
    }
    place(engine, "taken", "TTL 3600000 DEDUCT pay");
    begin(engine, bank, "taken", "p");
}

fn place(engine: &mut Stepper, order: &str, options: &str) {
    let lines = if order == "taken" {
        "1 c 1 250"
    } else {
        "2 a 2 100 b 1 50"
    };
    engine.call(&format!(
        "ORDER.PLACE {order} pia {lines} CURRENCY EUR {options}"
    ));
}

/// The words of the webhook of a buyer who has paid so much for an order.
fn pay(engine: &Stepper, bank: &mut Bank, (order, amount): (&str, u64)) -> String {
    let number = bank.pay(order, Some(amount));
    webhook(engine, b"a secret", (order, 0), &told(bank, number))
}

fn answer_one(engine: &mut Stepper, bank: &mut Bank, action: &str, status: u16) {
    bank.hear(engine);
    let at = bank.asked.iter().position(|one| one.action == action);
    let one = bank.asked.remove(at.unwrap());
    let body = b"{}".to_vec().into();
    engine
        .courier
        .report(&one, Report::Answer(Said { status, body }));
    engine.settle();
}

/// What is asked for does not get an answer, but to ask again after a while.
fn in_vain(engine: &mut Stepper, action: &str, rest_ms: u64) {
    for one in engine.courier.take() {
        if one.action == action {
            let why = "nobody there".to_owned();
            let retry_after_ms = Some(rest_ms);
            engine.courier.report(
                &one,
                Report::Nothing {
                    why,
                    retry_after_ms,
                },
            );
        }
    }
    engine.settle();
}

fn settled(engine: &mut Stepper) {
    for command in [
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

fn under_way(engine: &mut Stepper, bank: &mut Bank) {
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
    let paid = pay(engine, bank, ("taken", 250));
    engine.submit(&paid).unwrap();
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
