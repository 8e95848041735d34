//! The fronts of a server: who listens where, and which thread a connection lives on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tidegate_engine::Door;
use tidegate_http::limits::TURNED_AWAY_MAX;
use tidegate_http::{Ending, Readiness, Token};
use tidegate_resp::{Credentials, Front};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::ServeError;
use super::config::Settings;
use super::homes::Homes;
use super::pages::pages;
use super::runtime::Runtime;
use super::{files, panics};

/// The listening fronts.
pub(super) struct Fronts {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
    resp_front: Arc<Front>,
    pub(super) resp: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) admin: Option<SocketAddr>,
    /// Of each front, but for the address of administration.
    pub(super) connections_max: usize,
}

impl Fronts {
    /// Listens on both addresses and serves until stopped.
    pub(super) fn start(
        settings: &Settings,
        listeners: Listeners,
        door: &Door,
        runtime: &Arc<Runtime>,
    ) -> Result<Self, ServeError> {
        // Half of them each; a front at its limit must not starve the other.
        let kept = settings.admin.map_or(0, |_| ADMIN_FILES);
        let connections_max = (files::connections_max().saturating_sub(kept) / 2).max(1);
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (resp_addr, http_addr) = (listeners.resp.local_addr()?, listeners.http.local_addr()?);
        let entered = tokio.enter();
        let resp = TcpListener::from_std(listeners.resp)?;
        let http = TcpListener::from_std(listeners.http)?;
        let admin = listeners.admin.map(TcpListener::from_std).transpose()?;
        let admin_addr = admin.as_ref().map(TcpListener::local_addr).transpose()?;
        drop(entered);
        let (stop, stopped) = watch::channel(false);

        let resp_front = resp_front(settings, door, connections_max, runtime.homes());
        let serve_resp = accept(resp, Arc::clone(&resp_front), Arc::clone(runtime));
        let serve_http = serve_http(
            settings,
            door,
            (http, admin),
            (connections_max, runtime),
            stopped,
        );
        let run = move || {
            tokio.block_on(async {
                // HTTP ends by itself once stopped and drained; RESP takes connections until then.
                tokio::select! {
                    () = serve_resp => {}
                    () = serve_http => {}
                }
            });
        };
        let thread = panics::spawn("fronts", run)?;
        Ok(Self {
            stop,
            thread,
            resp_front,
            resp: resp_addr,
            http: http_addr,
            admin: admin_addr,
            connections_max,
        })
    }

    /// Stops listening, answers what was taken in, and closes the connections.
    pub(super) fn stop(self) {
        self.stop.send_replace(true);
        self.thread
            .join()
            .expect("because a panic ends the process");
        self.resp_front.stop();
        let deadline = Instant::now() + CLOSE_PATIENCE;
        while self.resp_front.connections() > 0 && Instant::now() < deadline {
            thread::sleep(CLOSE_LOOK);
        }
    }
}

/// Serves HTTP until stopped: at one address or, if there is another for administration, divided between both.
fn serve_http(
    settings: &Settings,
    door: &Door,
    (http, admin): (TcpListener, Option<TcpListener>),
    (connections_max, runtime): (usize, &Arc<Runtime>),
    stopped: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + use<> {
    let options = |addr, connections_max| {
        let mut options = http_options(settings, addr, &stopped);
        options.watchers_max = options.watchers_max.min(connections_max / 2);
        let samples = runtime.samples();
        options.metrics = Arc::new(move |text| samples.tell(text));
        options
    };
    let (router, admin) = match admin.zip(settings.admin) {
        Some((admin, addr)) => {
            let (public, all) = (
                options(settings.http, connections_max),
                options(addr, ADMIN_CONNECTIONS_MAX),
            );
            let (public, all) = tidegate_http::divided(door, public, all);
            (public, Some((admin, all)))
        }
        None => (
            tidegate_http::router(door.clone(), options(settings.http, connections_max)),
            None,
        ),
    };
    let runtime = Arc::clone(runtime);
    async move {
        let place = || runtime.next_executor().1.tokio.clone();
        let until_stopped = until(stopped.clone());
        let serve = tidegate_http::serve(http, router, connections_max, place, until_stopped);
        match admin {
            Some((admin, all)) => {
                let most = ADMIN_CONNECTIONS_MAX;
                let also = tidegate_http::serve(admin, all, most, place, until(stopped));
                tokio::join!(serve, also);
            }
            None => serve.await,
        }
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    drop(stopped.wait_for(|stopped| *stopped).await);
}

/// Sockets that are bound and not served yet.
pub(super) struct Listeners {
    resp: std::net::TcpListener,
    pub(super) http: std::net::TcpListener,
    admin: Option<std::net::TcpListener>,
}

impl Listeners {
    /// Binds all addresses.
    pub(super) fn bind(settings: &Settings) -> Result<Self, ServeError> {
        Ok(Self {
            resp: bind(settings.resp)?,
            http: bind(settings.http)?,
            admin: settings.admin.map(bind).transpose()?,
        })
    }
}

fn bind(addr: SocketAddr) -> Result<std::net::TcpListener, ServeError> {
    let bound = || {
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bound().map_err(|error| ServeError::Listen { addr, error })
}

/// Gives every connection to the next executor thread.
async fn accept(listener: TcpListener, front: Arc<Front>, runtime: Arc<Runtime>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream.into_std(),
            Err(error) => Err(error),
        };
        match stream {
            Ok(stream) => {
                let front = Arc::clone(&front);
                let (index, executor) = runtime.next_executor();
                executor.spawn(async move {
                    if let Ok(stream) = TcpStream::from_std(stream) {
                        front.serve(stream, index).await;
                    }
                });
            }
            // Out of files for now, or the peer has gone already: the next one may do better.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Connections to the address of administration: it has room though buyers take all of theirs.
const ADMIN_CONNECTIONS_MAX: usize = 64;

/// Files that these need, with those that are being told that there are too many.
const ADMIN_FILES: usize = ADMIN_CONNECTIONS_MAX + TURNED_AWAY_MAX;

/// How long a failed accept waits before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How long connections may take to get their last replies at a stop.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
const CLOSE_LOOK: Duration = Duration::from_millis(5);

fn resp_front(
    settings: &Settings,
    door: &Door,
    connections_max: usize,
    homes: Arc<Homes>,
) -> Arc<Front> {
    let mut options = tidegate_resp::Options::new(env!("CARGO_PKG_VERSION"));
    options.credentials = settings.password.as_deref().map(Credentials::new);
    options.connections_max = connections_max;
    options.homes = Some(homes);
    Front::new(door.clone(), options)
}

/// At one of its addresses.
fn http_options(
    settings: &Settings,
    addr: SocketAddr,
    stopped: &watch::Receiver<bool>,
) -> tidegate_http::Options {
    let mut options = tidegate_http::Options::new(env!("CARGO_PKG_VERSION"));
    options.credentials = settings.password.as_deref().map(Token::new);
    options.proxies.clone_from(&settings.proxies);
    options.beacon_origins.clone_from(&settings.beacon_origins);
    options.any_host = !addr.ip().is_loopback();
    options.pages = pages(&settings.outside.providers);
    options.ending = Ending::when(stopped.clone());
    let stopped = stopped.clone();
    options.ready = Arc::new(move || {
        if *stopped.borrow() {
            Readiness::NotReady("the server is stopping".to_owned())
        } else {
            Readiness::Ready
        }
    });
    options
}
