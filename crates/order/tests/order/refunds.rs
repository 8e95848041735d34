//! Money that goes back, of a whole order or of some lines, with a provider that the test plays.

use crate::bank::{
    Bank, begin, begun, number_in, paid, pass, place, shop, shop_keeping, state, stock, told,
    webhook,
};
use tidegate_engine::testing::Stepper;
use tidegate_engine::{Report, Retention, Said, Try};

#[test]
fn all_that_is_left_of_another_amount_that_was_accepted_goes_back_and_no_more() {
    for (paid, backs) in [(24, [10, 14]), (26, [10, 16]), (7, [7, 0])] {
        let (mut shop, mut bank) = begun();
        let number = bank.pay("o", Some(paid));
        pass(&mut shop, &mut bank, 10_000);
        shop.call(&format!("ORDER.RESOLVE o {number} accept"));
        for (refund, back) in ["r 1 a 1", "s"].into_iter().zip(backs) {
            let told = shop.call(&format!("ORDER.REFUND o {refund}"));
            assert!(told.contains(&format!("amount={back} ")), "{paid}: {told}");
            bank.answer(&mut shop);
        }
        assert_eq!(state(&mut shop, "o"), "refunded");
        assert_eq!(
            (bank.refunded(), stock(&mut shop, "a")),
            (paid, "10 0 0".into())
        );
    }
}

#[test]
fn refund_of_all_gives_money_and_units_back() {
    let (mut shop, mut bank) = paid();
    let refund = shop.call("ORDER.REFUND o r");
    assert!(
        refund.contains("state=refunding") && refund.contains("amount=25"),
        "{refund}"
    );
    assert_eq!(state(&mut shop, "o"), "refunding");
    assert!(shop.call("ORDER.REFUND o s").starts_with("wrong_state"));
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert_eq!(
        (stock(&mut shop, "a"), stock(&mut shop, "b")),
        ("10 0 0".into(), "10 0 0".into())
    );
    assert!(shop.call("ORDER.REFUND o r").contains("repeated=true"));
    assert_eq!(bank.refunded(), 25);
}

#[test]
fn refund_that_overtakes_the_word_that_units_are_sold_gives_them_back() {
    let (mut shop, mut bank) = begun();
    let number = bank.pay("o", None);
    let paid = webhook(&shop, b"a secret", ("m", 0), &told(&bank, number));
    // That is told to a, which tells b; the refund is told to b at once.
    shop.submit(&paid).unwrap();
    shop.submit("ORDER.REFUND o r 1 b 1").unwrap();
    shop.settle();
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "paid");
    assert_eq!(
        (stock(&mut shop, "a"), stock(&mut shop, "b")),
        ("8 0 2".into(), "10 0 0".into())
    );
}

/// A shop with one unit of x, and an order of it and of many other things, whose payment has begun.
fn order_of_many() -> (Stepper, Bank) {
    let (mut shop, mut bank) = (shop(), Bank::default());
    let mut lines = String::new();
    for number in 0..12 {
        shop.call(&format!("STOCK.SET m{number:02} 10"));
        lines += &format!(" m{number:02} 1 5");
    }
    shop.call("STOCK.SET x 1");
    shop.call("STOCK.SET z 10");
    let placed = shop.call(&format!(
        "ORDER.PLACE o buyer 14{lines} x 1 5 z 1 5 CURRENCY EUR"
    ));
    assert!(placed.contains("state=reserved"), "{placed}");
    begin(&mut shop, &mut bank, "o", "p");
    (shop, bank)
}

#[test]
fn who_waits_for_units_of_an_order_that_is_just_paid_does_not_get_them() {
    let (mut shop, mut bank) = order_of_many();
    let number = bank.pay("o", None);
    let paid = webhook(&shop, b"a secret", ("m", 0), &told(&bank, number));
    // That they are sold goes from thing to thing; who wants the unit of x has x ask at once.
    shop.submit(&paid).unwrap();
    shop.submit("ORDER.PLACE late other 1 x 1 5").unwrap();
    shop.settle();
    assert_eq!(state(&mut shop, "o"), "paid");
    assert_eq!(state(&mut shop, "late"), "refused");
    assert_eq!(stock(&mut shop, "x"), "0 0 1");
}

