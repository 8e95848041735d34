//! `XACK`: entries are pending no more.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use crate::stream::answer::Answer;
use crate::stream::command::XAck;
use crate::stream::desk::Desk;
use crate::stream::look::check_parts;
use crate::stream::refusal::{SEVERAL_PARTS, StreamRefusal};
use crate::stream::row::{GROUPS, PENDING, chunk_of};

impl Apply for XAck {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let (name, group) = (self.says.name.as_str(), self.says.group.as_str());
        reads.row(&GROUPS, (name, group));
        for id in &self.says.ids {
            reads.row(&PENDING, (name, group, chunk_of(id.seq)));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let of = (self.says.name.as_str(), self.says.group.as_str());
        check_parts(tx, of.0)?;
        let Some(mut desk) = Desk::of(tx, of)? else {
            return Ok(Answer::Number(0));
        };
        let mut acked = 0;
        for id in &self.says.ids {
            if let Some(entry) = desk.find(tx, *id)? {
                desk.remove(tx, entry.position)?;
                acked += 1;
            }
        }
        if acked > 0 {
            desk.put(tx);
        }
        Ok(Answer::Number(acked))
    }
}
