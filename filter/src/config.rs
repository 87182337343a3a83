//! The plugin's configuration: what the operator wrote, checked field by field so that a refusal names the field.

use serde_json::{Map, Value};
use std::fmt;
use tallygate_core::shared::Keys;

/// Slots for application records unless configured: see `tallygate_core::slot`.
const APPLICATION_SLOTS: u64 = 65_536;

/// The configuration of one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Envoy's cluster for the control plane.
    pub(crate) cluster: String,
    /// `:authority` of calls to it.
    pub(crate) authority: String,
    /// The gateway token.
    pub(crate) token: String,
    /// staging or production: part of the names in shared data; the token decides what is sent.
    pub(crate) environment: String,
    /// Who chooses the upstream.
    pub(crate) upstream: Upstream,
    /// The product for hosts that no product claims, by system name.
    pub(crate) default_product: Option<String>,
    /// What happens before the first snapshot.
    pub(crate) cold_start: ColdStart,
    /// Slots for application records.
    pub(crate) application_slots: u32,
    /// Whether form bodies are read: not where Envoy is to hold back the bodies of requests that wait for credit.
    pub(crate) form_credentials: bool,
    /// Whether each admission looks again whose shared data these are: where other plugins of the same `vm_id` come and go,
    /// Envoy may wipe them under live VMs.
    pub(crate) guard_against_wipes: bool,
}

/// Who chooses the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    /// The operator's own routes.
    Envoy,
    /// The product's private base URL, through one of these clusters.
    Tallygate {
        /// For http.
        plain: String,
        /// For https.
        tls: String,
    },
}

/// What happens to requests before the first snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColdStart {
    /// 503.
    Deny,
    /// They pass, unchecked and uncounted.
    Allow,
}

/// Why a configuration is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    field: String,
    reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin configuration: `{}` {}", self.field, self.reason)
    }
}

impl Config {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        let value = serde_json::from_slice(bytes)
            .map_err(|error| refused("configuration", format!("is not JSON: {error}")))?;
        let Value::Object(root) = value else {
            return Err(refused("configuration", "must be a JSON object"));
        };
        let known = [
            "application_slots",
            "clusters",
            "cold_start",
            "control_plane",
            "default_product",
            "environment",
            "form_credentials",
            "guard_against_wipes",
            "upstream",
        ];
        refuse_unknown(&root, "", &known)?;
        let control_plane = object(&root, "control_plane")?;
        refuse_unknown(
            control_plane,
            "control_plane.",
            &["authority", "cluster", "token"],
        )?;
        let upstream = match choice(&root, "upstream", &["envoy", "tallygate"])? {
            "envoy" => Upstream::Envoy,
            _ => {
                let clusters = object(&root, "clusters")?;
                refuse_unknown(clusters, "clusters.", &["plain", "tls"])?;
                Upstream::Tallygate {
                    plain: text(clusters, "clusters.", "plain")?,
                    tls: text(clusters, "clusters.", "tls")?,
                }
            }
        };
        let cold_start = match choice(&root, "cold_start", &["deny", "allow"])? {
            "allow" => ColdStart::Allow,
            _ => ColdStart::Deny,
        };
        if cold_start == ColdStart::Allow && upstream != Upstream::Envoy {
            // Nobody could say where to, but the client.
            return Err(refused(
                "cold_start",
                "can be `allow` only with `upstream`: `envoy`",
            ));
        }
        let default_product = match root.get("default_product") {
            None | Some(Value::Null) => None,
            Some(_) => Some(text(&root, "", "default_product")?),
        };
        let slots = root
            .get("application_slots")
            .map_or(Some(APPLICATION_SLOTS), Value::as_u64);
        let application_slots = slots
            .filter(|slots| (1_024..=1_048_576).contains(slots))
            .and_then(|slots| u32::try_from(slots).ok())
            .ok_or_else(|| refused("application_slots", "must be a number from 1024 to 1048576"))?;
        let form_credentials = flag(&root, "form_credentials", true)?;
        let guard_against_wipes = flag(&root, "guard_against_wipes", false)?;
        let environment = text(&root, "", "environment")?;
        if !matches!(environment.as_str(), "staging" | "production") {
            return Err(refused("environment", "must be `staging` or `production`"));
        }
        let token = text(control_plane, "control_plane.", "token")?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused(
                "control_plane.token",
                "has characters that no gateway token has",
            ));
        }
        Ok(Self {
            cluster: text(control_plane, "control_plane.", "cluster")?,
            authority: text(control_plane, "control_plane.", "authority")?,
            token,
            environment,
            upstream,
            default_product,
            cold_start,
            application_slots,
            form_credentials,
            guard_against_wipes,
        })
    }

    /// Names in shared data: another control plane or environment is another namespace.
    pub(crate) fn keys(&self) -> Keys {
        Keys::new(
            &[&self.cluster, &self.authority, &self.environment],
            self.application_slots,
        )
    }
}

fn refused(field: &str, reason: impl Into<String>) -> Refused {
    Refused {
        field: field.to_owned(),
        reason: reason.into(),
    }
}

fn refuse_unknown(map: &Map<String, Value>, prefix: &str, known: &[&str]) -> Result<(), Refused> {
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(refused(
            &format!("{prefix}{key}"),
            format!("is not known; here may stand: {}", known.join(", ")),
        )),
        None => Ok(()),
    }
}

fn object<'a>(map: &'a Map<String, Value>, field: &str) -> Result<&'a Map<String, Value>, Refused> {
    map.get(field)
        .and_then(Value::as_object)
        .ok_or_else(|| refused(field, "is missing or not an object"))
}

fn text(map: &Map<String, Value>, prefix: &str, field: &str) -> Result<String, Refused> {
    match map.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(_) => Err(refused(
            &format!("{prefix}{field}"),
            "must be a text that is not empty",
        )),
        None => Err(refused(&format!("{prefix}{field}"), "is missing")),
    }
}

fn flag(map: &Map<String, Value>, field: &str, absent: bool) -> Result<bool, Refused> {
    map.get(field)
        .map_or(Some(absent), Value::as_bool)
        .ok_or_else(|| refused(field, "must be true or false"))
}

/// One of a few words; the first when the field is absent.
fn choice<'a>(
    map: &'a Map<String, Value>,
    field: &str,
    words: &[&'a str],
) -> Result<&'a str, Refused> {
    let Some(value) = map.get(field) else {
        return Ok(words.first().copied().unwrap_or_default());
    };
    let word = value.as_str().filter(|word| words.contains(word));
    word.ok_or_else(|| refused(field, format!("must be one of: {}", words.join(", "))))
}
