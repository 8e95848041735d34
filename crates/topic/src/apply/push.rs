//! `TOPIC.PUSH` and `TOPIC.PULL`: whether the messages of a group are brought to a receiver. Who brings them is a member,
//! outside of here, that reads in `TOPIC.PUSHES` what to take.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Receivers, Stop, Tx};

use crate::Refusal;
use crate::command::{Pull, Push};
use crate::refusal::{UNKNOWN_GROUP, UNKNOWN_RECEIVER};
use crate::reply::{PullReceipt, PushReceipt};
use crate::table::{GROUPS, PUSHES, Push as Entry};

impl Apply for Push {
    type Reply = PushReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, UNKNOWN_RECEIVER];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&GROUPS, (self.name.as_str(), self.group.as_str()));
        reads.row(&PUSHES, self.name.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<PushReceipt, Stop<Refusal>> {
        let (name, group) = (self.name.as_str(), self.group.as_str());
        let row = tx.get(&GROUPS, (name, group))?;
        let order = row.ok_or(Refusal::UnknownGroup)?.order;
        let known = tx.settings::<Receivers>();
        if known.is_none_or(|known| !known.0.contains(self.receiver.as_str())) {
            return Err(Refusal::UnknownReceiver.into());
        }
        let mut pushes = tx.get(&PUSHES, name)?.unwrap_or_default();
        let found = pushes.find(group);
        let before = found.ok().map(|at| pushes.groups[at].clone());
        let entry = |since_ms| Entry {
            group: self.group.compact(),
            receiver: self.receiver.compact(),
            in_flight: self.in_flight.get(),
            order,
            since_ms,
        };
        if let Some(before) = before.filter(|before| *before == entry(before.since_ms)) {
            return Ok(self.receipt(before.since_ms));
        }
        let since_ms = tx.now_ms();
        match found {
            Ok(at) => pushes.groups[at] = entry(since_ms),
            Err(at) => pushes.groups.insert(at, entry(since_ms)),
        }
        tx.put(&PUSHES, name, pushes);
        Ok(self.receipt(since_ms))
    }
}

impl Push {
    fn receipt(&self, since_ms: u64) -> PushReceipt {
        PushReceipt {
            name: self.name.compact(),
            group: self.group.compact(),
            receiver: self.receiver.compact(),
            in_flight: self.in_flight.get(),
            since_ms,
        }
    }
}

impl Apply for Pull {
    type Reply = PullReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&GROUPS, (self.name.as_str(), self.group.as_str()));
        reads.row(&PUSHES, self.name.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<PullReceipt, Stop<Refusal>> {
        let (name, group) = (self.name.as_str(), self.group.as_str());
        if tx.get(&GROUPS, (name, group))?.is_none() {
            return Err(Refusal::UnknownGroup.into());
        }
        let mut pushes = tx.get(&PUSHES, name)?.unwrap_or_default();
        let found = pushes.find(group);
        if let Ok(at) = found {
            pushes.groups.remove(at);
            if pushes.groups.is_empty() {
                tx.remove(&PUSHES, name);
            } else {
                tx.put(&PUSHES, name, pushes);
            }
        }
        Ok(PullReceipt {
            name: self.name.compact(),
            group: self.group.compact(),
            repeated: found.is_err(),
        })
    }
}
