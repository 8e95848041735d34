//! Numbers as they are printed, and what the system says of a process.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(crate) fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// The value below which so many of a thousand lie.
pub(crate) fn permille(of: &mut [u64], share: usize) -> u64 {
    of.sort_unstable();
    of[(of.len() * share / 1_000).min(of.len() - 1)]
}

/// Seconds of processor time that a process has had.
pub(crate) fn cpu_s(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the server runs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let ticks = fields.split(' ').skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().expect("ticks"))
        .sum::<f64>()
        / 100.0
}

/// The most memory that a process has had, in bytes.
pub(crate) fn peak_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let mut lines = status.lines();
    let peak = lines
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("it says so");
    let kilobytes = peak.trim().trim_end_matches(" kB").parse::<u64>();
    kilobytes.expect("a number") << 10
}

/// Bytes on disk of a data folder: segments of its log, and all else.
pub(crate) fn folder_bytes(folder: &Path) -> (u64, u64) {
    let entries = fs::read_dir(folder).expect("the folder is there").flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => folder_bytes(&entry.path()),
        Ok(about) if entry.path().extension().is_some_and(|end| end == "seg") => {
            (about.blocks() * 512, 0)
        }
        Ok(about) => (0, about.blocks() * 512),
        Err(_) => (0, 0), // It is gone meanwhile.
    });
    bytes.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is later").as_millis() as u64
}
