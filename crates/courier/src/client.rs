//! One try of a call over HTTP/1.1.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use tidegate_engine::{Report, Said, Try};

use crate::parcel::Delivery;
use crate::service::{Method, Secret};
use crate::wire::Wire;

/// Who sends.
pub(crate) const AGENT: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"));

/// What makes tries.
#[derive(Clone)]
pub(crate) struct Client {
    wire: Arc<dyn Wire>,
}

/// A try that can be made.
pub(crate) struct Sending {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) token: Option<Secret>,
    pub(crate) timeout_ms: u64,
}

/// What a try has brought, and whether the host can be said to work.
pub(crate) struct Brought {
    pub(crate) report: Report,
    pub(crate) is_success: bool,
}

impl Brought {
    fn nothing(why: String, retry_after_ms: Option<u64>) -> Self {
        Self {
            report: Report::Nothing {
                why,
                retry_after_ms,
            },
            is_success: false,
        }
    }
}

impl Client {
    pub(crate) fn over(wire: Arc<dyn Wire>) -> Self {
        Self { wire }
    }

    /// Makes a try, to its end or until its time is over.
    pub(crate) async fn send(&self, one: &Try, sending: Sending) -> Brought {
        let timeout_ms = sending.timeout_ms;
        match self.exchange(request(one, sending), timeout_ms).await {
            Ok(heard) => brought(&heard),
            Err(why) => Brought::nothing(why, None),
        }
    }

    /// Brings a parcel, within its time; gives whether the host can be said to work, too.
    pub(crate) async fn bring(&self, request: Built, timeout_ms: u64) -> (Delivery, bool) {
        match self.exchange(request, timeout_ms).await {
            Ok(heard) => (delivered(&heard), !is_in_trouble(heard.status())),
            Err(why) => (Delivery::Nothing { why }, false),
        }
    }

    /// What is answered to a request, or why nothing is.
    async fn exchange(&self, request: Built, timeout_ms: u64) -> Result<Heard, String> {
        let request = request.map_err(|error| format!("cannot be sent: {error}"))?;
        let timeout = Duration::from_millis(timeout_ms);
        let heard = tokio::time::timeout(timeout, self.wire.carry(request)).await;
        heard.unwrap_or_else(|_| Err(format!("no answer within {timeout_ms} ms")))
    }
}

/// A request, or why there can be none.
pub(crate) type Built = Result<Request<Bytes>, hyper::http::Error>;

/// An answer.
type Heard = Response<Bytes>;

fn request(one: &Try, sending: Sending) -> Built {
    let Sending {
        method, uri, token, ..
    } = sending;
    let (method, body) = match method {
        Method::Get => (hyper::Method::GET, Bytes::new()),
        Method::Post => (hyper::Method::POST, Bytes::copy_from_slice(&one.body)),
    };
    let mut builder = Request::builder()
        .method(method)
        .uri(uri)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "application/json")
        .header("idempotency-key", one.key);
    if !body.is_empty() {
        builder = builder.header(CONTENT_TYPE, "application/json");
    }
    if let Some(token) = token {
        builder = token.bear(builder)?;
    }
    builder.body(body)
}

/// What an answer comes to: final, or one after which it is asked again. A host that answers at all works,
/// unless it says itself that it does not.
fn brought(heard: &Heard) -> Brought {
    let (status, headers) = (heard.status(), heard.headers());
    if is_in_trouble(status) || status == StatusCode::TOO_EARLY {
        return Brought::nothing(format!("answered {status}"), retry_after_ms(headers));
    }
    let brings = |why| Brought {
        is_success: true,
        ..Brought::nothing(why, None)
    };
    if status.is_redirection() || status.is_informational() {
        let to = headers.get(LOCATION).and_then(|to| to.to_str().ok());
        let to = to.unwrap_or("nowhere");
        return brings(format!("answered {status} to {to}, which is not followed"));
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return brings(format!("answered {status}: is the token right?"));
    }
    Brought {
        report: Report::Answer(Said {
            status: status.as_u16(),
            body: heard.body().to_vec().into(),
        }),
        is_success: true,
    }
}

/// What came of a parcel: whoever has brought it judges it.
fn delivered(heard: &Heard) -> Delivery {
    Delivery::Answered {
        status: heard.status().as_u16(),
        body: heard.body().to_vec(),
        retry_after_ms: retry_after_ms(heard.headers()),
    }
}

/// Whether a host says that it cannot answer now.
fn is_in_trouble(status: StatusCode) -> bool {
    let asks = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    status.is_server_error() || asks.contains(&status)
}

fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    seconds.checked_mul(1_000)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::thread::{self, JoinHandle};

    use super::*;
    use crate::address::Guarded;
    use crate::wire::Network;

    const TIMEOUT_MS: u64 = 60_000;

    /// A server that takes one request in and does this about it; gives what it was sent.
    fn server(
        act: impl FnOnce(&mut TcpStream) + Send + 'static,
    ) -> (SocketAddr, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut sent = Vec::new();
            let mut bytes = [0; 4096];
            while !String::from_utf8_lossy(&sent).contains("\r\n\r\n{}") {
                let read = stream.read(&mut bytes).expect("a request");
                assert!(read > 0, "the request ends early");
                sent.extend_from_slice(&bytes[..read]);
            }
            act(&mut stream);
            String::from_utf8_lossy(&sent).into_owned()
        });
        (addr, served)
    }

    async fn send_to(host: &str, timeout_ms: u64) -> Brought {
        let network = Network::new(Guarded::new(HashSet::new()));
        let client = Client::over(Arc::new(network));
        let one = Try::of_test(7, b"{}");
        let sending = Sending {
            method: Method::Post,
            uri: format!("http://{host}/pay").parse().expect("a URL"),
            token: Some(Secret::new("letmein".to_owned())),
            timeout_ms,
        };
        client.send(&one, sending).await
    }

    async fn answered(act: impl FnOnce(&mut TcpStream) + Send + 'static) -> Brought {
        let (addr, served) = server(act);
        let brought = send_to(&addr.to_string(), TIMEOUT_MS).await;
        drop(served);
        brought
    }

    async fn told(answer: &'static str) -> Brought {
        // Whether the client is there to hear all of it is its own affair.
        answered(move |stream| drop(stream.write_all(answer.as_bytes()))).await
    }

    fn why(brought: &Brought) -> &str {
        match &brought.report {
            Report::Nothing { why, .. } => why,
            Report::Answer(said) => panic!("answered {}", said.status),
        }
    }

    #[tokio::test]
    async fn request_carries_its_number_and_the_token_and_an_answer_comes_back() {
        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok";
        let (addr, served) = server(|stream| stream.write_all(answer).expect("it is heard"));
        let brought = send_to(&addr.to_string(), TIMEOUT_MS).await;
        let said = Said {
            status: 201,
            body: b"ok".to_vec().into(),
        };
        assert_eq!(brought.report, Report::Answer(said));
        let sent = served.join().expect("it was served");
        for line in [
            "POST /pay HTTP/1.1",
            "idempotency-key: 7",
            "authorization: Bearer letmein",
            "content-type: application/json",
        ] {
            assert!(sent.contains(line), "{line}: {sent}");
        }
    }

    #[tokio::test]
    async fn what_is_no_answer_is_told_as_none() {
        let closed = answered(|_| {}).await;
        assert!(!closed.is_success);
        let garbage = told("what do you want?\r\n\r\n").await;
        assert!(!garbage.is_success);
        let cut = told("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
        assert!(!cut.is_success);
        for brought in [&closed, &garbage, &cut] {
            assert!(!why(brought).is_empty());
        }
    }

    #[tokio::test]
    async fn no_more_of_an_answer_is_read_than_its_bound() {
        let large = |stream: &mut TcpStream| {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n";
            let body = vec![b'x'; 10 * 1024 * 1024];
            // The client has hung up by then.
            drop(
                stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(&body)),
            );
        };
        let brought = answered(large).await;
        assert_eq!(why(&brought), "an answer of more than 65536 bytes");
        assert!(!brought.is_success);
    }

    #[tokio::test]
    async fn who_says_nothing_is_not_waited_for_beyond_the_time() {
        let (heard, hears) = std::sync::mpsc::channel::<()>();
        let silent = move |_: &mut TcpStream| {
            hears.recv().expect_err("it ends");
        };
        let (addr, served) = server(silent);
        let brought = send_to(&addr.to_string(), 50).await;
        assert_eq!(why(&brought), "no answer within 50 ms");
        drop(heard);
        drop(served);
    }

    #[tokio::test]
    async fn nobody_there_is_told_as_that() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        drop(listener);
        let brought = send_to(&addr.to_string(), TIMEOUT_MS).await;
        assert!(why(&brought).contains("refused"), "{}", why(&brought));
    }

    #[tokio::test]
    async fn name_of_a_private_address_is_not_called() {
        let (addr, _served) = server(|_| {});
        let brought = send_to(&format!("localhost:{}", addr.port()), TIMEOUT_MS).await;
        assert!(
            why(&brought).contains("private = true"),
            "{}",
            why(&brought)
        );
    }

    #[tokio::test]
    async fn trouble_of_the_host_is_asked_again_when_it_says_so() {
        let brought =
            told("HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n").await;
        let Report::Nothing { retry_after_ms, .. } = brought.report else {
            panic!("it is none");
        };
        assert_eq!((retry_after_ms, brought.is_success), (Some(7_000), false));
    }

    #[tokio::test]
    async fn redirect_is_not_followed_and_a_refused_token_is_told() {
        let moved =
            told("HTTP/1.1 307 Moved\r\nlocation: http://8.8.8.8/\r\ncontent-length: 0\r\n\r\n");
        let moved = moved.await;
        assert!(why(&moved).contains("http://8.8.8.8/, which is not followed"));
        let refused = told("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n").await;
        assert!(why(&refused).contains("is the token right?"));
        assert!(moved.is_success && refused.is_success, "the host works");
    }
}
