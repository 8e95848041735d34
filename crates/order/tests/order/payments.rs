//! From an order to goods or money back, with a provider that the test plays.

use crate::bank::{
    Bank, Payment, begin, begun, number_in, paid, pass, place, shop, state, stock, told, webhook,
};
use tidegate_engine::contract::Status;
use tidegate_engine::{Report, Said};
use tidegate_order::{LINES_MAX, PAYING_AFTER_MS, TAKING_REST_MS};

const TTL_MS: u64 = 900_000;

#[test]
fn paid_in_time_is_paid_and_what_was_held_is_sold() {
    let (mut shop, _) = paid();
    assert_eq!(state(&mut shop, "o"), "paid");
    assert_eq!(
        (stock(&mut shop, "a"), stock(&mut shop, "b")),
        ("8 0 2".into(), "9 0 1".into())
    );
    assert!(shop.call("ORDER.LIST buyer").contains("state=paid"));
    assert!(shop.call("ORDER.FULFIL o").contains("state=fulfilled"));
    assert!(shop.call("ORDER.FULFIL o").contains("repeated=true"));
    assert_eq!(state(&mut shop, "o"), "fulfilled");
}

#[test]
fn payment_is_made_once_however_often_it_is_asked_for() {
    let (mut shop, mut bank) = begun();
    let again = shop.call("ORDER.PAY o p bank");
    assert!(
        again.contains("repeated=true") && again.contains("https://bank.example/"),
        "{again}"
    );
    assert_eq!(bank.hear(&shop), 0);
    assert_eq!(bank.payments.len(), 1);
    assert_eq!(shop.call("ORDER.PAY o p other"), "id_conflict");
    assert_eq!(shop.call("ORDER.PAY o q other"), "unknown_provider");
    assert_eq!(shop.call("ORDER.PAY x p bank"), "unknown_order");
}

#[test]
fn order_expires_only_once_the_provider_has_said_after_its_time_that_it_is_not_paid() {
    let (mut shop, mut bank) = begun();
    pass(&mut shop, &mut bank, TTL_MS - 10_000);
    // From here on it says nothing.
    shop.pass_ms(20_000);
    assert_eq!(bank.hear(&shop), 1, "it is asked when the order expires");
    assert_eq!(state(&mut shop, "o"), "paying");
    assert_eq!(stock(&mut shop, "a"), "8 2 0");
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "expired");
    assert_eq!(stock(&mut shop, "a"), "10 0 0");
}

#[test]
fn units_are_kept_for_a_payment_that_nobody_knows_anything_of_for_a_while_only() {
    let (mut shop, _) = begun();
    shop.pass_ms(TTL_MS + PAYING_AFTER_MS - 10_000);
    assert_eq!(state(&mut shop, "o"), "paying");
    shop.pass_ms(10_000);
    assert_eq!(state(&mut shop, "o"), "expired");
    assert!(shop.call("ORDER.GET o").contains("why=no_answer"));
    assert_eq!(stock(&mut shop, "a"), "10 0 0");
}

#[test]
fn paid_in_time_is_paid_though_the_server_was_down_when_it_expired() {
    let (shop, mut bank) = begun();
    bank.pay("o", None);
    shop.clock.advance_ms(TTL_MS + 60_000);
    let mut shop = shop.reopen().unwrap();
    shop.settle();
    assert_eq!(state(&mut shop, "o"), "paying");
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "paid");
    assert_eq!(stock(&mut shop, "a"), "8 0 2");
}

#[test]
fn paid_late_takes_units_again_that_are_still_there() {
    let (mut shop, mut bank) = begun();
    pass(&mut shop, &mut bank, TTL_MS + 10_000);
    assert_eq!(state(&mut shop, "o"), "expired");
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 600_000);
    assert_eq!(state(&mut shop, "o"), "paid");
    assert!(shop.call("ORDER.GET o").contains("why=paid_late"));
    assert_eq!(
        (stock(&mut shop, "a"), stock(&mut shop, "b")),
        ("8 0 2".into(), "9 0 1".into())
    );
    assert_eq!(bank.refunded(), 0);
}

