//! Every law of orders and of claims, broken once: a row of each table is removed, added and changed,
//! each field that any law can tell of in turn, and `check` names the law that is broken.

mod cases;
mod folder;
mod money;

use cases::CASES;
use folder::folder;
use money::MONEY;
use tidegate_engine::testing::mutations::assert_all_tried;

/// Of the other tables the tests of their own domains tell.
const TABLES: [&str; 10] = [
    "order.orders",
    "order.listed",
    "order.places",
    "stock.parts",
    "stock.line",
    "stock.places",
    "order.payments",
    "order.refunds",
    "order.reviews",
    "engine.calls",
];

/// What can happen to a table without that any other row tells of it.
const UNTOLD: &[(&str, &str)] = &[];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn check_names_the_law_that_a_mutated_row_about_money_breaks() {
    folder().check_cases(MONEY);
}

#[test]
fn every_table_has_a_row_removed_added_and_changed_unless_no_row_can_tell() {
    assert_all_tried(&TABLES, &[CASES, MONEY].concat(), UNTOLD);
}
