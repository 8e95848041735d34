//! What is served under which path, by which method.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::Method;
use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;

use crate::answer::Response;
use crate::pages::Served;
use crate::problem::{self, Problem};
use crate::query;
use crate::route::Route;
use crate::router::Front;
use crate::watch::stream::Stream;

const BAD_ENCODING: &str = "the path has a `%` without two hexadecimal digits behind it; a percent \
    sign itself is written `%25`";

/// Makes an answer of nothing but what all requests share.
pub(crate) type Make = fn(&Front) -> Response;

/// What answers a request.
pub(crate) enum Endpoint {
    Made(Make),
    Page(Served),
    Backup,
    Declared(Arc<Route>),
    /// A declared request as pages send it.
    Beacon(Arc<Route>),
    Stream(Stream),
}

impl Endpoint {
    /// What a request must show to be let through to it.
    pub(crate) fn asks_for(&self) -> AsksFor {
        match self {
            Self::Declared(route) if route.def.webhook.is_some() => AsksFor::Signature,
            Self::Beacon(_) => AsksFor::Page,
            Self::Declared(_) | Self::Made(_) | Self::Page(_) | Self::Backup | Self::Stream(_) => {
                AsksFor::Credentials
            }
        }
    }

    /// Whether a HEAD asks for what a GET does: not where a GET does something.
    fn has_head(&self) -> bool {
        match self {
            Self::Beacon(_) => false,
            Self::Declared(_) | Self::Made(_) | Self::Page(_) | Self::Backup | Self::Stream(_) => {
                true
            }
        }
    }
}

/// What shows that a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsksFor {
    /// The server's own, if it has any.
    Credentials,
    /// That of another system, which the domain checks.
    Signature,
    /// Whose page sends it, or credentials.
    Page,
}

/// All endpoints.
#[derive(Default)]
pub(crate) struct Paths(matchit::Router<Methods>);

/// What is served under one path.
pub(crate) struct Methods {
    /// It holds no data, and is answered to everyone under every name of the server: a probe has no
    /// credentials, and neither has a browser before it shows the page with the field for them.
    pub(crate) is_open: bool,
    /// What `Allow` says.
    pub(crate) allow: HeaderValue,
    endpoints: Vec<(Method, Endpoint)>,
}

impl Methods {
    /// A HEAD is a GET whose body is not sent.
    pub(crate) fn find(&self, method: &Method) -> Option<&Endpoint> {
        let is_head = method == Method::HEAD;
        let method = if is_head { &Method::GET } else { method };
        let mut endpoints = self.endpoints.iter();
        let found = endpoints.find(|(of, to)| of == method && (!is_head || to.has_head()));
        found.map(|(_, endpoint)| endpoint)
    }
}

/// What of a path stands for its names, as it was sent.
pub(crate) type Params<'a> = matchit::Params<'a, 'a>;

/// What it stands for.
pub(crate) type Decoded<'a> = Vec<(&'a str, Cow<'a, str>)>;

impl Paths {
    /// Adds the endpoints of one path, whose names stand in braces.
    ///
    /// # Panics
    /// Two of them have the same method, another path means the same, or the path has a syntax of its own.
    pub(crate) fn add(&mut self, path: &str, is_open: bool, endpoints: Vec<(Method, Endpoint)>) {
        let mut names: Vec<_> = endpoints
            .iter()
            .map(|(method, _)| method.as_str())
            .collect();
        let mut gets = endpoints.iter().filter(|(method, _)| method == Method::GET);
        if gets.any(|(_, endpoint)| endpoint.has_head()) {
            names.push("HEAD");
        }
        names.sort_unstable();
        let is_twice = names.windows(2).any(|pair| pair[0] == pair[1]);
        assert!(!is_twice, "{path}: one of its methods is served twice");
        let allow = HeaderValue::try_from(names.join(","));
        let methods = Methods {
            is_open,
            allow: allow.expect("because names of methods are visible ASCII"),
            endpoints,
        };
        let is_literal = !path.contains("{*") && !path.contains("{{") && !path.contains("}}");
        assert!(
            is_literal,
            "{path}: a name in braces is all that it may have"
        );
        if let Err(error) = self.0.insert(path, methods) {
            panic!("{path}: {error}");
        }
    }

    /// What is served under a path, and what of it stands for its names.
    pub(crate) fn find<'a>(&'a self, path: &'a str) -> Option<(&'a Methods, Params<'a>)> {
        let found = self.0.at(path).ok()?;
        Some((found.value, found.params))
    }
}

/// What of a path stands for its names, percent-decoded.
///
/// # Errors
/// The path is not encoded as it should be, or one is no text.
pub(crate) fn decoded<'a>(path: &str, params: &Params<'a>) -> Result<Decoded<'a>, Problem> {
    if !query::is_encoded(path) {
        return Err(Problem::new(problem::UNREADABLE, BAD_ENCODING));
    }
    let decode = |(name, value)| {
        let text = percent_decode_str(value).decode_utf8();
        let text = text.map_err(|_| Problem::new(problem::UNREADABLE, "the path is not UTF-8"));
        Ok((name, text?))
    };
    params.iter().map(decode).collect()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn backup(method: Method) -> Vec<(Method, Endpoint)> {
        vec![(method, Endpoint::Backup)]
    }

    #[test]
    fn each_method_of_a_path_is_served_once_and_each_path_once() {
        let mut paths = Paths::default();
        paths.add("/a/{b}", false, backup(Method::POST));
        paths.add("/a/b", true, backup(Method::GET));
        let twice = backup(Method::PUT).into_iter().chain(backup(Method::PUT));
        let twice: Vec<_> = twice.collect();
        let mut is_refused = |path: &str, endpoints| {
            let add = || paths.add(path, false, endpoints);
            catch_unwind(AssertUnwindSafe(add)).is_err()
        };
        assert!(is_refused("/c", twice));
        for path in ["/a/{c}", "/a/b", "/{*rest}", "/{{a}}", "/{a", "/{a}{b}"] {
            assert!(is_refused(path, backup(Method::GET)), "{path}");
        }
        let (found, params) = paths.find("/a/b").expect("it is there");
        assert!(found.is_open && params.is_empty());
        assert_eq!(found.allow, "GET,HEAD");
        assert!(found.find(&Method::HEAD).is_some());
        assert!(found.find(&Method::POST).is_none());
        let (found, params) = paths.find("/a/%2F%20").expect("it is there");
        assert!(!found.is_open && found.find(&Method::HEAD).is_none());
        let params = decoded("/a/%2F%20", &params).expect("it is text");
        assert_eq!(params, [("b", Cow::from("/ "))]);
        assert!(paths.find("/a/b/").is_none() && paths.find("*").is_none());
    }
}
