//! Receivers, as the file of settings names them: where jobs and messages may be pushed to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use tidegate_courier::{Action, Method, PUSH_ACTION, Service, Signed};
use tidegate_engine::limits::NAME_BYTES_MAX;

use super::ServeError;
use super::providers::{secret, token};

/// What a receiver is sent is said to be this, if the file does not say.
const CONTENT_TYPE: &str = "application/octet-stream";

/// What the file may say of a receiver.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiverTable {
    url: String,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    content_type: Option<String>,
}

/// Adds receivers to what may be called: a service has one name, whatever it is for.
pub(super) fn add(
    receivers: &BTreeMap<String, ReceiverTable>,
    services: &mut BTreeMap<String, Service>,
) -> Result<(), ServeError> {
    for (name, table) in receivers {
        let wrong = |what: String| ServeError::Settings(format!("receivers.{name}: {what}"));
        let is_name = !name.contains(char::is_control);
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !is_name {
            let what = format!("its name is 1 to {NAME_BYTES_MAX} bytes, no control characters");
            return Err(wrong(what));
        }
        let before = services.insert(name.clone(), table.service().map_err(wrong)?);
        if before.is_some() {
            let what = "a provider or hook has this name: choose another";
            return Err(wrong(what.to_owned()));
        }
    }
    Ok(())
}

impl ReceiverTable {
    fn service(&self) -> Result<Service, String> {
        let action = Action {
            method: Method::Post,
            url: self.url.clone(),
        };
        let text = secret(
            "secret",
            self.secret_file.as_deref(),
            self.secret_env.as_deref(),
        )?;
        let text = text.ok_or("what it is sent is signed: give secret_file or secret_env")?;
        let secret = text.parse().map_err(|error| format!("secret: {error}"))?;
        let content_type = self.content_type.as_deref().unwrap_or(CONTENT_TYPE);
        if content_type.is_empty() || !content_type.bytes().all(is_of_a_header) {
            return Err("content_type must be as application/json".to_owned());
        }
        Ok(Service {
            actions: [(PUSH_ACTION.to_owned(), action)].into(),
            token: token(self.token_file.as_deref(), self.token_env.as_deref())?,
            signed: Some(Signed {
                secret,
                content_type: content_type.to_owned(),
            }),
        })
    }
}

fn is_of_a_header(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_graphic()
}
