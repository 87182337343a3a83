//! `/admin/api/users/{id}/permissions`: what a member may do.

use crate::admin_api::access::SECTIONS;
use crate::admin_api::auth::{Read, Write};
use crate::admin_api::format::{Answer, List, Node, Object};
use crate::admin_api::params::Params;
use crate::admin_api::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::store::products;
use crate::store::provider_users::{self as rows, ProviderUser};
use axum::extract::State;
use serde_json::Value;

/// Which products a member may reach, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    /// Nothing was said.
    Same,
    All,
    Only(Vec<i64>),
}

/// `GET /admin/api/users/{id}/permissions`
///
/// # Errors
/// See [`Error`].
pub async fn show_permissions(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let user = rows::get(&mut tx, id).await?;
    Ok(Answer::ok(shape(&app, &user)))
}

/// `PUT /admin/api/users/{id}/permissions`: `allowed_sections` and `allowed_service_ids`; what is given changes.
///
/// `allowed_service_ids` without a value gives all products, an empty list none.
///
/// # Errors
/// See [`Error`].
pub async fn update_permissions(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let sections = read_sections(&mut call.params);
    let asked = read_products(&mut call.params);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    rows::lock(&mut tx).await?;
    let user = rows::get(&mut tx, id).await?;
    if user.role == "admin" {
        return Err(Error::invalid(
            "role",
            "is admin, who may do everything: make the user a member first",
        ));
    }
    let product_ids = match asked {
        Asked::Same => user.product_ids,
        Asked::All => None,
        Asked::Only(mut ids) => {
            ids.sort_unstable();
            ids.dedup();
            for id in &ids {
                match products::get(&mut tx, *id).await {
                    Ok(_) => {}
                    Err(Error::NotFound) => {
                        let message = format!("names {id}, which is not the id of a product");
                        return Err(Error::invalid("allowed_service_ids", message));
                    }
                    Err(other) => return Err(other),
                }
            }
            Some(Value::from(ids).to_string())
        }
    };
    let sections = sections.map_or(user.sections, |list| Value::from(list).to_string());
    rows::set_permissions(&mut tx, id, &sections, product_ids.as_deref()).await?;
    let user = rows::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(shape(&app, &user)))
}

/// More products than anybody names one by one.
const MOST_IDS: usize = 1000;

/// In 3scale's words an empty list is `[]` or blank.
fn items(value: &Value) -> Option<Vec<String>> {
    let texts: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(text) => Some(text.trim().to_owned()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect::<Option<_>>()?,
        Value::String(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        Value::Number(number) => vec![number.to_string()],
        _ => return None,
    };
    let is_item = |text: &String| !text.is_empty() && text != "[]";
    Some(texts.into_iter().filter(is_item).collect())
}

fn read_sections(params: &mut Params) -> Option<Vec<String>> {
    let given = items(params.value("allowed_sections")?);
    let mut sections = match given {
        Some(given) if given.iter().all(|one| SECTIONS.contains(&one.as_str())) => given,
        _ => {
            let message = format!("must be a list of {}", SECTIONS.join(", "));
            params.error("allowed_sections", message);
            return None;
        }
    };
    sections.sort_unstable();
    sections.dedup();
    Some(sections)
}

fn read_products(params: &mut Params) -> Asked {
    let value = match params.value("allowed_service_ids") {
        None => return Asked::Same,
        Some(Value::Null) => return Asked::All,
        Some(Value::String(text)) if text.trim().is_empty() => return Asked::All,
        Some(value) => value,
    };
    let ids: Option<Vec<i64>> = items(value)
        .filter(|items| items.len() <= MOST_IDS)
        .and_then(|items| items.iter().map(|item| item.parse().ok()).collect());
    match ids {
        Some(ids) => Asked::Only(ids),
        None => {
            let message = format!("must be a list of at most {MOST_IDS} ids of products");
            params.error("allowed_service_ids", message);
            Asked::Same
        }
    }
}

fn shape(app: &App, user: &ProviderUser) -> Object {
    let is_admin = user.role == "admin";
    let mut sections: Vec<String> = if is_admin {
        SECTIONS
            .iter()
            .map(|section| (*section).to_owned())
            .collect()
    } else {
        serde_json::from_str(&user.sections).unwrap_or_default()
    };
    sections.sort_unstable();
    let product_ids = user.product_ids.as_ref().filter(|_| !is_admin);
    let product_ids: Option<Vec<i64>> =
        product_ids.map(|ids| serde_json::from_str(ids).unwrap_or_default());
    let object = Object::new("permissions")
        .with("user_id", user.id)
        .with("role", &user.role)
        .with(
            "allowed_sections",
            List::new("allowed_sections", "allowed_section", sections).unwrapped(),
        );
    let object = match product_ids {
        Some(ids) => object.with(
            "allowed_service_ids",
            List::new("allowed_service_ids", "allowed_service_id", ids).unwrapped(),
        ),
        // In XML it is not there at all.
        None => object.json("allowed_service_ids", Node::Null),
    };
    let link = format!("{}/admin/api/users/{}", app.config.admin_url, user.id);
    object.links([("user", link)])
}
