//! Queries of the toy that are watched.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Name, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx, reply, request};

use crate::toy::{Refusal, THINGS};

request! {
    /// How bright the thing `lamp` of a box is.
    pub struct Lamp {
        /// The box.
        box_name: Name,
    }
}

reply! {
    /// How bright it is.
    pub struct Light {
        /// How bright; null if there is none.
        light: Option<u64>,
        /// What time it is.
        now_ms: u64,
    }
}

impl Apply for Lamp {
    type Reply = Light;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.box_name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Light, Stop<Refusal>> {
        let lamp = tx.get(&THINGS, (self.key(), "lamp"))?;
        Ok(Light {
            light: lamp.map(|lamp| lamp.quantity),
            now_ms: tx.now_ms(),
        })
    }
}

request! {
    /// One thing of a box. Of a full one nothing is told.
    pub struct One {
        /// The box.
        box_name: Name,
        /// The thing.
        thing: Name,
        /// A note for people.
        ["NOTE"] note: Option<Name>,
    }
}

reply! {
    /// A thing.
    pub struct OneInfo {
        /// The thing.
        thing: CompactString,
        /// How many of it.
        quantity: u64,
        /// What time it is.
        now_ms: u64,
    }
}

impl Apply for One {
    type Reply = OneInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[Refusal::UNKNOWN, Refusal::FULL];

    fn key(&self) -> &str {
        self.box_name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<OneInfo, Stop<Refusal>> {
        let thing = tx.get(&THINGS, (self.key(), self.thing.as_str()))?;
        match thing.ok_or(Refusal::Unknown)?.quantity {
            room @ 10 => Err(Refusal::Full { room }.into()),
            quantity => Ok(OneInfo {
                thing: self.thing.compact(),
                quantity,
                now_ms: tx.now_ms(),
            }),
        }
    }
}

request! {
    /// Which second it is.
    pub struct Second {
        /// The box.
        box_name: Name,
    }
}

reply! {
    /// Which second it is.
    pub struct SecondInfo {
        /// Since 1970.
        second: u64,
    }
}

impl Apply for Second {
    type Reply = SecondInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.box_name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SecondInfo, Stop<Refusal>> {
        let second = tx.now_ms() / 1_000;
        Ok(SecondInfo { second })
    }
}
