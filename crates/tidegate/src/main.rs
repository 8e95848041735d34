//! The `tidegate` binary: `serve`, `demo`, `replay`, `bench`, `check`, `backup`, `restore` and
//! `pay-sandbox`.

use std::process::ExitCode;

use tidegate_counter::COUNTER;
use tidegate_engine::contract::Domain;
use tidegate_job::JOB;
use tidegate_order::ORDER;
use tidegate_sale::SALE;
use tidegate_stock::STOCK;
use tidegate_topic::{STREAM, TOPIC};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Every structure that this binary serves: one line each.
const DOMAINS: &[Domain] = &[STOCK, ORDER, SALE, TOPIC, STREAM, JOB, COUNTER];

fn main() -> ExitCode {
    tidegate::main_with(DOMAINS)
}
