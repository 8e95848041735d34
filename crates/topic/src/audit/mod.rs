//! Recomputes every law of the domain from the rows themselves.

mod groups;
mod messages;
mod rows;

use tidegate_engine::contract::{Audit, Books};

use rows::Rows;
pub(crate) use rows::{no_key, split};

use crate::schema::Schema;
use crate::table::Part;

/// Where a law that is broken is told, behind the name of the topic.
type Fault<'a> = &'a mut dyn FnMut(String);

/// Checks the laws of this crate over the rows of one slot.
#[must_use]
pub fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let mut topics = rows::by_topic(books, &mut audit.faults);
    messages::look_at_all(books, &mut topics, &mut audit.faults);
    for (name, rows) in &topics {
        let faults = &mut audit.faults;
        let mut fault = |what: String| faults.push(format!("topic {name}{what}"));
        check(rows, &mut fault);
        add_figures(&mut audit, rows);
    }
    audit
}

fn check(rows: &Rows, fault: Fault<'_>) {
    let (Some(topic), Some(part)) = (&rows.topic, &rows.part) else {
        fault(": rows of a topic that is not there".to_owned());
        return;
    };
    messages::check(rows, part, fault);
    check_schema(rows, part, fault);
    if topic.groups != rows.groups.len() as u64 {
        let (says, has) = (topic.groups, rows.groups.len());
        fault(format!(": {says} groups, there are {has}"));
    }
    for (name, group) in &rows.groups {
        let mut fault = |what: String| fault(format!(" group {name}{what}"));
        groups::check(rows, part, group, &mut fault);
    }
}

/// A topic has a schema if it says so, and one that can be read.
fn check_schema(rows: &Rows, part: &Part, fault: Fault<'_>) {
    let read = rows.schema.as_ref().map(|schema| Schema::of(&schema.text));
    match (part.has_schema, read) {
        (true, Some(Ok(_))) | (false, None) => {}
        (says, there) => fault(format!(
            ": that it has a schema is {says}, and there is {there:?}"
        )),
    }
}

fn add_figures(audit: &mut Audit, rows: &Rows) {
    let groups = rows.groups.values();
    let dead = groups.map(|group| group.dead.len()).sum::<usize>();
    for (figure, value) in [
        ("topic.messages", rows.part.map_or(0, |part| part.count())),
        ("topic.delayed", rows.delayed.len() as u64),
        ("topic.dead_letters", dead as u64),
    ] {
        audit.add(figure, i64::try_from(value).unwrap_or(i64::MAX));
    }
}