#[test]
fn paid_late_has_the_money_go_back_if_units_are_gone() {
    let (mut shop, mut bank) = begun();
    pass(&mut shop, &mut bank, TTL_MS + 10_000);
    assert!(shop.call("STOCK.HOLD b h 10").contains("state=held"));
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 600_000);
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert!(shop.call("ORDER.GET o").contains("why=units_gone"));
    assert_eq!(
        (stock(&mut shop, "a"), stock(&mut shop, "b")),
        ("10 0 0".into(), "0 10 0".into())
    );
    assert_eq!(bank.refunded(), 25);
}

#[test]
fn paid_after_it_was_cancelled_has_the_money_go_back() {
    let (mut shop, mut bank) = begun();
    assert!(shop.call("ORDER.CANCEL o").contains("state=cancelled"));
    assert_eq!(stock(&mut shop, "a"), "10 0 0");
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 600_000);
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert_eq!(bank.refunded(), 25);
}

#[test]
fn paid_twice_has_the_second_go_back() {
    let (mut shop, mut bank) = begun();
    begin(&mut shop, &mut bank, "o", "q");
    bank.pay("o", None);
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 600_000);
    assert_eq!(state(&mut shop, "o"), "paid");
    assert!(shop.call("ORDER.GET o").contains("why=paid_twice"));
    assert_eq!(
        (bank.refunded(), stock(&mut shop, "a")),
        (25, "8 0 2".into())
    );
}

#[test]
fn payment_that_fails_lets_the_buyer_try_another() {
    let (mut shop, mut bank) = begun();
    bank.payments
        .values_mut()
        .for_each(|it| it.status = "failed");
    pass(&mut shop, &mut bank, 10_000);
    assert_eq!(state(&mut shop, "o"), "reserved");
    assert!(
        shop.call("ORDER.LIST buyer STATE reserved")
            .contains("id=o")
    );
    begin(&mut shop, &mut bank, "o", "q");
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 10_000);
    assert_eq!(state(&mut shop, "o"), "paid");
}

#[test]
fn order_whose_payments_have_failed_expires_in_its_time() {
    let (mut shop, mut bank) = begun();
    bank.payments
        .values_mut()
        .for_each(|it| it.status = "failed");
    pass(&mut shop, &mut bank, 10_000);
    shop.pass_ms(TTL_MS - 20_000);
    assert_eq!(state(&mut shop, "o"), "reserved");
    shop.pass_ms(10_000);
    assert_eq!(state(&mut shop, "o"), "expired");
    assert_eq!(stock(&mut shop, "a"), "10 0 0");
}

#[test]
fn wrong_amount_waits_for_a_person_who_has_it_go_back() {
    let (mut shop, mut bank) = begun();
    let number = bank.pay("o", Some(24));
    pass(&mut shop, &mut bank, 10_000);
    assert_eq!(state(&mut shop, "o"), "reserved");
    let reviews = shop.call("ORDER.REVIEWS");
    assert!(
        reviews.contains("cause=wrong_amount amount=24 currency=EUR "),
        "{reviews}"
    );
    let resolved = shop.call(&format!("ORDER.RESOLVE o {number} refund"));
    assert!(
        resolved.contains("payment_state=refunding repeated=false"),
        "{resolved}"
    );
    bank.answer(&mut shop);
    assert_eq!(bank.refunded(), 24);
    let again = shop.call(&format!("ORDER.RESOLVE o {number} refund"));
    assert!(
        again.contains("payment_state=refunded repeated=true"),
        "{again}"
    );
    bank.answer(&mut shop);
    assert_eq!(bank.refunded(), 24);
    assert_eq!(
        shop.call(&format!("ORDER.RESOLVE o {number} accept")),
        "wrong_decision"
    );
    assert_eq!(shop.call("ORDER.RESOLVE o 7 accept"), "unknown_review");
    assert_eq!(state(&mut shop, "o"), "reserved");
    assert_eq!(shop.call("ORDER.REVIEWS STATE open"), "items=[] next=-");
}

