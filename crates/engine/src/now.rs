//! `TIME.GET`: what time it is, for clients that count down to a moment of the server's.

use crate::contract::{Apply, Never, RefusalDef};
use crate::edge::Edge;
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

request! {
    /// What time it is here, by which everything is judged. Does nothing else.
    pub(crate) struct Now {}
}

reply! {
    /// A moment.
    pub(crate) struct Moment {
        /// In milliseconds since 1970.
        now_ms: u64,
    }
}

impl Apply for Now {
    type Reply = Moment;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &'static str {
        "" // It is about nothing.
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn glance(&self, edge: &Edge<'_>) -> Option<Result<Moment, Never>> {
        let now_ms = edge.look_ms();
        Some(Ok(Moment { now_ms }))
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Moment, Stop<Never>> {
        let now_ms = tx.now_ms();
        Ok(Moment { now_ms })
    }
}
