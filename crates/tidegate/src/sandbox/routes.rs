//! Which request is which.

use hyper::{Method, StatusCode};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    CreatePayment,
    GetPayment,
    CreateRefund,
    Ledger,
    Checkout,
    Decide,
    OpenApi,
}

/// All of them; `{id}` stands for a segment of its own.
pub(super) const ROUTES: [(Method, &str, Route); 7] = [
    (Method::POST, "/v1/payments", Route::CreatePayment),
    (Method::GET, "/v1/payments/{id}", Route::GetPayment),
    (
        Method::POST,
        "/v1/payments/{id}/refunds",
        Route::CreateRefund,
    ),
    (Method::GET, "/v1/ledger", Route::Ledger),
    (Method::GET, "/checkout/{id}", Route::Checkout),
    (Method::POST, "/checkout/{id}", Route::Decide),
    (Method::GET, "/openapi.yaml", Route::OpenApi),
];

/// The route of a request, and the id in its path if there is one; or the status that says why none.
pub(super) fn find<'a>(
    method: &Method,
    path: &'a str,
) -> Result<(Route, Option<&'a str>), StatusCode> {
    let mut missed = StatusCode::NOT_FOUND;
    for (of_route, template, route) in &ROUTES {
        if let Some(id) = matches(template, path) {
            if of_route == method {
                return Ok((*route, id));
            }
            missed = StatusCode::METHOD_NOT_ALLOWED;
        }
    }
    Err(missed)
}

/// Whether a path is of a template, and what stands for its `{id}`.
fn matches<'a>(template: &str, path: &'a str) -> Option<Option<&'a str>> {
    let Some((before, after)) = template.split_once("{id}") else {
        return (template == path).then_some(None);
    };
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains('/')).then_some(Some(id))
}

#[cfg(test)]
mod tests {
    use super::super::api::OPENAPI;
    use super::*;

    #[test]
    fn a_path_leads_to_its_route_by_its_method_only() {
        let found = find(&Method::GET, "/v1/payments/7");
        assert_eq!(found, Ok((Route::GetPayment, Some("7"))));
        let found = find(&Method::POST, "/v1/payments/7/refunds");
        assert_eq!(found, Ok((Route::CreateRefund, Some("7"))));
        for path in [
            "/",
            "/v1/payments/",
            "/v1/payments//refunds",
            "/v1/payments/7/8",
        ] {
            assert_eq!(
                find(&Method::GET, path),
                Err(StatusCode::NOT_FOUND),
                "{path}"
            );
        }
        for path in ["/v1/payments", "/v1/payments/7/refunds"] {
            let found = find(&Method::GET, path);
            assert_eq!(found, Err(StatusCode::METHOD_NOT_ALLOWED), "{path}");
        }
    }

    /// The methods and paths of the document: under `paths:` the keys that are indented by two and by
    /// four.
    fn described() -> Vec<(String, String)> {
        let mut found = Vec::new();
        let (mut is_within, mut path) = (false, "");
        for line in OPENAPI.lines().filter(|line| !line.trim().is_empty()) {
            let key = line.trim().trim_end_matches(':');
            match line.len() - line.trim_start().len() {
                0 => is_within = line == "paths:",
                2 if is_within => path = key,
                4 if is_within && key != "parameters" => {
                    found.push((key.to_uppercase(), path.to_owned()));
                }
                _ => {}
            }
        }
        found.sort();
        found
    }

    #[test]
    fn the_document_describes_what_is_served_and_nothing_else() {
        let of_route =
            |(method, path, _): &(Method, &str, Route)| (method.to_string(), (*path).to_owned());
        let mut served: Vec<_> = ROUTES.iter().map(of_route).collect();
        served.sort();
        assert_eq!(described(), served);
    }
}