#[test]
fn person_is_told_in_which_other_currency_was_paid() {
    let (mut shop, mut bank) = begun();
    let number = bank.pay("o", None);
    let told = told(&bank, number).replace("\"EUR\"", "\"USD\"");
    shop.call(&webhook(&shop, b"a secret", ("m", 0), &told));
    let reviews = shop.call("ORDER.REVIEWS STATE open");
    assert!(
        reviews.contains("cause=wrong_amount amount=25 currency=USD "),
        "{reviews}"
    );
    assert_eq!(state(&mut shop, "o"), "reserved");
}

#[test]
fn what_became_known_by_itself_nobody_has_decided() {
    let (mut shop, mut bank) = paid();
    shop.call("ORDER.REFUND o r");
    bank.refuse(&mut shop);
    let review = number_in(&shop.call("ORDER.REVIEWS STATE open"));
    let payment = *bank.payments.keys().next().unwrap();
    shop.call(&webhook(
        &shop,
        b"a secret",
        ("m", 0),
        &told(&bank, payment),
    ));
    assert_eq!(state(&mut shop, "o"), "refunded");
    let decided = shop.call(&format!("ORDER.RESOLVE o {review} refund"));
    assert_eq!(decided, "wrong_decision");
}

#[test]
fn wrong_amount_that_a_person_accepts_has_paid_the_order() {
    let (mut shop, mut bank) = begun();
    let number = bank.pay("o", Some(26));
    pass(&mut shop, &mut bank, 10_000);
    shop.call(&format!("ORDER.RESOLVE o {number} accept"));
    assert_eq!(state(&mut shop, "o"), "paid");
    assert_eq!(stock(&mut shop, "a"), "8 0 2");
}

#[test]
fn payment_of_which_nobody_ever_says_anything_waits_for_a_person() {
    let (mut shop, mut bank) = begun();
    for _ in 0..60 {
        shop.pass_ms(3_600_000);
        bank.hear(&shop);
    }
    assert_eq!(state(&mut shop, "o"), "expired");
    assert!(
        shop.call("ORDER.REVIEWS STATE open")
            .contains("cause=no_answer amount=25")
    );
    assert!(
        bank.asked.len() < 20,
        "it is asked less and less: {}",
        bank.asked.len()
    );
}

#[test]
fn order_of_which_units_are_taken_once_it_is_paid_holds_nothing_before() {
    let (mut shop, mut bank) = (shop(), Bank::default());
    let placed = shop.call("ORDER.PLACE o buyer 1 a 3 10 CURRENCY EUR DEDUCT pay");
    assert!(placed.contains("state=open"), "{placed}");
    assert!(shop.call("ORDER.LIST buyer STATE open").contains("id=o"));
    assert_eq!(stock(&mut shop, "a"), "10 0 0");
    begin(&mut shop, &mut bank, "o", "p");
    assert_eq!(stock(&mut shop, "a"), "10 0 0");
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 10_000);
    assert_eq!(
        (state(&mut shop, "o"), stock(&mut shop, "a")),
        ("paid".into(), "7 0 3".into())
    );
    shop.call("ORDER.PLACE o2 buyer 1 a 8 10 CURRENCY EUR DEDUCT pay");
    begin(&mut shop, &mut bank, "o2", "p");
    bank.pay("o2", None);
    pass(&mut shop, &mut bank, 10_000);
    assert_eq!(state(&mut shop, "o2"), "refunded");
    assert_eq!(
        (bank.refunded(), stock(&mut shop, "a")),
        (80, "7 0 3".into())
    );
}