#[test]
fn refund_of_an_order_that_somebody_waits_for_gives_each_unit_back_once() {
    let (mut shop, mut bank) = order_of_many();
    let number = bank.pay("o", None);
    let paid = webhook(&shop, b"a secret", ("m", 0), &told(&bank, number));
    shop.submit(&paid).unwrap();
    shop.submit("ORDER.PLACE late other 1 x 1 5").unwrap();
    shop.submit("ORDER.REFUND o r").unwrap();
    shop.settle();
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "refunded");
    // It was sold when that was asked.
    assert_eq!(state(&mut shop, "late"), "refused");
    assert_eq!(stock(&mut shop, "x"), "1 0 0");
    assert_eq!(stock(&mut shop, "z"), "10 0 0");
}

#[test]
fn refund_of_a_thing_that_is_named_twice_is_of_all_its_units() {
    let (mut shop, mut bank) = paid();
    let refund = shop.call("ORDER.REFUND o r 2 a 1 a 1");
    assert!(refund.contains("amount=20"), "{refund}");
    bank.answer(&mut shop);
    assert_eq!(stock(&mut shop, "a"), "10 0 0");
}

#[test]
fn refund_of_some_lines_leaves_the_rest_paid() {
    let (mut shop, mut bank) = paid();
    assert!(
        shop.call("ORDER.REFUND o r 1 a 3")
            .starts_with("refund_exceeds_paid sku=a refundable=2")
    );
    shop.call("ORDER.REFUND o r 1 a 1");
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "paid");
    assert_eq!(
        (bank.refunded(), stock(&mut shop, "a")),
        (10, "9 0 1".into())
    );
    shop.call("ORDER.FULFIL o");
    shop.call("ORDER.REFUND o s");
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert_eq!(
        (bank.refunded(), stock(&mut shop, "a")),
        (25, "9 0 1".into()),
        "the goods are away"
    );
    assert_eq!(shop.call("ORDER.REFUND o r 1 a 2"), "id_conflict");
}

#[test]
fn refund_that_the_provider_refuses_waits_for_a_person_who_has_it_tried_again() {
    let (mut shop, mut bank) = paid();
    shop.call("ORDER.REFUND o r");
    bank.says(&shop, (422, "{}"));
    shop.settle();
    assert_eq!(state(&mut shop, "o"), "refunding");
    let reviews = shop.call("ORDER.REVIEWS STATE open");
    assert!(
        reviews.contains("refund=r cause=refund_failed amount=25"),
        "{reviews}"
    );
    let number = number_in(&reviews);
    assert_eq!(
        shop.call(&format!("ORDER.RESOLVE o {number} accept")),
        "wrong_decision"
    );
    shop.call(&format!("ORDER.RESOLVE o {number} refund"));
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert_eq!(bank.refunded(), 25);
}

#[test]
fn refund_that_was_answered_with_nonsense_is_asked_for_again_under_its_number() {
    let (mut shop, mut bank) = paid();
    shop.call("ORDER.REFUND o r");
    bank.says(&shop, (200, "what?"));
    shop.settle();
    assert_eq!(state(&mut shop, "o"), "refunding");
    pass(&mut shop, &mut bank, 120_000);
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert_eq!(bank.refunded(), 25);
    assert_eq!(bank.payments.values().next().unwrap().refunds.len(), 1);
}

#[test]
fn refund_that_is_pending_is_asked_for_as_soon_as_a_payment_would_be() {
    let (mut shop, mut bank) = begun();
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 3_600_000);
    shop.call("ORDER.REFUND o r");
    bank.says(&shop, (200, "what?"));
    shop.settle();
    pass(&mut shop, &mut bank, 10_000);
    assert_eq!(state(&mut shop, "o"), "refunded");
}

#[test]
fn refund_that_its_provider_does_not_know_is_asked_for_at_growing_intervals() {
    let (mut shop, mut bank) = paid();
    shop.call("ORDER.REFUND o r");
    let mut refunds = 0;
    for _ in 0..3_600 {
        bank.hear(&shop);
        for one in std::mem::take(&mut bank.asked) {
            let (status, body) = if *one.action == *"refund" {
                refunds += 1;
                (200, "what?".to_owned())
            } else {
                bank.answer_to(&one)
            };
            let body = body.into_bytes().into();
            shop.courier
                .report(&one, Report::Answer(Said { status, body }));
        }
        shop.pass_ms(1_000);
    }
    // Seven times as the settings have it, and some more in the rest of the hour.
    assert!((8..=14).contains(&refunds), "{refunds}");
}

