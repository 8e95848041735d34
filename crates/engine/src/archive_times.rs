//! When finished things leave for archives and are dropped from there, as the owner of a server says.
//!
//! What is not said is as the structure has it. Either may change with every start: what has a timer
//! leaves when it was to leave, and what a checkpoint has dropped stays dropped.

use std::collections::BTreeMap;

use crate::archive::Retention;
use crate::contract::Domain;
use crate::limits::{ARCHIVE_AFTER_DAYS_MAX, SLICES_MAX};
use crate::table::TableDef;

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// The times of the archives of a domain, for all of its tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveTimes {
    /// What is finished leaves after so long; 0 is as soon as there is time for it.
    pub after_days: Option<u32>,
    /// It is dropped so long after the end of the slice to which it has left.
    pub keep_days: Option<u32>,
}

/// Times by the name of their domain.
pub type AllArchiveTimes = BTreeMap<String, ArchiveTimes>;

/// Why archives cannot be kept so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveTimesError {
    /// Nothing that has archives has that name.
    #[error("archives.{name}: there is no such structure with archives; there are {known}")]
    Unknown {
        /// What was named.
        name: String,
        /// What could have been.
        known: String,
    },
    /// A time out of range.
    #[error("archives.{name}: {what} must be {least} to {most}, not {days}")]
    Days {
        /// Whose.
        name: String,
        /// Which.
        what: &'static str,
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
        /// What it was.
        days: u32,
    },
}

/// All tables of some domains, with archives as they are told to be kept.
pub(crate) fn tables_told(
    domains: &[Domain],
    told: &AllArchiveTimes,
) -> Result<Vec<TableDef>, ArchiveTimesError> {
    check_names(domains, told)?;
    let mut defs = Vec::new();
    for Domain { name, tables, .. } in domains {
        let times = told.get(*name).copied().unwrap_or_default();
        for mut def in tables.iter().copied() {
            let told = def.retention.map(|own| times.instead_of(own, name));
            def.retention = told.transpose()?;
            defs.push(def);
        }
    }
    Ok(defs)
}

fn check_names(domains: &[Domain], told: &AllArchiveTimes) -> Result<(), ArchiveTimesError> {
    let has_archives = |domain: &&Domain| {
        let mut tables = domain.tables.iter();
        tables.any(|def| def.retention.is_some())
    };
    let known = domains.iter().filter(has_archives);
    let known: Vec<_> = known.map(|domain| domain.name).collect();
    match told.keys().find(|name| !known.contains(&&***name)) {
        Some(name) => Err(ArchiveTimesError::Unknown {
            name: name.clone(),
            known: known.join(", "),
        }),
        None => Ok(()),
    }
}

impl ArchiveTimes {
    fn instead_of(self, own: Retention, name: &str) -> Result<Retention, ArchiveTimesError> {
        let ms = |what, days: Option<u32>, own_ms, least, most| match days.map(u64::from) {
            None => Ok(own_ms),
            Some(told) if (least..=most).contains(&told) => Ok(told * DAY_MS),
            Some(_) => Err(ArchiveTimesError::Days {
                name: name.to_owned(),
                what,
                least,
                most,
                days: days.unwrap_or_default(),
            }),
        };
        let most = ARCHIVE_AFTER_DAYS_MAX;
        let after_ms = ms("after_days", self.after_days, own.after_ms, 0, most)?;
        let most = (SLICES_MAX * own.slice_ms - 1) / DAY_MS;
        let keep_ms = ms("keep_days", self.keep_days, own.keep_ms, 1, most)?;
        let kept = Retention {
            after_ms,
            keep_ms,
            ..own
        };
        Ok(kept.checked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own::ENGINE;
    use crate::testing::{TOY, keeping};

    const OWN: Retention = Retention {
        after_ms: 7 * DAY_MS,
        slice_ms: DAY_MS,
        keep_ms: 400 * DAY_MS,
    };

    /// How the archives of the toy are kept.
    fn told(name: &str, times: ArchiveTimes) -> Result<Vec<Retention>, String> {
        let told = AllArchiveTimes::from([(name.to_owned(), times)]);
        let tables = tables_told(&[ENGINE, keeping(TOY, OWN)], &told);
        let tables = tables.map_err(|error| error.to_string())?;
        Ok(tables.into_iter().filter_map(|def| def.retention).collect())
    }

    fn days(after_days: Option<u32>, keep_days: Option<u32>) -> ArchiveTimes {
        ArchiveTimes {
            after_days,
            keep_days,
        }
    }

    #[test]
    fn what_is_told_takes_the_place_of_what_a_structure_has() {
        for (after, keep) in [
            (None, None),
            (Some(0), None),
            (None, Some(999)),
            (Some(30), Some(1)),
        ] {
            let of =
                |days: Option<u32>, own_ms| days.map_or(own_ms, |days| u64::from(days) * DAY_MS);
            let expected = Retention {
                after_ms: of(after, OWN.after_ms),
                keep_ms: of(keep, OWN.keep_ms),
                ..OWN
            };
            assert_eq!(told("note", days(after, keep)), Ok(vec![expected]));
        }
    }

    #[test]
    fn times_out_of_range_and_names_without_archives_are_refused() {
        for (name, times, said) in [
            (
                "note",
                days(Some(3_661), None),
                "archives.note: after_days must be 0 to 3660, not 3661",
            ),
            (
                "note",
                days(None, Some(0)),
                "archives.note: keep_days must be 1 to 999, not 0",
            ),
            (
                "note",
                days(None, Some(1_000)),
                "archives.note: keep_days must be 1 to 999, not 1000",
            ),
            (
                "event",
                days(None, None),
                "archives.event: there is no such structure with archives; there are note",
            ),
        ] {
            assert_eq!(told(name, times), Err(said.to_owned()));
        }
    }
}
