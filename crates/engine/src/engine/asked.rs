//! What a request for events may ask for, as only this server can tell.

use super::Door;
use crate::contract::{Invalid, InvalidKind, Wanted, Work};
use crate::ids;
use crate::limits::CLOCK_STEP_MS;

impl Door {
    /// Whether a request that was read well asks for what this server can have: submit no other.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn check(&self, work: &Work) -> Result<(), Invalid> {
        match work {
            Work::Call(_) | Work::AtDoor(_) => Ok(()),
            Work::Scan(scan) => match scan.events() {
                Some(wanted) => self.check_events(&wanted, "after"),
                None => Ok(()),
            },
            Work::Subscribe(wanted) => self.check_events(wanted, "after"),
        }
    }

    /// The same for events whose cursor was given in a field of this name.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn check_events(&self, wanted: &Wanted, after: &'static str) -> Result<(), Invalid> {
        if let Some(cursor) = wanted.after.filter(|cursor| self.is_ahead(*cursor)) {
            let message = format!("must be a cursor of this server: {cursor} is of the future");
            return Err(out_of_range(after, message));
        }
        match &wanted.filter.domain {
            Some(domain) => self.check_domain(domain),
            None => Ok(()),
        }
    }

    /// Whether a cursor is of the future: this server has given none like it, and whoever went on behind
    /// it would miss what comes first. One that was given before a restart may be a little ahead of a
    /// clock that was put right meanwhile.
    fn is_ahead(&self, cursor: u64) -> bool {
        let clock = &self.shared.clock;
        let latest_ms = clock.look_ms().max(clock.promised_ms());
        cursor >= ids::first_of(latest_ms + CLOCK_STEP_MS)
    }

    /// There would never be an event of a domain that tells of none.
    fn check_domain(&self, domain: &str) -> Result<(), Invalid> {
        let tell = self.domains().iter().filter(|def| !def.events.is_empty());
        let names: Vec<_> = tell.map(|def| def.name).collect();
        if names.contains(&domain) {
            return Ok(());
        }
        let message = format!("must be one that tells of events: {}", names.join(", "));
        Err(out_of_range("domain", message))
    }
}

fn out_of_range(field: &'static str, message: String) -> Invalid {
    Invalid {
        field,
        kind: InvalidKind::OutOfRange,
        message,
    }
}
