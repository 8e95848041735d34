//! Commands about orders as RESP, and what their replies mean.

use std::time::Duration;

use super::course::{Command, OrderCourse};
use crate::client::{Connection, Reply};
use crate::replay::course::Verdict;
use crate::replay::wire::{self, HOLD_TTL_MS, Meaning};

/// How long a look at units that are not back yet rests before the next one.
const LOOK_REST: Duration = Duration::from_millis(1);

const NOT_BACK: &str = "units of a cancelled order are not back";

/// Adds the command about an order to what the connection sends next.
pub(super) fn push(course: &OrderCourse<'_>, command: Command, connection: &mut Connection) {
    match command {
        Command::Place => place(course, connection),
        Command::Cancel => connection.push(&[b"ORDER.CANCEL", course.id().as_bytes()]),
        Command::Back { part } => {
            let sku = &course.ground.plan.skus[sku_of(course, part) as usize];
            connection.push(&[b"STOCK.GET", sku.name.as_bytes()]);
        }
    }
}

fn place(course: &OrderCourse<'_>, connection: &mut Connection) {
    let (plan, order) = (course.ground.plan, course.order());
    let (buyer, count) = (plan.buyer(order.first(plan)), order.lines.len().to_string());
    let lines = order.lines.iter().map(|line| &plan.lines[*line as usize]);
    let figures: Vec<_> = lines
        .clone()
        .map(|line| (line.units.to_string(), line.price.to_string()))
        .collect();
    let (id, buyer, count) = (course.id().as_bytes(), buyer.as_bytes(), count.as_bytes());
    let mut parts: Vec<&[u8]> = vec![b"ORDER.PLACE", id, buyer, count];
    for (line, (units, price)) in lines.zip(&figures) {
        let sku = plan.skus[line.sku as usize].name.as_bytes();
        parts.extend([sku, units.as_bytes(), price.as_bytes()]);
    }
    parts.extend([b"TTL", HOLD_TTL_MS]);
    connection.push(&parts);
}

/// What the reply to a command about an order means.
pub(super) fn meaning(
    course: &OrderCourse<'_>,
    command: Command,
    reply: &Reply<'_>,
    again: bool,
) -> Meaning {
    match command {
        Command::Place => placed(reply, course.id(), again),
        Command::Cancel => wire::meaning(reply, ("id", course.id()), again),
        Command::Back { part } => back(course, part, reply),
    }
}

/// An order that is there and cancelled was not placed by us: we cancel what we know to be reserved. One
/// that is expired may have been, long ago.
fn placed(reply: &Reply<'_>, id: &str, again: bool) -> Meaning {
    let meaning = wire::meaning(reply, ("id", id), again);
    let state = reply.field("state").and_then(Reply::text);
    match (meaning, state) {
        (Meaning::Final(Verdict::Done), Some(b"cancelled")) => Meaning::Final(Verdict::DoneBefore),
        (Meaning::Final(Verdict::Done), Some(b"expired")) => {
            Meaning::Final(Verdict::Refused("it has expired".into()))
        }
        (meaning, _) => meaning,
    }
}

fn back(course: &OrderCourse<'_>, part: u32, reply: &Reply<'_>) -> Meaning {
    if let Reply::Error(text) = reply {
        return wire::error_meaning(text);
    }
    match reply.field("held").and_then(Reply::count) {
        Some(held) if course.ground.shelf.has_all_back(sku_of(course, part), held) => {
            Meaning::Final(Verdict::Done)
        }
        Some(_) => Meaning::NotYet(LOOK_REST, NOT_BACK),
        None => Meaning::Stop(format!("not the units of a SKU: {reply:?}")),
    }
}

fn sku_of(course: &OrderCourse<'_>, part: u32) -> u32 {
    course.order().parts[part as usize].0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_not_reserved_when_it_is_placed_is_not_ours_or_is_over() {
        let meaning = |state: &'static [u8]| {
            let receipt = [(&b"id"[..], &b"1"[..]), (b"state", state)];
            let bulk = |(name, value)| (Reply::Bulk(name), Reply::Bulk(value));
            placed(&Reply::Map(receipt.map(bulk).into()), "1", true)
        };
        assert_eq!(meaning(b"reserved"), Meaning::Final(Verdict::Done));
        assert_eq!(meaning(b"cancelled"), Meaning::Final(Verdict::DoneBefore));
        let expired = Verdict::Refused("it has expired".into());
        assert_eq!(meaning(b"expired"), Meaning::Final(expired));
    }
}
