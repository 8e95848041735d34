//! Which domain a partition has worked for: commands, bytes of the log, and memory that their rows
//! take. Kept by plain counters, and told once a batch. What rows take is about right: what is freed when
//! rows of a table of several domains are put in order counts for whoever works then.

use crate::shared::Shared;

/// What was done for each domain.
pub(super) struct Ledger {
    accounts: Vec<Account>,
    /// What all rows changed took when it was last looked at.
    seen_bytes: usize,
    /// Who has worked since.
    at: usize,
}

#[derive(Default)]
struct Account {
    /// Commands that have run in this batch, and what they took while they waited.
    ran: usize,
    ran_bytes: usize,
    /// Bytes of the record of this batch.
    written: usize,
    /// What its rows take that have changed since the last checkpoint began, those set aside for it,
    /// and the sum as it was last told.
    rows: i64,
    frozen: i64,
    told: i64,
}

impl Ledger {
    pub(super) fn new(domains: usize) -> Self {
        let accounts = std::iter::repeat_with(Account::default).take(domains);
        Self {
            accounts: accounts.collect(),
            seen_bytes: 0,
            at: 0,
        }
    }

    /// From here on this domain works; all rows changed take so many bytes.
    pub(super) fn turn_to(&mut self, domain: usize, row_bytes: impl FnOnce() -> usize) {
        if domain != self.at {
            self.look(row_bytes());
            self.at = domain;
        }
    }

    fn look(&mut self, row_bytes: usize) {
        let more = row_bytes as i64 - self.seen_bytes as i64;
        self.accounts[self.at].rows += more;
        self.seen_bytes = row_bytes;
    }

    /// A command that took so many bytes while it waited waits no more.
    pub(super) fn ran(&mut self, domain: usize, bytes: usize) {
        let account = &mut self.accounts[domain];
        account.ran += 1;
        account.ran_bytes += bytes;
    }

    pub(super) fn wrote(&mut self, domain: usize, bytes: usize) {
        self.accounts[domain].written += bytes;
    }

    /// Bytes of the record of this batch, by domain; none from here on.
    pub(super) fn take_written(&mut self) -> impl Iterator<Item = usize> {
        let accounts = self.accounts.iter_mut();
        accounts.map(|account| std::mem::take(&mut account.written))
    }

    /// Who works.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// All rows changed, as they were last told, are set aside.
    pub(super) fn freeze(&mut self) {
        self.seen_bytes = 0;
        for account in &mut self.accounts {
            account.frozen += std::mem::take(&mut account.rows);
        }
    }

    /// What was set aside is let go.
    pub(super) fn thaw(&mut self) {
        for account in &mut self.accounts {
            account.frozen = 0;
        }
    }

    /// Tells all threads; all rows changed take so many bytes.
    pub(super) fn tell(&mut self, row_bytes: usize, shared: &Shared) {
        self.look(row_bytes);
        for (account, usage) in self.accounts.iter_mut().zip(shared.usages()) {
            let now = account.rows + account.frozen;
            usage.add_row_bytes(now - std::mem::replace(&mut account.told, now));
        }
    }

    /// Gives commands that have run, and their bytes, by domain; none from here on.
    pub(super) fn take_ran(&mut self) -> impl Iterator<Item = (usize, usize, usize)> {
        let accounts = self.accounts.iter_mut().enumerate();
        let ran = accounts.filter(|(_, account)| account.ran > 0);
        ran.map(|(domain, account)| {
            let bytes = std::mem::take(&mut account.ran_bytes);
            (domain, std::mem::take(&mut account.ran), bytes)
        })
    }
}
