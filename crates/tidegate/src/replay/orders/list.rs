//! The orders of a file: each invoice one, with all that it orders.
//!
//! What an invoice returns is left out, whole invoices that cancel among it: nothing is paid in such a
//! replay that could be given back.

use std::collections::HashMap;

use serde::Serialize;
use tidegate_order::LINES_MAX;
use xxhash_rust::xxh3::xxh3_64;

use super::tally::OrderCount;
use crate::replay::plan::{Kind, Line, Plan};
use crate::replay::share::Share;
use crate::replay::tally::Count;

/// The parts into which the hashes of invoices are dealt; as fine as a share can be.
const PARTS: u64 = 1_000_000_000;

/// An invoice.
#[derive(Debug)]
pub(super) struct Order {
    /// Number of its first line's record, by which a journal knows it.
    pub(super) record: u32,
    /// Its lines in file order, as indexes into the plan's.
    pub(super) lines: Vec<u32>,
    /// Each of its SKUs once, with the units of all its lines.
    pub(super) parts: Vec<(u32, u64)>,
    /// Whether it is cancelled once it is reserved.
    pub(super) is_to_cancel: bool,
}

/// All orders of a file, by the records of their first lines.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) list: Vec<Order>,
    pub(super) left_out: LeftOut,
}

/// Lines that no order has.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct LeftOut {
    /// Of returns and cancellations.
    pub(crate) returns: Count,
    /// Of invoices with more lines than an order can have.
    pub(crate) too_long: Count,
}

impl Orders {
    /// The orders of a plan; `cancels` of them are cancelled once they are reserved.
    pub(super) fn of(plan: &Plan, cancels: Share) -> Self {
        let (mut list, mut left_out) = (Vec::<Order>::new(), LeftOut::default());
        let mut places = HashMap::new();
        for (index, line) in (0..).zip(&plan.lines) {
            if line.kind == Kind::Return {
                left_out.returns.line(line.units.into());
                continue;
            }
            let place = places.entry(line.invoice).or_insert_with(|| {
                list.push(Order::begun_by(plan, line, cancels));
                list.len() - 1
            });
            list[*place].add(line, index);
        }
        list.retain(|order| {
            let fits = order.lines.len() <= LINES_MAX;
            if !fits {
                let lines = order.lines.iter().map(|line| &plan.lines[*line as usize]);
                lines.for_each(|line| left_out.too_long.line(line.units.into()));
            }
            fits
        });
        Self { list, left_out }
    }
}

impl Order {
    fn begun_by(plan: &Plan, line: &Line, cancels: Share) -> Self {
        let part = xxh3_64(plan.invoice(line).as_bytes()) % PARTS;
        Self {
            record: line.record,
            lines: Vec::new(),
            parts: Vec::new(),
            is_to_cancel: u128::from(part) < cancels.of(PARTS),
        }
    }

    fn add(&mut self, line: &Line, index: u32) {
        self.lines.push(index);
        let units = u64::from(line.units);
        match self.parts.iter_mut().find(|(sku, _)| *sku == line.sku) {
            Some((_, sum)) => *sum += units,
            None => self.parts.push((line.sku, units)),
        }
    }

    /// Its first line, which says whose it is.
    pub(super) fn first<'p>(&self, plan: &'p Plan) -> &'p Line {
        &plan.lines[self.lines[0] as usize]
    }

    /// What it costs, in minor units.
    pub(super) fn total(&self, plan: &Plan) -> u64 {
        let lines = self.lines.iter().map(|line| &plan.lines[*line as usize]);
        let cost = |line: &Line| u64::from(line.units).saturating_mul(line.price);
        lines.map(cost).fold(0, u64::saturating_add)
    }

    /// It, counted.
    pub(super) fn count(&self) -> OrderCount {
        OrderCount {
            orders: 1,
            lines: self.lines.len() as u64,
            units: self.parts.iter().map(|(_, units)| units).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::fake_stock::plan_of;

    fn orders(lines: &[(&str, &str, &str, i32)], cancels: &str) -> Orders {
        Orders::of(&plan_of(lines, "1"), cancels.parse().expect("a share"))
    }

    #[test]
    fn an_invoice_is_one_order_wherever_its_lines_stand_and_its_skus_are_summed() {
        let orders = orders(
            &[
                ("1", "a", "X", 5),
                ("2", "b", "X", 1),
                ("1", "a", "Y", 2),
                ("1", "a", "X", 3),
            ],
            "0",
        );
        let shapes: Vec<_> = orders
            .list
            .iter()
            .map(|order| (order.record, order.lines.clone(), order.parts.clone()))
            .collect();
        let first = (1, vec![0, 2, 3], vec![(0, 8), (1, 2)]);
        assert_eq!(shapes, [first, (2, vec![1], vec![(0, 1)])]);
        let count = OrderCount {
            orders: 1,
            lines: 3,
            units: 10,
        };
        assert_eq!(orders.list[0].count(), count);
    }

    #[test]
    fn what_returns_is_left_out_and_an_invoice_of_nothing_else_is_no_order() {
        let orders = orders(
            &[
                ("1", "a", "X", 5),
                ("1", "a", "X", -2),
                ("C2", "a", "X", -1),
            ],
            "0",
        );
        assert_eq!((orders.list.len(), orders.list[0].count().units), (1, 5));
        assert_eq!(orders.left_out.returns, Count { lines: 2, units: 3 });
    }

    #[test]
    fn an_invoice_with_more_lines_than_an_order_can_have_is_left_out_and_counted() {
        let lines = |count: usize| vec![("1", "a", "X", 2); count];
        assert_eq!(orders(&lines(LINES_MAX), "0").list.len(), 1);
        let too_long = orders(&lines(LINES_MAX + 1), "0");
        assert!(too_long.list.is_empty());
        let expected = Count {
            lines: 1_001,
            units: 2_002,
        };
        assert_eq!(too_long.left_out.too_long, expected);
    }

    #[test]
    fn about_the_share_is_to_be_cancelled_and_always_the_same_orders() {
        let invoices: Vec<_> = (0..2_000).map(|number| number.to_string()).collect();
        let lines: Vec<_> = invoices
            .iter()
            .map(|invoice| (&**invoice, "a", "X", 1))
            .collect();
        let chosen = |cancels: &str, lines: &[_]| -> Vec<bool> {
            let orders = orders(lines, cancels);
            orders.list.iter().map(|order| order.is_to_cancel).collect()
        };
        let count = |chosen: Vec<bool>| chosen.into_iter().filter(|chosen| *chosen).count();
        assert_eq!(count(chosen("0", &lines)), 0);
        assert_eq!(count(chosen("1", &lines)), 2_000);
        let tenth = chosen("0.1", &lines);
        assert_eq!(tenth[1_000..], chosen("0.1", &lines[1_000..]));
        assert!((150..250).contains(&count(tenth)));
    }
}
