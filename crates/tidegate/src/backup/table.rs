//! What a backup holds, for people and for programs.

use std::fmt::{self, Display};

use serde_json::{Map, Value, json};
use tidegate_engine::backup::Contents;

/// One figure a line.
pub(super) struct Table<'a>(pub(super) &'a Contents);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Contents {
            head,
            tables,
            frames,
            bytes,
        } = self.0;
        line(f, "backup.checkpoint", head.checkpoint)?;
        line(f, "backup.taken_at_ms", head.taken_at_ms)?;
        line(f, "backup.partitions", head.positions.len())?;
        line(f, "backup.frames", frames)?;
        line(f, "backup.bytes", bytes)?;
        tables
            .iter()
            .try_for_each(|table| line(f, &table.name, table.rows))
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{name:<26}{value:>16}")
}

/// The same as one JSON object.
pub(super) fn json(contents: &Contents) -> Value {
    let rows = contents.tables.iter();
    let rows: Map<_, _> = rows
        .map(|table| (table.name.clone(), table.rows.into()))
        .collect();
    json!({
        "version": contents.head.version,
        "checkpoint": contents.head.checkpoint,
        "taken_at_ms": contents.head.taken_at_ms,
        "clock_up_to_ms": contents.head.clock_up_to_ms,
        "partitions": contents.head.positions.len(),
        "frames": contents.frames,
        "bytes": contents.bytes,
        "rows": rows,
    })
}
