//! What requests pass before they are looked at: credentials, and whose page asks.

use hyper::header::{self, HeaderMap};
use hyper::http::request::Parts;

use crate::browser;
use crate::options::{Options, Token};
use crate::origins;
use crate::paths::AsksFor;
use crate::problem::{self, Problem};

/// Lets a request through to what may hold data.
///
/// # Errors
/// Nothing shows that it may pass.
pub(crate) fn admit(options: &Options, parts: &Parts, asks_for: AsksFor) -> Result<(), Problem> {
    match asks_for {
        // What its server was told of is open to whoever looks at it.
        AsksFor::Page if origins::allow(&options.beacon_origins, &parts.headers) => return Ok(()),
        AsksFor::Page => {
            check_caller(options, parts)?;
            if options.credentials.is_none() {
                browser::check_own_page(parts)?;
                browser::check_own_image(parts)?;
            }
        }
        AsksFor::Credentials => check_caller(options, parts)?,
        // The signature of a webhook is its credential, which no page makes a browser send. Nor is it known
        // under which name another system reaches this server.
        AsksFor::Signature => {}
    }
    browser::check_site(parts)
}

fn check_caller(options: &Options, parts: &Parts) -> Result<(), Problem> {
    match &options.credentials {
        Some(token) => check_token(token, &parts.headers),
        None if options.any_host => Ok(()),
        None => browser::check_without_credentials(parts),
    }
}

fn check_token(token: &Token, headers: &HeaderMap) -> Result<(), Problem> {
    if bearer(headers).is_some_and(|offered| token.is(offered)) {
        Ok(())
    } else {
        Err(Problem::plain(problem::UNAUTHORIZED))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then_some(token.trim_ascii())
}
