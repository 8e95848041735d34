//! Payment providers, as the file of settings names them: where they are, what they are shown, and what
//! their webhooks are signed with.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tidegate_courier::{Action, Limits, Method, Secret, Service, Services, WebhookSecret};
use tidegate_engine::limits::NAME_BYTES_MAX;
use tidegate_engine::{Receivers, Settings};
use tidegate_order::{Provider, Providers, SigningKey};
use tidegate_sale::Hooks;

use super::ServeError;
use super::hooks::{self, HookTable};
use super::receivers::{self, ReceiverTable};

/// Times that a provider is asked, at most.
const ASKS_MAX: usize = 32;

/// How long a payment can be paid at most: a week.
const WINDOW_MS_MAX: u64 = 7 * 24 * 3_600_000;

/// What the file may say of a provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderTable {
    create: String,
    query: String,
    refund: String,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    webhook_secret_file: Option<PathBuf>,
    webhook_secret_env: Option<String>,
    /// The one before, while it may still be in use.
    webhook_secret_before_file: Option<PathBuf>,
    ask_after_ms: Option<Vec<u64>>,
    window_ms: Option<u64>,
}

/// What the file may say of a host that is called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostTable {
    concurrency: Option<usize>,
    timeout_ms: Option<u64>,
    private: Option<bool>,
}

impl HostTable {
    fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            concurrency: self.concurrency.unwrap_or(usual.concurrency),
            timeout_ms: self.timeout_ms.unwrap_or(usual.timeout_ms),
            private: self.private.unwrap_or(usual.private),
        }
    }
}

/// Who may be called, and what orders and sales know of them.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    pub(super) services: Services,
    pub(super) providers: Providers,
    hooks: Hooks,
    pub(super) receivers: Receivers,
}

impl Outside {
    pub(super) fn read(
        providers: &BTreeMap<String, ProviderTable>,
        hooks: &BTreeMap<String, HookTable>,
        receivers: &BTreeMap<String, ReceiverTable>,
        hosts: &BTreeMap<String, HostTable>,
    ) -> Result<Self, ServeError> {
        let mut services = BTreeMap::new();
        let mut known = BTreeMap::new();
        for (name, table) in providers {
            let wrong = |what: String| ServeError::Settings(format!("providers.{name}: {what}"));
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(is_word) {
                return Err(wrong(format!(
                    "its name stands in the address of its webhooks: 1 to {NAME_BYTES_MAX} letters, digits, - _ ."
                )));
            }
            services.insert(name.clone(), table.service().map_err(wrong)?);
            known.insert(name.clone(), table.provider().map_err(wrong)?);
        }
        hooks::add(hooks, &mut services)?;
        receivers::add(receivers, &mut services)?;
        let hosts = hosts.iter();
        let hosts = hosts.map(|(host, table)| (host.to_ascii_lowercase(), table.limits()));
        let services = Services::new(services, hosts.collect());
        Ok(Self {
            services: services.map_err(|error| ServeError::Settings(error.to_string()))?,
            providers: Providers(known),
            hooks: Hooks(hooks.keys().cloned().collect()),
            receivers: Receivers(receivers.keys().cloned().collect()),
        })
    }

    /// What the domains are told.
    pub(super) fn told(&self) -> Settings {
        let settings = Settings::default().with(self.providers.clone());
        let settings = settings.with(self.hooks.clone());
        settings.with(self.receivers.clone())
    }
}

impl ProviderTable {
    fn service(&self) -> Result<Service, String> {
        let action = |method, url: &str| Action {
            method,
            url: url.to_owned(),
        };
        let with_id = [("query", &self.query), ("refund", &self.refund)];
        for (name, url) in with_id {
            if !url.contains("{id}") {
                return Err(format!(
                    "{name} must have {{id}} where the payment's id stands"
                ));
            }
        }
        let actions = [
            ("create", action(Method::Post, &self.create)),
            ("query", action(Method::Get, &self.query)),
            ("refund", action(Method::Post, &self.refund)),
        ];
        let token = token(self.token_file.as_deref(), self.token_env.as_deref())?;
        Ok(Service {
            actions: actions
                .map(|(name, action)| (name.to_owned(), action))
                .into(),
            token,
            signed: None,
        })
    }

    fn provider(&self) -> Result<Provider, String> {
        let usual = Provider::default();
        let ask_after_ms = self.ask_after_ms.clone().unwrap_or(usual.ask_after_ms);
        if ask_after_ms.len() > ASKS_MAX || !ask_after_ms.is_sorted() {
            return Err(format!(
                "ask_after_ms must be at most {ASKS_MAX} times, in order"
            ));
        }
        let window_ms = self.window_ms.unwrap_or(usual.window_ms);
        if !(1..=WINDOW_MS_MAX).contains(&window_ms) {
            return Err(format!("window_ms must be 1 to {WINDOW_MS_MAX}"));
        }
        let (file, env) = (&self.webhook_secret_file, &self.webhook_secret_env);
        let present = secret("webhook_secret", file.as_deref(), env.as_deref())?;
        let before = secret(
            "webhook_secret_before",
            self.webhook_secret_before_file.as_deref(),
            None,
        )?;
        let mut secrets = Vec::new();
        for text in present.iter().chain(&before) {
            let secret: Result<WebhookSecret, _> = text.parse();
            let secret = secret.map_err(|error| format!("webhook_secret: {error}"))?;
            secrets.push(SigningKey::new(secret.into_bytes()));
        }
        Ok(Provider {
            ask_after_ms,
            window_ms,
            secrets,
        })
    }
}

