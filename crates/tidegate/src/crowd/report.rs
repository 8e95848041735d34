//! What came of a crowd, for people and for programs.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Options;
use super::answer::Answer;
use super::ask::Ask;
use super::ledger::Ledger;
use super::tally::{Asked, Bots, Gone, Tally};
use crate::bench::latency::{Quantiles, Spread};
use crate::ending::Found;
use crate::output::grouped;

/// How long answers took people: from when a request was to be sent.
pub(super) struct Measured {
    began: Instant,
    ended: Option<Duration>,
    polls: Spread,
    buys: Spread,
    all: Spread,
}

impl Measured {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            ended: None,
            polls: Spread::new(),
            buys: Spread::new(),
            all: Spread::new(),
        }
    }

    pub(super) fn record(&mut self, ask: &Ask, answer: &Answer, took: Duration) {
        if matches!(answer, Answer::Lost) {
            return;
        }
        self.all.record(took);
        match ask {
            Ask::Position { .. } => self.polls.record(took),
            Ask::Buy { .. } => self.buys.record(took),
            Ask::Join { .. }
            | Ask::Declare { .. }
            | Ask::Announce { .. }
            | Ask::Time
            | Ask::Sale
            | Ask::Goods
            | Ask::Token { .. }
            | Ask::Pay { .. }
            | Ask::Cancel { .. }
            | Ask::Order { .. }
            | Ask::Stock { .. }
            | Ask::Reviews { .. } => {}
        }
    }

    /// All have gone.
    pub(super) fn end(&mut self) {
        self.ended = Some(self.began.elapsed());
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.ended.unwrap_or_else(|| self.began.elapsed())
    }

    pub(super) fn quantiles(&self) -> Quantiles {
        self.all.quantiles()
    }
}

/// Latencies in microseconds.
#[derive(Clone, Debug, Serialize)]
struct Latency {
    p50: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl From<Quantiles> for Latency {
    fn from(of: Quantiles) -> Self {
        let Quantiles {
            p50,
            p99,
            p999,
            max,
        } = of;
        Self {
            p50,
            p99,
            p999,
            max,
        }
    }
}

/// The result of a crowd.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    sale: String,
    seed: u64,
    people: u32,
    bots: u32,
    elapsed_ms: u64,
    #[serde(flatten)]
    tally: Tally,
    latency_us: Latency,
    poll_latency_us: Latency,
    buy_latency_us: Latency,
    ledger: Ledger,
}

impl Report {
    pub(super) fn new(options: &Options, tally: Tally, measured: Measured, ledger: Ledger) -> Self {
        Self {
            sale: options.sale.clone(),
            seed: options.seed,
            people: options.people,
            bots: options.bots,
            elapsed_ms: measured.elapsed().as_millis() as u64,
            tally,
            latency_us: measured.all.quantiles().into(),
            poll_latency_us: measured.polls.quantiles().into(),
            buy_latency_us: measured.buys.quantiles().into(),
            ledger,
        }
    }

    /// Whether the ledger is sound.
    pub(crate) fn found(&self) -> Found {
        if self.ledger.is_sound() {
            Found::Sound
        } else {
            Found::Unsound
        }
    }
}

const NAME: usize = 28;
const FIGURE: usize = 14;

fn line(f: &mut Formatter<'_>, name: &str, figure: u64) -> fmt::Result {
    writeln!(f, "{name:<NAME$}{:>FIGURE$}", grouped(figure))
}

fn reasons<'a>(
    f: &mut Formatter<'_>,
    reasons: impl IntoIterator<Item = (&'a Box<str>, &'a u64)>,
) -> fmt::Result {
    for (code, count) in reasons {
        line(f, &format!("  {code}"), *count)?;
    }
    Ok(())
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.people(f)?;
        self.requests(f)?;
        self.bots(f)?;
        self.latencies(f)?;
        self.ledger.fmt(f)
    }
}

impl Report {
    fn people(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let Gone {
            done,
            turned_away,
            left,
            over,
        } = tally.gone;
        for (name, figure) in [
            ("people", self.people.into()),
            ("  in line", tally.joined),
            ("  admitted", tally.admitted),
            ("    with nothing left", tally.admitted_to_nothing),
            ("  done", done),
            ("  turned away, sold out", turned_away),
            ("  left", left),
            ("  turned away, over", over),
            ("orders", tally.bought),
            ("  units", tally.units),
            ("  seen paid", tally.paid),
        ] {
            line(f, name, figure)?;
        }
        Ok(())
    }

    fn requests(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let asked = self.tally.asked;
        let Asked {
            joins,
            polls,
            tokens,
            buys,
            payments,
            cancels,
            others,
        } = asked;
        for (name, figure) in [
            ("requests", asked.in_all()),
            ("  joins", joins),
            ("  polls", polls),
            ("  tokens", tokens),
            ("  purchases", buys),
            ("    sent again once made", self.tally.sent_again),
            ("  payments", payments),
            ("  cancels", cancels),
            ("  others", others),
            ("told to come back (busy)", self.tally.busy),
            ("without an answer", self.tally.lost),
            ("refused", self.tally.refused.values().sum()),
        ] {
            line(f, name, figure)?;
        }
        reasons(f, &self.tally.refused)?;
        if let Some(first) = &self.tally.first_nonsense {
            line(f, "not as documented", self.tally.nonsense)?;
            writeln!(f, "  {first}")?;
        }
        Ok(())
    }

    fn bots(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Bots {
            requests,
            forgeries,
            thefts,
            bought,
            refused,
        } = &self.tally.bots;
        for (name, figure) in [
            ("bots", u64::from(self.bots)),
            ("  requests", *requests),
            ("  forgeries", *forgeries),
            ("  thefts", *thefts),
            ("  orders", *bought),
        ] {
            line(f, name, figure)?;
        }
        reasons(f, refused)
    }

    fn latencies(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<NAME$}{:>FIGURE$}",
            "seconds",
            InSeconds(self.elapsed_ms)
        )?;
        for (name, latency) in [
            ("latency, all", &self.latency_us),
            ("latency, polls", &self.poll_latency_us),
            ("latency, purchases", &self.buy_latency_us),
        ] {
            writeln!(f, "{name:<NAME$}{latency}")?;
        }
        Ok(())
    }
}

struct InSeconds(u64);

impl Display for InSeconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.1}", self.0 as f64 / 1_000.0))
    }
}

impl Display for Latency {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ms = |micros: u64| micros as f64 / 1_000.0;
        write!(f, "{:>FIGURE$.2} ms p50", ms(self.p50))?;
        write!(
            f,
            "{:>12.2} ms p99{:>12.2} ms p99.9",
            ms(self.p99),
            ms(self.p999)
        )?;
        write!(f, "{:>12.2} ms max", ms(self.max))
    }
}

impl Display for Ledger {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        line(f, "units sold", self.units_sold)?;
        line(f, "units held", self.units_held)?;
        line(f, "units left", self.units_left)?;
        let wrong = self
            .wrong()
            .map(|(name, count)| format!("{name} {}", grouped(count)));
        let (four, others) = wrong.split_at(4);
        writeln!(f, "{}", four.join(", "))?;
        writeln!(f, "{}", others.join(", "))
    }
}
