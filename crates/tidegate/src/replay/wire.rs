//! Commands as RESP, and replies as verdicts.

use std::time::Duration;

use super::course::Verdict;
use super::plan::Plan;
use super::sku_course::Command;
use crate::client::{Connection, PASSWORD_WANTED, Reply, asked_again};

/// How long a hold lives, in milliseconds: 30 days. It is confirmed at once, but the replay may be
/// killed in between and resumed another day; with the default of 15 minutes the units would be
/// back on the shelf by then, and the figures would depend on the pause.
pub(super) const HOLD_TTL_MS: &[u8] = b"2592000000";

/// Refusals that answer a line for good, SOLDOUT apart.
const REFUSALS: [&[u8]; 13] = [
    b"IDCONFLICT",
    b"INVALIDQUANTITY",
    b"OVERLIMIT",
    b"HOLDNOTFOUND",
    b"HOLDRELEASED",
    b"HOLDEXPIRED",
    b"NOTCONFIRMED",
    b"RETURNEXCEEDSSOLD",
    b"REFUSED",
    b"INVALIDCURRENCY",
    b"AMOUNTOVERFLOW",
    b"UNKNOWNORDER",
    b"WRONGSTATE",
];

/// How an order is refused of which one SKU has too few units.
const ORDER_SOLD_OUT: &[u8] = b"REFUSED cause=sold_out ";

/// What a reply means for the replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// An answer for good.
    Final(Verdict),
    /// Nothing was done: ask again, after a while.
    Again(Duration),
    /// What is waited for has not come about: look again, after a while; and what that is.
    NotYet(Duration, &'static str),
    /// The replay cannot go on, in the server's words.
    Stop(String),
}

/// Adds the command about `sku` to what the connection sends next.
pub(super) fn push(connection: &mut Connection, plan: &Plan, sku: u32, command: Command) {
    let line = |index: u32| &plan.lines[index as usize];
    let sku = &plan.skus[sku as usize];
    let name = sku.name.as_bytes();
    match command {
        Command::Declare => {
            connection.push(&[b"STOCK.SET", name, sku.total.to_string().as_bytes()]);
        }
        Command::Hold { line: index } => {
            let (id, units) = (plan.hold_id(line(index)), line(index).units.to_string());
            let buyer = plan.buyer(line(index));
            let (id, units, buyer) = (id.as_bytes(), units.as_bytes(), buyer.as_bytes());
            let parts: [&[u8]; 8] = [
                b"STOCK.HOLD",
                name,
                id,
                units,
                b"BUYER",
                buyer,
                b"TTL",
                HOLD_TTL_MS,
            ];
            connection.push(&parts);
        }
        Command::Confirm { line: index } => {
            connection.push(&[b"STOCK.CONFIRM", name, plan.hold_id(line(index)).as_bytes()]);
        }
        Command::Return {
            line: index,
            part,
            order,
            units,
        } => {
            let (hold, id) = (plan.hold_id(line(order)), plan.return_id(line(index), part));
            let (hold, id, units) = (hold.as_bytes(), id.as_bytes(), units.to_string());
            connection.push(&[b"STOCK.RETURN", name, hold, id, b"QTY", units.as_bytes()]);
        }
    }
}

/// What the reply to a command means, whose receipt has this `field` with this name in it. `again`
/// tells whether the command may have been sent before: then a repeated receipt is our own.
pub(super) fn meaning(reply: &Reply<'_>, (field, name): (&str, &str), again: bool) -> Meaning {
    if let Reply::Error(text) = reply {
        return error_meaning(text);
    }
    // Every receipt names what it is about: one about another would belong to another command.
    if reply.field(field).and_then(Reply::text) == Some(name.as_bytes()) {
        let repeated = reply.field("repeated").is_some_and(Reply::is_true);
        return Meaning::Final(if repeated && !again {
            Verdict::DoneBefore
        } else {
            Verdict::Done
        });
    }
    Meaning::Stop(format!("not an answer about the {field} {name}: {reply:?}"))
}

