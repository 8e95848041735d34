//! The processes of a sale: a server at the same addresses in all of its lives, and a payment provider.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tidegate_engine::{Entropy, MachineEntropy};

use super::plan::{Plan, ServerFile};
use crate::child::{self, Addresses, Child};

/// The provider, as the server's settings name it.
pub(super) const PROVIDER: &str = "sandbox";

/// Bytes of the secret that webhooks are signed with.
const SECRET_BYTES: usize = 32;

/// Why there is no shop.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Child(#[from] child::Error),
    #[error("temporary folder: {0}")]
    Folder(io::Error),
    #[error("cannot listen on {addr}: {error}")]
    Listen { addr: SocketAddr, error: io::Error },
}

/// Where a server is to listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) resp: SocketAddr,
    pub(super) http: SocketAddr,
}

/// A server that can be killed and started again.
pub(super) struct ShopServer {
    folder: PathBuf,
    ports: Ports,
    life: Child,
}

/// A provider, which ends when dropped.
pub(super) struct Provider {
    _life: Child,
    /// `http://HOST:PORT`
    pub(super) url: String,
}

impl Provider {
    /// Starts one that tells the server at this address what happens.
    pub(super) fn start(folder: &Path, http: SocketAddr, plan: Plan) -> Result<Self, Error> {
        let mut secret = [0; SECRET_BYTES];
        MachineEntropy.fill(&mut secret);
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(secret));
        fs::write(secret_in(folder), secret).map_err(Error::Folder)?;
        let (life, addresses) = Child::start("pay-sandbox", folder, |command| {
            let webhooks = format!("http://{http}/v1/payments/{PROVIDER}/webhook");
            command.args(["--listen", "127.0.0.1:0", "--webhook-url", &webhooks]);
            command.arg("--webhook-secret-file").arg(secret_in(folder));
            command.args(plan.troubles());
        })?;
        let Addresses { http: url, .. } = addresses;
        Ok(Self { _life: life, url })
    }
}

impl ShopServer {
    /// Starts a server over a new folder within this one.
    pub(super) fn start(
        folder: &Path,
        ports: Ports,
        provider: &Provider,
        plan: Plan,
    ) -> Result<Self, Error> {
        let settings = ServerFile {
            name: PROVIDER,
            provider: &provider.url,
            secret: &secret_in(folder),
            ttl_ms: plan.ttl_ms,
        };
        fs::write(settings_in(folder), settings.to_string()).map_err(Error::Folder)?;
        Ok(Self {
            life: live(folder, ports)?,
            folder: folder.to_owned(),
            ports,
        })
    }

    /// Kills it, and starts it again on what is left.
    pub(super) fn kill_and_start(&mut self) -> Result<(), Error> {
        self.life.kill();
        self.life = live(&self.folder, self.ports)?;
        Ok(())
    }
}

fn live(folder: &Path, ports: Ports) -> Result<Child, Error> {
    let (life, _) = Child::start("serve", folder, |command| {
        command.arg("--config").arg(settings_in(folder));
        command.arg("--data").arg(folder.join("data"));
        command.args(["--resp", &ports.resp.to_string()]);
        command.args(["--http", &ports.http.to_string()]);
    })?;
    Ok(life)
}

fn secret_in(folder: &Path) -> PathBuf {
    folder.join("webhook-secret")
}

fn settings_in(folder: &Path) -> PathBuf {
    folder.join("tidegate.toml")
}

impl Ports {
    /// The addresses that were asked for, which must be free; else the usual ones, or free ones in their place.
    pub(super) fn find(
        asked: [Option<SocketAddr>; 2],
        usual: [SocketAddr; 2],
    ) -> Result<Self, Error> {
        let [resp, http] = [0, 1].map(|which| find(asked[which], usual[which]));
        let ((resp, resp_held), (http, http_held)) = (resp?, http?);
        // Held until both are found, so that they are two.
        drop((resp_held, http_held));
        Ok(Self { resp, http })
    }
}

fn find(asked: Option<SocketAddr>, usual: SocketAddr) -> Result<(SocketAddr, TcpListener), Error> {
    let any = SocketAddr::from((usual.ip(), 0));
    let tries = asked.map_or(vec![usual, any], |asked| vec![asked]);
    let mut refused = None;
    for addr in tries {
        let bound = TcpListener::bind(addr).and_then(|held| Ok((held.local_addr()?, held)));
        match bound {
            Ok(found) => return Ok(found),
            Err(error) => refused = Some(Error::Listen { addr, error }),
        }
    }
    Err(refused.expect("because there is an address to try"))
}
