//! Between draft, staging and production: what differs (`…/proxy/diff`), and back in one call (`…/rollback`).

use super::auth::{Read, Write};
use super::format::{Answer, List, Object};
use super::params::Params;
use super::path::{Ids, Segments};
use super::proxy_configs::{product_and_environment, proxy_config};
use crate::app::App;
use crate::error::Error;
use crate::promote::diff::{Diff, Side};
use crate::promote::{self, diff};
use crate::store::{products, versions};
use axum::extract::State;
use axum::http::StatusCode;

/// `GET …/proxy/diff`: what deploying would change in staging, or what differs between any two of draft, sandbox,
/// production and versions by number (`from`, `to`).
///
/// # Errors
/// See [`Error`].
pub async fn show_diff(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    let from = side(&mut call.params, "from", "sandbox");
    let to = side(&mut call.params, "to", "draft");
    call.params.check()?;
    let mut tx = app.db.read().await?;
    let product = products::get(&mut tx, product_id).await?;
    for (field, (_, side)) in [("from", &from), ("to", &to)] {
        if let Side::Version(version) = side
            && versions::content(&mut tx, product_id, *version)
                .await
                .is_err()
        {
            return Err(Error::invalid(field, "is no version of this product"));
        }
    }
    let found = diff::diff(&app, &mut tx, &product, from.1, to.1).await?;
    Ok(Answer::ok(shown(&from.0, &to.0, found)))
}

/// `POST …/proxy/configs/{environment}/rollback`: the environment follows the version before, the newest that it ever
/// followed below the one it follows now; or `version`, one that it followed once.
///
/// # Errors
/// See [`Error`].
pub async fn rollback(
    State(app): State<App>,
    segments: Segments,
    mut call: Write,
) -> Result<Answer, Error> {
    let (product_id, environment) = product_and_environment(&segments)?;
    let version = call.params.opt_int("version", 1, i64::MAX);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    let outcome = promote::rollback(&mut tx, product_id, environment, version).await?;
    let row = versions::get(
        &mut tx,
        product_id,
        environment.of_configs(),
        outcome.version,
    )
    .await?;
    let node = proxy_config(&app, &mut tx, &row).await?;
    tx.commit().await?;
    Ok(if outcome.changed {
        Answer::ok(node).with_status(StatusCode::CREATED)
    } else {
        Answer::ok(node)
    })
}

fn side(params: &mut Params, name: &str, default: &str) -> (String, Side) {
    let text = params
        .opt_text(name, 20)
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| default.into());
    match Side::parse(&text) {
        Some(side) => (text, side),
        None => {
            params.error(
                name,
                "must be draft, sandbox, production or a version's number",
            );
            (text, Side::Draft)
        }
    }
}

fn shown(from: &str, to: &str, found: Diff) -> Object {
    let side = |name: &str, version: Option<i64>| {
        Object::new("side")
            .with("name", name)
            .with("version", version)
    };
    let same = found.changes.is_empty();
    let changes = found.changes.into_iter().map(|change| {
        Object::new("change")
            .with("path", &change.path)
            .with("kind", change.kind)
            .with("from", change.from)
            .with("to", change.to)
            .with("text", &change.text)
    });
    Object::new("diff")
        .with("from", side(from, found.from))
        .with("to", side(to, found.to))
        .with("same", same)
        .with("changes", List::new("changes", "change", changes))
}
