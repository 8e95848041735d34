//! The moving picture of a crowd on a terminal; plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::drive::Progress;
use super::tally::Tally;
use crate::output::{columns, grouped, note};

/// How often a plain line is printed.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// Columns of the names before the bars.
const NAME: usize = "  requests  ".len();

/// Shows how a crowd is doing.
pub(super) trait Observer {
    fn show(&mut self, now: &Progress<'_>);
}

/// What fits where standard error goes.
pub(super) fn observer() -> Box<dyn Observer> {
    if stderr().is_terminal() {
        Box::new(Picture::new())
    } else {
        Box::new(Plain { told: None })
    }
}

struct Plain {
    told: Option<Instant>,
}

impl Observer for Plain {
    fn show(&mut self, now: &Progress<'_>) {
        if self.told.is_some_and(|told| told.elapsed() < PLAIN_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        let tally = &now.town.world.tally;
        let bars = bars(now).map(|(name, count, _)| format!("{} {name}", grouped(count)));
        let beside = [clock(now), refusals(tally), latency(now)];
        note(format_args!("{}; {}", bars.join(", "), beside.join("; ")));
    }
}

struct Picture {
    all: MultiProgress,
    bars: [ProgressBar; 5],
    texts: [ProgressBar; 3],
}

impl Picture {
    fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let add = |template: &str| {
            let style = ProgressStyle::with_template(template);
            let style = style.expect("because the templates are fixed");
            let bar = all.add(ProgressBar::new(1));
            bar.set_style(style.progress_chars("━╸─"));
            bar
        };
        let bars = ["cyan", "yellow", "magenta", "green", "green"].map(|color| {
            let color = if plain {
                String::new()
            } else {
                format!(":.{color}")
            };
            add(&format!("  {{prefix:<10}}{{wide_bar{color}}} {{msg:>9}}"))
        });
        let texts = ["clock", "refused", "requests"].map(|name| {
            let text = add("  {prefix:<10}{msg}");
            text.set_prefix(name);
            text
        });
        Self { all, bars, texts }
    }
}

impl Observer for Picture {
    fn show(&mut self, now: &Progress<'_>) {
        for (bar, (name, count, of)) in self.bars.iter().zip(bars(now)) {
            bar.set_prefix(name);
            bar.set_length(of.max(1));
            bar.set_position(count);
            bar.set_message(grouped(count));
        }
        let room = columns().saturating_sub(NAME);
        let texts = [clock(now), refusals(&now.town.world.tally), latency(now)];
        for (bar, text) in self.texts.iter().zip(texts) {
            bar.set_message(text.chars().take(room).collect::<String>());
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // What cannot be cleared stays on the screen, which does no harm.
        drop(self.all.clear());
    }
}

/// Names, counts, and of how many.
fn bars(now: &Progress<'_>) -> [(&'static str, u64, u64); 5] {
    let (tally, people) = (&now.town.world.tally, u64::from(now.people));
    [
        ("arrived", tally.arrived, people),
        ("waiting", tally.waiting(), people),
        ("admitted", tally.admitted, people),
        ("bought", tally.units, now.units),
        ("paid", tally.paid, now.units),
    ]
}

fn clock(now: &Progress<'_>) -> String {
    let seconds = now.starts_in_ms.div_ceil(1_000);
    if seconds > 0 {
        format!("it starts in {seconds} s")
    } else {
        format!("{:.0} s", now.measured.elapsed().as_secs_f64())
    }
}

/// The commonest reasons first.
fn refusals(tally: &Tally) -> String {
    let mut reasons: Vec<_> = tally.refused.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let busy = [("busy", tally.busy), ("no answer", tally.lost)];
    let reasons = reasons.iter().map(|(code, count)| (&***code, **count));
    let shown = reasons.chain(busy).filter(|(_, count)| *count > 0);
    let shown: Vec<_> = shown
        .map(|(code, count)| format!("{code} {}", grouped(count)))
        .collect();
    if shown.is_empty() {
        "nothing refused".to_owned()
    } else {
        shown.join(", ")
    }
}

fn latency(now: &Progress<'_>) -> String {
    let quantiles = now.measured.quantiles();
    let asked = now.town.world.tally.asked.in_all();
    let ms = |micros: u64| micros as f64 / 1_000.0;
    format!(
        "{} requests, {:.1} ms p50, {:.1} ms p99",
        grouped(asked),
        ms(quantiles.p50),
        ms(quantiles.p99)
    )
}
