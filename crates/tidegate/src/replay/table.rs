//! The result of a replay as a table that lines up.

use std::fmt::{self, Display};

use super::books::{Books, Difference, Units};
use super::report::{Measured, Report, Run};
use super::tally::Count;
use crate::output::grouped;

/// Columns of the table, as far as figures go.
pub(super) const NAME_WIDTH: usize = 16;
pub(super) const LINES_WIDTH: usize = 12;
pub(super) const UNITS_WIDTH: usize = 14;

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:NAME_WIDTH$}{:>LINES_WIDTH$}{:>UNITS_WIDTH$}",
            "", "lines", "units"
        )?;
        figure(f, "lines", self.lines)?;
        count(f, "held", self.tally.held)?;
        count(f, "sold out", self.tally.sold_out)?;
        count(f, "returned", self.tally.returned)?;
        count(f, "no order left", self.tally.unmatched)?;
        count(f, "guest returns", self.tally.unmatched_guests)?;
        if self.tally.refused.lines > 0 {
            count(f, "refused", self.tally.refused)?;
        }
        for refusal in &self.refusals {
            writeln!(f, "  record {}: {}", refusal.record, refusal.why)?;
        }
        figure(f, "malformed", self.malformed.lines)?;
        for (line, why) in &self.malformed.first {
            writeln!(f, "  line {line}: {why}")?;
        }
        counted_again(f, self.tally.counted_again())?;
        run(f, self)?;
        if let Some(journal) = &self.journal {
            text(f, "journal", journal)?;
        }
        books(f, &self.books)
    }
}

fn count(f: &mut fmt::Formatter<'_>, name: &str, count: Count) -> fmt::Result {
    let (lines, units) = (grouped(count.lines), grouped(count.units));
    writeln!(
        f,
        "{name:NAME_WIDTH$}{lines:>LINES_WIDTH$}{units:>UNITS_WIDTH$}"
    )
}

fn figure(f: &mut fmt::Formatter<'_>, name: &str, lines: u64) -> fmt::Result {
    writeln!(f, "{name:NAME_WIDTH$}{:>LINES_WIDTH$}", grouped(lines))
}

pub(super) fn text(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(f, "{name:NAME_WIDTH$}  {text}")
}

fn run(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let Run {
        lines,
        lines_per_s,
        measured,
    } = &report.run;
    if measured.answers == 0 {
        return text(f, "throughput", nothing_sent(report));
    }
    throughput(f, "lines", (*lines, *lines_per_s), measured)?;
    not_sent(f, report)?;
    latency(f, measured)
}

/// How many of what were done, and how many a second.
pub(super) fn throughput(
    f: &mut fmt::Formatter<'_>,
    noun: &str,
    (count, per_s): (u64, u64),
    measured: &Measured,
) -> fmt::Result {
    let (whole, hundredths) = (
        measured.elapsed_ms / 1_000,
        measured.elapsed_ms % 1_000 / 10,
    );
    let (rate, count) = (grouped(per_s), grouped(count));
    let told = format!("{rate} {noun}/s ({count} {noun} in {whole}.{hundredths:02} s)");
    text(f, "throughput", &told)
}

/// How long answers took, and what had to be asked again.
pub(super) fn latency(f: &mut fmt::Formatter<'_>, measured: &Measured) -> fmt::Result {
    let ms = |us: u64| format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10);
    let (p50, p99) = (ms(measured.latency_p50_us), ms(measured.latency_p99_us));
    text(f, "latency", &format!("p50 {p50}, p99 {p99}"))?;
    if measured.busy > 0 || measured.connections_lost > 0 {
        let (busy, lost) = (grouped(measured.busy), grouped(measured.connections_lost));
        let told = format!("{busy} after BUSY, {lost} connections lost");
        text(f, "asked again", &told)?;
    }
    Ok(())
}

/// A line in more than one row is taken off again, so that the rows add up.
fn counted_again(f: &mut fmt::Formatter<'_>, lines: u64) -> fmt::Result {
    if lines == 0 {
        return Ok(());
    }
    let off = format!("-{}", grouped(lines));
    writeln!(f, "{:NAME_WIDTH$}{off:>LINES_WIDTH$}", "in two rows")
}

/// The lines of the file that the throughput does not count, by cause.
fn not_sent(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let causes = [
        (report.tally.not_sent, "returns without an order"),
        (report.answered_before(), "lines of earlier runs"),
        (report.malformed.lines, "malformed lines"),
    ];
    let told = causes.iter().filter(|(lines, _)| *lines > 0);
    let told: Vec<_> = told
        .map(|(lines, cause)| format!("{} {cause}", grouped(*lines)))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    text(f, "not sent", &told.join(", "))
}

fn nothing_sent(report: &Report) -> &'static str {
    if report.lines == 0 {
        "nothing to send: the file has no lines after its header"
    } else if report.books.skus == 0 {
        "nothing to send: no line of the file orders anything"
    } else {
        "nothing to send: the journal has every answer"
    }
}

/// Whether the books balance, and if not, where.
pub(super) fn books(f: &mut fmt::Formatter<'_>, books: &Books) -> fmt::Result {
    if books.known_before > 0 {
        let answers = grouped(books.known_before);
        text(f, "books balance", "cannot be told")?;
        return writeln!(
            f,
            "  {answers} answers are about ids that the server had seen before this replay sent them:
  its rows are not of this replay alone. Go on with the journal of the earlier replay, or take a
  server without these ids."
        );
    }
    let told = if books.balance { "yes" } else { "no" };
    text(f, "books balance", told)?;
    if books.differing > 0 {
        differences(f, books)?;
    }
    Ok(())
}

fn differences(f: &mut fmt::Formatter<'_>, books: &Books) -> fmt::Result {
    let (differing, skus) = (grouped(books.differing), grouped(books.skus));
    writeln!(f, "  {differing} of {skus} SKUs differ; the first:")?;
    for Difference {
        sku,
        expected,
        server,
    } in &books.differences
    {
        writeln!(f, "  {sku}")?;
        writeln!(f, "    by the answers: {}", units(expected))?;
        let row = server
            .as_ref()
            .map_or_else(|| "no such SKU".to_owned(), units);
        writeln!(f, "    on the server:  {row}")?;
    }
    Ok(())
}

fn units(units: &Units) -> String {
    let Units {
        total,
        available,
        held,
        sold,
    } = units;
    format!("total {total}, available {available}, held {held}, sold {sold}")
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
