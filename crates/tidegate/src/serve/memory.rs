//! An amount of memory, as people write it, and how much this machine has.

use std::fmt::{self, Display};
use std::fs;
use std::str::FromStr;

use serde::Deserialize;
use tidegate_engine::limits::MEMORY_BYTES_MIN;

const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// An amount of memory: `512MiB`, `4GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MemorySize(u64);

impl MemorySize {
    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// A quarter of what this machine, or the group of processes that this one belongs to, has.
    #[must_use]
    pub fn usual() -> Self {
        let machine = rustix::system::sysinfo();
        let machine = (machine.totalram as u64).saturating_mul(u64::from(machine.mem_unit));
        let group = fs::read_to_string("/sys/fs/cgroup/memory.max");
        let group = group.ok().and_then(|text| text.trim().parse().ok());
        Self((group.unwrap_or(machine).min(machine) / 4).max(MEMORY_BYTES_MIN))
    }
}

impl Display for MemorySize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, bytes) = UNITS
            .into_iter()
            .find(|(_, bytes)| self.0 >= *bytes)
            .unwrap_or(("B", 1));
        let tenths = self.0.saturating_mul(10) / bytes;
        match tenths % 10 {
            0 => write!(out, "{} {unit}", tenths / 10),
            rest => write!(out, "{}.{rest} {unit}", tenths / 10),
        }
    }
}

impl FromStr for MemorySize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = text[digits.len()..].trim();
        let bytes = UNITS
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let size = bytes.and_then(|(_, bytes)| digits.parse::<u64>().ok()?.checked_mul(bytes));
        let least = Self(MEMORY_BYTES_MIN);
        let size = size.ok_or_else(|| "an amount is written as 512MiB or 4GiB".to_owned())?;
        if size < least.0 {
            return Err(format!("at least {least} are needed"));
        }
        Ok(Self(size))
    }
}

impl TryFrom<String> for MemorySize {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        let bytes = |text: &str| text.parse::<MemorySize>().map(MemorySize::bytes);
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        assert_eq!(bytes("2 gib"), Ok(2 << 30));
        assert_eq!(bytes("65536KiB"), Ok(64 << 20));
        assert_eq!(bytes("1MiB"), Err("at least 64 MiB are needed".to_owned()));
        for wrong in [
            "",
            "GiB",
            "1",
            "1GB",
            "-1GiB",
            "1.5GiB",
            "99999999999999GiB",
        ] {
            let told = Err("an amount is written as 512MiB or 4GiB".to_owned());
            assert_eq!(bytes(wrong), told, "{wrong}");
        }
    }

    #[test]
    fn amounts_are_shown_in_the_largest_unit_that_fits() {
        let shown = |text: &str| text.parse::<MemorySize>().map(|size| size.to_string());
        assert_eq!(shown("128MiB"), Ok("128 MiB".to_owned()));
        assert_eq!(shown("1536MiB"), Ok("1.5 GiB".to_owned()));
    }
}