#[test]
fn units_that_cannot_be_taken_for_want_of_room_are_taken_later() {
    let (mut shop, mut bank) = (shop(), Bank::default());
    // A SKU whose units are all in doubt: of orders that are being placed.
    shop.call("ORDER.PLACE o buyer 1 a 10 10 CURRENCY EUR DEDUCT pay");
    begin(&mut shop, &mut bank, "o", "p");
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 10_000 + 20 * TAKING_REST_MS);
    assert_eq!(state(&mut shop, "o"), "paid");
}

#[test]
fn what_a_provider_does_not_want_to_make_once_more_may_have_been_made() {
    let (mut shop, mut bank) = (shop(), Bank::default());
    place(&mut shop, "o");
    shop.submit("ORDER.PAY o p bank").unwrap();
    shop.settle();
    bank.hear(&shop);
    let one = bank.asked.remove(0);
    bank.answer_to(&one); // That answer is lost.
    let (why, retry_after_ms) = ("timed out".into(), None);
    shop.courier.report(
        &one,
        Report::Nothing {
            why,
            retry_after_ms,
        },
    );
    shop.settle();
    shop.pass_ms(2_000);
    bank.hear(&shop);
    let again = bank.asked.remove(0);
    assert_eq!((again.nth, again.key), (2, one.key));
    let said = Said {
        status: 409,
        body: b"in progress".to_vec().into(),
    };
    shop.courier.report(&again, Report::Answer(said));
    shop.settle();
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 30_000);
    assert_eq!(state(&mut shop, "o"), "paid");
}

#[test]
fn payment_that_turns_out_to_be_paid_is_looked_at_with_what_was_paid() {
    for decision in ["", "close"] {
        let (mut shop, mut bank) = begun();
        for _ in 0..60 {
            shop.pass_ms(3_600_000); // It says nothing.
            bank.hear(&shop);
            bank.asked.clear();
        }
        let reviews = shop.call("ORDER.REVIEWS STATE open");
        assert!(reviews.contains("cause=no_answer"), "{reviews}");
        let number = number_in(&reviews);
        if !decision.is_empty() {
            shop.call(&format!("ORDER.RESOLVE o {number} {decision}"));
        }
        let paid = bank.pay("o", Some(7));
        let paid = webhook(&shop, b"a secret", ("m", 0), &told(&bank, paid));
        shop.call(&paid);
        assert_eq!(state(&mut shop, "o"), "expired");
        let reviews = shop.call("ORDER.REVIEWS STATE open");
        assert!(
            reviews.contains("cause=wrong_amount amount=7"),
            "{decision}: {reviews}"
        );
    }
}

#[test]
fn order_that_costs_nothing_is_paid_at_once_and_nobody_is_asked() {
    let (mut shop, mut bank) = (shop(), Bank::default());
    shop.call("ORDER.PLACE o buyer 1 a 1 0");
    let paid = shop.call("ORDER.PAY o p bank");
    assert!(paid.contains("state=paid"), "{paid}");
    assert_eq!(state(&mut shop, "o"), "paid");
    assert!(shop.call("ORDER.REFUND o r").contains("state=refunded"));
    assert_eq!(
        (state(&mut shop, "o"), stock(&mut shop, "a")),
        ("refunded".into(), "10 0 0".into())
    );
    assert_eq!(bank.hear(&shop), 0);
}

#[test]
fn order_that_costs_nothing_and_cannot_have_its_units_is_refunded_and_nobody_is_asked() {
    let (mut shop, mut bank) = (shop(), Bank::default());
    shop.call("ORDER.PLACE o buyer 1 a 11 0 DEDUCT pay");
    let paid = shop.call("ORDER.PAY o p bank");
    assert!(paid.contains("payment_state=paid"), "{paid}");
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert!(shop.call("ORDER.GET o").contains("why=units_gone"));
    assert_eq!(bank.hear(&shop), 0);
}

