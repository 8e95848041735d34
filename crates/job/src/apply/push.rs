//! `JOB.PUSH` and `JOB.PULL`: whether the jobs of a queue are brought to a receiver. Who brings them is a worker, outside
//! of here, that reads in `JOB.PUSHES` what to take.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Never, RefusalDef};
use tidegate_engine::{Reads, Receivers, Stop, Tx};

use crate::Refusal;
use crate::command::{Pull, Push};
use crate::refusal::UNKNOWN_RECEIVER;
use crate::reply::{PullReceipt, PushInfo};
use crate::table::{PUSHES, Push as Row, QUEUES, Queue};

impl Apply for Push {
    type Reply = PushInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_RECEIVER];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&PUSHES, self.queue.as_str());
        reads.row(&QUEUES, self.queue.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<PushInfo, Stop<Refusal>> {
        let known = tx.settings::<Receivers>();
        if known.is_none_or(|known| !known.0.contains(self.receiver.as_str())) {
            return Err(Refusal::UnknownReceiver.into());
        }
        let name = self.queue.as_str();
        let before = tx.get(&PUSHES, name)?;
        let row = |since_ms| Row {
            receiver: self.receiver.compact(),
            in_flight: self.in_flight.get(),
            again_ms: self.again_ms.get(),
            since_ms,
        };
        if let Some(before) = before.filter(|before| *before == row(before.since_ms)) {
            return Ok(before.info(name));
        }
        if tx.get(&QUEUES, name)?.is_none() {
            tx.put(&QUEUES, name, Queue::default());
        }
        let row = row(tx.now_ms());
        tx.put(&PUSHES, name, &row);
        Ok(row.info(name))
    }
}

impl Row {
    pub(crate) fn info(self, name: &str) -> PushInfo {
        PushInfo {
            queue: CompactString::new(name),
            receiver: self.receiver,
            in_flight: self.in_flight,
            again_ms: self.again_ms,
            since_ms: self.since_ms,
        }
    }
}

impl Apply for Pull {
    type Reply = PullReceipt;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&PUSHES, self.queue.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<PullReceipt, Stop<Never>> {
        let name = self.queue.as_str();
        let repeated = tx.get(&PUSHES, name)?.is_none();
        if !repeated {
            tx.remove(&PUSHES, name);
        }
        Ok(PullReceipt {
            queue: self.queue.compact(),
            repeated,
        })
    }
}
