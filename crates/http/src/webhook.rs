//! Requests that arrive as signed webhooks of another system: their fields are headers and the whole body.

use std::net::IpAddr;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use tidegate_engine::contract::{Field, FieldKind, Method, Raw, RequestDef, Status, Webhook, Work};

use crate::paths::Decoded;
use crate::problem::{self, Problem};
use crate::values::Given;

const NO_QUERY: &str = "this request takes its fields from headers, and its body as a whole, and has no \
    query string";

/// How a webhook shows who sends it, as the `WWW-Authenticate` of a refused one says: by its signature. Not
/// `Bearer`, which would ask other systems for this server's password, and that opens no webhook. No registered
/// scheme is meant for webhooks; clients pass over one that they do not know.
pub(crate) const SCHEME: &str = "Webhook-Signature";

/// Checks that the fields of a webhook, if the request is one, can all be given, and that nothing else
/// asks for a signature.
///
/// # Panics
/// They cannot, or it does.
pub(crate) fn check(def: &RequestDef) {
    let path = def.http.path;
    let Some(webhook) = &def.webhook else {
        let mut statuses = def.refusals.iter().map(|refusal| refusal.status);
        let asks = statuses.any(|status| status == Status::Unauthorized);
        assert!(!asks, "{path}: what is no webhook has no signature");
        return;
    };
    assert!(def.http.method == Method::Post, "{path}: webhooks are POST");
    let unsigned = webhook.unsigned;
    assert!(
        def.refusals.contains(unsigned) && unsigned.status == Status::Unauthorized,
        "{path}: `{}` is no refusal of what is not signed",
        unsigned.code
    );
    for (header, _) in webhook.headers {
        let name = HeaderName::from_lowercase(header.as_bytes());
        assert!(
            name.is_ok(),
            "{path}: `{header}` is no header in lower case"
        );
    }
    for name in named(webhook) {
        let is_field = def.fields.iter().any(|field| field.name == name);
        assert!(is_field, "{path}: `{name}` is no field of it");
    }
    for field in def.fields {
        check_field(path, webhook, field);
    }
}

fn check_field(path: &str, webhook: &Webhook, field: &Field) {
    let name = field.name;
    let of_path = usize::from(path.contains(&format!("{{{name}}}")));
    let times = of_path + named(webhook).filter(|named| *named == name).count();
    assert!(times <= 1, "{path}: `{name}` is given more than once");
    assert!(
        times == 1 || !field.required,
        "{path}: nothing gives `{name}`"
    );
    let is_list = matches!(field.kind, FieldKind::List { .. });
    assert!(!is_list || times == 0, "{path}: `{name}` cannot be a list");
}

/// The fields that body and headers give.
fn named(webhook: &Webhook) -> impl Iterator<Item = &'static str> {
    let of_headers = webhook.headers.iter().map(|(_, field)| *field);
    of_headers.chain([webhook.body])
}

/// Which header is missing, or says nothing: without it nothing shows who sends the webhook.
pub(crate) fn lacks(webhook: &Webhook, headers: &HeaderMap) -> Option<&'static str> {
    let mut names = webhook.headers.iter().map(|(header, _)| *header);
    names.find(|name| headers.get(*name).is_none_or(HeaderValue::is_empty))
}

/// Builds the domain's request. What it is about says the path; nothing of the body is looked into.
///
/// # Errors
/// There is a query string, a header is given twice, or a field is missing or wrong.
pub(crate) fn read(
    def: &RequestDef,
    webhook: &Webhook,
    (path, from): (&Decoded<'_>, Option<IpAddr>),
    parts: &Parts,
    body: &[u8],
) -> Result<Work, Problem> {
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::new(problem::UNREADABLE, NO_QUERY));
    }
    let mut given = Given::new(def, path);
    for (header, field) in webhook.headers {
        if let Some(value) = single(&parts.headers, header, field)? {
            given.put(field.as_bytes(), Raw::Text(value.as_bytes()))?;
        }
    }
    given.put(webhook.body.as_bytes(), Raw::Text(body))?;
    given.address(from);
    Ok(def.read(&given.values())?)
}

