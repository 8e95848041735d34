//! What is under way of one target, and whether there is room for more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::target::Terms;

/// Bytes of payloads that are under way at once, of all targets: each has the same share.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many targets share the room for payloads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room(Arc<AtomicUsize>);

impl Room {
    /// So many targets are pushed from now on.
    pub(crate) fn share_among(&self, targets: usize) {
        self.0.store(targets, Ordering::Relaxed);
    }

    /// Bytes of payloads of one target from which on no more is taken of it.
    fn share(&self) -> usize {
        (BYTES_MAX / self.0.load(Ordering::Relaxed).max(1)).max(1)
    }
}

/// What is under way of one target.
pub(crate) struct Tray {
    room: Room,
    under_way: JoinSet<()>,
    /// Bytes of its payloads.
    bytes: Arc<AtomicUsize>,
}

/// Bytes of payloads that are under way as long as this is there.
struct Held {
    of: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Tray {
    pub(crate) fn new(room: Room) -> Self {
        Self {
            room,
            under_way: JoinSet::new(),
            bytes: Arc::default(),
        }
    }

    /// Waits until more may be taken: how, and how many at once. Nothing once the target is pushed no longer. It is waited
    /// for before anything is taken, so that no lease goes by meanwhile, and for nothing of another target: a receiver
    /// that does not answer holds up its own only.
    pub(crate) async fn room(
        &mut self,
        terms: &mut watch::Receiver<Option<Terms>>,
    ) -> Option<(Terms, u64)> {
        loop {
            while self.under_way.try_join_next().is_some() {}
            let now = terms.borrow_and_update().clone()?;
            let free = now.in_flight.saturating_sub(self.under_way.len() as u64);
            let has_room = self.bytes.load(Ordering::Relaxed) < self.room.share();
            if free > 0 && has_room {
                return Some((now, free));
            }
            tokio::select! {
                biased;
                _ = self.under_way.join_next() => {}
                changed = terms.changed() => changed.ok()?,
            }
        }
    }

    /// Something is under way that has payloads of so many bytes.
    pub(crate) fn spawn(
        &mut self,
        bytes: usize,
        brings: impl Future<Output = ()> + Send + 'static,
    ) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let of = Arc::clone(&self.bytes);
        let held = Held { of, bytes };
        self.under_way.spawn(async move {
            brings.await;
            drop(held);
        });
    }

    /// What is under way is brought to its end.
    pub(crate) fn leave(mut self) {
        self.under_way.detach_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many more a target may take now.
    async fn free(tray: &mut Tray) -> Option<u64> {
        let terms = Terms {
            receiver: "r".to_owned(),
            in_flight: 3,
            again_ms: 1,
            keeps_order: false,
        };
        let (_sender, mut terms) = watch::channel(Some(terms));
        tokio::select! {
            biased;
            room = tray.room(&mut terms) => room.map(|(_, free)| free),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn target_whose_receiver_does_not_answer_holds_up_no_other() {
        let room = Room::default();
        room.share_among(2);
        let (mut hung, mut other) = (Tray::new(room.clone()), Tray::new(room));
        hung.spawn(BYTES_MAX / 2 - 1, std::future::pending());
        assert_eq!(free(&mut hung).await, Some(2));
        hung.spawn(1, std::future::pending());
        assert_eq!(free(&mut hung).await, None, "it has its share");
        assert_eq!(free(&mut other).await, Some(3));
        other.spawn(BYTES_MAX, std::future::ready(()));
        other.under_way.join_next().await;
        assert_eq!(free(&mut other).await, Some(3), "it is over");
    }
}
