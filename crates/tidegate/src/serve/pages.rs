//! The pages of `console/`, as the HTTP front is handed them.

use hyper::body::Bytes;
use serde_json::json;
use tidegate_http::Page;
use tidegate_order::Providers;

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of `console/`, under this path.
macro_rules! page {
    ($path:literal, $media_type:expr, $file:literal) => {
        Page {
            path: $path,
            media_type: $media_type,
            content: Bytes::from_static(include_bytes!(concat!("../../../../console/", $file))),
        }
    };
}

/// All of them; `shop.json` tells what the settings say and a page needs to know.
pub(super) fn pages(providers: &Providers) -> Vec<Page> {
    vec![
        page!("/sale/{id}", HTML, "storefront.html"),
        page!("/console/storefront.css", STYLE, "storefront.css"),
        page!("/console/storefront.js", SCRIPT, "storefront.js"),
        page!("/console/place.js", SCRIPT, "place.js"),
        page!("/console/challenge.js", SCRIPT, "challenge.js"),
        page!("/console/shop.js", SCRIPT, "shop.js"),
        page!("/console/orders.js", SCRIPT, "orders.js"),
        page!("/console/memory.js", SCRIPT, "memory.js"),
        page!("/stage/{id}", HTML, "stage.html"),
        page!("/stage/counters", HTML, "counters.html"),
        page!("/console/counters.css", STYLE, "counters.css"),
        page!("/console/counters.js", SCRIPT, "counters.js"),
        page!("/console/counts.js", SCRIPT, "counts.js"),
        page!("/console/look.js", SCRIPT, "look.js"),
        page!("/console/stage.css", STYLE, "stage.css"),
        page!("/console/stage.js", SCRIPT, "stage.js"),
        page!("/console/samples.js", SCRIPT, "samples.js"),
        page!("/console/chart.js", SCRIPT, "chart.js"),
        page!("/console/prometheus.js", SCRIPT, "prometheus.js"),
        page!("/console/base.css", STYLE, "base.css"),
        page!("/console/icon.svg", "image/svg+xml", "icon.svg"),
        page!("/console/wire.js", SCRIPT, "wire.js"),
        page!("/console/words.js", SCRIPT, "words.js"),
        page!("/console/dom.js", SCRIPT, "dom.js"),
        Page {
            path: "/console/shop.json",
            media_type: "application/json",
            content: json!({ "providers": providers.0.keys().collect::<Vec<_>>() })
                .to_string()
                .into(),
        },
    ]
}
