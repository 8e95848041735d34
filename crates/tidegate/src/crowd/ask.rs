//! What is asked of the server, as HTTP/1.1.

use std::fmt::Display;
use std::io::Write;
use std::rc::Rc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// What a segment of a path or a value of a query keeps as it is: what RFC 3986 calls unreserved.
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How long the server may keep a call that waits for others: the provider, or the SKUs of an order.
const PAY_WAIT_MS: u64 = 500;
const CANCEL_WAIT_MS: u64 = 2_000;

/// Most goods of one page: as many as a sale can have.
const GOODS_MAX: u64 = 1_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// `SALE.JOIN`
    Join { buyer: Rc<str> },
    /// `SALE.POSITION`
    Position { ticket: Rc<str> },
    /// `STOCK.SET`
    Declare { sku: Rc<str>, total: u64 },
    /// `SALE.CREATE`, with all of its fields.
    Announce { body: Rc<str> },
    /// `TIME.GET`
    Time,
    /// `SALE.GET`
    Sale,
    /// `SALE.GOODS`, all of them.
    Goods,
    /// `SALE.TOKEN`
    Token {
        buyer: Rc<str>,
        ticket: Rc<str>,
        sku: Rc<str>,
        quantity: u64,
    },
    /// `SALE.BUY`
    Buy {
        buyer: Rc<str>,
        sku: Rc<str>,
        token: Rc<str>,
        nonce: Rc<str>,
    },
    /// `ORDER.PAY`, the nth payment of this order.
    Pay { order: Rc<str>, payment: u8 },
    /// `ORDER.CANCEL`
    Cancel { order: Rc<str> },
    /// `ORDER.GET`
    Order { order: Rc<str> },
    /// `STOCK.GET`
    Stock { sku: Rc<str> },
    /// `ORDER.REVIEWS`, a page of those that are open.
    Reviews { after: Option<Rc<str>> },
}

/// What every request to a server has in common.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) sale: Rc<str>,
    pub(super) provider: String,
    /// What follows `authorization: Bearer `, if the server wants it.
    pub(super) token: Option<String>,
}

impl Target {
    /// Writes a request behind what is there.
    pub(super) fn write(&self, ask: &Ask, into: &mut Vec<u8>) {
        let sale = segment(&self.sale);
        match ask {
            Ask::Join { buyer } => {
                let path = format_args!("/v1/sales/{sale}/entries");
                self.post(&path, &json!({ "buyer": **buyer }), into);
            }
            Ask::Position { ticket } => {
                let ticket = segment(ticket);
                let path = format_args!("/v1/sales/{sale}/position?ticket={ticket}");
                self.get(&path, into);
            }
            Ask::Declare { sku, total } => {
                let path = format_args!("/v1/stock/{}", segment(sku));
                self.send("PUT", &path, &json!({ "total": total }).to_string(), into);
            }
            Ask::Announce { body } => self.send("POST", &"/v1/sales", body, into),
            Ask::Time => self.get(&"/v1/time", into),
            Ask::Sale => self.get(&format_args!("/v1/sales/{sale}"), into),
            Ask::Goods => {
                let path = format_args!("/v1/sales/{sale}/goods?limit={GOODS_MAX}");
                self.get(&path, into);
            }
            Ask::Token {
                buyer,
                ticket,
                sku,
                quantity,
            } => {
                let body = json!({
                    "buyer": **buyer, "ticket": **ticket, "sku": **sku, "quantity": quantity
                });
                self.post(&format_args!("/v1/sales/{sale}/tokens"), &body, into);
            }
            Ask::Buy {
                buyer,
                sku,
                token,
                nonce,
            } => {
                let body = json!({ "buyer": **buyer, "sku": **sku, "token": **token });
                let nonce = segment(nonce);
                self.post(&format_args!("/v1/sales/{sale}/buy/{nonce}"), &body, into);
            }
            Ask::Pay { order, payment } => {
                let body = json!({
                    "payment": format!("pay-{payment}"),
                    "provider": self.provider,
                    "wait_ms": PAY_WAIT_MS,
                });
                let order = segment(order);
                self.post(&format_args!("/v1/orders/{order}/payments"), &body, into);
            }
            Ask::Cancel { order } => {
                let order = segment(order);
                let body = json!({ "wait_ms": CANCEL_WAIT_MS });
                self.post(&format_args!("/v1/orders/{order}/cancel"), &body, into);
            }
            Ask::Order { order } => {
                self.get(&format_args!("/v1/orders/{}", segment(order)), into);
            }
            Ask::Stock { sku } => self.get(&format_args!("/v1/stock/{}", segment(sku)), into),
            Ask::Reviews { after } => {
                let after = behind(after.as_deref());
                self.get(&format_args!("/v1/reviews?state=open{after}"), into);
            }
        }
    }

    fn get(&self, path: &dyn Display, into: &mut Vec<u8>) {
        self.head("GET", path, into);
        into.extend_from_slice(b"\r\n");
    }

    fn post(&self, path: &dyn Display, body: &Value, into: &mut Vec<u8>) {
        self.send("POST", path, &body.to_string(), into);
    }

    fn send(&self, method: &str, path: &dyn Display, body: &str, into: &mut Vec<u8>) {
        self.head(method, path, into);
        let length = body.len();
        write!(
            into,
            "content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("because a Vec takes any write");
    }

    fn head(&self, method: &str, path: &dyn Display, into: &mut Vec<u8>) {
        let host = &self.host;
        write!(into, "{method} {path} HTTP/1.1\r\nhost: {host}\r\n")
            .expect("because a Vec takes any write");
        if let Some(token) = &self.token {
            write!(into, "authorization: Bearer {token}\r\n")
                .expect("because a Vec takes any write");
        }
    }
}

fn segment(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, &ENCODED)
}

fn behind(after: Option<&str>) -> String {
    after.map_or_else(String::new, |after| format!("&after={}", segment(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ask: &Ask, token: Option<&str>) -> String {
        let target = Target {
            host: "127.0.0.1:1".to_owned(),
            sale: "a/b".into(),
            provider: "bank".to_owned(),
            token: token.map(str::to_owned),
        };
        let mut bytes = Vec::new();
        target.write(ask, &mut bytes);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn names_cannot_leave_their_place_in_a_path() {
        let ask = Ask::Position {
            ticket: "1.ab&x=é /?".into(),
        };
        assert_eq!(
            written(&ask, None),
            "GET /v1/sales/a%2Fb/position?ticket=1.ab%26x%3D%C3%A9%20%2F%3F HTTP/1.1\r\n\
             host: 127.0.0.1:1\r\n\r\n"
        );
    }

    #[test]
    fn a_body_tells_its_length_and_the_head_the_password() {
        let ask = Ask::Join {
            buyer: "é\"".into(),
        };
        assert_eq!(
            written(&ask, Some("secret")),
            "POST /v1/sales/a%2Fb/entries HTTP/1.1\r\nhost: 127.0.0.1:1\r\n\
             authorization: Bearer secret\r\n\
             content-type: application/json\r\ncontent-length: 16\r\n\r\n{\"buyer\":\"é\\\"\"}"
        );
    }
}
