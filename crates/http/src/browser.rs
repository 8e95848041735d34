//! What a browser may have been made to send by a page that the visitor did not mean to trust.
//!
//! Without credentials, whoever reaches the server is let in, and a browser on the same machine
//! reaches it. It says under which name it found the server (`Host`) and which page asks
//! (`Origin`, `Sec-Fetch-Site`); other tools need not say anything.

use std::net::IpAddr;

use hyper::Method;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;

use crate::origins;
use crate::problem::{self, Problem};

/// Refuses what comes from a page of another site, whether it is found out by the page's address or
/// by the name that this server was given (DNS rebinding).
pub(crate) fn check_without_credentials(parts: &Parts) -> Result<(), Problem> {
    let host = host(parts);
    if !host.is_none_or(no_dns_answers_for) {
        return Err(Problem::plain(problem::MISDIRECTED_REQUEST));
    }
    check_own_page(parts)
}

/// Refuses what a browser says that a page of another server asked for.
pub(crate) fn check_own_page(parts: &Parts) -> Result<(), Problem> {
    let host = host(parts);
    let origin = parts.headers.get(header::ORIGIN);
    let is_own = |origin: &HeaderValue| {
        let origin = origin.to_str();
        origin.is_ok_and(|origin| is_page_of(origin, host))
    };
    if !origin.is_none_or(is_own) {
        return Err(Problem::plain(problem::CROSS_SITE));
    }
    Ok(())
}

/// Refuses a change that a browser says a page of another site asked for, and a WebSocket: a browser lets any page
/// read what that is told.
pub(crate) fn check_site(parts: &Parts) -> Result<(), Problem> {
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let harmless = reads && !parts.headers.contains_key(header::UPGRADE);
    let site = parts.headers.get("sec-fetch-site");
    if !harmless && site.is_some_and(|site| site == "cross-site") {
        return Err(Problem::plain(problem::CROSS_SITE));
    }
    Ok(())
}

/// Refuses an image that counts unless its own page asks for it, and the browser says so: a page of another site can
/// have one shown, and over plain HTTP a browser need not say whose page it is.
pub(crate) fn check_own_image(parts: &Parts) -> Result<(), Problem> {
    if parts.method != Method::GET {
        return Ok(());
    }
    let is_own = match parts.headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => {
            let page = origins::page_of(&parts.headers);
            page.is_some_and(|page| is_page_of(&page, host(parts)))
        }
    };
    if is_own {
        return Ok(());
    }
    let detail = "nothing shows that a page of this server, or of those it was told of, has this image shown";
    Err(Problem::new(problem::CROSS_SITE, detail))
}

/// Under which name and port the client found this server. A plain tool may leave it out; a browser
/// never does.
fn host(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(header::HOST);
    let named = header.map(|host| host.to_str().unwrap_or_default());
    parts.uri.authority().map(Authority::as_str).or(named)
}

/// Whether a host is this machine by definition, or an address. Any other name means what its DNS
/// says at the moment, so a page of that name may suddenly be talking to this server.
fn no_dns_answers_for(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let in_brackets = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost") || in_brackets.unwrap_or(name).parse::<IpAddr>().is_ok()
}

/// Whether a page was served by this server. The scheme does not count: a proxy may add TLS.
fn is_page_of(origin: &str, host: Option<&str>) -> bool {
    match (origin.split_once("://"), host) {
        (Some((_, page)), Some(host)) => page.eq_ignore_ascii_case(host),
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_and_addresses_are_no_business_of_dns() {
        for host in [
            "localhost",
            "LocalHost:7380",
            "127.0.0.1",
            "127.0.0.1:7380",
            "[::1]",
            "[::1]:80",
            "192.168.1.20:7380",
            "[fd00::20]:7380",
        ] {
            assert!(no_dns_answers_for(host), "{host}");
        }
        for host in [
            "",
            "evil.com",
            "evil.com:7380",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "evil.com#127.0.0.1",
            "127.0.0.1, evil.com",
            "::1",
            "[::1",
            "2130706433",
        ] {
            assert!(!no_dns_answers_for(host), "{host}");
        }
    }

    #[test]
    fn a_page_belongs_to_the_host_that_served_it() {
        assert!(is_page_of("http://localhost:7380", Some("localhost:7380")));
        assert!(is_page_of("https://localhost", Some("LOCALHOST")));
        assert!(!is_page_of("http://localhost:3000", Some("localhost:7380")));
        assert!(!is_page_of("http://evil.com", Some("127.0.0.1:7380")));
        assert!(!is_page_of("null", Some("127.0.0.1:7380")));
        assert!(!is_page_of("http://localhost", None));
    }
}
