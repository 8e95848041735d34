//! `/backup`: a consistent copy of everything, as a stream.

use std::io;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tidegate_engine::backup::{Backup, BackupError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::answer::{Body, Response, answer};
use crate::limits::{BACKUP_FRAMES_AHEAD, BACKUP_TIMEOUT};
use crate::problem::{self, Problem};
use crate::router::Front;

/// How often a backup that has not begun looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(100);

/// Answers once the checkpoint has ended that the backup is of. What goes wrong from then on cuts the
/// stream off, which whoever reads it notices.
pub(crate) async fn backup(front: &Front) -> Result<Response, Problem> {
    let backup = front.door.backup()?;
    let (is_ready, ready) = oneshot::channel();
    let (frames, read) = mpsc::channel(BACKUP_FRAMES_AHEAD);
    spawn_blocking(move || carry(backup, is_ready, &frames));
    match timeout(BACKUP_TIMEOUT, ready).await {
        Ok(Ok(outcome)) => outcome?,
        Ok(Err(_)) => return Err(BackupError::Stopping.into()),
        Err(_) => {
            let detail = "The checkpoint that a backup waits for has not ended: is the disk full?";
            return Err(Problem::new(problem::BUSY, detail));
        }
    }
    let head = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok(answer(StatusCode::OK, head, Body::frames(read)))
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        let def = match error {
            BackupError::Stopping => problem::STOPPING,
            BackupError::Busy | BackupError::Base(_) | BackupError::Io(_) => problem::BUSY,
        };
        Self::new(def, error.to_string())
    }
}

type Outcome = Result<(), BackupError>;

/// Waits for the backup, then writes it; until the client goes away.
fn carry(
    mut backup: Backup,
    is_ready: oneshot::Sender<Outcome>,
    frames: &mpsc::Sender<io::Result<Bytes>>,
) {
    let outcome = loop {
        match backup.wait(LOOK) {
            Ok(true) => break Ok(()),
            Ok(false) if is_ready.is_closed() => return,
            Ok(false) => {}
            Err(error) => break Err(error),
        }
    };
    let failed = outcome.is_err();
    if is_ready.send(outcome).is_err() || failed {
        return;
    }
    if let Err(error) = backup.write_to(&mut Sent(frames)) {
        // Nobody may be there to read it.
        let _ = frames.blocking_send(Err(io::Error::other(error)));
    }
}

/// Sends whatever is written, and waits while too much of it is unread.
struct Sent<'a>(&'a mpsc::Sender<io::Result<Bytes>>);

impl io::Write for Sent<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