/// What a service is shown.
pub(super) fn token(file: Option<&Path>, env: Option<&str>) -> Result<Option<Secret>, String> {
    let token = secret("token", file, env)?;
    if let Some(token) = &token
        && !token.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err("the token must be one word of ASCII".to_owned());
    }
    Ok(token.map(Secret::new))
}

/// A secret from a file or from the environment; never from the file of settings itself.
pub(super) fn secret(
    what: &str,
    file: Option<&Path>,
    env: Option<&str>,
) -> Result<Option<String>, String> {
    let useless = |place: &dyn Display, why: &dyn Display| format!("{what}: {place}: {why}");
    let text = match (file, env) {
        (Some(_), Some(_)) => {
            return Err(format!("give {what}_file or {what}_env, not both"));
        }
        (None, None) => return Ok(None),
        (Some(file), None) => {
            let text = fs::read_to_string(file);
            text.map_err(|error| useless(&file.display(), &error))?
        }
        (None, Some(name)) => env::var(name).map_err(|error| useless(&name, &error))?,
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{what} is empty"));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Outside, String> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            providers: BTreeMap<String, ProviderTable>,
            #[serde(default)]
            hooks: BTreeMap<String, HookTable>,
            #[serde(default)]
            receivers: BTreeMap<String, ReceiverTable>,
            #[serde(default)]
            hosts: BTreeMap<String, HostTable>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let told = Outside::read(&file.providers, &file.hooks, &file.receivers, &file.hosts);
        told.map_err(|error| error.to_string())
    }

    const SOUND: &str = r#"
        [providers.bank]
        create = "https://pay.example/v1/payments"
        query = "https://pay.example/v1/payments/{id}"
        refund = "https://pay.example/v1/payments/{id}/refunds"
        ask_after_ms = [1000, 2000]
        [hooks.door]
        url = "https://door.example/check/{id}"
        [receivers.mailer]
        url = "https://mailer.example/{id}"
        secret_file = "{SECRET}"
        [hosts."pay.example:443"]
        concurrency = 8
    "#;

    /// With a receiver whose secret is this, as a file has it.
    fn read_with(text: &str, secret: &str) -> Result<Outside, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), secret).expect("it is written");
        read(&text.replace("{SECRET}", &file.path().display().to_string()))
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";

    #[test]
    fn provider_that_is_named_is_known_and_can_be_called() {
        let outside = read_with(SOUND, SECRET).expect("it is sound");
        assert!(outside.services.has("bank") && outside.services.has("door"));
        assert!(outside.hooks.0.contains("door") && outside.receivers.0.contains("mailer"));
        let bank = &outside.providers.0["bank"];
        assert_eq!(bank.ask_after_ms, [1_000, 2_000]);
        assert!(bank.secrets.is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_provider_is_said() {
        for (from, to, said) in [
            (
                "https://pay.example/v1/payments/{id}\"",
                "http://pay.example/{id}\"",
                "use https",
            ),
            ("/{id}/refunds", "/refunds", "must have {id}"),
            ("[1000, 2000]", "[2000, 1000]", "in order"),
            ("[1000, 2000]", "[]\nwindow_ms = 0", "window_ms must be"),
            (
                "[1000, 2000]",
                "[]\ntoken_env = \"A\"\ntoken_file = \"b\"",
                "not both",
            ),
            (
                "[1000, 2000]",
                "[]\ntoken_file = \"/nowhere/at/all\"",
                "token: /nowhere/at/all",
            ),
            ("[1000, 2000]", "[]\ntoken = \"secret\"", "unknown field"),
            ("hooks.door", "hooks.bank", "a provider has this name"),
            ("hooks.door", "hooks.\"\"", "its name is 1 to"),
            ("https://door", "http://door", "use https"),
            ("https://mailer", "http://mailer", "use https"),
            (
                "receivers.mailer",
                "receivers.door",
                "a provider or hook has this name",
            ),
            (
                "secret_file",
                "token_file",
                "give secret_file or secret_env",
            ),
            (
                "secret_file",
                "content_type = \"\"\nsecret_file",
                "content_type must",
            ),
            ("concurrency = 8", "concurrency = 0", "concurrency must be"),
            ("providers.bank", "providers.\"a/b\"", "its name stands"),
            ("providers.bank", "providers.\"\"", "its name stands"),
            ("pay.example:443", "pay.example", "name it with its port"),
            ("pay.example:443", "pay.example:0", "a port is 1 to 65535"),
            (
                "pay.example:443",
                "pay.example:8443",
                "they name: door.example:443, mailer.example:443, pay.example:443",
            ),
        ] {
            let told = read_with(&SOUND.replace(from, to), SECRET).expect_err("it is refused");
            assert!(told.contains(said), "{to}: {told}");
        }
    }

    #[test]
    fn secret_of_a_receiver_is_one_and_does_not_show() {
        let told = read_with(SOUND, "whsec_hunter2hunter2").expect_err("it is none");
        assert!(
            told.contains("receivers.mailer: secret: a secret of webhooks is whsec_"),
            "{told}"
        );
        assert!(!told.contains("hunter2"), "{told}");
    }
}