#[test]
fn order_of_many_lines_that_cost_nothing_is_refunded_at_once_if_the_last_is_gone() {
    let mut shop = shop();
    let lines = (0..LINES_MAX).map(|at| format!(" m{at:03} 1 0"));
    let lines: String = lines.collect();
    for at in 0..LINES_MAX - 1 {
        shop.submit(&format!("STOCK.SET m{at:03} 1")).unwrap();
    }
    shop.settle();
    shop.call(&format!(
        "ORDER.PLACE o buyer {LINES_MAX}{lines} DEDUCT pay"
    ));
    shop.call("ORDER.PAY o p bank");
    assert_eq!(state(&mut shop, "o"), "refunded");
    assert_eq!(stock(&mut shop, "m007"), "1 0 0");
}

#[test]
fn provider_that_answers_nonsense_does_no_harm_beyond_itself() {
    let (mut shop, mut bank) = (shop(), Bank::default());
    place(&mut shop, "o");
    let token = shop.submit("ORDER.PAY o p bank").unwrap();
    shop.settle();
    for nonsense in ["", "null", "{\"status\":\"paid\"}", "[[[["] {
        bank.hear(&shop);
        for one in std::mem::take(&mut bank.asked) {
            let body = nonsense.as_bytes().to_vec().into();
            shop.courier
                .report(&one, Report::Answer(Said { status: 200, body }));
        }
        shop.pass_ms(60_000);
    }
    assert_eq!(shop.answer(token).unwrap().1, "pending o");
    assert_eq!(state(&mut shop, "o"), "paying");
    // What it means when it has its wits again.
    shop.pass_ms(120_000);
    let one = {
        bank.hear(&shop);
        bank.asked.remove(0)
    };
    bank.payments.insert(
        one.about.parse().unwrap(),
        Payment {
            order: "o".into(),
            amount: 25,
            paid: Some(25),
            status: "paid",
            refunds: Vec::new(),
        },
    );
    bank.asked.push(one);
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "paid");
}

#[test]
fn payment_that_was_never_made_ends_once_the_order_has_expired() {
    let (mut shop, mut bank) = (shop(), Bank::default());
    place(&mut shop, "o");
    shop.submit("ORDER.PAY o p bank").unwrap();
    // Every try to make it comes to nothing.
    for _ in 0..TTL_MS / 60_000 + 3 {
        shop.pass_ms(60_000);
        bank.hear(&shop);
        for one in std::mem::take(&mut bank.asked) {
            let report = if one.action == "create" {
                let why = "nobody there".to_owned();
                Report::Nothing {
                    why,
                    retry_after_ms: None,
                }
            } else {
                let body = b"{}".to_vec().into();
                Report::Answer(Said { status: 404, body })
            };
            shop.courier.report(&one, report);
        }
        shop.settle();
    }
    assert_eq!(state(&mut shop, "o"), "expired");
    assert!(shop.call("ORDER.GET o").contains("state=failed"));
    assert_eq!(stock(&mut shop, "a"), "10 0 0");
}

#[test]
fn webhook_that_is_signed_and_of_now_pays_the_order_and_again_changes_nothing() {
    let (mut shop, mut bank) = begun();
    let pending = told(&bank, *bank.payments.keys().next().unwrap());
    let number = bank.pay("o", None);
    let body = told(&bank, number);
    let paid = webhook(&shop, b"a secret", ("m1", 0), &body);
    assert_eq!(
        shop.call(&paid),
        "id=o payment=p payment_state=paid repeated=false"
    );
    assert_eq!(state(&mut shop, "o"), "paid");
    assert_eq!(
        shop.call(&paid),
        "id=o payment=p payment_state=paid repeated=true"
    );
    // One that was sent before and comes after it.
    let before = webhook(&shop, b"a secret", ("m0", -200), &pending);
    assert_eq!(
        shop.call(&before),
        "id=o payment=p payment_state=paid repeated=false"
    );
    assert_eq!(
        (state(&mut shop, "o"), stock(&mut shop, "a")),
        ("paid".into(), "8 0 2".into())
    );
    let figures = shop
        .door()
        .domain_figures()
        .find(|of| of.name == "order")
        .unwrap();
    for (name, times) in [
        ("webhooks_applied", 2),
        ("webhooks_repeated", 1),
        ("reserved", 1),
        ("paid", 1),
        ("expired", 0),
    ] {
        assert!(figures.counts.contains(&(name, times)), "{figures:?}");
    }
}

