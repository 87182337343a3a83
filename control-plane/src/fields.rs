//! The provider's own fields: what accounts, users and applications have beside what everybody's have.
//!
//! A definition says what a field is called and what it may hold; values come among a resource's ordinary parameters and
//! are kept with it as a JSON object. `required`, `hidden` and `read_only` bind developers in the portal, not the provider,
//! who may leave a required field out, though not blank it.

use crate::admin_api::params::Params;
use crate::db::Tx;
use crate::drops::FieldDrop;
use crate::error::Error;
use crate::portal::FormDrop;
use crate::store::fields_definitions::{self as rows, FieldsDefinition, Target};
use serde_json::{Map, Value};

/// The fields of one kind of resource.
#[derive(Clone, Debug)]
pub struct Fields(Vec<FieldsDefinition>);

/// Characters of one value.
const CHARS: usize = 4096;
/// Items of a field with several values.
const MOST_ITEMS: usize = 100;

/// Fields that every resource of the kind has, with columns of their own.
#[must_use]
pub fn builtin(target: &str) -> &'static [&'static str] {
    match target {
        "Account" => &["org_name"],
        "User" => &["username", "email"],
        "Cinstance" => &["name", "description"],
        _ => &[],
    }
}

/// Names that mean something else already, as parameters or in answers.
pub const RESERVED: &[&str] = &[
    "access_token",
    "account_id",
    "account_plan_id",
    "additional_fields",
    "annotations",
    "app_id",
    "application_id",
    "application_key",
    "application_plan_id",
    "applications",
    "created_at",
    "credit_card_stored",
    "description",
    "email",
    "enabled",
    "extra_fields",
    "first_daily_traffic_at",
    "first_traffic_at",
    "format",
    "id",
    "key",
    "keys",
    "links",
    "monthly_billing_enabled",
    "monthly_charging_enabled",
    "name",
    "org_name",
    "page",
    "password",
    "per_page",
    "plan",
    "plan_id",
    "plan_name",
    "plans",
    "provider_key",
    "provider_verification_key",
    "redirect_url",
    "referrer_filters",
    "role",
    "service_id",
    "service_name",
    "service_plan_id",
    "state",
    "updated_at",
    "user_account_id",
    "user_key",
    "username",
    "users",
];

impl Fields {
    /// As they are defined now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(tx: &mut Tx, target: Target) -> Result<Self, Error> {
        let builtin = builtin(target.as_str());
        let mut definitions = rows::of(tx, target.as_str()).await?;
        definitions.retain(|definition| !builtin.contains(&definition.name.as_str()));
        Ok(Self(definitions))
    }

    /// What a row has after these parameters, as a JSON object: what is given changes, the rest is as `before`.
    /// What is wrong is noted.
    pub fn read(&self, params: &mut Params, before: &str) -> String {
        self.read_by(Writer::Provider, params, before)
    }

    /// The same for a developer, who must fill in what is required, and cannot change what is hidden or read-only.
    pub fn read_of_developer(&self, params: &mut Params, before: &str) -> String {
        self.read_by(Writer::Developer, params, before)
    }

    fn read_by(&self, writer: Writer, params: &mut Params, before: &str) -> String {
        let mut before: Map<String, Value> = serde_json::from_str(before).unwrap_or_default();
        let mut values = Map::new();
        for definition in &self.0 {
            let name = &definition.name;
            let given = params.iter().find(|(given, _)| given == name);
            let given = match writer {
                Writer::Developer if definition.hidden || definition.read_only => None,
                _ => given.map(|(_, value)| value),
            };
            let value = match given {
                None => {
                    let kept = before.remove(name);
                    let is_open = !definition.hidden && !definition.read_only;
                    if kept.is_none()
                        && writer == Writer::Developer
                        && definition.required
                        && is_open
                    {
                        params.error(name, "can't be blank");
                    }
                    kept
                }
                Some(value) => match read(definition, value) {
                    Ok(value) => value,
                    Err(problem) => {
                        params.error(name, problem);
                        None
                    }
                },
            };
            if let Some(value) = value {
                values.insert(name.clone(), value);
            }
        }
        Value::Object(values).to_string()
    }

    /// What developers see of them: with these values, or as they sent them.
    #[must_use]
    pub fn shown(&self, values: &str, form: Option<&FormDrop>) -> Vec<FieldDrop> {
        let values: Map<String, Value> = serde_json::from_str(values).unwrap_or_default();
        let visible = self.0.iter().filter(|definition| !definition.hidden);
        visible
            .map(|definition| {
                let sent = form.and_then(|form| form.values.0.get(&definition.name));
                let problem = form.and_then(|form| form.errors.0.get(&definition.name));
                let kept = || values.get(&definition.name).map(shown).unwrap_or_default();
                FieldDrop {
                    name: definition.name.clone(),
                    label: definition.label.clone(),
                    is_required: definition.required,
                    is_read_only: definition.read_only,
                    choices: serde_json::from_str(&definition.choices).unwrap_or_default(),
                    value: sent
                        .filter(|_| !definition.read_only)
                        .cloned()
                        .unwrap_or_else(kept),
                    problem: problem.cloned(),
                }
            })
            .collect()
    }
}

/// Who fills fields in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Provider,
    Developer,
}

/// A value in a line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            items.join(", ")
        }
        other => other.to_string(),
    }
}

/// A text or a list of texts; none when it is blank.
fn read(definition: &FieldsDefinition, value: &Value) -> Result<Option<Value>, String> {
    let texts = match value {
        Value::Array(items) => items.iter().map(text).collect::<Option<Vec<_>>>(),
        value => text(value).map(|text| vec![text]),
    };
    let mut texts = texts.ok_or("must be a text or a list of texts")?;
    texts.retain(|text| !text.is_empty());
    if texts.is_empty() {
        return match definition.required {
            true => Err("can't be blank".into()),
            false => Ok(None),
        };
    }
    if texts.len() > MOST_ITEMS {
        return Err(format!("has too many items (maximum is {MOST_ITEMS})"));
    }
    if texts.iter().any(|text| text.chars().count() > CHARS) {
        return Err(format!("is too long (maximum is {CHARS} characters)"));
    }
    let choices: Vec<String> = serde_json::from_str(&definition.choices).unwrap_or_default();
    if !choices.is_empty() && texts.iter().any(|text| !choices.contains(text)) {
        return Err(format!("must be one of {}", choices.join(", ")));
    }
    Ok(Some(match value {
        Value::Array(_) => texts.into(),
        _ => texts.concat().into(),
    }))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
