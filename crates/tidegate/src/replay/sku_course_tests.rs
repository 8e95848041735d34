//! Claims about the way of one SKU, and about all of them under chaos.

use proptest::prelude::*;

use super::*;
use crate::replay::drive::resume;
use crate::replay::fake_stock::{FakeStock, oracle, plan_of};
use crate::replay::journal::Entry;
use crate::replay::tally::Count;

/// A tiny file of one SKU, all of which is put on the shelf.
fn plan(lines: &[(&str, &str, i32)]) -> Plan {
    let lines: Vec<_> = lines
        .iter()
        .map(|(invoice, customer, units)| (*invoice, *customer, "X", *units))
        .collect();
    plan_of(&lines, "1")
}

/// Answers everything wanted with done, until something matches `until`; gives that.
fn walk(course: &mut SkuCourse<'_>, until: impl Fn(&Command) -> bool) -> Command {
    loop {
        for command in course.wants() {
            if until(&command) {
                return command;
            }
            course.record(command, Verdict::Done).expect("wanted");
        }
    }
}

fn is_return(command: &Command) -> bool {
    matches!(command, Command::Return { .. })
}

#[test]
fn returns_take_the_newest_order_first_and_at_most_what_is_left_of_it() {
    let plan = plan(&[
        ("1", "a", 5),
        ("2", "b", 9),
        ("3", "a", 2),
        ("C4", "a", -4),
        ("C5", "a", -9),
    ]);
    let mut course = SkuCourse::new(&plan, 0);
    let mut returns = Vec::new();
    while course.at().is_some() {
        for command in course.wants() {
            returns.extend(Some(command).filter(is_return));
            course.record(command, Verdict::Done).expect("wanted");
        }
    }
    let part = |line, part, order, units| Command::Return {
        line,
        part,
        order,
        units,
    };
    assert_eq!(
        returns,
        [part(3, 1, 2, 2), part(3, 2, 0, 2), part(4, 1, 0, 3)]
    );
    assert_eq!(course.tally().returned, Count { lines: 2, units: 7 });
    assert_eq!(course.tally().unmatched, Count { lines: 1, units: 6 });
    assert_eq!(
        course.tally().sold(),
        9,
        "what the other customer has bought"
    );
}

#[test]
fn a_return_waits_until_every_earlier_line_is_answered() {
    let plan = plan(&[("1", "a", 5), ("2", "a", 5), ("C3", "a", -1), ("4", "a", 1)]);
    let mut course = SkuCourse::new(&plan, 0);
    walk(&mut course, |command| {
        *command == Command::Confirm { line: 0 }
    });
    let both = [Command::Confirm { line: 0 }, Command::Hold { line: 1 }];
    assert_eq!(course.wants(), both);
    course
        .record(both[1], Verdict::Done)
        .expect("wanted, though the confirmation was BUSY");
    assert_eq!(
        course.wants(),
        [Command::Confirm { line: 0 }, Command::Confirm { line: 1 }]
    );
    course
        .record(Command::Confirm { line: 1 }, Verdict::Done)
        .expect("wanted");
    assert_eq!(
        course.wants(),
        [Command::Confirm { line: 0 }],
        "and no return yet"
    );
    course
        .record(Command::Confirm { line: 0 }, Verdict::Done)
        .expect("wanted");
    let newest = Command::Return {
        line: 2,
        part: 1,
        order: 1,
        units: 1,
    };
    assert_eq!(
        course.wants(),
        [newest],
        "the newest by the file, and nothing beside it"
    );
    assert_eq!(
        course.record(Command::Hold { line: 3 }, Verdict::Done),
        Err(Unasked)
    );
}

#[test]
fn guests_and_strangers_return_nothing() {
    let plan = plan(&[
        ("C1", "a", -3),
        ("2", "", 5),
        ("C3", "", -5),
        ("C4", "b", -1),
        ("5", "b", 1),
    ]);
    let mut course = SkuCourse::new(&plan, 0);
    walk(&mut course, |command| {
        *command == Command::Confirm { line: 4 }
    });
    course
        .record(Command::Confirm { line: 4 }, Verdict::Done)
        .expect("wanted");
    assert_eq!(course.wants(), []);
    assert_eq!(course.at(), None);
    assert_eq!(course.tally().unmatched, Count { lines: 2, units: 4 });
    assert_eq!(
        course.tally().unmatched_guests,
        Count { lines: 1, units: 5 }
    );
}

#[test]
fn a_sku_that_nobody_orders_is_never_asked_about() {
    let plan = plan(&[("C1", "a", -3)]);
    let course = SkuCourse::new(&plan, 0);
    assert_eq!(
        (course.wants(), course.at(), course.declared()),
        (vec![], None, false)
    );
}

#[test]
fn what_was_sold_out_is_not_sold_and_cannot_be_returned() {
    let plan = plan(&[("1", "a", 5), ("C2", "a", -5)]);
    let mut course = SkuCourse::new(&plan, 0);
    let hold = walk(&mut course, |command| {
        matches!(command, Command::Hold { .. })
    });
    course.record(hold, Verdict::SoldOut).expect("wanted");
    assert_eq!(course.at(), None);
    assert_eq!(course.tally().sold_out, Count { lines: 1, units: 5 });
    assert_eq!(course.tally().unmatched, Count { lines: 1, units: 5 });
}

