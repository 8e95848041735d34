//! What is printed of a recount.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::compare::{Books, Difference};
use crate::output::grouped;

impl Books {
    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<12} {value}");
        };
        line("counter", &self.counter);
        line("from_ms", &self.from_ms.to_string());
        line("to_ms", &self.to_ms.to_string());
        line("events", &grouped(self.events));
        line("keys", &grouped(self.keys as u64));
        line("buckets", &grouped(self.compared as u64));
        line("moving", &grouped(self.moving as u64));
        line("unique", &grouped(self.unique as u64));
        line("differences", &grouped(self.differences.len() as u64));
        if !self.differences.is_empty() {
            let _ = writeln!(
                text,
                "\n{:<14} {:>10} {:>12} {:>12}  {:<24} {:<16} key",
                "bucket_ms", "width_ms", "counted", "events", "state", "of"
            );
        }
        for difference in &self.differences {
            let Difference {
                key,
                of,
                bucket_ms,
                width_ms,
                counted,
                events,
                ..
            } = difference;
            let state = difference.state();
            let _ = writeln!(
                text,
                "{bucket_ms:<14} {width_ms:>10} {counted:>12} {events:>12}  {state:<24} {of:<16} {key}"
            );
        }
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let differences: Vec<_> = self.differences.iter().map(Difference::json).collect();
        json!({
            "counter": self.counter,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "events": self.events,
            "keys": self.keys,
            "buckets": self.compared,
            "moving": self.moving,
            "unique": self.unique,
            "differences": differences,
        })
    }
}

impl Difference {
    fn state(&self) -> &str {
        match &self.refused {
            Some(why) => why,
            None if self.is_repaired => "repaired",
            None => "differs",
        }
    }

    fn json(&self) -> Value {
        json!({
            "key": self.key,
            "of": self.of,
            "bucket_ms": self.bucket_ms,
            "width_ms": self.width_ms,
            "counted": self.counted,
            "events": self.events,
            "repaired": self.is_repaired,
            "refused": self.refused,
        })
    }
}
