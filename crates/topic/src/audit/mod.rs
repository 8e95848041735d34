//! Recomputes every law of the domain from the rows themselves.

mod gone;
mod groups;
mod messages;
mod parts;
mod rows;

use tidegate_engine::Shard;
use tidegate_engine::contract::{Audit, Books};
use tidegate_engine::limits::NAME_BYTES_MAX;

use rows::Rows;
pub(crate) use rows::{no_key, split};

use crate::IN_FLIGHT_MAX;
use crate::schema::Schema;
use crate::table::{Part, Pushes, Topic};

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
        check(name, rows, &mut fault);
        parts::check(&mut audit, name, rows);
        add_figures(&mut audit, rows);
    }
    audit
}

fn check(topic_name: &str, rows: &Rows, fault: Fault<'_>) {
    match (&rows.topic, &rows.part, &rows.gone) {
        (Some(topic), Some(part), None) => check_topic(topic_name, rows, (topic, part), fault),
        (None, None, Some(gone)) => gone::check(topic_name, rows, gone, fault),
        (None, None, None) if rows.are_of_none() => {}
        (_, _, _) => fault(": rows of a topic that is not there".to_owned()),
    }
}

fn check_topic(topic_name: &str, rows: &Rows, (topic, part): (&Topic, &Part), fault: Fault<'_>) {
    messages::check(rows, part, fault);
    check_schema(rows, part, fault);
    check_names(rows, topic, fault);
    if let Some(pushes) = &rows.pushes {
        check_pushes(rows, pushes, fault);
    }
    for (name, group) in &rows.groups {
        let mut fault = |what: String| fault(format!(" group {name}{what}"));
        groups::check(rows, part, group, &mut fault);
        if Shard::named(topic_name).is_none() {
            groups::check_steered(part, group, &mut fault);
        }
    }
    gone::check_timers(rows, (false, None), fault);
}

/// The groups of a topic are those that it names, and it counts them.
fn check_names(rows: &Rows, topic: &Topic, fault: Fault<'_>) {
    let has = rows.names_there().count();
    if topic.groups != has as u64 {
        let says = topic.groups;
        fault(format!(": {says} groups, there are {has}"));
    }
    let names = rows.names.as_ref().map_or(&[][..], |names| &names.names);
    if !names.iter().eq(rows.names_there()) || rows.names.is_some() && names.is_empty() {
        let there: Vec<_> = rows.names_there().collect();
        fault(format!(
            ": it names the groups {names:?}, there are {there:?}"
        ));
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

/// Groups that are pushed are there, each once, and say how.
fn check_pushes(rows: &Rows, pushes: &Pushes, fault: Fault<'_>) {
    let groups = &pushes.groups;
    let is_in_order = groups.is_sorted_by(|one, other| one.group < other.group);
    if groups.is_empty() || !is_in_order {
        fault(format!(
            ": pushes of groups that are none, or in no order: {groups:?}"
        ));
    }
    for push in groups {
        let group = rows.groups.get(&push.group);
        let group = group.and_then(|rows| rows.group);
        let is_there = group.is_some_and(|group| group.order == push.order);
        let is_within = i64::try_from(push.in_flight)
            .is_ok_and(|in_flight| (1..=IN_FLIGHT_MAX).contains(&in_flight));
        let is_named = (1..=NAME_BYTES_MAX).contains(&push.receiver.len());
        if !is_there || !is_within || !is_named {
            fault(format!(": a push as nobody could have said, {push:?}"));
        }
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
