//! What the domain answers.

use compact_str::CompactString;
use tidegate_engine::contract::PageItem;
use tidegate_engine::reply;

reply! {
    /// A sale.
    pub struct SaleInfo {
        /// The sale.
        id: CompactString,
        /// announced, open, drawing, running or over.
        state: &'static str,
        /// From when on people may enter, in milliseconds since 1970.
        opens_at_ms: u64,
        /// When it starts.
        starts_at_ms: u64,
        /// When it ends.
        ends_at_ms: u64,
        /// How many are admitted a second.
        rate: u64,
        /// How many have entered.
        entrants: u64,
        /// How many of them are admitted by now.
        admitted: u64,
        /// The SHA-256 of the secret of the draw, in hex.
        commitment: CompactString,
        /// What public value the draw takes in, as it was named; null if it takes none in.
        beacon_name: Option<CompactString>,
        /// That value; null until it is told.
        beacon: Option<CompactString>,
        /// How many are in the list of the draw; null until it is closed.
        listed: Option<u64>,
        /// The hash of this list, in hex; null until it is closed.
        list_hash: Option<CompactString>,
        /// The secret of the draw, in hex; null until the draw is over.
        secret: Option<CompactString>,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// The start of a sale.
    pub struct StartInfo {
        /// The sale.
        id: CompactString,
        /// When it starts, in milliseconds since 1970.
        starts_at_ms: u64,
        /// When it ends.
        ends_at_ms: u64,
        /// What time it is now.
        now_ms: u64,
        /// What the path of the purchase call carries; null until the sale has started.
        nonce: Option<CompactString>,
    }
}

reply! {
    /// What who enters is given.
    pub struct JoinReceipt {
        /// The sale.
        id: CompactString,
        /// The buyer.
        buyer: CompactString,
        /// By which its holder is known: keep it.
        ticket: CompactString,
        /// The entry of this ticket in the public list of the draw, in hex.
        entry: CompactString,
        /// Which entrant of the sale, from 1 on. The position of who came before the start is drawn.
        number: u64,
        /// Ask for the position after so long.
        ask_after_ms: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// How the holder of a ticket stands.
    pub struct PositionInfo {
        /// early: the sale has not started. drawing: the order is being drawn. waiting: in line. admitted.
        /// over: the sale has ended.
        state: &'static str,
        /// The place in line, from 1 on; null until it is drawn.
        position: Option<u64>,
        /// How many are to be admitted before; null until that is known.
        ahead: Option<u64>,
        /// How long that takes at the pace of now; null until that is known.
        wait_ms: Option<u64>,
        /// How many have entered, as of a second ago at most.
        entrants: u64,
        /// Ask again after so long; 0 once there is nothing to ask for.
        ask_after_ms: u64,
        /// What time it is now, in milliseconds since 1970.
        now_ms: u64,
    }
}

reply! {
    /// An entry of a draw.
    pub struct EntryInfo {
        /// Its number.
        number: u64,
        /// The entry, in hex.
        entry: CompactString,
        /// The position that was drawn; null until the draw is over.
        position: Option<u64>,
    }
}

impl PageItem for EntryInfo {
    type Place = u64;

    fn place(&self) -> u64 {
        self.number
    }
}
