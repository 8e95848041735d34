//! Sending webhooks: some connections to the merchant, each with one webhook under way.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::outbox::Webhook;
use super::provider::Provider;
use super::time::now_ms;
use tidegate_courier::WebhookSecret;

/// Webhooks under way at one time: enough for thousands a second to a merchant who takes some ten ms, as one does
/// who is busy with as many buyers.
pub(super) const SENDERS: usize = 128;

/// How long a merchant may take to say that he has it.
const DELIVERY_WAIT: Duration = Duration::from_secs(10);

/// Bytes of what the merchant says beyond its status, which nobody reads.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// Where the merchant takes webhooks.
#[derive(Clone, Debug)]
pub(super) struct WebhookUrl {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// A text that is no such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhooks are sent to http://HOST[:PORT][/PATH]")]
pub(super) struct NotAWebhookUrl;

impl FromStr for WebhookUrl {
    type Err = NotAWebhookUrl;

    fn from_str(text: &str) -> Result<Self, NotAWebhookUrl> {
        let uri: Uri = text.parse().map_err(|_| NotAWebhookUrl)?;
        let authority = uri.authority().ok_or(NotAWebhookUrl)?;
        let has_user = authority.as_str().contains('@');
        if uri.scheme_str() != Some("http") || has_user || authority.host().is_empty() {
            return Err(NotAWebhookUrl);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            // The brackets of an IPv6 address are of the URL only.
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
            path: path.to_owned(),
        })
    }
}

/// A merchant who is told by webhooks.
pub(super) struct Merchant {
    pub(super) url: WebhookUrl,
    pub(super) secret: WebhookSecret,
}

type Connection = SendRequest<Full<Bytes>>;
type Failed = Box<dyn Error + Send + Sync>;

/// Sends one webhook after the other, for ever.
pub(super) async fn send(provider: Arc<Provider>, merchant: Arc<Merchant>) {
    let mut connection = None;
    loop {
        let webhook = provider.next_webhook().await;
        let delivery = merchant.deliver(&mut connection, &webhook);
        let is_taken = matches!(timeout(DELIVERY_WAIT, delivery).await, Ok(Ok(true)));
        provider.sent(webhook, is_taken);
    }
}

impl Merchant {
    /// Whether the merchant has taken it. A connection on which something went wrong is not kept.
    async fn deliver(
        &self,
        kept: &mut Option<Connection>,
        webhook: &Webhook,
    ) -> Result<bool, Failed> {
        let mut connection = match kept.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.ready().await?;
        let response = connection.send_request(self.request(webhook)?).await?;
        let status = response.status();
        let rest = Limited::new(response.into_body(), REPLY_BYTES_MAX);
        if rest.collect().await.is_ok() {
            *kept = Some(connection);
        }
        Ok(status.is_success())
    }

    async fn connect(&self) -> Result<Connection, Failed> {
        let stream = TcpStream::connect((self.url.host.as_str(), self.url.port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; how is told to whoever sends.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }

    fn request(&self, webhook: &Webhook) -> Result<Request<Full<Bytes>>, Failed> {
        let id = format!("msg_{}", webhook.number);
        let timestamp = now_ms() / 1_000;
        let signature = self.secret.sign(&id, timestamp, &webhook.body);
        let request = Request::post(self.url.path.as_str())
            .header(HOST, self.url.authority.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature);
        Ok(request.body(Full::new(webhook.body.clone()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_for_webhooks_has_a_host_and_is_not_encrypted() {
        for (text, host, port, path) in [
            ("http://localhost", "localhost", 80, "/"),
            ("http://127.0.0.1:81/a?b=c", "127.0.0.1", 81, "/a?b=c"),
            ("http://[::1]:82/a", "::1", 82, "/a"),
        ] {
            let url: WebhookUrl = text.parse().expect("a URL");
            assert_eq!((url.host.as_str(), url.port), (host, port));
            assert_eq!(url.path, path);
        }
        for text in ["", "/a", "https://a/", "a:1", "http://u:p@a/", "http://"] {
            assert!(text.parse::<WebhookUrl>().is_err(), "{text}");
        }
    }
}
