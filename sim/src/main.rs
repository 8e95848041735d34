//! `cargo run --release -p sim -- --seeds N`

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use sim::Tally;

/// Runs random commands and faults against the engine, from seeds, and prints what was injected.
#[derive(Parser)]
struct Options {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them; the others follow.
    #[arg(long, default_value_t = 1)]
    from: u64,
}

fn main() -> ExitCode {
    let Options { seeds, from } = Options::parse();
    let started = Instant::now();
    let mut all = Tally::default();
    for seed in from..from + seeds {
        match sim::run(seed, None) {
            Ok(ran) => all.add(&ran.tally),
            Err(violation) => {
                println!("{violation}");
                println!("again: cargo run --release -p sim -- --seeds 1 --from {seed}");
                return ExitCode::FAILURE;
            }
        }
    }
    report(&all, seeds, started.elapsed().as_secs_f64());
    let never: Vec<_> = all.faults().filter(|(_, count)| *count == 0).collect();
    for (fault, _) in &never {
        println!("{fault} was never injected: run more seeds");
    }
    ExitCode::from(u8::from(!never.is_empty()))
}

fn report(all: &Tally, seeds: u64, seconds: f64) {
    let line = |name: &str, count: u64| println!("{name:<32}{count:>12}");
    line("seeds", seeds);
    line("commands", all.commands);
    line("answers compared", all.answers);
    line("answered at the edge", all.at_edge);
    line("turned away", all.turned_away);
    line("in doubt at a crash", all.in_doubt);
    line("starts", all.starts);
    line("checkpoints", all.checkpoints);
    line("rows fetched", all.fetched);
    line("events told", all.events);
    line("answers about orders", all.orders);
    line("answers about a split SKU", all.splits);
    line("answers about a topic", all.messages);
    line("answers about a stream", all.streams);
    line("answers about jobs", all.jobs);
    line("answers about counters", all.counted);
    line("counters dropped, and declared", all.dropped);
    line("answers about what is pushed", all.pushed);
    line("brought to receivers", all.brought);
    line("of that again", all.brought_again);
    line("answers about sales", all.sales);
    line("bought in sales", all.bought);
    line("calls to a provider", all.calls);
    line("calls to a hook", all.checks);
    line("audits under way", all.audits);
    for (fault, count) in all.faults() {
        line(&fault, count);
    }
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let per_second = all.commands as f64 / seconds;
    println!("{:<32}{per_second:>12.0}", "commands per second");
}
