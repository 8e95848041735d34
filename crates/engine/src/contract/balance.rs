//! What the audits of all slots add up to.
//!
//! What slots say of each other is many names, of every order and every hold: only their hashes are kept,
//! 16 bytes each. If something is missing all slots are read once more, for its name and who misses it.

use std::collections::BTreeMap;

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_128;

use super::Audit;
use crate::base::BaseError;

/// Totals and faults of all slots, and what one of them needs and none has. Who gives the audits of all slots
/// does so once or twice, and has the same ones each time.
pub(crate) fn balance(
    mut slots: impl FnMut(&mut dyn FnMut(Audit)) -> Result<(), BaseError>,
) -> Result<Audit, BaseError> {
    let mut sum = Sum::default();
    slots(&mut |slot| sum.add(slot))?;
    let (mut found, missing) = sum.end();
    if missing.is_empty() {
        return Ok(found);
    }
    let mut named: BTreeMap<CompactString, String> = BTreeMap::new();
    slots(&mut |slot| {
        let needs = slot.needs.into_iter();
        named.extend(needs.filter(|(name, _)| missing.binary_search(&hash(name)).is_ok()));
    })?;
    let tell = |(name, who)| format!("{who}: {name} is nowhere");
    found.faults.extend(named.into_iter().map(tell));
    Ok(found)
}

#[derive(Default)]
struct Sum {
    found: Audit,
    needs: Vec<u128>,
    has: Vec<u128>,
}

impl Sum {
    fn add(&mut self, mut slot: Audit) {
        let has = std::mem::take(&mut slot.has);
        let needs = std::mem::take(&mut slot.needs).into_keys();
        let from_others = needs.filter(|name| !has.contains(name));
        self.needs.extend(from_others.map(|name| hash(&name)));
        self.has.extend(has.iter().map(|name| hash(name)));
        self.found.absorb(slot);
    }

    /// Totals and faults, and what is needed and is nowhere, in order.
    fn end(mut self) -> (Audit, Vec<u128>) {
        self.has.sort_unstable();
        let is_missing = |name: &u128| self.has.binary_search(name).is_err();
        let mut missing = self.needs;
        missing.retain(is_missing);
        missing.sort_unstable();
        (self.found, missing)
    }
}

fn hash(name: &str) -> u128 {
    xxh3_128(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(needs: &[(&str, &str)], has: &[&str], fault: &str) -> Audit {
        let mut audit = Audit::default();
        for (name, who) in needs {
            audit.needs(CompactString::new(name), || (*who).to_owned());
        }
        has.iter()
            .for_each(|name| audit.has(CompactString::new(name)));
        audit.faults.push(fault.to_owned());
        audit.add("slots", 1);
        audit
    }

    /// What is found, and how often the slots were read.
    fn found(slots: &[fn() -> Audit]) -> (Audit, usize) {
        let mut reads = 0;
        let audit = balance(|tell: &mut dyn FnMut(Audit)| {
            reads += 1;
            slots.iter().for_each(|slot| tell(slot()));
            Ok(())
        });
        (audit.unwrap(), reads)
    }

    #[test]
    fn what_one_slot_needs_another_may_have() {
        let (audit, reads) = found(&[
            || slot(&[("b", "a"), ("own", "a")], &["own", "unneeded"], "1"),
            || slot(&[], &["b"], "2"),
        ]);
        assert_eq!((audit.faults, reads), (vec!["1".into(), "2".into()], 1));
        assert_eq!(audit.figures[0].value, 2);
    }

    #[test]
    fn what_nobody_has_is_told_with_who_needs_it_in_order() {
        let (audit, _) = found(&[
            || slot(&[("z", "a"), ("b", "a")], &[], "1"),
            || slot(&[("x", "c")], &["b"], "2"),
        ]);
        let expected = ["1", "2", "c: x is nowhere", "a: z is nowhere"];
        assert_eq!(audit.faults, expected);
        assert_eq!(audit.figures[0].value, 2);
    }
}
