//! Whose pages may send beacons.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::header::{self, HeaderMap, HeaderValue};

/// An origin, as a browser names that of a page: `https://shop.example`; or all of them: `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Option<Box<str>>);

/// What is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnOrigin;

impl fmt::Display for NotAnOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "must be an origin as browsers name it, in small letters and without a path, as https://shop.example or \
             http://localhost:3000, or * for all",
        )
    }
}

impl std::error::Error for NotAnOrigin {}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        if text == "*" {
            return Ok(Self(None));
        }
        let is_own = origin_of(text).is_some_and(|origin| origin == text);
        let has_usual_port = match text.starts_with("https:") {
            true => text.ends_with(":443"),
            false => text.ends_with(":80"),
        };
        let is_other = |char: char| char.is_uppercase() || char == '*';
        if !is_own || has_usual_port || text.contains(is_other) {
            return Err(NotAnOrigin);
        }
        Ok(Self(Some(text.into())))
    }
}

/// Whether these pages are among those of these origins: the one that asks, as far as its browser tells.
pub(crate) fn allow(origins: &[Origin], headers: &HeaderMap) -> bool {
    let page = page_of(headers);
    origins.iter().any(|Origin(origin)| match origin {
        Some(origin) => page.as_deref() == Some(origin),
        None => true,
    })
}

/// The origin of the page that asks: a browser names it with what it posts, and with an image where the page comes
/// from, unless the page has it keep that to itself.
pub(crate) fn page_of(headers: &HeaderMap) -> Option<String> {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    match headers.get(header::ORIGIN) {
        Some(origin) => text(origin),
        None => origin_of(&text(headers.get(header::REFERER)?)?),
    }
}

/// The origin of an address on the web.
fn origin_of(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?.as_str());
    let is_web = matches!(scheme, "http" | "https") && !authority.contains('@');
    is_web.then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_name_so() {
        for text in [
            "*",
            "https://shop.example",
            "http://localhost:3000",
            "http://[::1]:8080",
        ] {
            assert!(text.parse::<Origin>().is_ok(), "{text}");
        }
        for text in [
            "",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/page",
            "https://Shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://me@shop.example",
            "ftp://shop.example",
            "https://*.shop.example",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
    }

    #[test]
    fn page_is_known_by_its_origin_or_by_where_an_image_comes_from() {
        let allowed: Vec<Origin> = ["https://a.example", "https://b.example"]
            .map(|text| text.parse().expect("it is one"))
            .into();
        let by = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            allow(&allowed, &headers)
        };
        assert!(by("origin", "https://b.example"));
        assert!(by("referer", "https://a.example/page?x=https://c.example"));
        for (name, value) in [
            ("origin", "null"),
            ("origin", "https://c.example"),
            ("referer", "https://c.example/https://a.example"),
            ("referer", "https://a.example@c.example/"),
            ("referer", "https://a.example.c.example/"),
            ("x-origin", "https://a.example"),
        ] {
            assert!(!by(name, value), "{name} {value}");
        }
        let all = ["*".parse().expect("it is all")];
        assert!(allow(&all, &HeaderMap::new()) && !allow(&[], &HeaderMap::new()));
    }
}
