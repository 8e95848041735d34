//! The client of `bench/counters.sh`: events for a counter and for a Redis that counts the same by Lua, from one process
//! beside the servers; what was counted is asked from them.

mod crowd;
mod figures;
mod keys;
mod load;
mod queries;
mod resp;
mod throughput;

use std::collections::BTreeMap;
use std::env;
use std::str::FromStr;

/// `--name value` pairs of the command line.
pub(crate) struct Flags(BTreeMap<String, String>);

impl Flags {
    fn of(args: impl Iterator<Item = String>) -> Self {
        let mut args = args;
        let mut flags = BTreeMap::new();
        while let Some(name) = args.next() {
            let name = name
                .strip_prefix("--")
                .expect("a flag begins with --")
                .to_owned();
            flags.insert(name, args.next().expect("a flag has a value"));
        }
        Self(flags)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("--{name} is missing"))
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str) -> T {
        let text = self.text(name);
        text.parse()
            .unwrap_or_else(|_| panic!("--{name} {text} is no number"))
    }
}

fn main() {
    let mut args = env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let flags = Flags::of(args);
    match what.as_str() {
        "throughput" => throughput::run(&flags),
        "prefill" => queries::prefill(&flags),
        "queries" => queries::run(&flags),
        "crowd" => crowd::crowd(&flags),
        "hot" => crowd::hot(&flags),
        _ => panic!("throughput, prefill, queries, crowd or hot, not {what:?}"),
    }
}
