//! What a server tells while it starts: how far it has read the log.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tidegate_engine::Reading;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::panics::spawn;
use crate::output::say;

/// How often the progress of a start is printed.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Connections that are served meanwhile.
const CONNECTIONS_MAX: usize = 16;

/// Answers over HTTP, and prints, until it is stopped.
pub(super) struct Starting {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Starting {
    /// Tells of a start on a socket that the server will go on to serve.
    pub(super) fn tell(http: &std::net::TcpListener, reading: Arc<Reading>) -> io::Result<Self> {
        let http = http.try_clone()?;
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let run = move || tokio.block_on(serve(http, reading, stopped));
        let thread = spawn("starting", run)?;
        Ok(Self { stop, thread })
    }

    /// The start has come to its end, one way or the other.
    pub(super) fn stop(self) {
        self.stop.send_replace(true);
        self.thread
            .join()
            .expect("because a panic ends the process");
    }
}

async fn serve(http: std::net::TcpListener, reading: Arc<Reading>, stop: watch::Receiver<bool>) {
    let Ok(http) = TcpListener::from_std(http) else {
        return;
    };
    let told = Arc::clone(&reading);
    let router = tidegate_http::starting_router(move || how_far(&told));
    let mut stopped = stop.clone();
    let until_stopped = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
    let serve = tidegate_http::serve(
        http,
        router,
        CONNECTIONS_MAX,
        Handle::current,
        until_stopped,
    );
    let tell = async {
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            say(format_args!("starting: {}", how_far(&reading)));
        }
    };
    tokio::select! {
        () = serve => {}
        () = tell => {}
    }
}

fn how_far(reading: &Reading) -> String {
    let mib = |bytes: u64| bytes >> 20;
    match reading.bytes() {
        (_, 0) => "opening the folder".to_owned(),
        (read, total) if read < total => {
            format!("{} of {} MiB of the log read", mib(read), mib(total))
        }
        (_, total) => format!("{} MiB of the log read, making ready", mib(total)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_anything_is_known_it_says_so() {
        assert_eq!(how_far(&Reading::default()), "opening the folder");
    }
}
