//! When a provider is asked what became of a payment, as its webhook may never come.

use tidegate_engine::{Address, Call, KeyReader, Missing, Patience, Reads, Tx};

use super::case::{ASK, Case};
use super::money::go_back;
use super::refund::overdue_refunds;
use crate::mail::{Asked, PayNote, SAID};
use crate::payments::{Money, PAYMENTS, Payment, ReviewCause};
use crate::provider::Provider;
use crate::table::{DOMAIN, ORDERS};
use crate::{AFTER_WINDOW_MS, ASK_REST_MAX_MS, ASK_REST_MIN_MS, Providers};

fn names<'a>(owner: &mut KeyReader<'a>) -> (&'a str, &'a str) {
    let names = owner.text().zip(owner.text());
    names.expect("because the timer is set with an order's id and a payment's")
}

pub(super) fn ask_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (id, name) = names(&mut owner);
    reads.row(&ORDERS, id);
    reads.row(&PAYMENTS, (id, name));
}

/// The provider is to be asked now; or it has had all its time.
pub(super) fn ask(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (id, name) = names(&mut owner);
    let Some(mut case) = Case::load(tx, id, name)? else {
        return Ok(());
    };
    if case
        .payment
        .next_ask_ms
        .is_none_or(|at_ms| tx.now_ms() < at_ms)
    {
        return Ok(());
    }
    case.payment.next_ask_ms = None;
    overdue_refunds(tx, &mut case)?;
    let provider = provider_of(tx, &case.payment);
    let last_ms = provider.last_ms(&case.payment);
    if case.payment.money == Money::Open && tx.now_ms() >= last_ms {
        let currency = case.order.currency.clone();
        case.review(tx, ReviewCause::NoAnswer, &currency);
        go_back(tx, &mut case);
    } else if !case.payment.is_being_asked && wants_to_know(&case.payment) {
        case.payment.is_being_asked = true;
        case.payment.asked += 1;
        call(tx, &case, (Asked::Payment, None), Vec::new());
    }
    plan(tx, &mut case);
    case.file(tx);
    Ok(())
}

/// Sets when the provider is asked next, if that is still of use.
pub(super) fn plan(tx: &mut Tx<'_>, case: &mut Case<'_>) {
    let provider = provider_of(tx, &case.payment);
    let expires_ms = case.order.expires_ms.unwrap_or_default();
    let next_ms = next_ask_ms(&case.payment, expires_ms, &provider, tx.now_ms());
    if next_ms == case.payment.next_ask_ms {
        return;
    }
    let owner = (case.id, case.name.as_str());
    if let Some(before_ms) = case.payment.next_ask_ms {
        tx.cancel(&ASK, before_ms, owner);
    }
    if let Some(next_ms) = next_ms {
        tx.wake_at(&ASK, next_ms, owner);
    }
    case.payment.next_ask_ms = next_ms;
}

impl Provider {
    /// When it has had all its time to say what became of a payment.
    fn last_ms(&self, payment: &Payment) -> u64 {
        let time_ms = self.window_ms.saturating_add(AFTER_WINDOW_MS);
        payment.at_ms.saturating_add(time_ms)
    }
}

/// Whether something may still become of it that only its provider knows.
fn wants_to_know(payment: &Payment) -> bool {
    payment.money == Money::Open || payment.refunds_pending > 0
}

/// As the settings have it, from when it was begun and from when its last refund was, and when the order
/// expires; then at growing intervals; the last time when its time is over. A moment that was planned stays,
/// unless there is an earlier one.
fn next_ask_ms(
    payment: &Payment,
    expires_ms: u64,
    provider: &Provider,
    now_ms: u64,
) -> Option<u64> {
    let is_open = payment.money == Money::Open;
    if !wants_to_know(payment) {
        return None;
    }
    let since = |began_ms: u64| {
        provider
            .ask_after_ms
            .iter()
            .map(move |ms| began_ms.saturating_add(*ms))
    };
    let of_payment = is_open.then(|| since(payment.at_ms).chain([expires_ms]));
    let refund_ms = payment
        .last_refund_ms
        .filter(|_| payment.refunds_pending > 0);
    let of_refund = refund_ms.map(since);
    let planned = of_payment.into_iter().flatten();
    let planned = planned.chain(of_refund.into_iter().flatten());
    let first = planned.filter(|ms| *ms > now_ms).min();
    let last_ms = provider.last_ms(payment);
    let rest_ms = || {
        let beyond = payment
            .asked
            .saturating_sub(provider.ask_after_ms.len() as u64);
        let grown = ASK_REST_MIN_MS << beyond.min(16);
        now_ms + grown.min(ASK_REST_MAX_MS)
    };
    let next_ms = first.unwrap_or_else(rest_ms);
    let last_ms = (is_open && now_ms < last_ms).then_some(last_ms);
    let moments = [Some(next_ms), last_ms, payment.next_ask_ms];
    moments.into_iter().flatten().min()
}

/// What the settings say of the provider of a payment; the usual if they name it no more.
pub(super) fn provider_of(tx: &Tx<'_>, payment: &Payment) -> Provider {
    let providers = tx.settings::<Providers>();
    let named = providers.and_then(|all| all.0.get(payment.provider.as_str()));
    named.cloned().unwrap_or_default()
}

/// Calls the provider of a payment: under this idempotency key, if it may have been asked the same before.
pub(super) fn call(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    (asked, key): (Asked, Option<u64>),
    body: Vec<u8>,
) -> u64 {
    let now_ms = tx.now_ms();
    let expires_ms = case.order.expires_ms.unwrap_or(now_ms);
    let patience = match &asked {
        Asked::Creation => Patience {
            until_ms: expires_ms,
            tries_max: CREATE_TRIES_MAX,
            is_kept: false,
        },
        // It is asked again by plan.
        Asked::Payment => Patience {
            until_ms: now_ms,
            tries_max: 1,
            is_kept: false,
        },
        Asked::Refund { .. } => Patience {
            until_ms: now_ms + REFUND_TRIED_MS,
            tries_max: REFUND_TRIES_MAX,
            is_kept: true,
        },
    };
    let action = action_of(&asked);
    let note = PayNote {
        payment: case.name.clone(),
        asked,
    };
    tx.call(Call {
        service: case.payment.provider.clone(),
        action: action.into(),
        about: compact_str::ToCompactString::to_compact_string(&case.payment.number),
        body,
        patience,
        answer_to: Address::new(DOMAIN, SAID, case.id),
        note: minicbor::to_vec(note).expect("because writing to memory does not fail"),
        key,
    })
}

/// What of a provider a call asks, as the settings name its addresses.
pub(crate) fn action_of(asked: &Asked) -> &'static str {
    match asked {
        Asked::Creation => "create",
        Asked::Payment => "query",
        Asked::Refund { .. } => "refund",
    }
}

/// How often a provider is asked to make a payment: a buyer waits for it, and what was made all the same is
/// found by asking.
const CREATE_TRIES_MAX: u32 = 8;

/// How long, and how often, it is asked for a refund before that is given up, and lies in the list of calls.
pub(super) const REFUND_TRIED_MS: u64 = 24 * 3_600_000;
const REFUND_TRIES_MAX: u32 = 1_000;
