//! The settings: which services there are, where they are, and what their hosts bear.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::net::IpAddr;

use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::http::request::Builder;
use hyper::{Uri, http};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::address::is_private;
use crate::webhook::WebhookSecret;

/// What stands in a URL for what a call is about.
const ABOUT: &str = "{id}";

/// What is not escaped within a URL's path: the unreserved characters of RFC 3986.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What nobody may read, not even in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps it.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A request that shows it as a bearer token.
    pub(crate) fn bear(&self, builder: Builder) -> Result<Builder, http::Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0))?;
        value.set_sensitive(true);
        Ok(builder.header(AUTHORIZATION, value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// How something is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It is asked.
    Get,
    /// It is done.
    Post,
}

/// Where a service does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// How it is called.
    pub method: Method,
    /// Where; `{id}` in its path stands for what a call is about.
    pub url: String,
}

/// A service of others.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// What it does, by name.
    pub actions: BTreeMap<String, Action>,
    /// What it is shown, as a bearer token.
    pub token: Option<Secret>,
    /// It is a receiver: parcels are brought to it, and signed so.
    pub signed: Option<Signed>,
}

/// How what is brought to a receiver is signed, and what it is said to be.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What signs it.
    pub secret: WebhookSecret,
    /// Its `content-type`.
    pub content_type: String,
}

/// The one thing that a receiver does.
pub const PUSH_ACTION: &str = "push";

/// What a host bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at once.
    pub concurrency: usize,
    /// How long each may take, with its answer.
    pub timeout_ms: u64,
    /// Its name may stand for an address of a private network.
    pub private: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 64,
            timeout_ms: 5_000,
            private: false,
        }
    }
}

/// All services, by name, and the hosts that bear other than the usual, by authority.
#[derive(Clone, Debug, Default)]
pub struct Services {
    services: BTreeMap<String, Service>,
    hosts: BTreeMap<String, Limits>,
}

/// Why services cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{service}: {what}")]
pub struct SettingsError {
    service: String,
    what: String,
}

impl Services {
    /// Services that were found sound.
    ///
    /// # Errors
    /// A URL that cannot be called, or must not be; limits that no host has, or of one that no URL names.
    pub fn new(
        services: BTreeMap<String, Service>,
        hosts: BTreeMap<String, Limits>,
    ) -> Result<Self, SettingsError> {
        let all = Self { services, hosts };
        for (name, service) in &all.services {
            for action in service.actions.values() {
                all.check(&action.url).map_err(|what| SettingsError {
                    service: name.clone(),
                    what,
                })?;
            }
        }
        let called = all.called();
        for (host, limits) in &all.hosts {
            check_host((host, *limits), &called).map_err(|what| SettingsError {
                service: format!("host {host}"),
                what,
            })?;
        }
        Ok(all)
    }

    /// The hosts that are called, as their limits are named.
    fn called(&self) -> BTreeSet<String> {
        self.uris().map(|uri| authority_of(&uri)).collect()
    }

    /// Every URL, about something.
    fn uris(&self) -> impl Iterator<Item = Uri> {
        let services = self.services.values();
        let actions = services.flat_map(|service| service.actions.values());
        actions.filter_map(|action| parse(&action.url.replace(ABOUT, "1")).ok())
    }

    fn check(&self, url: &str) -> Result<(), String> {
        // Before anything is shown of it.
        let (_, behind_scheme) = url.split_once("://").unwrap_or_default();
        let place = behind_scheme.split(['/', '?', '#']).next();
        if place.is_some_and(|place| place.contains('@')) {
            return Err("a URL must not hold a name or a password: give a token_file".to_owned());
        }
        let shown = url.split(['?', '#']).next().unwrap_or_default();
        let uri = parse(&url.replace(ABOUT, "1")).map_err(|why| format!("{shown}: {why}"))?;
        let other = parse(&url.replace(ABOUT, "2")).map_err(|why| format!("{shown}: {why}"))?;
        if url.contains('#') {
            return Err(format!("{shown}: no server sees what stands behind #"));
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let port = authority
            .rsplit_once(':')
            .filter(|(_, port)| !port.contains(']'));
        if port.is_some() && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(format!("{shown}: a port is 1 to 65535"));
        }
        if uri.authority() != other.authority() {
            return Err(format!("{shown}: {ABOUT} may stand in the path only"));
        }
        let is_near = self.may_be_private(&uri);
        if uri.scheme_str() == Some("http") && !is_near {
            return Err(format!(
                "{shown}: what is sent over http can be read on its way: use https, or say `private = true` of the host if it is of your own network"
            ));
        }
        Ok(())
    }