/// What an error reply means.
pub(super) fn error_meaning(text: &[u8]) -> Meaning {
    if let Some(rest) = asked_again(text) {
        return Meaning::Again(rest);
    }
    let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    let words = || String::from_utf8_lossy(text).into_owned();
    match word {
        b"SOLDOUT" => Meaning::Final(Verdict::SoldOut),
        b"REFUSED" if text.starts_with(ORDER_SOLD_OUT) => Meaning::Final(Verdict::SoldOut),
        b"NOAUTH" => Meaning::Stop(PASSWORD_WANTED.to_owned()),
        refusal if REFUSALS.contains(&refusal) => Meaning::Final(Verdict::Refused(words().into())),
        _ => Meaning::Stop(words()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::RETRY_DEFAULT;

    #[test]
    fn only_a_refusal_ends_a_line_and_only_a_fault_is_asked_again() {
        let refused = |text: &str| Meaning::Final(Verdict::Refused(text.into()));
        for (text, meaning) in [
            ("SOLDOUT available=3", Meaning::Final(Verdict::SoldOut)),
            (
                "BUSY retry_after_ms=7",
                Meaning::Again(Duration::from_millis(7)),
            ),
            ("BUSY", Meaning::Again(RETRY_DEFAULT)),
            ("STOPPING", Meaning::Again(RETRY_DEFAULT)),
            ("PENDING id=1", Meaning::Again(RETRY_DEFAULT)),
            (
                "REFUSED cause=sold_out sku=X available=0",
                Meaning::Final(Verdict::SoldOut),
            ),
            (
                "REFUSED cause=unknown_sku sku=X available=0",
                refused("REFUSED cause=unknown_sku sku=X available=0"),
            ),
            ("DISKFULL", Meaning::Again(RETRY_DEFAULT)),
            ("HOLDEXPIRED", refused("HOLDEXPIRED")),
            (
                "RETURNEXCEEDSSOLD returnable=1",
                refused("RETURNEXCEEDSSOLD returnable=1"),
            ),
            ("UNKNOWNSKU", Meaning::Stop("UNKNOWNSKU".into())),
            (
                "BELOWCOMMITTED committed=9",
                Meaning::Stop("BELOWCOMMITTED committed=9".into()),
            ),
            ("ERR unknown command 'STOCK.HOLD'", {
                Meaning::Stop("ERR unknown command 'STOCK.HOLD'".into())
            }),
        ] {
            assert_eq!(error_meaning(text.as_bytes()), meaning, "{text}");
        }
    }

    #[test]
    fn an_answer_about_another_sku_stops_the_replay() {
        let receipt = Reply::Array(vec![Reply::Bulk(b"sku"), Reply::Bulk(b"X")]);
        let done = Meaning::Final(Verdict::Done);
        assert_eq!(meaning(&receipt, ("sku", "X"), false), done);
        let ok = Reply::Simple(b"OK");
        for (reply, sku) in [(&receipt, "Y"), (&ok, "X")] {
            assert!(matches!(
                meaning(reply, ("sku", sku), false),
                Meaning::Stop(_)
            ));
        }
    }

    #[test]
    fn a_repeated_answer_to_a_first_send_is_somebody_elses() {
        for yes in [Reply::Boolean(true), Reply::Integer(1)] {
            let receipt = Reply::Map(vec![
                (Reply::Bulk(b"sku"), Reply::Bulk(b"X")),
                (Reply::Bulk(b"repeated"), yes),
            ]);
            let before = Meaning::Final(Verdict::DoneBefore);
            assert_eq!(meaning(&receipt, ("sku", "X"), false), before);
            let done = Meaning::Final(Verdict::Done);
            assert_eq!(meaning(&receipt, ("sku", "X"), true), done);
        }
    }
}
