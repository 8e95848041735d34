//! The page on which a person pays: who opens it decides, and its payment does nothing by itself any more.

use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use sha2::{Digest, Sha256};

use super::api::{Body, full};
use super::id::Id;
use super::payments::{Decision, Payment, State};
use super::provider::Provider;
use super::time::Rfc3339;

const STYLE: &str = include_str!("../../../../console/pay.css");

/// Where buyers find the pages, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicUrl(Box<str>);

/// A text that is no such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("buyers are sent to http://HOST[:PORT][/PATH], or https")]
pub(super) struct NotAPublicUrl;

impl PublicUrl {
    pub(super) fn of_listener(addr: std::net::SocketAddr) -> Self {
        Self(format!("http://{addr}").into())
    }

    /// Where this payment is paid.
    pub(super) fn of_payment(&self, id: Id) -> String {
        format!("{}/checkout/{id}", self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = NotAPublicUrl;

    fn from_str(text: &str) -> Result<Self, NotAPublicUrl> {
        let uri: hyper::Uri = text.parse().map_err(|_| NotAPublicUrl)?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        if !is_web || uri.query().is_some() {
            return Err(NotAPublicUrl);
        }
        Ok(Self(text.trim_end_matches('/').into()))
    }
}

/// Shows a payment to the person who is to pay it.
pub(super) fn show(provider: &Arc<Provider>, id: Option<&str>) -> Response<Body> {
    let id = id.and_then(|id| id.parse().ok());
    provider.with_books(|books, _| {
        let payment = id.and_then(|id: Id| books.payments.take_in_hand(id));
        match payment {
            Some(payment) => page(StatusCode::OK, &document(payment)),
            None => page(StatusCode::NOT_FOUND, &unknown()),
        }
    })
}

/// Does what the person has chosen, and shows what came of it.
pub(super) fn decide(
    provider: &Arc<Provider>,
    id: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Body> {
    let decision = match body {
        b"decision=pay" => Decision::Pay,
        b"decision=decline" => Decision::Decline,
        _ => return page(StatusCode::UNPROCESSABLE_ENTITY, &unknown()),
    };
    // A page of another site has no business here.
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return page(StatusCode::FORBIDDEN, &unknown());
    }
    let id: Option<Id> = id.and_then(|id| id.parse().ok());
    provider.with_books(|books, now_ms| match id {
        Some(id) if books.decide(id, decision, now_ms) => see(id),
        Some(_) | None => page(StatusCode::NOT_FOUND, &unknown()),
    })
}

/// Sends the browser to the page again, so that loading it anew repeats nothing.
fn see(id: Id) -> Response<Body> {
    let mut response = page(StatusCode::SEE_OTHER, "");
    let place = HeaderValue::try_from(id.as_str());
    let place = place.expect("because digits are visible ASCII");
    response.headers_mut().insert(LOCATION, place);
    response
}

/// Only the style of the page itself, by its hash.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("because Base64 is visible ASCII")
});

fn page(status: StatusCode, document: &str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::copy_from_slice(document.as_bytes())));
    *response.status_mut() = status;
    let fixed: [(HeaderName, &'static str); 4] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

fn unknown() -> String {
    framed(
        "Nothing to pay",
        "<h1>Nothing to pay here</h1><p>There is no such payment.</p>",
    )
}

fn document(payment: &Payment) -> String {
    let amount = Money(payment.amount, payment.currency.as_str());
    let order = Text(&payment.order);
    // Whole seconds are precise enough for people.
    let until = Rfc3339(payment.expires_at_ms / 1_000 * 1_000).to_string();
    let until = until.replace('T', " ").replace(".000Z", " UTC");
    let what = match payment.state {
        State::Pending => format!(
            "<p>What becomes of it is up to you.</p>\
             <form method=\"post\">\
             <button class=\"main\" name=\"decision\" value=\"pay\" autofocus>Pay {amount}</button>\
             <button name=\"decision\" value=\"decline\">Decline</button></form>\
             <p class=\"soft\">It can be paid until {until}.</p>"
        ),
        State::Paid { amount, .. } => told(
            "good",
            &format!("{} paid", Money(amount, payment.currency.as_str())),
        ),
        State::Failed => told("bad", "Declined"),
        State::Expired => told("bad", "Too late: this payment has expired"),
    };
    let body = format!(
        "<p class=\"soft\">pay-sandbox · no money moves</p><h1>{amount}</h1>\
         <p>for order <code>{order}</code></p>{what}"
    );
    framed("Pay", &body)
}

fn told(kind: &str, what: &str) -> String {
    format!(
        "<p class=\"told {kind}\" role=\"status\">{what}</p>\
         <p>The shop is told. You can close this page and go back to it.</p>"
    )
}

fn framed(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
}

/// A text that stays one.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            char => f.write_char(char),
        })
    }
}

/// An amount of minor units, as people write it.
struct Money<'a>(u64, &'a str);

impl fmt::Display for Money<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(minor, currency) = *self;
        let digits = digits_of(currency);
        let whole = 10_u64.pow(digits);
        write!(f, "{}", minor / whole)?;
        if digits > 0 {
            write!(f, ".{:0width$}", minor % whole, width = digits as usize)?;
        }
        write!(f, " {currency}")
    }
}

/// Digits of minor units, as in ISO 4217.
fn digits_of(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_as_many_digits_as_their_currency() {
        for (minor, currency, shown) in [
            (1_999, "EUR", "19.99 EUR"),
            (5, "USD", "0.05 USD"),
            (1_999, "JPY", "1999 JPY"),
            (1_999, "KWD", "1.999 KWD"),
        ] {
            assert_eq!(Money(minor, currency).to_string(), shown);
        }
    }

    #[test]
    fn no_text_of_a_merchant_becomes_markup() {
        let order = "<script>\"&'";
        assert_eq!(Text(order).to_string(), "&lt;script&gt;&quot;&amp;'");
    }

    #[test]
    fn buyers_are_sent_to_the_web_only() {
        let url: PublicUrl = "https://pay.example/sandbox/".parse().expect("a URL");
        let id = "7".parse().expect("an id");
        assert_eq!(url.of_payment(id), "https://pay.example/sandbox/checkout/7");
        for text in ["", "/pay", "javascript:alert(1)", "ftp://a/", "http://a/?b"] {
            assert_eq!(text.parse::<PublicUrl>(), Err(NotAPublicUrl), "{text}");
        }
    }
}
