//! The result of a replay of orders as a table that lines up.

use std::fmt::{self, Display};

use super::books::{OrderBooks, OrderDifference, OrderRow};
use super::report::OrdersReport;
use super::tally::OrderCount;
use crate::output::grouped;
use crate::replay::table::{LINES_WIDTH, NAME_WIDTH, UNITS_WIDTH};
use crate::replay::table::{books, latency, text, throughput};
use crate::replay::tally::Count;

/// Columns of the number of orders.
const ORDERS_WIDTH: usize = 10;

impl Display for OrdersReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "", ["orders", "lines", "units"].map(str::to_owned))?;
        count(f, "orders", self.in_all)?;
        count(f, "reserved", self.tally.reserved)?;
        count(f, "sold out", self.tally.sold_out)?;
        count(f, "cancelled", self.tally.cancelled)?;
        count(f, "still reserved", self.held)?;
        if self.tally.refused.orders > 0 {
            count(f, "refused", self.tally.refused)?;
        }
        for refusal in &self.refusals {
            writeln!(f, "  record {}: {}", refusal.record, refusal.why)?;
        }
        left_out(f, "returns", self.left_out.returns)?;
        if self.left_out.too_long.lines > 0 {
            left_out(f, "too long", self.left_out.too_long)?;
        }
        row(
            f,
            "malformed",
            ["", &grouped(self.malformed.lines), ""].map(str::to_owned),
        )?;
        for (line, why) in &self.malformed.first {
            writeln!(f, "  line {line}: {why}")?;
        }
        run(f, self)?;
        if let Some(journal) = &self.journal {
            text(f, "journal", journal)?;
        }
        books(f, &self.books.stock)?;
        differences(f, &self.books)
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, [orders, lines, units]: [String; 3]) -> fmt::Result {
    let row = format!(
        "{name:NAME_WIDTH$}{orders:>ORDERS_WIDTH$}{lines:>LINES_WIDTH$}{units:>UNITS_WIDTH$}"
    );
    writeln!(f, "{}", row.trim_end())
}

fn count(f: &mut fmt::Formatter<'_>, name: &str, count: OrderCount) -> fmt::Result {
    row(
        f,
        name,
        [count.orders, count.lines, count.units].map(grouped),
    )
}

/// Lines that no order has.
fn left_out(f: &mut fmt::Formatter<'_>, name: &str, count: Count) -> fmt::Result {
    let (lines, units) = (grouped(count.lines), grouped(count.units));
    row(f, name, ["left out".to_owned(), lines, units])
}

fn run(f: &mut fmt::Formatter<'_>, report: &OrdersReport) -> fmt::Result {
    let run = &report.run;
    if run.measured.answers == 0 {
        let why = if report.in_all.orders == 0 {
            "nothing to send: the file has no orders"
        } else {
            "nothing to send: the journal has every answer"
        };
        return text(f, "throughput", why);
    }
    let orders = (run.orders, run.orders_per_s);
    throughput(f, "orders", orders, &run.measured)?;
    let in_flight = match report.in_flight {
        1 => "1 order: the same figures on every run".to_owned(),
        more => format!(
            "{} orders: who comes first is not the same on every run",
            grouped(more)
        ),
    };
    text(f, "in flight", &in_flight)?;
    latency(f, &run.measured)
}

fn differences(f: &mut fmt::Formatter<'_>, books: &OrderBooks) -> fmt::Result {
    if books.orders_differing == 0 {
        return Ok(());
    }
    let (differing, orders) = (grouped(books.orders_differing), grouped(books.orders));
    writeln!(f, "  {differing} of {orders} orders differ; the first:")?;
    let shown = |row: &Option<OrderRow>| {
        let shown = row.as_ref().map(OrderRow::to_string);
        shown.unwrap_or_else(|| "no such order".to_owned())
    };
    for OrderDifference {
        order,
        expected,
        server,
        listed,
    } in &books.order_differences
    {
        writeln!(f, "  {order}")?;
        writeln!(f, "    by the answers: {expected}")?;
        writeln!(f, "    on the server:  {}", shown(server))?;
        writeln!(f, "    in the list:    {}", shown(listed))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
