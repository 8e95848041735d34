//! Hooks of sales, as the file of settings names them: where it is asked who may enter.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use tidegate_courier::{Action, Method, Service};
use tidegate_engine::limits::NAME_BYTES_MAX;
use tidegate_sale::HOOK_ACTION;

use super::ServeError;
use super::providers::token;

/// What the file may say of a hook.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HookTable {
    url: String,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
}

/// Adds hooks to what may be called: a service has one name, whatever it is for.
pub(super) fn add(
    hooks: &BTreeMap<String, HookTable>,
    services: &mut BTreeMap<String, Service>,
) -> Result<(), ServeError> {
    for (name, table) in hooks {
        let wrong = |what: String| ServeError::Settings(format!("hooks.{name}: {what}"));
        let is_name = !name.contains(char::is_control);
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !is_name {
            let what = format!("its name is 1 to {NAME_BYTES_MAX} bytes, no control characters");
            return Err(wrong(what));
        }
        let before = services.insert(name.clone(), table.service().map_err(wrong)?);
        if before.is_some() {
            return Err(wrong("a provider has this name: choose another".to_owned()));
        }
    }
    Ok(())
}

impl HookTable {
    fn service(&self) -> Result<Service, String> {
        let action = Action {
            method: Method::Post,
            url: self.url.clone(),
        };
        Ok(Service {
            actions: [(HOOK_ACTION.to_owned(), action)].into(),
            token: token(self.token_file.as_deref(), self.token_env.as_deref())?,
            signed: None,
        })
    }
}