#[test]
fn refund_that_stays_pending_for_a_day_waits_for_a_person() {
    let (mut shop, mut bank) = paid();
    shop.call("ORDER.REFUND o r");
    bank.says(&shop, (200, "what?"));
    // From here on it says nothing.
    for _ in 0..26 {
        shop.pass_ms(3_600_000);
        bank.hear(&shop);
    }
    assert_eq!(state(&mut shop, "o"), "refunding");
    let reviews = shop.call("ORDER.REVIEWS STATE open");
    assert!(
        reviews.contains("refund=r cause=refund_unknown"),
        "{reviews}"
    );
    let number = number_in(&reviews);
    // Asked for once more it has as much time again.
    shop.call(&format!("ORDER.RESOLVE o {number} refund"));
    bank.says(&shop, (200, "what?"));
    shop.pass_ms(20 * 3_600_000);
    assert_eq!(shop.call("ORDER.REVIEWS STATE open"), "items=[] next=-");
}

#[test]
fn refund_of_some_lines_that_was_made_all_the_same_is_no_longer_for_a_person() {
    let (mut shop, mut bank) = begun();
    let number = bank.pay("o", None);
    pass(&mut shop, &mut bank, 10_000);
    shop.call("ORDER.REFUND o r 1 a 1");
    bank.refuse(&mut shop);
    assert_eq!(state(&mut shop, "o"), "refunding");
    let paid = webhook(&shop, b"a secret", ("m", 0), &told(&bank, number));
    shop.call(&paid);
    assert_eq!(state(&mut shop, "o"), "paid");
    assert_eq!(shop.call("ORDER.REVIEWS STATE open"), "items=[] next=-");
    assert!(shop.call("ORDER.REVIEWS").contains("cause=refund_failed"));
}

/// An order that was paid, and a refund of it that its provider has not answered until that was given up.
fn given_up() -> (Stepper, Bank) {
    let (mut shop, bank) = paid();
    shop.call("ORDER.REFUND o r");
    no_answer(&mut shop);
    (shop, bank)
}

/// What is asked is not answered for a day and an hour, and how often it was.
fn no_answer(shop: &mut Stepper) -> Vec<Try> {
    let mut tries = Vec::new();
    for _ in 0..25 {
        for one in shop.courier.take() {
            let why = "nobody there".to_owned();
            let retry_after_ms = None;
            let nothing = Report::Nothing {
                why,
                retry_after_ms,
            };
            shop.courier.report(&one, nothing);
            tries.push(one);
        }
        shop.pass_ms(3_600_000);
    }
    tries
}

fn call_in(shop: &mut Stepper) -> String {
    let calls = shop.call("CALL.LIST");
    let (_, id) = calls.split_once("id=").unwrap();
    id.split(' ').next().unwrap().to_owned()
}

#[test]
fn call_of_a_refund_that_a_person_has_closed_cannot_be_tried_again() {
    let (mut shop, bank) = given_up();
    let number = number_in(&shop.call("ORDER.REVIEWS STATE open"));
    let call = call_in(&mut shop);
    shop.call(&format!("ORDER.RESOLVE o {number} close"));
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert_eq!(
        shop.call(&format!("CALL.RETRY {call}")),
        "unknown_call",
        "it was paid elsewhere"
    );
    shop.pass_ms(3_600_000);
    assert_eq!(shop.courier.take(), Vec::new());
    assert_eq!(bank.refunded(), 0);
}

