//! Requests that read many rows, one file each.

mod audit;
mod browse;
mod dead;
mod groups;
mod history;
mod list;
mod pushes;

use tidegate_engine::contract::Limit;

fn most(limit: Limit) -> usize {
    usize::try_from(limit.get()).unwrap_or(usize::MAX)
}
