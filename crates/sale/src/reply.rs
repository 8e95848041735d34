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
        /// How many tokens a buyer may take a minute; 0 is no limit.
        per_buyer: u64,
        /// How many may enter from one address a minute without a challenge; 0 is no limit.
        per_address: u64,
        /// What everybody is asked who enters: none, work or question.
        challenge: &'static str,
        /// Who is asked whether somebody may enter; null if nobody is.
        hook: Option<CompactString>,
        /// Of how many that is not known yet; null without a hook.
        checking: Option<u64>,
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
        /// How many goods it has.
        goods: u64,
        /// The currency of their prices; null if it has none.
        currency: Option<CompactString>,
        /// Most units that a buyer may have of all of them.
        max: Option<u64>,
        /// Units of them that can be had, as the sale knows it.
        available: Option<u64>,
        /// Units that are held, and may come back.
        held: Option<u64>,
        /// Units that are sold.
        sold: Option<u64>,
        /// Tokens that were issued.
        tokens: Option<u64>,
        /// Orders that were made by them.
        bought: Option<u64>,
        /// Those of these orders that have come to nothing.
        ended: Option<u64>,
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
        /// sold_out: in line, and everything is sold. over: the sale has ended.
        state: &'static str,
        /// The place in line, from 1 on; null until it is drawn.
        position: Option<u64>,
        /// How many are to be admitted before; null until that is known.
        ahead: Option<u64>,
        /// How long that takes at the pace of now; null while that is not known, as while nothing is left.
        wait_ms: Option<u64>,
        /// Units that can be had, of all goods; null if the sale has none.
        available: Option<u64>,
        /// Units that others hold: some may come back.
        held: Option<u64>,
        /// By when all of these are sold or back.
        back_by_ms: Option<u64>,
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

reply! {
    /// A token.
    pub struct TokenInfo {
        /// The sale.
        id: CompactString,
        /// Who may spend it.
        buyer: CompactString,
        /// On which good.
        sku: CompactString,
        /// For how many units.
        quantity: u64,
        /// The token.
        token: CompactString,
        /// What the path of the purchase call carries.
        nonce: CompactString,
        /// What it will cost, in minor units.
        total: u64,
        /// Of this currency.
        currency: CompactString,
        /// Until when it may be spent.
        expires_at_ms: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// What was bought.
    pub struct BuyReceipt {
        /// The order: to be paid.
        order: CompactString,
        /// The good.
        sku: CompactString,
        /// Units.
        quantity: u64,
        /// What it costs, in minor units.
        total: u64,
        /// Of this currency.
        currency: CompactString,
        /// Until when it may be paid; null once that is long over.
        pay_by_ms: Option<u64>,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// A good of a sale.
    pub struct GoodInfo {
        /// Its number, from 1 on.
        number: u64,
        /// The SKU.
        sku: CompactString,
        /// The price of one unit, in minor units.
        unit_price: u64,
        /// Units that can be had; null until that is known, which is after the start.
        available: Option<u64>,
        /// Units that are held.
        held: Option<u64>,
        /// Units that are sold.
        sold: Option<u64>,
    }
}

impl PageItem for GoodInfo {
    type Place = u64;

    fn place(&self) -> u64 {
        self.number
    }
}