#[test]
fn call_that_is_taken_back_while_the_courier_has_it_is_not_to_be_tried() {
    for is_taken in [false, true] {
        let (mut shop, _bank) = given_up();
        let number = number_in(&shop.call("ORDER.REVIEWS STATE open"));
        let call = call_in(&mut shop);
        shop.call(&format!("CALL.RETRY {call}"));
        let taken = if is_taken {
            shop.courier.take()
        } else {
            Vec::new()
        };
        shop.call(&format!("ORDER.RESOLVE o {number} close"));
        assert_eq!(shop.courier.take(), Vec::new());
        let taken: Vec<_> = taken.iter().map(|one| one.number).collect();
        assert_eq!(shop.courier.take_withdrawn(), taken);
    }
}

#[test]
fn call_that_was_tried_again_before_a_person_closes_its_refund_is_made_no_more() {
    let (mut shop, mut bank) = given_up();
    let number = number_in(&shop.call("ORDER.REVIEWS STATE open"));
    let call = call_in(&mut shop);
    shop.call(&format!("CALL.RETRY {call}"));
    let one = shop.courier.take().remove(0);
    let nothing = Report::Nothing {
        why: "nobody there".to_owned(),
        retry_after_ms: None,
    };
    shop.courier.report(&one, nothing);
    shop.settle();
    assert!(shop.call("CALL.LIST").contains("state=resting"));
    shop.call(&format!("ORDER.RESOLVE o {number} close"));
    assert_eq!(state(&mut shop, "o"), "refunded");
    let mut shop = shop.reopen().unwrap();
    pass(&mut shop, &mut bank, 600_000);
    assert_eq!(shop.call("CALL.LIST"), "items=[] next=-");
    assert_eq!(
        (state(&mut shop, "o"), bank.refunded()),
        ("refunded".into(), 0)
    );
}

#[test]
fn refund_that_a_person_has_tried_again_keeps_its_key_until_it_is_refused() {
    let (mut shop, _) = given_up();
    let number = number_in(&shop.call("ORDER.REVIEWS STATE open"));
    let again = format!("ORDER.RESOLVE o {number} refund");
    shop.call(&again);
    let first = shop.courier.take().remove(0);
    assert_eq!(first.key.to_string(), number, "it may have been made");
    let refused = Report::Answer(Said {
        status: 422,
        body: b"{}".to_vec().into(),
    });
    shop.courier.report(&first, refused);
    shop.settle();
    shop.call(&again);
    let second = no_answer(&mut shop).remove(0);
    assert_ne!(second.key, first.key, "it would be refused alike");
    // Nobody knows what became of that: it must be known again.
    shop.call(&again);
    assert_eq!(shop.courier.take().remove(0).key, second.key);
}

#[test]
fn refund_of_an_order_gives_units_back_whose_details_are_kept_no_more() {
    const RETENTION: Retention = Retention {
        after_ms: 10_000,
        slice_ms: 10_000,
        keep_ms: 100_000,
    };
    let (mut shop, mut bank) = (shop_keeping(RETENTION), Bank::default());
    place(&mut shop, "o");
    begin(&mut shop, &mut bank, "o", "p");
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 10_000);
    shop.pass_ms(RETENTION.after_ms);
    // A younger hold lies in the archive beside it.
    shop.call("STOCK.HOLD a other 1 BUYER mia");
    shop.call("STOCK.CONFIRM a other");
    shop.pass_ms(RETENTION.after_ms);
    shop.checkpoint();
    shop.pass_ms(RETENTION.keep_ms);
    assert_eq!(stock(&mut shop, "a"), "7 0 3");
    shop.checkpoint();
    let figures = shop.audit().figures;
    let kept = figures.iter().find(|it| it.name == "stock.holds_archive");
    assert_eq!(kept.map(|it| it.value), Some(1), "only the younger one");
    for (refund, a, b) in [("r 1 a 1", "8 0 2", "9 0 1"), ("s", "9 0 1", "10 0 0")] {
        shop.call(&format!("ORDER.REFUND o {refund}"));
        bank.answer(&mut shop);
        assert_eq!(
            (stock(&mut shop, "a"), stock(&mut shop, "b")),
            (a.into(), b.into())
        );
        assert_eq!(shop.audit().faults, Vec::<String>::new());
        shop.pass_ms(RETENTION.after_ms);
    }
    assert_eq!(state(&mut shop, "o"), "refunded");
    shop.checkpoint();
    let mut shop = shop.reopen().unwrap();
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert_eq!(stock(&mut shop, "a"), "9 0 1");
}
