//! `/admin/api/gateways`: which Envoys may ask for snapshots, and how they are.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::leases::fleet::{Fleet, Standing};
use crate::secrets::{self, Secret};
use crate::store::gateways::{self, Gateway};
use crate::store::leases::{self, drains, write_offs};
use crate::write_off;
use axum::extract::State;
use tallygate_core::lease::TTL_MS;

const ENVIRONMENTS: &[&str] = &["staging", "production"];

/// `GET /admin/api/gateways`
///
/// # Errors
/// See [`Error`].
pub async fn index(State(app): State<App>, _call: Read) -> Result<Answer, Error> {
    let now_ms = app.db.now_ms().await?;
    let mut tx = app.db.read().await?;
    let revision = gateways::revision(&mut tx).await?;
    let all = gateways::all(&mut tx).await?;
    let fleet = Fleet::read(&mut tx, now_ms, None).await?;
    let shown = all.iter().map(|gateway| {
        let object = object(gateway, revision, now_ms);
        with_credit(object, &fleet.gateway(gateway.id))
    });
    // With what removed gateways hold.
    let totals = with_credit(Object::new("totals"), &fleet.totals());
    Ok(Answer::ok(
        List::new("gateways", "gateway", shown).beside(totals),
    ))
}

/// `POST /admin/api/gateways`: the only answer that shows its token.
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let params = &mut call.params;
    let name = params.text("name", 255);
    let environment = params.opt_choice("environment", ENVIRONMENTS);
    if environment.is_none() && !params.is_noted("environment") {
        params.error("environment", "must be staging or production");
    }
    params.check()?;
    let token = secrets::new_gateway_token();
    let digest = secrets::token_digest(token.reveal());
    let mut tx = app.db.begin().await?;
    let now_ms = tx.now_ms().await?;
    let environment = environment.unwrap_or_default();
    let gateway = gateways::insert(&mut tx, &name, environment, &digest, now_ms).await?;
    let revision = gateways::revision(&mut tx).await?;
    tx.commit().await?;
    let id = gateway.id;
    Ok(Answer::created(
        with_token(object(&gateway, revision, now_ms), token),
        format!("/admin/api/gateways/{id}"),
    ))
}

/// `GET /admin/api/gateways/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, _call: Read) -> Result<Answer, Error> {
    let now_ms = app.db.now_ms().await?;
    let mut tx = app.db.read().await?;
    let gateway = gateways::get(&mut tx, id).await?;
    let revision = gateways::revision(&mut tx).await?;
    let fleet = Fleet::read(&mut tx, now_ms, None).await?;
    let object = object(&gateway, revision, now_ms);
    Ok(Answer::ok(with_credit(object, &fleet.gateway(id))))
}

/// `DELETE /admin/api/gateways/{id}`: its token stops working at once.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let now_ms = tx.now_ms().await?;
    gateways::delete(&mut tx, id, now_ms).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `POST /admin/api/gateways/{id}/drain`: its processes return the credit that they hold within about two seconds, and take
/// from then on only what their requests need. For a gateway that is about to be stopped; one that is started in its place is
/// not meant.
///
/// # Errors
/// See [`Error`].
pub async fn drain(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    gateways::get(&mut tx, id).await?;
    let since_ms = tx.now_ms().await? - leases::stored(TTL_MS);
    let epoch = leases::epoch(&mut tx).await?.epoch;
    let asked = drains::ask(&mut tx, epoch, id, since_ms).await?;
    tx.commit().await?;
    Ok(Answer::ok(
        Object::new("drain")
            .with("gateway_id", id)
            .with("instances", i64::try_from(asked).unwrap_or(i64::MAX)),
    ))
}

/// `POST /admin/api/gateways/{id}/write_off`: gives up the credit that is held by processes of this gateway which have not
/// been heard of for longer than credit lasts, so that others can be granted it within the window.
///
/// For a gateway that is dead for good, also one that was removed. What it spent and never reported is lost to limits
/// then, which may be passed by as much. If it comes back after all, what it reports is counted, `lease_anomalies` shows
/// that it was given up, and it returns the rest at once.
///
/// # Errors
/// See [`Error`].
pub async fn write_off(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    if !write_offs::gateway_exists(&mut tx, id).await? {
        return Err(Error::NotFound);
    }
    drop(tx);
    let done = write_off::write_off(&app.db, id).await?;
    Ok(Answer::ok(
        Object::new("write_off")
            .with("gateway_id", id)
            .with("instances", done.instances)
            .with("leases", done.leases)
            .with("credit", i64::try_from(done.credit).unwrap_or(i64::MAX)),
    ))
}

fn with_credit(object: Object, standing: &Standing) -> Object {
    object
        .with("credit_held", standing.credit_held)
        .with("unaccounted", standing.unaccounted)
}

fn with_token(object: Object, token: Secret) -> Object {
    object.with("token", token)
}

fn object(gateway: &Gateway, revision: i64, now_ms: i64) -> Object {
    let silent_secs = gateway
        .last_seen_at
        .map(|seen_at| (now_ms - seen_at).max(0) / 1000);
    let behind = gateway.revision_seen.map(|seen| (revision - seen).max(0));
    Object::new("gateway")
        .with("id", gateway.id)
        .with("name", &gateway.name)
        .with("environment", &gateway.environment)
        .with("created_at", timestamp(gateway.created_at))
        .with("last_seen_at", gateway.last_seen_at.map(timestamp))
        .with("last_seen_secs_ago", silent_secs)
        .with("revision", revision)
        .with("revision_seen", gateway.revision_seen)
        .with("revisions_behind", behind)
        .with("batches_waiting", gateway.batches_waiting)
        .with("rejected_entries", gateway.rejected_entries)
        .with("filter_version", gateway.filter_version.as_ref())
}
