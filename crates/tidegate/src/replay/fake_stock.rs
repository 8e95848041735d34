//! For tests: stock in memory, as a server has it, and a naive oracle of what a file comes to.

use std::collections::{BTreeMap, HashMap};

use super::books::Units;
use super::plan::{Builder, Fields, Kind, Plan, Sku};
use super::tally::Tally;

/// Stock counts with holds and returns, idempotent by id.
#[derive(Default)]
pub(super) struct FakeStock {
    pub(super) skus: BTreeMap<String, Units>,
    holds: HashMap<(String, String), Hold>,
    returns: HashMap<(String, String), (String, u64)>,
    /// Commands that have changed something.
    pub(super) changes: u64,
}

struct Hold {
    quantity: u64,
    confirmed: bool,
    returned: u64,
}

/// Whether it was done before; or a refusal, as the words of an error reply.
type Answer = Result<bool, String>;

impl FakeStock {
    pub(super) fn set(&mut self, sku: &str, total: u64) -> Answer {
        let row = self.skus.entry(sku.to_owned()).or_insert_with(|| {
            self.changes += 1;
            Units {
                total,
                available: total,
                held: 0,
                sold: 0,
            }
        });
        if row.total == total {
            Ok(false)
        } else {
            Err("VERSIONCHANGED".to_owned())
        }
    }

    pub(super) fn hold(&mut self, sku: &str, id: &str, quantity: u64) -> Answer {
        let row = self.skus.get_mut(sku).ok_or("UNKNOWNSKU")?;
        if let Some(earlier) = self.holds.get(&(sku.to_owned(), id.to_owned())) {
            return if earlier.quantity == quantity {
                Ok(true)
            } else {
                Err("IDCONFLICT".into())
            };
        }
        if row.available < quantity {
            return Err(format!("SOLDOUT available={}", row.available));
        }
        row.available -= quantity;
        row.held += quantity;
        let hold = Hold {
            quantity,
            confirmed: false,
            returned: 0,
        };
        self.holds.insert((sku.to_owned(), id.to_owned()), hold);
        self.changes += 1;
        Ok(false)
    }

    pub(super) fn confirm(&mut self, sku: &str, id: &str) -> Answer {
        let row = self.skus.get_mut(sku).ok_or("UNKNOWNSKU")?;
        let key = (sku.to_owned(), id.to_owned());
        let hold = self.holds.get_mut(&key).ok_or("HOLDNOTFOUND")?;
        let repeated = hold.confirmed;
        if !repeated {
            hold.confirmed = true;
            row.held -= hold.quantity;
            row.sold += hold.quantity;
            self.changes += 1;
        }
        Ok(repeated)
    }

    pub(super) fn take_back(&mut self, sku: &str, hold: &str, id: &str, quantity: u64) -> Answer {
        let row = self.skus.get_mut(sku).ok_or("UNKNOWNSKU")?;
        let key = (sku.to_owned(), hold.to_owned());
        let order = self.holds.get_mut(&key).ok_or("HOLDNOTFOUND")?;
        let (content, key) = ((hold.to_owned(), quantity), (sku.to_owned(), id.to_owned()));
        if let Some(earlier) = self.returns.get(&key) {
            return if *earlier == content {
                Ok(true)
            } else {
                Err("IDCONFLICT".into())
            };
        }
        if !order.confirmed {
            return Err("NOTCONFIRMED".to_owned());
        }
        let returnable = order.quantity - order.returned;
        if quantity > returnable {
            return Err(format!("RETURNEXCEEDSSOLD returnable={returnable}"));
        }
        order.returned += quantity;
        row.sold -= quantity;
        row.available += quantity;
        self.returns.insert(key, content);
        self.changes += 1;
        Ok(false)
    }
}

/// A plan of lines `(invoice, customer, sku, quantity)`.
pub(super) fn plan_of<T: AsRef<str>>(lines: &[(T, T, T, i32)], share: &str) -> Plan {
    let mut builder = Builder::default();
    for (at, (invoice, customer, sku, quantity)) in (2..).zip(lines) {
        let quantity = quantity.to_string();
        let fields = Fields {
            invoice: invoice.as_ref().as_bytes(),
            customer: customer.as_ref().as_bytes(),
            sku: sku.as_ref().as_bytes(),
            quantity: quantity.as_bytes(),
            unit_price: None,
        };
        builder.record(at, fields, None).expect("few records");
    }
    builder
        .finish(share.parse().expect("a share"))
        .expect("small enough")
}

/// What the lines of a SKU come to, line by line, without servers or journals.
pub(super) fn oracle(plan: &Plan, sku: &Sku) -> Tally {
    let (mut tally, mut available) = (Tally::default(), sku.total);
    let mut orders: Vec<(u32, u64)> = Vec::new();
    for line in sku.lines.iter().map(|index| &plan.lines[*index as usize]) {
        let units = u64::from(line.units);
        tally.done += 1;
        match (line.kind, line.customer) {
            (Kind::Order, _) if units > available => tally.sold_out.line(units),
            (Kind::Order, customer) => {
                available -= units;
                tally.held.line(units);
                orders.extend(customer.map(|customer| (customer, units)));
            }
            (Kind::Return, None) => {
                tally.unmatched_guests.line(units);
                tally.not_sent += 1;
            }
            (Kind::Return, Some(customer)) => {
                let mut rest = units;
                for (_, left) in orders.iter_mut().rev().filter(|order| order.0 == customer) {
                    let taken = rest.min(*left);
                    *left -= taken;
                    rest -= taken;
                }
                available += units - rest;
                tally.not_sent += u64::from(rest == units);
                if rest < units {
                    tally.returned.line(units - rest);
                }
                if rest > 0 {
                    tally.unmatched.line(rest);
                }
            }
        }
    }
    tally
}
