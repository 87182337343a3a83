//! What differs between two configurations, so that people can read it: of the draft and versions, by their contents.
//!
//! Members of objects are compared by name, mapping rules and other things with an id by that; the rest as a whole.

use super::{Draft, content, draft, freeze};
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::publish::{Environment, Frozen};
use crate::secrets::Secret;
use crate::store::products::ProductRow;
use crate::store::versions;
use serde_json::{Map, Value};

/// A configuration to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the next deploy would freeze.
    Draft,
    /// What an environment follows.
    Environment(Environment),
    /// A version, wherever it is followed.
    Version(i64),
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Diff {
    /// The version on the left; none for the draft, and where an environment follows nothing.
    pub from: Option<i64>,
    /// The version on the right.
    pub to: Option<i64>,
    /// In the order of the contents.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where in the content, as in `proxy.endpoint`.
    pub path: String,
    /// added, removed or changed.
    pub kind: &'static str,
    /// What is on the left; null where there is nothing, and for secrets.
    pub from: Value,
    /// What is on the right.
    pub to: Value,
    /// For people.
    pub text: String,
}

/// A content, taken apart.
#[derive(Debug, Default)]
struct Taken {
    version: Option<i64>,
    /// 3scale's part.
    content: Value,
    /// What gateways are sent; none for a draft that would not load there.
    ours: Option<Value>,
    secret_token: Option<Secret>,
    debug_secret: Option<Secret>,
}

impl Side {
    /// By the name that the API gives it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "draft" => Some(Self::Draft),
            "sandbox" => Some(Self::Environment(Environment::Staging)),
            "production" => Some(Self::Environment(Environment::Production)),
            version => version
                .parse()
                .ok()
                .filter(|version| *version > 0)
                .map(Self::Version),
        }
    }
}

/// Compares two configurations of a product.
///
/// # Errors
/// [`Error::NotFound`] for a version that there never was.
pub async fn diff(
    app: &App,
    tx: &mut Tx,
    product: &ProductRow,
    from: Side,
    to: Side,
) -> Result<Diff, Error> {
    let from = take(app, tx, product, from).await?;
    let to = take(app, tx, product, to).await?;
    let mut changes = Vec::new();
    compare("", &from.content, &to.content, &mut changes);
    for (path, from, to) in [
        ("proxy.secret_token", &from.secret_token, &to.secret_token),
        ("proxy.debug_secret", &from.debug_secret, &to.debug_secret),
    ] {
        if from != to {
            changes.push(secret(path, from.is_some(), to.is_some()));
        }
    }
    // Nothing that gateways act upon may change unseen, though 3scale have no name for it.
    if let (true, Some(from), Some(to)) = (changes.is_empty(), &from.ours, &to.ours) {
        compare(Frozen::KEY, from, to, &mut changes);
    }
    Ok(Diff {
        from: from.version,
        to: to.version,
        changes,
    })
}

