//! `/admin/api/services/{id}/gateways`: who holds how much of a product's credit, and what came of it.

use super::auth::Read;
use super::format::{Answer, List, Object, timestamp};
use super::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::leases::fleet::{Fleet, Standing};
use crate::store::gateways;
use crate::store::products;
use axum::extract::State;

/// `GET /admin/api/services/{id}/gateways`: all gateways, also those that were removed and hold something still.
///
/// # Errors
/// See [`Error`].
pub async fn index(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let now_ms = app.db.now_ms().await?;
    let mut tx = app.db.read().await?;
    products::get(&mut tx, id).await?;
    let fleet = Fleet::read(&mut tx, now_ms, Some(id)).await?;
    let all = gateways::all_ever(&mut tx).await?;
    let shown = all
        .iter()
        .filter(|gateway| !gateway.is_removed || fleet.gateway(gateway.id).leases > 0)
        .map(|gateway| {
            let silent_secs = gateway
                .last_seen_at
                .map(|seen_at| (now_ms - seen_at).max(0) / 1000);
            let object = Object::new("gateway")
                .with("id", gateway.id)
                .with("name", &gateway.name)
                .with("environment", &gateway.environment)
                .with("removed", gateway.is_removed)
                .with("last_seen_at", gateway.last_seen_at.map(timestamp))
                .with("last_seen_secs_ago", silent_secs)
                .with("live", fleet.live.contains(&gateway.id));
            with_standing(object, &fleet.gateway(gateway.id))
        });
    let totals = with_standing(Object::new("totals"), &fleet.totals());
    Ok(Answer::ok(
        List::new("gateways", "gateway", shown).beside(totals),
    ))
}

fn with_standing(object: Object, standing: &Standing) -> Object {
    object
        .with("credit_held", standing.credit_held)
        .with("leases", standing.leases)
        .with("recalls", standing.recalls)
        .with("unaccounted", standing.unaccounted)
        .with("admitted", standing.admitted)
        .with("waited", standing.waited)
        .with("callouts", standing.callouts)
        .with("callouts_per_request", standing.callouts_per_request())
        .with("overdraft", standing.overdraft)
}
