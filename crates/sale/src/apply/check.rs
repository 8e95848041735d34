//! `SALE.JOIN` where a hook is asked: who enters is checked first, and stands in line once it has said yes.

use tidegate_engine::{Address, Call, CallEnd, Missing, Patience, Stop, Tx};

use super::join::enter;
use crate::check::{
    CHECKED_FOR_MS, Check, Checks, HOOK_ACTION, OPEN_CHECKS_MAX, REFUSALS_MAX, REFUSED_KEPT_MAX,
    TRIES_MAX, Verdict, body_of, hash_of,
};
use crate::command::Join;
use crate::mail::{CHECKED, CheckNote};
use crate::standing::State;
use crate::table::{CHECKS, DOMAIN, SALES, Sale};
use crate::{ENTRANTS_MAX, Refusal};

impl Join {
    /// Has the hook asked, unless it was; or tells what it has said. A yes is not for here: who has one is in line.
    pub(super) fn check(
        &self,
        tx: &mut Tx<'_>,
        mut sale: Sale,
        mut checks: Checks,
    ) -> Result<Stop<Refusal>, Missing> {
        let (name, buyer) = (self.id.as_str(), self.buyer.as_str());
        let response = Some(hash_of(self.response.as_ref()));
        let earlier = tx.get(&CHECKS, (name, buyer))?;
        match earlier {
            Some(check) if check.is_open => return Ok(Stop::Wait),
            Some(Check {
                refusals,
                response: refused,
                ..
            }) if refusals >= REFUSALS_MAX || refused == response => {
                let more = REFUSALS_MAX.saturating_sub(refusals);
                return Ok(Refusal::NotEligible { more }.into());
            }
            // The hook has said nothing about this: who asks again has it asked again.
            Some(_) | None if tx.runs_again() => return Ok(Stop::Wait),
            Some(_) | None => {}
        }
        if let Err(stop) = self.pass(tx, &sale) {
            return Ok(stop);
        }
        if checks.open >= OPEN_CHECKS_MAX || !tx.may_call() {
            return Ok(Stop::Busy);
        }
        self.ask(tx, &checks.hook);
        checks.open += 1;
        sale.checks = Some(checks);
        tx.put(&SALES, name, sale);
        let check = Check {
            at_ms: tx.now_ms(),
            is_open: true,
            refusals: earlier.map_or(0, |check| check.refusals),
            response,
        };
        tx.put(&CHECKS, (name, buyer), check);
        Ok(Stop::Wait)
    }

    fn ask(&self, tx: &mut Tx<'_>, hook: &str) {
        let (name, buyer) = (self.id.as_str(), self.buyer.compact());
        let body = body_of((name, &buyer), self.from, self.response.as_ref());
        let patience = Patience {
            until_ms: tx.now_ms() + CHECKED_FOR_MS,
            tries_max: TRIES_MAX,
            is_kept: false,
        };
        let note = CheckNote {
            buyer: buyer.clone(),
        };
        tx.call(Call {
            service: hook.into(),
            action: HOOK_ACTION.into(),
            about: buyer,
            body,
            patience,
            answer_to: Address::new(DOMAIN, CHECKED, name),
            note: minicbor::to_vec(note).expect("because writing to memory does not fail"),
            key: None,
        });
    }
}

/// A hook has said whether somebody may enter, or nothing.
pub(crate) fn know_checked(
    tx: &mut Tx<'_>,
    name: &str,
    buyer: &str,
    end: &CallEnd,
) -> Result<(), Missing> {
    let key = (name, buyer);
    let (Some(mut sale), Some(check)) = (tx.get(&SALES, name)?, tx.get(&CHECKS, key)?) else {
        return Ok(());
    };
    let Some(checks) = sale.checks.as_mut().filter(|_| check.is_open) else {
        return Ok(());
    };
    let verdict = Verdict::of(&end.end);
    tx.count(verdict.count());
    match checks.end(check, verdict) {
        Some(check) => tx.put(&CHECKS, key, check),
        None => tx.remove(&CHECKS, key),
    }
    let now_ms = tx.now_ms();
    let may_enter = sale.state_at(now_ms) != State::Over && sale.entrants < ENTRANTS_MAX;
    if verdict == Verdict::Eligible && may_enter {
        enter(tx, name, buyer, &mut sale);
    }
    tx.put(&SALES, name, sale);
    if verdict != Verdict::Unknown {
        tx.tell(buyer);
    }
    Ok(())
}

impl Checks {
    /// A check has ended so; gives what is kept of it.
    fn end(&mut self, check: Check, verdict: Verdict) -> Option<Check> {
        let was_refused = check.refusals > 0;
        let has_room = was_refused || self.refused < REFUSED_KEPT_MAX;
        let kept = match verdict {
            Verdict::NotEligible if has_room => Some(Check {
                is_open: false,
                refusals: check.refusals + 1,
                ..check
            }),
            Verdict::Unknown if was_refused => Some(Check {
                is_open: false,
                response: None,
                ..check
            }),
            Verdict::Eligible | Verdict::NotEligible | Verdict::Unknown => None,
        };
        self.open -= 1;
        self.refused = self.refused - u64::from(was_refused) + u64::from(kept.is_some());
        kept
    }
}