    /// Whether this may be of a private network: an address that was written out was meant.
    fn may_be_private(&self, uri: &Uri) -> bool {
        let host = host_of(uri);
        let literal = host.parse::<IpAddr>().ok();
        literal.map_or(host == "localhost", is_private) || self.limits(&authority_of(uri)).private
    }

    /// Names that may stand for an address of a private network.
    pub(crate) fn private_names(&self) -> HashSet<String> {
        let private = self.uris().filter(|uri| self.may_be_private(uri));
        private.map(|uri| host_of(&uri).to_owned()).collect()
    }

    /// What a host bears.
    pub(crate) fn limits(&self, authority: &str) -> Limits {
        self.hosts.get(authority).copied().unwrap_or_default()
    }

    /// Whether there is a service of this name.
    #[must_use]
    pub fn has(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    /// Where a parcel goes, how it is signed, and what its receiver is shown.
    pub(crate) fn receiver(
        &self,
        name: &str,
        about: &str,
    ) -> Result<(Uri, &Signed, Option<&Secret>), String> {
        let signed = self.services.get(name).and_then(|one| one.signed.as_ref());
        let signed = signed.ok_or_else(|| format!("the settings name no receiver {name}"))?;
        let (_, uri, token) = self.find(name, PUSH_ACTION, about)?;
        Ok((uri, signed, token))
    }

    /// Where a call goes, and what the service is shown.
    pub(crate) fn find(
        &self,
        service: &str,
        action: &str,
        about: &str,
    ) -> Result<(Method, Uri, Option<&Secret>), String> {
        let known = self.services.get(service);
        let known = known.ok_or_else(|| format!("the settings name no service {service}"))?;
        let action = known.actions.get(action);
        let Action { method, url } =
            action.ok_or_else(|| format!("the settings name no such action of {service}"))?;
        let about = utf8_percent_encode(about, &ESCAPED).to_string();
        // A path of dots alone would name another place.
        let about = if about.chars().all(|c| c == '.') {
            about.replace('.', "%2E")
        } else {
            about
        };
        let uri = parse(&url.replace(ABOUT, &about))?;
        Ok((*method, uri, known.token.as_ref()))
    }
}

fn check_host((host, limits): (&str, Limits), called: &BTreeSet<String>) -> Result<(), String> {
    let port = host.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(1..)) => {}
        Some(Ok(0)) => return Err("a port is 1 to 65535".to_owned()),
        Some(Err(_)) | None => {
            return Err("name it with its port, as pay.example:443".to_owned());
        }
    }
    if !(1..=10_000).contains(&limits.concurrency) {
        return Err("concurrency must be 1 to 10000".to_owned());
    }
    if !(1..=60_000).contains(&limits.timeout_ms) {
        return Err("timeout_ms must be 1 to 60000".to_owned());
    }
    if !called.contains(host) {
        let called: Vec<_> = called.iter().map(String::as_str).collect();
        let called = called.join(", ");
        return Err(format!(
            "no URL of a provider, hook or receiver names it; they name: {called}"
        ));
    }
    Ok(())
}

fn parse(url: &str) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err("must be a URL as https://host/path".to_owned()),
    }
}

