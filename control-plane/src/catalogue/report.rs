//! A plan for programs: JSON.

use super::deploy::Deployed;
use super::diff::{Action, Change, Plan};
use super::tree::{Name, Path};
use serde_json::{Map, Value, json};

/// What `--json` prints.
#[must_use]
pub fn report(plan: &Plan, made: usize, deployed: &[Deployed]) -> Value {
    json!({
        "changes": plan.changes.iter().map(change).collect::<Vec<_>>(),
        "made": made,
        "left_alone": plan.left_alone.iter().map(steps).collect::<Vec<_>>(),
        "deployed": deployed.iter().map(Deployed::to_value).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    let action = match change.action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    };
    let mut fields = Map::new();
    for field in &change.fields {
        let hide = |value: &Value| match field.is_secret(change.kind()) {
            true => Value::from("(secret)"),
            false => value.clone(),
        };
        let from = field.from.as_ref().map(hide);
        fields.insert(
            field.name.into(),
            json!({"from": from, "to": hide(&field.to)}),
        );
    }
    json!({
        "action": action,
        "path": steps(&change.path),
        "line": change.at.map(|at| at.line),
        "column": change.at.map(|at| at.column),
        "fields": fields,
        "position": change.position,
    })
}

/// As in `[{"kind": "product", "name": "mail"}, {"kind": "plan", "name": "bronze"}]`.
fn steps(path: &Path) -> Value {
    let steps = path.0.iter().map(|(kind, name)| match name {
        Name::Only => json!({"kind": kind.word()}),
        name => json!({"kind": kind.word(), "name": name.to_string()}),
    });
    steps.collect()
}
