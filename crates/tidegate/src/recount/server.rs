//! What a server is asked.

use std::io::{self, Read};
use std::time::Duration;

use serde_json::Value;

use crate::client::{HttpAddress, HttpError, get, post};
use crate::password::Password;

/// Bytes of an answer: a page of messages has 1 MiB of payloads, which JSON may escape.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

const WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub(super) enum RecountError {
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

pub(super) struct Server<'a> {
    url: &'a HttpAddress,
    password: Option<&'a Password>,
}

impl<'a> Server<'a> {
    pub(super) fn new(url: &'a HttpAddress, password: Option<&'a Password>) -> Self {
        Self { url, password }
    }

    pub(super) fn get(&self, path: &str) -> Result<Value, RecountError> {
        let body = get(self.url, path, self.password, WAIT);
        let answer = body.and_then(read);
        answer.map_err(|error| self.failed(&error))
    }

    /// The answer to a command; the words of a "no".
    pub(super) fn post(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<Result<Value, String>, RecountError> {
        let body = body.to_string();
        let sent = post(self.url, (path, &body), self.password, WAIT);
        match sent.and_then(read) {
            Ok(answer) => Ok(Ok(answer)),
            Err(HttpError::No {
                status: 409 | 422,
                detail,
            }) => Ok(Err(detail)),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &HttpError) -> RecountError {
        RecountError::Server {
            from: self.url.to_string(),
            error: error.told(self.password.is_some()),
        }
    }
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