fn host_of(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Name and port of a URL's host, by which its limits are found.
pub(crate) fn authority_of(uri: &Uri) -> String {
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    format!("{host}:{}", uri.port_u16().unwrap_or(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service at this URL; limits are given of pay.example:80 if that may be of a private network.
    fn with(url: &str, private: bool) -> Result<Services, SettingsError> {
        let limits = Limits {
            private,
            ..Limits::default()
        };
        let hosts = private.then(|| ("pay.example:80".to_owned(), limits));
        limited(url, hosts.into_iter().collect())
    }

    fn limited(url: &str, hosts: BTreeMap<String, Limits>) -> Result<Services, SettingsError> {
        let action = Action {
            method: Method::Get,
            url: url.to_owned(),
        };
        let service = Service {
            actions: [("ask".to_owned(), action)].into(),
            token: None,
            signed: None,
        };
        Services::new([("bank".to_owned(), service)].into(), hosts)
    }

    #[test]
    fn urls_that_cannot_or_must_not_be_called_are_refused() {
        for url in [
            "",
            "pay",
            "/v1/pay",
            "ftp://pay.example/",
            "http://pay.example/",
            "http://8.8.8.8/",
            "https://me:secret@pay.example/",
            "https://{id}.example/",
            "https://pay.example:99999/",
            "https://pay.example:0/",
            "https://pay.example/#{id}",
        ] {
            assert!(with(url, false).is_err(), "{url:?}");
        }
        for url in [
            "https://pay.example/v1/{id}",
            "http://127.0.0.1:7390/v1/payments",
            "http://localhost/{id}",
            "http://[::1]:80/",
        ] {
            assert!(with(url, false).is_ok(), "{url:?}");
        }
        assert!(with("http://pay.example/", true).is_ok());
    }

    #[test]
    fn limits_are_of_hosts_that_are_called() {
        let named = |host: &str| {
            let hosts = [(host.to_owned(), Limits::default())].into();
            limited("https://Pay.example/{id}", hosts).map_err(|error| error.to_string())
        };
        assert!(named("pay.example:443").is_ok());
        for (host, said) in [
            ("pay.example:0", "a port is 1 to 65535"),
            ("pay.example:65536", "name it with its port"),
            ("pay.example", "name it with its port"),
            ("pay.example:80", "they name: pay.example:443"),
            (
                "pay.exmaple:443",
                "no URL of a provider, hook or receiver names it",
            ),
        ] {
            let told = named(host).expect_err("it is refused");
            assert!(told.starts_with(&format!("host {host}: ")), "{told}");
            assert!(told.contains(said), "{host}: {told}");
        }
    }

    #[test]
    fn a_password_in_a_url_does_not_show_in_the_error() {
        for url in [
            "https://me:secret@pay.example/",
            "https://me:secret x@pay.example/",
            "http://pay.example/?key=secret",
            "ftp://pay.example/#secret",
        ] {
            let error = with(url, false).expect_err("it is refused");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(format!("{:?}", Secret::new("secret".into())), "Secret");
    }

    #[test]
    fn what_a_call_is_about_stays_one_part_of_the_path() {
        let services = with("https://pay.example/v1/{id}/refunds", false).expect("it is sound");
        for (about, path) in [
            ("7", "/v1/7/refunds"),
            ("a/../b?c#d", "/v1/a%2F..%2Fb%3Fc%23d/refunds"),
            ("..", "/v1/%2E%2E/refunds"),
            ("ä", "/v1/%C3%A4/refunds"),
        ] {
            let (_, uri, _) = services.find("bank", "ask", about).expect("it is known");
            assert_eq!(uri.path_and_query().expect("a path").as_str(), path);
            assert_eq!(uri.host(), Some("pay.example"));
        }
        assert!(services.find("bank", "pay", "7").is_err());
        assert!(services.find("other", "ask", "7").is_err());
    }

    #[test]
    fn only_names_that_were_meant_may_be_of_private_networks() {
        let names = |url, private| with(url, private).expect("it is sound").private_names();
        assert!(names("https://pay.example/", false).is_empty());
        assert!(names("http://pay.example/", true).contains("pay.example"));
        assert!(names("http://localhost:1/", false).contains("localhost"));
    }
}
