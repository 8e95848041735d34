//! The fields of a webhook, which are headers and the whole body.

use serde_json::{Value, json};
use tidegate_engine::contract::{Field, RequestDef, Webhook};

use super::operation::parameter;
use crate::limits::WEBHOOK_BYTES_MAX;
use crate::prose::prose;

/// Its headers, as parameters.
pub(super) fn headers(def: &RequestDef, webhook: &Webhook) -> Vec<Value> {
    let headers = webhook.headers.iter();
    let of_header = |(header, name): &(&str, &str)| {
        let field = field(def, name)?;
        Some(parameter(header, "header", field.required, field))
    };
    headers.filter_map(of_header).collect()
}

/// Its body: mostly JSON, of which nothing is said, for it is another system's. The title is the name
/// that it has as a field.
pub(super) fn body(def: &RequestDef, webhook: &Webhook) -> Value {
    let doc = field(def, webhook.body).map(|field| prose(field.doc));
    let doc = doc.unwrap_or_default();
    json!({
        "description": format!(
            "{doc} Taken as it is sent, of any media type, up to {WEBHOOK_BYTES_MAX} bytes."
        ),
        "required": true,
        "content": { "application/json": { "schema": { "title": webhook.body } } },
    })
}

fn field(def: &RequestDef, name: &str) -> Option<&'static Field> {
    def.fields.iter().find(|field| field.name == name)
}
