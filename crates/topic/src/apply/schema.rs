//! The schema of a topic, and payloads beside it.

use std::cell::Cell;
use std::sync::Arc;

use compact_str::CompactString;
use tidegate_engine::{Missing, Reads, Tx};

use crate::Refusal;
use crate::schema::Schema;
use crate::table::{PARTS, Part, SCHEMAS};

/// Names the row of what a topic adds up to, and that of its schema if it has one.
pub(crate) fn reads_of_schema(reads: &mut Reads<'_>, name: &str) {
    if reads.get(&PARTS, name).is_some_and(|part| part.has_schema) {
        reads.row(&SCHEMAS, name);
    }
}

/// The text of the schema; empty if the topic has none.
pub(super) fn text_of_schema(
    tx: &mut Tx<'_>,
    name: &str,
    part: &Part,
) -> Result<CompactString, Missing> {
    if !part.has_schema {
        return Ok(CompactString::default());
    }
    let schema = tx.get(&SCHEMAS, name)?;
    Ok(schema.map_or_else(CompactString::default, |schema| schema.text))
}

/// The schema, if the topic has one.
pub(crate) fn schema_of(
    tx: &mut Tx<'_>,
    name: &str,
    part: &Part,
) -> Result<Option<Arc<Schema>>, Missing> {
    let text = text_of_schema(tx, name, part)?;
    Ok((!text.is_empty()).then(|| tx.made_of(&text, Schema::declared)))
}

/// Whether a payload may be published; a refusal that names the item of a list if not. `steps_left` are those of the
/// command.
pub(super) fn check_payload(
    schema: Option<&Schema>,
    payload: &[u8],
    item: Option<u64>,
    steps_left: &Cell<u64>,
) -> Result<(), Refusal> {
    let Some(schema) = schema else {
        return Ok(());
    };
    let mut left = steps_left.get();
    let checked = schema.check_within(payload, &mut left);
    steps_left.set(left);
    checked.map_err(|wrong| Refusal::SchemaViolated { item, wrong })
}
