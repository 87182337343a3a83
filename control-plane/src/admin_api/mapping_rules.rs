//! `/admin/api/services/{service}/proxy/mapping_rules`: rules of the draft; `/admin/api/backend_apis/{backend}/mapping_rules`:
//! those that a backend brings along to every product, below its path there.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::metrics::{page, paged};
use super::params::Params;
use super::path::Owned;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::promote::freeze;
use crate::store::metrics;
use crate::store::owners::Owner;
use crate::store::rules::{self, RuleRow, RuleUsage};
use axum::extract::State;
use serde_json::Value;

/// More rules than one product or backend may have.
const MOST_RULES: i64 = 10_000;
/// More metrics than one rule may count on.
const MOST_USAGES: usize = 50;

/// `GET …/mapping_rules`, by position.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Owned(owner, []): Owned<0>,
    mut call: Read,
) -> Result<Answer, Error> {
    let page = page(owner, &mut call.params)?;
    let mut tx = app.db.read().await?;
    owner.check(&mut tx).await?;
    let rows = rules::list_of(&mut tx, owner).await?;
    Ok(Answer::ok(paged(page, rows, |rows| {
        let items = rows.iter().map(|row| mapping_rule(&app, row));
        List::new("mapping_rules", "mapping_rule", items)
    })))
}

/// `GET …/mapping_rules/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Owned(owner, [id]): Owned<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    owner.check(&mut tx).await?;
    let row = rules::get(&mut tx, owner, id).await?;
    Ok(Answer::ok(mapping_rule(&app, &row)))
}

/// `POST …/mapping_rules`: at the bottom, unless a position is given.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Owned(owner, []): Owned<0>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let count = rules::count(&mut tx, owner).await?;
    if count >= MOST_RULES {
        params.error(
            "base",
            format!("A {} has at most {MOST_RULES} mapping rules", owner.kind()),
        );
    }
    let (product_id, backend_id) = owner.ids();
    let mut row = RuleRow {
        id: 0,
        product_id,
        backend_id,
        methods: "[]".into(),
        pattern: params.text("pattern", 255),
        usages: "[]".into(),
        position: count + 1,
        last: false,
        created_at: 0,
        updated_at: 0,
    };
    if !params.has("methods") {
        params.text("http_method", 20);
    }
    if !params.has("usages") {
        params.int("metric_id", 1, i64::MAX);
    }
    params.check()?;
    apply(&mut tx, params, &mut row, count + 1).await?;
    let id = rules::insert(&mut tx, &row).await?;
    let row = rules::get(&mut tx, owner, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        mapping_rule(&app, &row),
        format!("{}/{id}", owner.rules_path()),
    ))
}

/// `PATCH …/mapping_rules/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Owned(owner, [id]): Owned<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let mut row = rules::get(&mut tx, owner, id).await?;
    let from = row.position;
    if let Some(pattern) = params.opt_filled("pattern", 255) {
        row.pattern = pattern;
    }
    let count = rules::count(&mut tx, owner).await?;
    apply(&mut tx, params, &mut row, count).await?;
    rules::update(&mut tx, &row, from).await?;
    let row = rules::get(&mut tx, owner, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(mapping_rule(&app, &row)))
}

