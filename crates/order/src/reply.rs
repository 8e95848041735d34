//! What the domain answers.

use compact_str::CompactString;
use tidegate_engine::contract::PageItem;
use tidegate_engine::reply;

reply! {
    /// An order, after a command about it.
    pub struct OrderReceipt {
        /// The order.
        id: CompactString,
        /// Its state, as the table of states in the docs has it.
        state: &'static str,
        /// Counts its states.
        version: u64,
        /// What it costs, in minor units of the currency.
        total: u64,
        /// The currency.
        currency: CompactString,
        /// When it expires, in milliseconds since 1970; null once that does not matter any more.
        expires_at_ms: Option<u64>,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// A payment of an order, after a command about it.
    pub struct PaymentReceipt {
        /// The order.
        id: CompactString,
        /// The state of the order.
        state: &'static str,
        /// The payment.
        payment: CompactString,
        /// By which the provider knows it.
        number: CompactString,
        /// open, failed, paid, refunding, refunded, review or closed.
        payment_state: &'static str,
        /// What is to be paid, in minor units of the currency.
        amount: u64,
        /// The currency.
        currency: CompactString,
        /// Where the buyer pays; null if the provider has not said.
        checkout_url: Option<CompactString>,
        /// When the order expires, in milliseconds since 1970; null once that does not matter any more.
        expires_at_ms: Option<u64>,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// A refund of an order, after a command about it.
    pub struct RefundReceipt {
        /// The order.
        id: CompactString,
        /// The state of the order.
        state: &'static str,
        /// The refund.
        refund: CompactString,
        /// refunding, refunded, review or closed.
        refund_state: &'static str,
        /// What goes back, in minor units of the currency.
        amount: u64,
        /// The currency.
        currency: CompactString,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// What a webhook has brought.
    pub struct WebhookReceipt {
        /// The order.
        id: CompactString,
        /// The payment.
        payment: CompactString,
        /// Its state now.
        payment_state: &'static str,
        /// Whether it has come before.
        repeated: bool,
    }
}

reply! {
    /// What became of something that a person was to look at.
    pub struct ReviewReceipt {
        /// The order.
        id: CompactString,
        /// Its state.
        state: &'static str,
        /// The payment.
        payment: CompactString,
        /// Its state.
        payment_state: &'static str,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// Something that a person is to look at.
    pub struct ReviewInfo {
        /// Its number.
        number: CompactString,
        /// The order.
        id: CompactString,
        /// The payment.
        payment: CompactString,
        /// The refund that it is about; null if it is the payment.
        refund: Option<CompactString>,
        /// wrong_amount, no_answer, refund_failed or refund_unknown.
        cause: &'static str,
        /// How much money it is about, in minor units of the currency.
        amount: u64,
        /// The currency: of what was paid, which need not be the order's.
        currency: CompactString,
        /// Since when, in milliseconds since 1970.
        at_ms: u64,
        /// open or closed.
        state: &'static str,
    }
}

impl PageItem for ReviewInfo {
    type Place = u64;

    fn place(&self) -> u64 {
        // As it was written, from a number.
        self.number.parse().unwrap_or_default()
    }
}

reply! {
    /// A payment of an order.
    pub struct PaymentInfo {
        /// The payment.
        payment: CompactString,
        /// By which the provider knows it.
        number: CompactString,
        /// The provider.
        provider: CompactString,
        /// open, failed, paid, refunding, refunded, review or closed.
        state: &'static str,
        /// What is to be paid, in minor units.
        amount: u64,
        /// What was paid; null if nothing was.
        paid_amount: Option<u64>,
        /// When, in milliseconds since 1970, as the provider says.
        paid_at_ms: Option<u64>,
        /// What of it went back, or is on its way.
        refunded: u64,
        /// When it began, in milliseconds since 1970.
        at_ms: u64,
    }
}

reply! {
    /// A refund of an order.
    pub struct RefundInfo {
        /// The refund.
        refund: CompactString,
        /// Of which payment.
        payment: CompactString,
        /// refunding, refunded, review or closed.
        state: &'static str,
        /// What goes back, in minor units.
        amount: u64,
        /// When it began, in milliseconds since 1970.
        at_ms: u64,
        /// Why it began by itself: paid_late, paid_after_cancel, paid_twice, units_gone or person; null if a
        /// caller asked for it.
        why: Option<&'static str>,
    }
}

reply! {
    /// A line of an order.
    pub struct OrderLine {
        /// The SKU.
        sku: CompactString,
        /// Units.
        quantity: u64,
        /// The price of one, in minor units of the currency.
        unit_price: u64,
        /// Units that were refunded, or are being so.
        refunded: u64,
    }
}

reply! {
    /// A state that an order has come into.
    pub struct HistoryStep {
        /// Its state, as the table of states in the docs has it.
        state: &'static str,
        /// When, in milliseconds since 1970.
        at_ms: u64,
        /// Why, if that does not go without saying.
        why: Option<&'static str>,
    }
}

reply! {
    /// One order, with its lines and its history.
    pub struct OrderInfo {
        /// The order.
        id: CompactString,
        /// Who ordered.
        buyer: CompactString,
        /// Its state, as the table of states in the docs has it.
        state: &'static str,
        /// Counts its states.
        version: u64,
        /// What it costs, in minor units of the currency.
        total: u64,
        /// The currency.
        currency: CompactString,
        /// When it expires, in milliseconds since 1970; null unless it waits for payment.
        expires_at_ms: Option<u64>,
        /// Why it was refused; null if it was not.
        cause: Option<CompactString>,
        /// When its units are taken: place or pay.
        deduct: &'static str,
        /// What was ordered.
        lines: Vec<OrderLine>,
        /// Its payments, oldest first.
        payments: Vec<PaymentInfo>,
        /// Its refunds, oldest first.
        refunds: Vec<RefundInfo>,
        /// The states that it has had, oldest first, at most 64.
        history: Vec<HistoryStep>,
    }
}

reply! {
    /// An order in its buyer's list.
    pub struct OrderSummary {
        /// The order.
        id: CompactString,
        /// Its place in the list.
        place: CompactString,
        /// Its state, as the table of states in the docs has it.
        state: &'static str,
        /// What it costs, in minor units of the currency.
        total: u64,
        /// The currency.
        currency: CompactString,
        /// When it was placed, in milliseconds since 1970.
        placed_at_ms: u64,
    }
}

impl PageItem for OrderSummary {
    type Place = u64;

    fn place(&self) -> u64 {
        // As it was written, from a number.
        self.place.parse().unwrap_or_default()
    }
}
