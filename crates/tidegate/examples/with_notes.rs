//! The `tidegate` binary with one structure more, the toy domain, for `bench/isolation.sh`.

use std::process::ExitCode;

use tidegate_engine::contract::Domain;
use tidegate_engine::testing::TOY;
use tidegate_stock::STOCK;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const DOMAINS: &[Domain] = &[STOCK, TOY];

fn main() -> ExitCode {
    tidegate::main_with(DOMAINS)
}
