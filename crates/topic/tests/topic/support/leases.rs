//! The leases of scripts: those of a group are 1, 2, 3 and so on, as they were given.

use std::collections::BTreeMap;

use tidegate_engine::testing::Stepper;

/// The number of each lease of each group of each topic.
#[derive(Default)]
pub(crate) struct Leases(BTreeMap<String, Vec<String>>);

impl Leases {
    /// Asks, and answers with the lease's number as scripts have it.
    pub(crate) fn call(&mut self, engine: &mut Stepper, command: &str) -> String {
        let words: Vec<_> = command.split(' ').collect();
        let [verb, topic, group, rest @ ..] = &words[..] else {
            return engine.call(command);
        };
        let leases = self.0.entry(format!("{topic} {group}")).or_default();
        match (*verb, rest) {
            ("TOPIC.ACK" | "TOPIC.NACK" | "TOPIC.EXTEND", [id, rest @ ..]) => {
                let id = real(leases, id).unwrap_or((*id).to_owned());
                let command = format!("{verb} {topic} {group} {id} {}", rest.join(" "));
                engine.call(command.trim_end())
            }
            ("TOPIC.READ", _) => named(leases, engine.call(command)),
            _ => engine.call(command),
        }
    }
}

/// The id of a lease that was given.
fn real(leases: &[String], id: &str) -> Option<String> {
    let (number, runs) = id.split_once('.')?;
    let known = leases.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
    Some(format!("{known}.{runs}"))
}

/// An answer that gives the next lease.
fn named(leases: &mut Vec<String>, answer: String) -> String {
    let Some((id, rest)) = answer
        .strip_prefix("lease=")
        .and_then(|rest| rest.split_once('.'))
    else {
        return answer;
    };
    leases.push(id.to_owned());
    format!("lease={}.{rest}", leases.len())
}
