//! `GET /docs/{system_name}`: a specification to read, and to try where the product it describes is served.
//!
//! Swagger UI takes the page over where there is JavaScript; without, there is a table of the calls.

use super::{ApiSpecDrop, credentials, served};
use crate::api_spec::{self, servers};
use crate::db::Tx;
use crate::error::Error;
use crate::portal::assets;
use crate::portal::form::Form;
use crate::portal::visitor::Visitor;
use crate::publish::Frozen;
use crate::store::active_docs::{self, ActiveDoc};
use crate::store::versions::ConfigRow;
use crate::store::{applications, versions};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tallygate_core::wire::CredentialsV1;

crate::drop! {
    /// A specification, to read and to try.
    pub struct SpecPage as "docs/show" {
        /// The specification.
        api_spec: ApiSpecDrop,
        /// The file itself.
        spec_url: String,
        /// Its calls, in short.
        operations: Vec<OperationDrop>,
        /// `ready`; else why nothing can be tried: `sign_in`, `not_served`.
        try_it: &'static str,
        /// Where calls go; blank unless the API is served.
        base_url: String,
        /// Where Swagger UI hands its calls; blank unless `try_it` is `ready`.
        relay_url: String,
        /// The developer's live applications of the API: the one whose credentials are filled in is chosen.
        applications: Vec<ChoiceDrop>,
        /// Whether its credentials are not kept here, so that the developer has to fill them in.
        credentials_are_hidden: bool,
        /// What Swagger UI fills in, as JSON.
        credentials: String,
        /// Swagger UI itself.
        swagger_ui: SwaggerUiDrop,
    }
}

crate::drop! {
    /// A call that a specification describes.
    pub struct OperationDrop as "operation" {
        /// The HTTP method.
        method: String,
        /// The path.
        path: String,
        /// What it does, in a sentence.
        summary: String,
    }
}

crate::drop! {
    /// An application whose credentials can be filled in.
    pub struct ChoiceDrop as "choice of application" {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
        /// Whether it is the one.
        is_chosen: bool,
    }
}

crate::drop! {
    /// Swagger UI's files.
    pub struct SwaggerUiDrop as "swagger_ui" {
        /// Its stylesheet.
        stylesheet: String,
        /// The program.
        script: String,
        /// What starts it in this page.
        start: String,
    }
}

/// A product that a specification describes, as production serves it.
#[derive(Debug)]
pub(super) struct Target {
    product_id: i64,
    /// Its public base URL.
    pub(super) endpoint: String,
    credentials: CredentialsV1,
}

/// Calls that are listed without Swagger UI.
const MOST_OPERATIONS: usize = 500;

/// `GET /docs/{system_name}`
///
/// # Errors
/// 404 when no such specification is published.
pub async fn page(
    visitor: Visitor,
    Path(system_name): Path<String>,
    mut form: Form,
) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let row = active_docs::published_by_name(&mut tx, &system_name).await?;
    let spec = read(&row);
    let target = target(&mut tx, &row, &spec).await?;
    let wanted = form.params.opt_id("application_id");
    let mut choices = Vec::new();
    let mut filled = None;
    if let (Some(account), Some(target)) = (visitor.account(), &target) {
        let own = applications::of_account(&mut tx, account.id).await?;
        choices = own
            .into_iter()
            .filter(|own| own.product_id == target.product_id && own.state == "live")
            .map(|own| ChoiceDrop {
                id: own.id,
                name: own.name,
                is_chosen: wanted == Some(own.id),
            })
            .collect::<Vec<_>>();
        if !choices.iter().any(|choice| choice.is_chosen)
            && let Some(first) = choices.first_mut()
        {
            first.is_chosen = true;
        }
        if let Some(chosen) = choices.iter().find(|choice| choice.is_chosen) {
            let config = &target.credentials;
            filled = credentials::of_application(&visitor.app, &mut tx, chosen.id, config).await?;
        }
    }
    drop(tx);
    let try_it = match (&target, visitor.user()) {
        (None, _) => "not_served",
        (Some(_), None) => "sign_in",
        (Some(_), Some(_)) => "ready",
    };
    let url = format!("/docs/{system_name}");
    let values = SpecPage {
        spec_url: format!("{url}/spec.json"),
        operations: operations(&spec),
        try_it,
        relay_url: match try_it {
            "ready" => format!("{url}/try"),
            _ => String::new(),
        },
        base_url: target.map(|target| target.endpoint).unwrap_or_default(),
        credentials_are_hidden: !choices.is_empty() && filled.is_none(),
        applications: choices,
        credentials: filled.map_or_else(|| "{}".into(), |filled| filled.reveal().to_owned()),
        swagger_ui: assets::swagger_ui(),
        api_spec: ApiSpecDrop {
            name: row.name.clone(),
            system_name,
            description: row.description,
            url,
        },
    };
    visitor.page("docs/show", &row.name, &values).await
}

/// `GET /docs/{system_name}/spec.json`: as it was uploaded, with calls that go to the gateway where there is one.
///
/// # Errors
/// 404 when no such specification is published.
pub async fn file(visitor: Visitor, Path(system_name): Path<String>) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let row = active_docs::published_by_name(&mut tx, &system_name).await?;
    let mut spec = read(&row);
    if let Some(target) = target(&mut tx, &row, &spec).await? {
        servers::lead_to(&mut spec, &target.endpoint);
    }
    Ok(Json(spec).into_response())
}

/// The product that a specification belongs to, or whose address it has among its servers, if production serves it.
pub(super) async fn target(
    tx: &mut Tx,
    row: &ActiveDoc,
    spec: &Value,
) -> Result<Option<Target>, Error> {
    if let Some(product_id) = row.product_id {
        let version = versions::current(tx, product_id, "production").await?;
        return Ok(version.as_ref().and_then(as_target));
    }
    let all = versions::current_of_all(tx, "production").await?;
    let mut targets = all.iter().filter_map(as_target);
    Ok(targets.find(|target| servers::leads_to(spec, &target.endpoint)))
}

fn as_target(version: &ConfigRow) -> Option<Target> {
    let frozen = Frozen::read(&version.content).ok()?;
    Some(Target {
        product_id: version.product_id,
        endpoint: served::endpoint(&version.content)?,
        credentials: frozen.production.credentials,
    })
}

/// What was uploaded was looked at then.
pub(super) fn read(row: &ActiveDoc) -> Value {
    api_spec::parse(&row.body).unwrap_or_default()
}

fn operations(spec: &Value) -> Vec<OperationDrop> {
    const METHODS: [&str; 8] = [
        "get", "post", "put", "patch", "delete", "head", "options", "trace",
    ];
    let paths = spec.get("paths").and_then(Value::as_object);
    paths
        .into_iter()
        .flatten()
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| {
                let operation = item.get(*method)?;
                let text = |name: &str| operation.get(name)?.as_str();
                Some(OperationDrop {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    summary: text("summary")
                        .or_else(|| text("description"))
                        .unwrap_or_default()
                        .to_owned(),
                })
            })
        })
        .take(MOST_OPERATIONS)
        .collect()
}