/// The value of a header that may stand once: of two nobody could say which one was signed.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
    field: &'static str,
) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        let detail = format!("the header `{name}`, which is `{field}`, is given twice");
        return Err(Problem::field(field, detail));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use tidegate_engine::contract::RefusalDef;
    use tidegate_engine::testing::TOY;

    use super::*;

    const FORGED: RefusalDef = RefusalDef {
        code: "forged",
        status: Status::Unauthorized,
        doc: "",
    };

    const TEXT: Webhook = Webhook {
        body: "text",
        headers: &[("x-id", "id")],
        unsigned: &FORGED,
    };

    fn is_well(method: Method, fields: &'static [Field], webhook: Webhook) -> bool {
        let mut def = TOY.requests[0].as_webhook(webhook);
        (def.http.method, def.http.path, def.fields) = (method, "/v1/notes/{key}", fields);
        def.refusals = const { &[FORGED] };
        catch_unwind(|| check(&def)).is_ok()
    }

    const fn field(name: &'static str, required: bool) -> Field {
        Field {
            name,
            word: None,
            kind: FieldKind::Name,
            required,
            default: None,
            doc: "",
        }
    }

    const FIELDS: &[Field] = &[
        field("key", true),
        field("id", true),
        field("text", true),
        field("note", false),
    ];

    #[test]
    fn a_webhook_is_posted_and_gives_each_field_that_it_needs_once() {
        assert!(is_well(Method::Post, FIELDS, TEXT));
        assert!(!is_well(Method::Put, FIELDS, TEXT), "another method");
        assert!(!is_well(Method::Post, &FIELDS[..2], TEXT), "no such field");
        let of_headers = |headers| Webhook { headers, ..TEXT };
        let wrong: [(&str, &[(&str, &str)]); 5] = [
            ("a needed field is missing", &[]),
            ("no such field", &[("x-id", "id"), ("x-size", "size")]),
            (
                "twice",
                &[("x-id", "id"), ("x-note", "note"), ("x-too", "note")],
            ),
            ("in body and header", &[("x-id", "id"), ("x-text", "text")]),
            ("in path and header", &[("x-id", "id"), ("x-key", "key")]),
        ];
        for (why, headers) in wrong {
            assert!(!is_well(Method::Post, FIELDS, of_headers(headers)), "{why}");
        }
        let capital = of_headers(&[("X-Id", "id")]);
        assert!(!is_well(Method::Post, FIELDS, capital), "a capital letter");
    }

    #[test]
    fn a_webhook_that_is_not_signed_is_refused_as_its_domain_declares() {
        const OTHER: RefusalDef = RefusalDef {
            code: "other",
            ..FORGED
        };
        let unsigned = |unsigned| Webhook { unsigned, ..TEXT };
        assert!(is_well(Method::Post, FIELDS, unsigned(&FORGED)));
        assert!(!is_well(Method::Post, FIELDS, unsigned(&OTHER)));
    }

    #[test]
    fn what_is_no_webhook_asks_for_no_signature() {
        let refused_as = |status| {
            let mut def = TOY.requests[0];
            let refusals = [RefusalDef {
                code: "forged",
                status,
                doc: "",
            }];
            def.refusals = Box::leak(Box::new(refusals));
            catch_unwind(|| check(&def)).is_ok()
        };
        assert!(refused_as(Status::Conflict));
        assert!(!refused_as(Status::Unauthorized));
    }

    #[test]
    fn what_is_written_as_json_is_no_field_of_a_webhook() {
        const LIST: &[Field] = &[
            field("id", true),
            Field {
                kind: FieldKind::List {
                    fields: &[],
                    max: 1,
                },
                ..field("text", true)
            },
        ];
        assert!(!is_well(Method::Post, LIST, TEXT));
    }
}