/// Whether the draft differs from what staging follows, or was never deployed: 3scale's `pending_affecting_changes`.
///
/// # Errors
/// When the database does not answer.
pub async fn is_pending(app: &App, tx: &mut Tx, product: &ProductRow) -> Result<bool, Error> {
    let current = versions::current(tx, product.id, Environment::Staging.of_configs()).await?;
    let Some(current) = current else {
        return Ok(true);
    };
    let draft = draft(tx, product).await?;
    match freeze::freeze(&app.secrets, &draft) {
        Ok(parts) => Ok(!content::same(
            &app.secrets,
            &current.content,
            &draft,
            &parts,
        )?),
        // It was loaded once; what would not load any more has changed.
        Err(Error::Invalid(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

async fn take(app: &App, tx: &mut Tx, product: &ProductRow, side: Side) -> Result<Taken, Error> {
    let (version, content) = match side {
        Side::Draft => return of_draft(app, &draft(tx, product).await?),
        Side::Environment(environment) => {
            match versions::current(tx, product.id, environment.of_configs()).await? {
                Some(row) => (row.version, row.content),
                None => return Ok(Taken::default()),
            }
        }
        Side::Version(version) => (version, versions::content(tx, product.id, version).await?),
    };
    let (secret_token, debug_secret) = content::secrets_of(&app.secrets, &content)?;
    let mut content: Value = serde_json::from_str(&content).map_err(anyhow::Error::from)?;
    let mut ours = content
        .as_object_mut()
        .and_then(|content| content.shift_remove(Frozen::KEY));
    if let Some(ours) = ours.as_mut().and_then(Value::as_object_mut) {
        ours.remove("secret_token");
        ours.remove("debug_secret");
    }
    Ok(Taken {
        version: Some(version),
        content,
        ours,
        secret_token,
        debug_secret,
    })
}

fn of_draft(app: &App, draft: &Draft) -> Result<Taken, Error> {
    let parts = match freeze::freeze(&app.secrets, draft) {
        Ok(parts) => Some(parts),
        Err(Error::Invalid(_)) => None,
        Err(error) => return Err(error),
    };
    let (secret_token, debug_secret) = freeze::secrets_of(&app.secrets, &draft.proxy)?;
    let ours = parts
        .map(|parts| serde_json::json!({"staging": parts.staging, "production": parts.production}));
    Ok(Taken {
        version: None,
        content: Value::Object(content::threescale(draft)),
        ours,
        secret_token: Some(secret_token),
        debug_secret,
    })
}

fn compare(path: &str, from: &Value, to: &Value, changes: &mut Vec<Change>) {
    match (from, to) {
        (from, to) if from == to => {}
        (Value::Object(from), Value::Object(to)) => members(path, from, to, changes),
        (Value::Null, Value::Object(to)) => members(path, &Map::new(), to, changes),
        (Value::Object(from), Value::Null) => members(path, from, &Map::new(), changes),
        (Value::Array(from), Value::Array(to)) if has_ids(from) && has_ids(to) => {
            items(path, from, to, changes);
        }
        (Value::Null, Value::Array(to)) if has_ids(to) => items(path, &[], to, changes),
        (Value::Array(from), Value::Null) if has_ids(from) => items(path, from, &[], changes),
        (from, to) => changes.push(change(path, from, to)),
    }
}

fn members(
    path: &str,
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    let names = to
        .keys()
        .chain(from.keys().filter(|name| !to.contains_key(*name)));
    for name in names {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        let of = |members: &Map<String, Value>| members.get(name).cloned().unwrap_or_default();
        compare(&path, &of(from), &of(to), changes);
    }
}

/// Things with an id: in the order of the right, then those that only the left has.
fn items(path: &str, from: &[Value], to: &[Value], changes: &mut Vec<Change>) {
    let find = |all: &[Value], wanted: &Value| {
        let found = all.iter().find(|item| identity(item) == identity(wanted));
        found.cloned().unwrap_or_default()
    };
    for item in to {
        let before = find(from, item);
        if before != *item {
            changes.push(change(path, &before, item));
        }
    }
    for item in from.iter().filter(|item| find(to, item).is_null()) {
        changes.push(change(path, item, &Value::Null));
    }
}

/// A mapping rule with several methods or metrics is several in 3scale's form, of one id.
fn identity(item: &Value) -> [&Value; 3] {
    const NOTHING: &Value = &Value::Null;
    ["id", "http_method", "metric_id"].map(|name| item.get(name).unwrap_or(NOTHING))
}

fn has_ids(items: &[Value]) -> bool {
    items.iter().all(|item| item.get("id").is_some())
}

fn change(path: &str, from: &Value, to: &Value) -> Change {
    let name = path.strip_prefix("proxy.").unwrap_or(path);
    let (kind, text) = match (from, to) {
        (Value::Null, to) => ("added", format!("{name}: {} is new", words(to))),
        (from, Value::Null) => ("removed", format!("{name}: {} is gone", words(from))),
        (Value::Object(from), Value::Object(to)) => {
            let differing: Vec<String> = to
                .iter()
                .filter(|(name, value)| from.get(*name) != Some(*value))
                .map(|(name, value)| {
                    let before = from.get(name).map_or_else(|| "nothing".into(), words);
                    format!("{name} {before} → {}", words(value))
                })
                .collect();
            let which = words(&Value::Object(from.clone()));
            (
                "changed",
                format!("{name}: {which}: {}", differing.join(", ")),
            )
        }
        (from, to) => (
            "changed",
            format!("{name}: {} → {}", words(from), words(to)),
        ),
    };
    Change {
        path: path.into(),
        kind,
        from: from.clone(),
        to: to.clone(),
        text,
    }
}

fn secret(path: &str, was: bool, is: bool) -> Change {
    let name = path.strip_prefix("proxy.").unwrap_or(path);
    let (kind, text) = match (was, is) {
        (false, _) => ("added", format!("{name} is new")),
        (true, false) => ("removed", format!("{name} is gone")),
        (true, true) => ("changed", format!("{name} is another one")),
    };
    Change {
        path: path.into(),
        kind,
        from: Value::Null,
        to: Value::Null,
        text,
    }
}

fn words(value: &Value) -> String {
    let rule = |name: &str| value.get(name).and_then(Value::as_str);
    match (rule("http_method"), rule("pattern")) {
        (Some(method), Some(pattern)) => format!(
            "{method} {pattern} ({} +{})",
            rule("metric_system_name").unwrap_or_default(),
            value.get("delta").cloned().unwrap_or_default()
        ),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(from: &Value, to: &Value) -> Vec<String> {
        let mut changes = Vec::new();
        compare("", from, to, &mut changes);
        changes
            .into_iter()
            .map(|change| format!("{} {}", change.kind, change.text))
            .collect()
    }

    #[test]
    fn what_is_equal_is_not_told() {
        let rule = |id: i64, pattern: &str, position: i64| {
            json!({"id": id, "http_method": "GET", "pattern": pattern, "metric_id": 1,
                   "metric_system_name": "hits", "delta": 1, "position": position})
        };
        let from = json!({"name": "Mail", "proxy": {"endpoint": "https://a", "hosts": ["a"],
            "proxy_rules": [rule(1, "/", 1), rule(2, "/v1", 2), rule(3, "/old", 3)]}});
        assert_eq!(texts(&from, &from), [""; 0]);
        let to = json!({"name": "Mail", "proxy": {"endpoint": "https://b", "hosts": ["b"],
            "proxy_rules": [rule(1, "/", 1), rule(4, "/v3", 2), rule(2, "/v2", 3)]}});
        assert_eq!(
            texts(&from, &to),
            [
                "changed endpoint: \"https://a\" → \"https://b\"",
                "changed hosts: [\"a\"] → [\"b\"]",
                "added proxy_rules: GET /v3 (hits +1) is new",
                "changed proxy_rules: GET /v1 (hits +1): pattern \"/v1\" → \"/v2\", position 2 → 3",
                "removed proxy_rules: GET /old (hits +1) is gone",
            ]
        );
        let first = texts(
            &Value::Null,
            &json!({"name": "Mail", "proxy": {"proxy_rules": [rule(1, "/", 1)]}}),
        );
        assert_eq!(
            first,
            [
                "added name: \"Mail\" is new",
                "added proxy_rules: GET / (hits +1) is new"
            ]
        );
        assert_eq!(
            texts(&json!({"a": [1]}), &json!({})),
            ["removed a: [1] is gone"]
        );
    }
}
