//! What a client has seen of an answer, and how long it waits for another: headers and `wait_ms`.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use tidegate_engine::contract::RequestDef;
use tidegate_engine::limits::WAIT_MS_MAX;

use crate::answer::{Body, Response, answer};
use crate::problem::{self, Problem};
use crate::query;

/// How long the answer may wait for news: a field that the front adds to queries that are watched.
pub(crate) const WAIT_MS: &str = "wait_ms";

/// Whether the front has a query wait for news. One that has a field of this name waits by itself.
pub(crate) fn may_wait(def: &RequestDef) -> bool {
    let is_named = |field: &tidegate_engine::contract::Field| field.name == WAIT_MS;
    def.watched.is_some() && !def.fields.iter().any(is_named)
}

/// How long a request waits for news.
pub(crate) fn wait(def: &RequestDef, query: &str) -> Result<Duration, Problem> {
    if !may_wait(def) {
        return Ok(Duration::ZERO);
    }
    let mut given = query::pairs(query).filter(|(name, _)| **name == *WAIT_MS.as_bytes());
    let Some((_, value)) = given.next() else {
        return Ok(Duration::ZERO);
    };
    if given.next().is_some() {
        return Err(Problem::field(WAIT_MS, "`wait_ms` is given twice"));
    }
    let value = std::str::from_utf8(&value).ok();
    let value = value.and_then(|value| value.parse::<i64>().ok());
    let value = value.ok_or_else(|| Problem::field(WAIT_MS, "`wait_ms` must be an integer"))?;
    match u64::try_from(value) {
        Ok(ms) if value <= WAIT_MS_MAX => Ok(Duration::from_millis(ms)),
        Ok(_) | Err(_) => {
            let detail = format!("`wait_ms` must be from 0 to {WAIT_MS_MAX}");
            Err(Problem::new(problem::OUT_OF_RANGE, detail))
        }
    }
}

/// Whether the client says that it has the answer of this tag: the weak comparison of RFC 9110.
pub(crate) fn has(headers: &HeaderMap, tag: u64) -> bool {
    let tag = quoted(tag);
    let lists = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','));
    tags.any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

fn quoted(tag: u64) -> String {
    format!("\"{tag:016x}\"")
}

/// Tells the tag of an answer. It is for whoever compares answers; no cache is to keep any.
pub(crate) fn tell(response: &mut Response, tag: u64) {
    let tag = HeaderValue::try_from(format!("W/{}", quoted(tag)));
    let tag = tag.expect("because hexadecimal digits in quotes are a header's value");
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    let no_store = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, no_store);
}

/// Says that nothing is new.
pub(crate) fn nothing_new(tag: u64) -> Response {
    let mut response = answer(StatusCode::NOT_MODIFIED, [], Body::empty());
    tell(&mut response, tag);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_seen(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(value));
        has(&headers, 0xab)
    }

    #[test]
    fn a_tag_is_compared_weakly_and_may_be_one_of_several() {
        for value in [
            "W/\"00000000000000ab\"",
            "\"00000000000000ab\"",
            "\"x\" , W/\"00000000000000ab\"",
            "*",
        ] {
            assert!(has_seen(value), "{value}");
        }
        for value in ["", "\"ab\"", "00000000000000ab", "W/\"00000000000000ac\""] {
            assert!(!has_seen(value), "{value}");
        }
        assert!(!has(&HeaderMap::new(), 0xab));
    }
}