/// `DELETE …/mapping_rules/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Owned(owner, [id]): Owned<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let row = rules::get(&mut tx, owner, id).await?;
    rules::delete(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// Everything but the pattern, and the check that gateways could load the rule.
async fn apply(
    tx: &mut Tx,
    params: &mut Params,
    row: &mut RuleRow,
    bottom: i64,
) -> Result<(), Error> {
    let methods_field = if params.has("methods") {
        "methods"
    } else {
        "http_method"
    };
    let methods = match methods_field {
        "methods" => params.opt_texts("methods", 20),
        _ => params
            .opt_filled("http_method", 20)
            .map(|method| vec![method]),
    };
    if let Some(methods) = methods {
        row.set_methods(&methods);
    }
    let usages_field = if params.has("usages") {
        "usages"
    } else {
        "metric_id"
    };
    let usages = match usages_field {
        "usages" => usages(params),
        _ => one_usage(params, &row.usage_list()),
    };
    if let Some(usages) = usages {
        let known = metrics::list_of(tx, row.owner()).await?;
        let unknown = usages
            .iter()
            .find(|usage| known.iter().all(|metric| metric.id != usage.metric_id));
        if let Some(unknown) = unknown {
            let message = format!(
                "{} is not a metric of this {}",
                unknown.metric_id,
                row.owner().kind()
            );
            params.error(usages_field, message);
        }
        row.set_usages(&usages);
    }
    if let Some(last) = params.opt_bool("last") {
        row.last = last;
    }
    if let Some(position) = params.opt_int("position", 0, i64::MAX) {
        row.position = position.clamp(1, bottom);
    }
    params.check()?;
    if let Err((field, message)) = freeze::check_rule(row) {
        let (field, message) = match field {
            "http_method" => (methods_field, message),
            "metric_id" => (usages_field, message),
            "delta" if usages_field == "usages" => {
                (usages_field, format!("has a delta that {message}"))
            }
            other => (other, message),
        };
        params.error(field, message);
    }
    params.check()
}

/// 3scale's single pair; what is not sent stays.
fn one_usage(params: &mut Params, current: &[RuleUsage]) -> Option<Vec<RuleUsage>> {
    if !params.has("metric_id") && !params.has("delta") {
        return None;
    }
    let metric_id = params.opt_id("metric_id");
    let delta = params.opt_int("delta", 1, i64::MAX);
    let first = current.first();
    Some(vec![RuleUsage {
        metric_id: metric_id.or(first.map(|usage| usage.metric_id))?,
        delta: delta.or(first.map(|usage| usage.delta)).unwrap_or(1),
    }])
}

/// Ours: a list of pairs, in JSON also when it comes in a form.
fn usages(params: &mut Params) -> Option<Vec<RuleUsage>> {
    let list = match params.value("usages")? {
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        other => other.clone(),
    };
    let usages: Option<Vec<RuleUsage>> = list
        .as_array()
        .filter(|items| items.len() <= MOST_USAGES)
        .and_then(|items| items.iter().map(usage).collect());
    let Some(usages) = usages else {
        params.error(
            "usages",
            format!(
                "must be a list of at most {MOST_USAGES} objects with metric_id and delta, both whole numbers above 0"
            ),
        );
        return None;
    };
    let twice = usages.iter().enumerate().any(|(n, usage)| {
        usages
            .iter()
            .skip(n + 1)
            .any(|other| other.metric_id == usage.metric_id)
    });
    if twice {
        params.error("usages", "names a metric twice");
    }
    Some(usages)
}

fn usage(item: &Value) -> Option<RuleUsage> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    Some(RuleUsage {
        metric_id: number(item.get("metric_id")?).filter(|id| *id > 0)?,
        delta: match item.get("delta") {
            Some(delta) => number(delta).filter(|delta| *delta > 0)?,
            None => 1,
        },
    })
}

fn mapping_rule(app: &App, row: &RuleRow) -> Object {
    let methods = row.method_list();
    let usages = row.usage_list();
    let first = usages.first();
    let url = |path: String| format!("{}{path}", app.config.admin_url);
    let owner = row.owner();
    let of_owner = match owner {
        Owner::Product(_) => ("proxy", url(format!("{}/proxy", owner.path()))),
        Owner::Backend(_) => ("backend_api", url(owner.path())),
    };
    let pairs = usages.iter().map(|usage| {
        Object::new("usage")
            .with("metric_id", usage.metric_id)
            .with("delta", usage.delta)
    });
    Object::new("mapping_rule")
        .with("id", row.id)
        .with("metric_id", first.map(|usage| usage.metric_id))
        .with("pattern", &row.pattern)
        .with("http_method", methods.first().cloned())
        .with("delta", first.map(|usage| usage.delta))
        .with("position", row.position)
        .with("last", row.last)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .with("methods", List::new("methods", "method", methods))
        .with("usages", List::new("usages", "usage", pairs).unwrapped())
        .links([
            ("self", url(format!("{}/{}", owner.rules_path(), row.id))),
            of_owner,
        ])
}
