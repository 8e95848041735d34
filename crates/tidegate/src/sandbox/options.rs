//! What the sandbox is told on the command line, found sound or not.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::buyers::Buyers;
use super::checkout::PublicUrl;
use super::outbox::Losses;
use super::troubles::Troubles;
use super::webhooks::{Merchant, WebhookUrl};
use crate::password::{self, Password};
use crate::serve::owner::OwnerArgs;
use tidegate_courier::WebhookSecret;

/// The environment variable that holds the secret of webhooks.
const SECRET_VARIABLE: &str = "TIDEGATE_PAY_WEBHOOK_SECRET";

/// A payment provider of its own process, to try orders against: it loses, repeats and delays what
/// it is told to. No money moves, and nothing is kept once it ends.
///
/// Its API is at /openapi.yaml. A payment whose page (`checkout_url`) somebody opens waits for what they
/// choose there. Who else pays when, and what goes wrong, is decided by the seed and by
/// the ids of payments or the order of requests, so the same run comes again. At the end (Ctrl-C)
/// it prints what there was.
#[derive(Args, Debug)]
pub(crate) struct SandboxArgs {
    /// Where it listens; port 0 takes a free one. Beyond this machine only with a token.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7390")]
    pub(super) listen: SocketAddr,
    /// File with the token that requests must carry (Authorization: Bearer).
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Where webhooks are sent, http only. Without it there are none.
    #[arg(long, value_name = "URL")]
    webhook_url: Option<WebhookUrl>,
    /// File with the secret that signs webhooks: whsec_ and base64; TIDEGATE_PAY_WEBHOOK_SECRET
    /// serves as well.
    #[arg(long, value_name = "FILE", requires = "webhook_url")]
    webhook_secret_file: Option<PathBuf>,
    /// Where a browser finds the pages on which people pay [default: the address that it listens on]
    #[arg(long, value_name = "URL")]
    pub(super) public_url: Option<PublicUrl>,
    /// Decides all that is left to chance.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    #[command(flatten)]
    pub(super) owner: OwnerArgs,
    #[command(flatten)]
    pub(super) buyers: Buyers,
    #[command(flatten)]
    pub(super) losses: Losses,
    #[command(flatten)]
    pub(super) troubles: Troubles,
}

/// What cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadOptions {
    #[error(transparent)]
    Token(#[from] password::Error),
    #[error("{0} is beyond this machine, where everybody could ask: give --token-file")]
    Open(SocketAddr),
    #[error("webhooks are signed: give --webhook-secret-file or {SECRET_VARIABLE}")]
    NoSecret,
    #[error("{place}: {why}")]
    Secret { place: String, why: String },
    #[error("{0}")]
    Shares(&'static str),
}

impl SandboxArgs {
    /// Whether all shares can be drawn.
    pub(super) fn check(&self) -> Result<(), BadOptions> {
        self.buyers.check().map_err(BadOptions::Shares)?;
        self.troubles.check().map_err(BadOptions::Shares)
    }

    /// What requests must carry.
    pub(super) fn token(&self) -> Result<Option<Password>, BadOptions> {
        match &self.token_file {
            Some(file) => Ok(Some(Password::of_file(file)?)),
            None if self.listen.ip().is_loopback() => Ok(None),
            None => Err(BadOptions::Open(self.listen)),
        }
    }

    /// Who is told by webhooks, if anybody.
    pub(super) fn merchant(&self) -> Result<Option<Merchant>, BadOptions> {
        let Some(url) = &self.webhook_url else {
            return Ok(None);
        };
        Ok(Some(Merchant {
            url: url.clone(),
            secret: self.secret()?,
        }))
    }

    fn secret(&self) -> Result<WebhookSecret, BadOptions> {
        let (place, text) = match &self.webhook_secret_file {
            Some(file) => (
                file.display().to_string(),
                fs::read_to_string(file).map_err(|error| error.to_string()),
            ),
            None => (
                SECRET_VARIABLE.to_owned(),
                Ok(env::var(SECRET_VARIABLE).map_err(|_| BadOptions::NoSecret)?),
            ),
        };
        let secret = text.and_then(|text| {
            let secret = text.trim_end().parse::<WebhookSecret>();
            secret.map_err(|error| error.to_string())
        });
        secret.map_err(|why| BadOptions::Secret { place, why })
    }
}
