//! Who is asked: a server over HTTP, or the one that this is.

use std::io::{self, Read};
use std::time::Duration;

use serde_json::{Map, Value};
use tidegate_counter::COUNTER;
use tidegate_engine::contract::{Method, RequestDef};
use tidegate_topic::TOPIC;

use crate::client::{HttpAddress, HttpError, get, path_segment, post};
use crate::password::Password;

/// Bytes of an answer: a page of messages has 1 MiB of payloads, which JSON may escape.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

const WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub(crate) enum RecountError {
    #[error("{from}: {error}")]
    Server { from: String, error: String },
    #[error("there is no counter {0}")]
    NoCounter(String),
    #[error(
        "the events of counter {0} are kept in no topic: one that is declared with RAW has them"
    )]
    NotKept(String),
    #[error("the topic keeps events from {0} ms on only: say --from {0}, or later")]
    Dropped(u64),
    #[error("--to must be behind --from, and behind what is kept")]
    EmptySpan,
    #[error("the server's answer has no {0} that can be read")]
    Unreadable(&'static str),
    #[error("letter {letter} of shard {shard} has not come to the topic within {waited_s} s")]
    Behind {
        shard: u64,
        letter: u64,
        waited_s: u64,
    },
}

/// The fields of a request, by their names.
pub(crate) type Given<'a> = &'a [(&'static str, Value)];

/// Answers requests of counters and topics.
pub(crate) trait Ask {
    /// What is answered to the request of this name; or the words of its "no".
    async fn ask(
        &self,
        name: &'static str,
        given: Given<'_>,
    ) -> Result<Result<Value, String>, RecountError>;

    /// Whom people are told.
    fn who(&self) -> String;

    /// The same, where a "no" is nothing to go on from.
    async fn told(&self, name: &'static str, given: Given<'_>) -> Result<Value, RecountError> {
        let answer = self.ask(name, given).await?;
        answer.map_err(|error| RecountError::Server {
            from: self.who(),
            error,
        })
    }
}

/// A server over HTTP. It waits for each answer on its thread.
pub(super) struct Server<'a> {
    url: &'a HttpAddress,
    password: Option<&'a Password>,
}

impl<'a> Server<'a> {
    pub(super) fn new(url: &'a HttpAddress, password: Option<&'a Password>) -> Self {
        Self { url, password }
    }
}

impl Ask for Server<'_> {
    async fn ask(
        &self,
        name: &'static str,
        given: Given<'_>,
    ) -> Result<Result<Value, String>, RecountError> {
        let (path, body) = request(def_of(name), given);
        let answer = match &body {
            None => get(self.url, &path, self.password, WAIT).and_then(read),
            Some(body) => post(self.url, (&path, body), self.password, WAIT).and_then(read),
        };
        match answer {
            Ok(answer) => Ok(Ok(answer)),
            Err(HttpError::No {
                status: 409 | 422,
                detail,
            }) => Ok(Err(detail)),
            Err(error) => Err(RecountError::Server {
                from: self.who(),
                error: error.told(self.password.is_some()),
            }),
        }
    }

    fn who(&self) -> String {
        self.url.to_string()
    }
}

fn def_of(name: &str) -> &'static RequestDef {
    let mut defs = COUNTER.requests.iter().chain(TOPIC.requests);
    let named = defs.find(|def| def.resp == name);
    named.expect("because it is a request of counters or topics")
}

/// The path of a request, with what stands in neither it nor a body behind it; and the body.
fn request(def: &RequestDef, given: Given<'_>) -> (String, Option<String>) {
    let mut path = def.http.path.to_owned();
    let mut rest = Map::new();
    for (name, value) in given {
        let place = format!("{{{name}}}");
        let text = value.as_str().unwrap_or_default();
        if path.contains(&place) {
            path = path.replace(&place, &path_segment(text));
        } else {
            rest.insert((*name).to_owned(), value.clone());
        }
    }
    if def.http.method != Method::Get {
        return (path, Some(Value::Object(rest).to_string()));
    }
    let pair = |(name, value): (&String, &Value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), path_segment);
        format!("{name}={text}")
    };
    let pairs: Vec<_> = rest.iter().map(pair).collect();
    if !pairs.is_empty() {
        path = format!("{path}?{}", pairs.join("&"));
    }
    (path, None)
}

fn read(body: impl Read) -> Result<Value, HttpError> {
    let answer = serde_json::from_reader(body.take(ANSWER_BYTES_MAX));
    answer.map_err(|error| {
        let words = format!("its answer cannot be read: {error}");
        HttpError::Io(io::Error::other(words))
    })
}

/// A number of an answer.
pub(super) fn number(of: &Value, name: &'static str) -> Result<u64, RecountError> {
    of[name].as_u64().ok_or(RecountError::Unreadable(name))
}

/// A text of an answer.
pub(super) fn text<'v>(of: &'v Value, name: &'static str) -> Result<&'v str, RecountError> {
    of[name].as_str().ok_or(RecountError::Unreadable(name))
}

/// A list of an answer.
pub(super) fn list<'v>(of: &'v Value, name: &'static str) -> Result<&'v [Value], RecountError> {
    let list = of[name].as_array().ok_or(RecountError::Unreadable(name))?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn request_is_what_its_declaration_says() {
        let given = [
            ("name", json!("a/b")),
            ("key", json!("k")),
            ("from_ms", json!(5)),
        ];
        let range = request(def_of("COUNTER.RANGE"), &given);
        let path = "/v1/counters/a%2Fb/keys/k/range?from_ms=5".to_owned();
        assert_eq!(range, (path, None));
        let given = [("name", json!("a")), ("keys", json!([{"key": "k"}]))];
        let (path, body) = request(def_of("COUNTER.UNIQUE"), &given);
        assert_eq!(path, "/v1/counters/a/unique");
        assert_eq!(body.as_deref(), Some(r#"{"keys":[{"key":"k"}]}"#));
        let raw = request(def_of("COUNTER.RAW"), &given[..1]);
        assert_eq!(raw, ("/v1/counters/a/raw".to_owned(), None));
    }
}
