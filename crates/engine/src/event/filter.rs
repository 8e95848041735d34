//! Which events somebody wants.

use compact_str::CompactString;

/// Which events somebody wants: those that are all of what is named here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of the domain of this name.
    pub domain: Option<CompactString>,
    /// Of this name.
    pub name: Option<CompactString>,
    /// About this key.
    pub key: Option<CompactString>,
}

impl EventFilter {
    /// Whether events of this kind may be wanted.
    pub(crate) fn takes_kind(&self, domain: &str, name: &str) -> bool {
        let is = |wanted: &Option<CompactString>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        is(&self.domain, domain) && is(&self.name, name)
    }

    /// Whether this one is wanted.
    pub(crate) fn takes(&self, domain: &str, name: &str, key: &str) -> bool {
        self.takes_kind(domain, name) && self.key.as_ref().is_none_or(|wanted| wanted == key)
    }
}