#[test]
fn an_order_that_refuses_a_return_is_left_alone_and_the_next_one_is_asked() {
    let plan = plan(&[("1", "a", 5), ("2", "a", 5), ("C3", "a", -7)]);
    let mut course = SkuCourse::new(&plan, 0);
    let newest = walk(&mut course, is_return);
    course
        .record(newest, Verdict::Refused("NOTCONFIRMED".into()))
        .expect("wanted");
    let next = Command::Return {
        line: 2,
        part: 2,
        order: 0,
        units: 2,
    };
    assert_eq!(course.wants(), [next]);
    course.record(next, Verdict::Done).expect("wanted");
    assert_eq!(course.at(), None);
    assert_eq!(course.tally().refused, Count { lines: 1, units: 5 });
    assert_eq!(course.tally().returned, Count { lines: 1, units: 2 });
    assert_eq!(course.refusals(), [(3, "NOTCONFIRMED".into())]);
}

/// Asks the stock what a command asks, by the ids that go over the wire.
fn ask(stock: &mut FakeStock, plan: &Plan, sku: &Sku, command: Command) -> Verdict {
    let line = |index: u32| &plan.lines[index as usize];
    let answer = match command {
        Command::Declare => stock.set(&sku.name, sku.total),
        Command::Hold { line: index } => stock.hold(
            &sku.name,
            &plan.hold_id(line(index)),
            line(index).units.into(),
        ),
        Command::Confirm { line: index } => stock.confirm(&sku.name, &plan.hold_id(line(index))),
        Command::Return {
            line: index,
            part,
            order,
            units,
        } => {
            let (hold, id) = (plan.hold_id(line(order)), plan.return_id(line(index), part));
            stock.take_back(&sku.name, &hold, &id, units.into())
        }
    };
    match answer {
        Ok(_) => Verdict::Done,
        Err(words) if words.starts_with("SOLDOUT") => Verdict::SoldOut,
        Err(words) => Verdict::Refused(words.into()),
    }
}

/// Replays with a fate for each command: it may be answered, answered with BUSY, its answer lost
/// with the connection, or the replay killed and resumed from its journal.
fn replay_with(plan: &Plan, fates: &[u8]) -> (Vec<Tally>, FakeStock) {
    let mut stock = FakeStock::default();
    let mut journal: Vec<Entry> = Vec::new();
    let mut courses = resume(plan, &journal).expect("an empty journal");
    // After the given fates everything goes well, so that it ends.
    let mut fates = fates.iter().copied().chain(std::iter::repeat(0));
    while let Some(sku) = pick(&courses, fates.next().unwrap_or(0)) {
        for command in courses[sku].wants() {
            let fate = fates.next().unwrap_or(0) % 8;
            if fate == 1 {
                continue; // BUSY: not done, and what follows is done nevertheless
            }
            if fate == 2 {
                break; // the connection is lost before it arrives
            }
            let verdict = ask(&mut stock, plan, &plan.skus[sku], command);
            if fate == 3 {
                break; // the connection is lost before the answer
            }
            let record = plan.lines[match command {
                Command::Declare => plan.skus[sku].lines[0],
                Command::Hold { line } | Command::Confirm { line } => line,
                Command::Return { line, .. } => line,
            } as usize]
                .record;
            if fate == 4 {
                courses = resume(plan, &journal).expect("our own journal");
                break; // the replay is killed before the journal has the answer
            }
            journal.push(Entry {
                record,
                asked: command.into(),
                verdict: verdict.clone(),
            });
            if fate == 5 {
                courses = resume(plan, &journal).expect("our own journal");
                break; // the replay is killed after that
            }
            courses[sku].record(command, verdict).expect("wanted");
        }
    }
    (courses.iter().map(SkuCourse::tally).collect(), stock)
}

fn pick(courses: &[SkuCourse<'_>], choice: u8) -> Option<usize> {
    let open: Vec<_> = (0..courses.len())
        .filter(|sku| courses[*sku].at().is_some())
        .collect();
    open.get(usize::from(choice) % open.len().max(1)).copied()
}

fn lines() -> impl Strategy<Value = Vec<(String, String, String, i32)>> {
    let quantity = prop_oneof![3 => 1..9, 2 => -9..-1];
    let line = (0..6, 0..3, 0..3, quantity).prop_map(|(invoice, customer, sku, quantity)| {
        let prefix = if quantity < 0 { "C" } else { "" };
        let customer = if customer == 0 {
            String::new()
        } else {
            format!("c{customer}")
        };
        (
            format!("{prefix}{invoice}"),
            customer,
            format!("S{sku}"),
            quantity,
        )
    });
    proptest::collection::vec(line, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn chaos_ends_in_the_figures_of_the_naive_oracle(
        lines in lines(),
        share in prop_oneof![Just("0.5"), Just("0.9"), Just("1")],
        fates in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let plan = plan_of(&lines, share);
        let (tallies, stock) = replay_with(&plan, &fates);
        for (sku, tally) in plan.skus.iter().zip(tallies) {
            prop_assert_eq!(tally, oracle(&plan, sku), "{}", sku.name);
            let Some(row) = stock.skus.get(&*sku.name) else { continue };
            prop_assert_eq!((row.total, row.held, row.sold), (sku.total, 0, tally.sold()));
        }
    }
}
