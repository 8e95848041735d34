//! What a benchmark does when it is told BUSY: it waits as long as it was told, and asks again.

use std::time::Duration;

use super::work::mix;

/// Commands of a batch that are to be sent again.
#[derive(Debug, Default)]
pub(super) struct PutOff {
    pub(super) commands: Vec<u64>,
    /// The longest wait that any of them was told.
    retry_after_ms: u64,
}

/// How often BUSY was told, and for how long that stopped connections.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Busy {
    /// Commands that were told so.
    pub(crate) told: u64,
    /// Batches that waited.
    pub(crate) waits: u64,
    /// How long they waited, all together.
    pub(crate) waited: Duration,
}

impl PutOff {
    /// Whether this command is to be sent again: it was told BUSY, or what it confirms was.
    pub(super) fn takes(
        &mut self,
        command: u64,
        confirmed: Option<u64>,
        error: Option<&[u8]>,
        busy: &mut Busy,
    ) -> bool {
        let told_ms = error.and_then(retry_after_ms);
        if let Some(ms) = told_ms {
            busy.told += 1;
            self.retry_after_ms = self.retry_after_ms.max(ms);
        }
        let too_early = confirmed.is_some_and(|hold| self.commands.contains(&hold));
        if told_ms.is_some() || too_early {
            self.commands.push(command);
            return true;
        }
        false
    }

    /// How long to wait: as told, and up to a quarter more, so that not all come back at once.
    pub(super) fn wait(&mut self, busy: &mut Busy) -> Duration {
        let told_us = std::mem::take(&mut self.retry_after_ms) * 1_000;
        let wait = Duration::from_micros(told_us + mix(busy.waits) % (told_us / 4 + 1));
        busy.waits += 1;
        busy.waited += wait;
        wait
    }
}

/// How long an error asks to wait, if it does.
pub(super) fn retry_after_ms(error: &[u8]) -> Option<u64> {
    let told = error.strip_prefix(b"BUSY retry_after_ms=")?;
    let ms = told.split(|byte| *byte == b' ').next()?; // What is shed says more behind it.
    std::str::from_utf8(ms).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Option<&[u8]> = Some(b"BUSY retry_after_ms=50");

    #[test]
    fn what_was_told_busy_is_put_off_and_nothing_else() {
        let (mut put_off, mut busy) = (PutOff::default(), Busy::default());
        let redis: Option<&[u8]> = Some(b"BUSY Redis is busy running a script");
        let answers = [None, BUSY, Some(b"SOLDOUT available=0"), redis, BUSY];
        for (command, answer) in (0..).zip(answers) {
            assert_eq!(
                put_off.takes(command, None, answer, &mut busy),
                answer == BUSY
            );
        }
        assert_eq!((put_off.commands, busy.told), (vec![1, 4], 2));
    }

    #[test]
    fn a_confirm_goes_with_its_hold() {
        let (mut put_off, mut busy) = (PutOff::default(), Busy::default());
        let missing: Option<&[u8]> = Some(b"HOLDNOTFOUND");
        assert!(put_off.takes(0, None, BUSY, &mut busy));
        assert!(!put_off.takes(1, None, None, &mut busy));
        assert!(put_off.takes(2, Some(0), missing, &mut busy));
        assert!(!put_off.takes(5, Some(3), missing, &mut busy));
        assert_eq!((put_off.commands, busy.told), (vec![0, 2], 1));
    }

    #[test]
    fn a_wait_is_as_long_as_told_or_a_quarter_longer() {
        let (mut put_off, mut busy) = (PutOff::default(), Busy::default());
        for _ in 0..100 {
            put_off.takes(0, None, BUSY, &mut busy);
            let wait = put_off.wait(&mut busy).as_micros();
            assert!((50_000..=62_500).contains(&wait), "{wait}");
        }
        assert_eq!(busy.waits, 100);
    }
}
