//! `tidegate pay-sandbox`: a payment provider to try orders against, which misbehaves as it is told.
//!
//! A process of its own, which knows nothing of Tidegate but what a provider would: its API is in
//! `docs/pay-sandbox.openapi.yaml`. One thread does everything. State (`payments.rs`, `outbox.rs`)
//! is apart from chance (`buyers.rs`, `troubles.rs`) and from what is sent and answered (`api.rs`,
//! `webhooks.rs`); `provider.rs` puts it together.

mod api;
mod buyers;
mod chance;
mod checkout;
mod id;
mod ledger;
mod options;
mod outbox;
mod payments;
mod provider;
mod requests;
mod routes;
mod server;
mod summary;
mod time;
mod troubles;
mod views;
mod webhooks;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use chance::Draws;
use checkout::PublicUrl;
use outbox::Outbox;
use payments::Payments;
use provider::{Books, Provider};
use summary::{Answers, Summary};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use webhooks::Merchant;

pub(crate) use options::SandboxArgs;

use crate::ending::{Failure, Found};
use crate::output::{print, say};

/// Webhooks of one ms of starting time: a provider that is started again must not tell news under a
/// number that a merchant has seen.
const NUMBERS_A_MS: u64 = 1_000_000;

/// Serves until told to stop, then prints what there was.
pub(crate) fn run(args: SandboxArgs) -> Result<Found, Failure> {
    let _tie = args.owner.tie().map_err(Failure::told)?;
    args.check().map_err(Failure::told)?;
    let token = args.token().map_err(Failure::told)?;
    let merchant = args.merchant().map_err(Failure::told)?;
    let draws = Draws::of(args.seed);
    let started_ms = time::now_ms();
    let first_number = started_ms * NUMBERS_A_MS;
    let outbox = merchant
        .is_some()
        .then(|| Outbox::new(args.losses, draws, first_number));
    let listener = listen(args.listen).map_err(Failure::told)?;
    let addr = listener.local_addr().map_err(Failure::told)?;
    let own_url = || PublicUrl::of_listener(addr);
    let books = Books {
        payments: Payments::new(args.buyers, draws),
        outbox,
        answers: Answers::default(),
        public_url: args.public_url.unwrap_or_else(own_url),
    };
    let provider = Provider::new(token, args.troubles, draws, books, started_ms);
    let provider = Arc::new(provider);
    serve(listener, &provider, merchant, args.seed).map_err(Failure::told)?;
    print(format_args!("{}", Summary(&provider.books())))?;
    Ok(Found::Sound)
}

/// Why it cannot serve.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot listen on {addr}: {error}")]
    Listen { addr: SocketAddr, error: io::Error },
    #[error(transparent)]
    Machine(#[from] io::Error),
}

fn listen(addr: SocketAddr) -> Result<std::net::TcpListener, Error> {
    let listener = std::net::TcpListener::bind(addr);
    let listener = listener.map_err(|error| Error::Listen { addr, error })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn serve(
    listener: std::net::TcpListener,
    provider: &Arc<Provider>,
    merchant: Option<Merchant>,
    seed: u64,
) -> Result<(), Error> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        say(format_args!(
            "HTTP  http://{} · at most {} connections · seed {seed}",
            listener.local_addr()?,
            server::CONNECTIONS_MAX
        ));
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        if let Some(merchant) = merchant.map(Arc::new) {
            for _ in 0..webhooks::SENDERS {
                tokio::spawn(webhooks::send(Arc::clone(provider), Arc::clone(&merchant)));
            }
        }
        tokio::spawn(Arc::clone(provider).keep_time());
        // Heard from here on: whoever has seen `ready` may ask for a stop.
        say(format_args!("ready"));
        tokio::select! {
            () = server::serve(listener, Arc::clone(provider)) => {}
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        Ok(())
    })
}