#[test]
fn webhook_by_a_clock_that_is_ahead_does_not_say_what_becomes_of_a_payment_by_then() {
    let (mut shop, mut bank) = begun();
    begin(&mut shop, &mut bank, "o", "q");
    pass(&mut shop, &mut bank, TTL_MS - 200_000);
    let number = *bank.payments.keys().next().unwrap();
    let pending = webhook(&shop, b"a secret", ("m", 299), &told(&bank, number));
    assert!(shop.call(&pending).contains("payment_state=open"));
    bank.pay("o", None);
    shop.pass_ms(200_000);
    bank.hear(&shop);
    // Of the other one it is known first that it was not paid in time.
    bank.asked
        .sort_by_key(|one| std::cmp::Reverse(one.about.clone()));
    bank.answer(&mut shop);
    assert_eq!(state(&mut shop, "o"), "paid");
    assert!(!shop.call("ORDER.GET o").contains("state=expired"));
}

#[test]
fn webhook_that_is_forged_or_of_another_time_changes_nothing_and_is_counted_by_reason() {
    let (mut shop, mut bank) = begun();
    let number = bank.pay("o", None);
    let body = told(&bank, number);
    let signed = webhook(&shop, b"a secret", ("m1", 0), &body);
    let cases = [
        (
            webhook(&shop, b"no secret", ("m1", 0), &body),
            "bad_signature",
        ),
        (signed.replace(" m1 ", " m2 "), "bad_signature"),
        (
            signed.replace("\"paid_amount\":25", "\"paid_amount\":26"),
            "bad_signature",
        ),
        (signed.replace("v1,", "v2,"), "bad_signature"),
        (signed.replace("v1,", ""), "bad_signature"),
        (
            signed.replace("ORDER.WEBHOOK bank", "ORDER.WEBHOOK other"),
            "unknown_provider",
        ),
        (
            webhook(&shop, b"a secret", ("m1", -301), &body),
            "wrong_time",
        ),
        (
            webhook(&shop, b"a secret", ("m1", 301), &body),
            "wrong_time",
        ),
    ];
    for (words, refusal) in cases {
        let token = shop.submit(&words).unwrap();
        shop.settle();
        let (status, said) = shop.answer(token).unwrap();
        assert_eq!(said, refusal, "{words}");
        let is_stranger = refusal != "unknown_provider";
        assert_eq!(is_stranger, status == Status::Unauthorized, "{words}");
    }
    let elsewhere = body.replace("\"order\":\"o\"", "\"order\":\"x\"");
    assert_eq!(
        shop.call(&webhook(&shop, b"a secret", ("m1", 0), &elsewhere)),
        "unknown_order"
    );
    let other = body.replace(&number.to_string(), "7");
    assert_eq!(
        shop.call(&webhook(&shop, b"a secret", ("m1", 0), &other)),
        "unknown_payment"
    );
    for nonsense in ["{}", "x", r#"{"data":{"order":"o"}}"#] {
        let words = webhook(&shop, b"a secret", ("m1", 0), nonsense);
        assert!(
            shop.call(&words).starts_with("invalid: payload"),
            "{nonsense}"
        );
    }
    assert_eq!(state(&mut shop, "o"), "paying");
    let figures = shop
        .door()
        .domain_figures()
        .find(|of| of.name == "order")
        .unwrap();
    let count = |code| {
        figures
            .refusals
            .iter()
            .find(|(it, _)| *it == code)
            .unwrap()
            .1
    };
    let reasons = [
        "bad_signature",
        "wrong_time",
        "unknown_payment",
        "unknown_order",
    ];
    assert_eq!(reasons.map(count), [5, 2, 1, 1]);
}
