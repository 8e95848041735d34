//! A request of the toy that wants to know where it comes from.

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Address, Apply, Name, RefusalDef, Refuse, Status, Writer};
use tidegate_engine::{Reads, Stop, Tx, reply, request};

request! {
    /// Where a request comes from.
    pub struct Whence {
        /// The box.
        box_name: Name,
        /// Where it comes from.
        ["FROM"] from: Option<Address>,
        /// A note for people.
        ["NOTE"] note: Option<Name>,
    }
}

reply! {
    /// Where a request comes from.
    pub struct From {
        /// The address; null if it is not known.
        from: Option<CompactString>,
    }
}

/// The box `often` is asked too often.
#[derive(Debug)]
pub struct TooOften;

const TOO_OFTEN: RefusalDef = RefusalDef {
    code: "too_often",
    status: Status::TooMany,
    doc: "Asked too often.",
};

const RETRY_AFTER_MS: u64 = 1_001;

impl Refuse for TooOften {
    fn def(&self) -> &'static RefusalDef {
        &TOO_OFTEN
    }

    fn facts(&self, out: &mut dyn Writer) {
        out.name("retry_after_ms");
        out.integer(RETRY_AFTER_MS.cast_signed());
    }

    fn retry_after_ms(&self) -> Option<u64> {
        Some(RETRY_AFTER_MS)
    }
}

impl Apply for Whence {
    type Reply = From;
    type Refusal = TooOften;
    const REFUSALS: &'static [RefusalDef] = &[TOO_OFTEN];

    fn key(&self) -> &str {
        self.box_name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<From, Stop<TooOften>> {
        if self.key() == "often" {
            return Err(TooOften.into());
        }
        Ok(From {
            from: self.from.map(|from| from.to_compact_string()),
        })
    }
}
