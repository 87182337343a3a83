//! Every route of every surface, on one page.
//!
//! Two listeners: `admin` for providers, gateways and operators, `portal` for developers.

use crate::admin_api::authentication_providers::{Developers, ProviderUsers};
use crate::admin_api::{
    access_tokens, account_plan, account_plans, accounts, active_docs, alerts, application_plan,
    application_plans, applications, audit_log, cms, features, format, gateways, keys, limits,
    mail, mapping_rules, messages, metrics, objects, oidc, plan_change_requests, plan_features,
    pricing_rules, provider, provider_users, proxy, proxy_configs, referrer_filters,
    service_gateways, service_plans, service_subscriptions, services, settings, signup, users,
    webhooks, writes,
};
use crate::admin_api::{
    authentication_providers, fields_definitions, notification_preferences, sso_tokens,
};
use crate::admin_api::{backend_apis, backend_usages};
use crate::admin_api::{gateway_files, service_tokens};
use crate::admin_api::{integration, lifecycle};
use crate::agent_api;
use crate::app::App;
use crate::body_limit;
use crate::error::Error;
use crate::{gateway_api, openapi, ops, portal, stats};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

/// The longest a request may take; long polls last 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The admin listener.
pub fn admin(app: &App) -> Router {
    let around_writes = writes::Around::new(app, account_management().with_state(app.clone()));
    let account_management =
        account_management().layer(from_fn_with_state(around_writes, writes::around));
    let routes = Router::new()
        .merge(account_management)
        .merge(stats())
        .merge(gateway_api())
        .merge(agent_api())
        .merge(operations())
        .fallback(async || Error::NotFound)
        .with_state(app.clone());
    // Outside the router, because it changes the path that the router sees.
    Router::new()
        .fallback_service(layered(routes, app))
        .layer(from_fn(format::negotiate))
}

/// The portal's listener.
pub fn portal(app: &App) -> Router {
    let routes = Router::new()
        .merge(portal_public())
        .merge(portal_members())
        .fallback(portal::content::at_path)
        .layer(from_fn_with_state(app.clone(), portal::audit::around))
        .with_state(app.clone());
    let pages = Router::new()
        .fallback_service(layered(routes, app))
        .layer(from_fn_with_state(app.clone(), portal::guard))
        .layer(from_fn_with_state(app.clone(), portal::as_page));
    Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/assets/{file}", get(portal::asset))
        .with_state(app.clone())
        .fallback_service(pages)
}

/// Pages for everybody.
#[rustfmt::skip]
fn portal_public() -> Router<App> {
    Router::new()
        .route("/", get(portal::home::home))
        .route("/docs", get(portal::docs::docs))
        .route("/plans", get(portal::plans::plans))
        .route("/docs/{system_name}", get(portal::docs::spec::page))
        .route("/docs/{system_name}/spec.json", get(portal::docs::spec::file))
        .route("/docs/{system_name}/try", post(portal::docs::relay::relay))
        .route("/login", get(portal::login::show))
        .route("/stories", get(portal::content::stories))
        .route("/preview/end", get(portal::preview::end))
        .route("/preview/{token}", get(portal::preview::begin))
        .route("/signup", get(portal::signup::show).post(portal::signup::sign_up))
        .route("/signup/success", get(portal::signup::success))
        .route("/signup/{token}", get(portal::invitations::show).post(portal::invitations::accept))
        .route("/activate/{token}", get(portal::activation::show).post(portal::activation::activate))
        .route("/admin/account/password/new", get(portal::lost_password::show))
        .route("/admin/account/password", get(portal::lost_password::show).post(portal::lost_password::ask))
        .route("/admin/account/password/{token}", get(portal::lost_password::choose).post(portal::lost_password::change))
        .route("/session", post(portal::login::sign_in))
        .route("/session/create", get(portal::sso::follow))
        .route("/auth/{system_name}", get(portal::auth::begin))
        .route("/auth/{system_name}/callback", get(portal::auth::callback))
        .route("/logout", post(portal::login::sign_out))
        .route("/terms", get(portal::legal::terms))
        .route("/privacy", get(portal::legal::privacy))
}

/// Pages for those who signed in.
#[rustfmt::skip]
fn portal_members() -> Router<App> {
    Router::new()
        .route("/admin", get(portal::dashboard::show))
        .route("/admin/account", get(portal::account::show).post(portal::account::update))
        .route("/admin/account/edit", get(portal::account::edit))
        .route("/admin/account/users", get(portal::account_users::index))
        .route("/admin/account/users/{id}", post(portal::account_users::update))
        .route("/admin/account/users/{id}/delete", post(portal::account_users::delete))
        .route("/admin/account/invitations", get(portal::invitations::index).post(portal::invitations::send))
        .route("/admin/account/invitations/new", get(portal::invitations::index))
        .route("/admin/account/invitations/{id}/resend", post(portal::invitations::resend))
        .route("/admin/account/invitations/{id}/delete", post(portal::invitations::withdraw))
        .route("/admin/account/personal_details", get(portal::personal::show).post(portal::personal::update))
        .route("/admin/account/personal_details/password", post(portal::personal::change_password))
        .route("/admin/account/sessions/{id}/end", post(portal::personal::end_session))
        .route("/admin/account/sessions/end_others", post(portal::personal::end_other_sessions))
        .route("/admin/messages", get(portal::messages::index))
        .route("/admin/messages/received", get(portal::messages::index))
        .route("/admin/applications", get(portal::applications::list::index).post(portal::applications::make::create))
        .route("/admin/applications/new", get(portal::applications::make::new))
        .route("/admin/applications/{id}", get(portal::applications::show::show).post(portal::applications::edit::update))
        .route("/admin/applications/{id}/edit", get(portal::applications::edit::edit))
        .route("/admin/applications/{id}/delete", post(portal::applications::edit::delete))
        .route("/admin/applications/{id}/plan", get(portal::applications::plan::show).post(portal::applications::plan::change))
        .route("/admin/applications/{id}/plan/cancel", post(portal::applications::plan::cancel))
        .route("/admin/applications/{id}/keys", post(portal::applications::keys::add))
        .route("/admin/applications/{id}/keys/{key}/label", post(portal::applications::keys::label))
        .route("/admin/applications/{id}/keys/{key}/rotate", post(portal::applications::keys::rotate))
        .route("/admin/applications/{id}/keys/{key}/delete", post(portal::applications::keys::delete))
        .route("/admin/applications/{id}/user_key", post(portal::applications::keys::regenerate))
        .route("/admin/applications/{id}/referrer_filters", post(portal::applications::referrers::add))
        .route("/admin/applications/{id}/referrer_filters/{filter_id}/delete", post(portal::applications::referrers::delete))
        .route("/admin/alerts", get(portal::alerts::list))
        .route("/admin/alerts/mails", post(portal::alerts::choose))
        .route("/admin/alerts/read_all", post(portal::alerts::read_all))
        .route("/admin/alerts/{id}/read", post(portal::alerts::read))
        .route("/buyer/stats", get(portal::usage::show))
        .route("/buyer/stats.csv", get(portal::usage::download))
}

/// The Account Management API, paths without `.xml` and `.json`.
fn account_management() -> Router<App> {
    Router::new()
        .merge(products())
        .merge(backends())
        .merge(configurations())
        .merge(plans())
        .merge(plan_features())
        .merge(developers())
        .merge(applications())
        .merge(gateways())
        .merge(provider())
        .merge(provider_people())
        .merge(content())
}

/// Products, their metrics, and the draft of what gateways follow.
#[rustfmt::skip]
fn products() -> Router<App> {
    Router::new()
        .route("/admin/api/services", get(services::list).post(services::create))
        .route("/admin/api/services/{service_id}", get(services::show).put(services::update).patch(services::update).delete(services::delete))
        .route("/admin/api/services/{service_id}/metrics", get(metrics::list).post(metrics::create))
        .route("/admin/api/services/{service_id}/metrics/{metric_id}", get(metrics::show).put(metrics::update).patch(metrics::update).delete(metrics::delete))
        .route("/admin/api/services/{service_id}/metrics/{metric_id}/methods", get(metrics::list_methods).post(metrics::create_method))
        .route("/admin/api/services/{service_id}/metrics/{metric_id}/methods/{method_id}", get(metrics::show_method).put(metrics::update_method).patch(metrics::update_method).delete(metrics::delete_method))
        .route("/admin/api/services/{service_id}/proxy", get(proxy::show).patch(proxy::update).put(proxy::update))
        .route("/admin/api/services/{service_id}/proxy/oidc_configuration", get(oidc::show).patch(oidc::update).put(oidc::update))
        .route("/admin/api/services/{service_id}/proxy/mapping_rules", get(mapping_rules::list).post(mapping_rules::create))
        .route("/admin/api/services/{service_id}/proxy/mapping_rules/{rule_id}", get(mapping_rules::show).patch(mapping_rules::update).put(mapping_rules::update).delete(mapping_rules::delete))
}

/// Backends, and which of them a product uses.
#[rustfmt::skip]
fn backends() -> Router<App> {
    Router::new()
        .route("/admin/api/backend_apis", get(backend_apis::list).post(backend_apis::create))
        .route("/admin/api/backend_apis/{backend_api_id}", get(backend_apis::show).put(backend_apis::update).patch(backend_apis::update).delete(backend_apis::delete))
        .route("/admin/api/backend_apis/{backend_api_id}/metrics", get(metrics::list).post(metrics::create))
        .route("/admin/api/backend_apis/{backend_api_id}/metrics/{metric_id}", get(metrics::show).put(metrics::update).patch(metrics::update).delete(metrics::delete))
        .route("/admin/api/backend_apis/{backend_api_id}/metrics/{metric_id}/methods", get(metrics::list_methods).post(metrics::create_method))
        .route("/admin/api/backend_apis/{backend_api_id}/metrics/{metric_id}/methods/{method_id}", get(metrics::show_method).put(metrics::update_method).patch(metrics::update_method).delete(metrics::delete_method))
        .route("/admin/api/backend_apis/{backend_api_id}/mapping_rules", get(mapping_rules::list).post(mapping_rules::create))
        .route("/admin/api/backend_apis/{backend_api_id}/mapping_rules/{rule_id}", get(mapping_rules::show).put(mapping_rules::update).patch(mapping_rules::update).delete(mapping_rules::delete))
        .route("/admin/api/services/{service_id}/backend_usages", get(backend_usages::list).post(backend_usages::create))
        .route("/admin/api/services/{service_id}/backend_usages/{usage_id}", get(backend_usages::show).put(backend_usages::update).patch(backend_usages::update).delete(backend_usages::delete))
}

/// What is frozen, and which version an environment follows.
#[rustfmt::skip]
fn configurations() -> Router<App> {
    Router::new()
        .route("/admin/api/services/{service_id}/proxy/deploy", post(proxy::deploy))
        .route("/admin/api/services/{service_id}/proxy/test", post(integration::test))
        .route("/admin/api/services/{service_id}/proxy/diff", get(lifecycle::show_diff))
        .route("/admin/api/services/{service_id}/proxy/configs/{environment}/gateway/envoy.yaml", get(gateway_files::envoy).post(gateway_files::make_envoy))
        .route("/admin/api/services/{service_id}/proxy/configs/{environment}/gateway/filter", get(gateway_files::filter).post(gateway_files::make_filter))
        .route("/admin/api/services/{service_id}/proxy/configs/{environment}/gateway/istio.yaml", get(gateway_files::istio).post(gateway_files::make_istio))
        .route("/admin/api/services/{service_id}/proxy/configs/{environment}", get(proxy_configs::list))
        .route("/admin/api/services/{service_id}/proxy/configs/{environment}/latest", get(proxy_configs::latest))
        .route("/admin/api/services/{service_id}/proxy/configs/{environment}/{version}", get(proxy_configs::show))
        .route("/admin/api/services/{service_id}/proxy/configs/{environment}/{version}/promote", post(proxy_configs::promote))
        .route("/admin/api/services/{service_id}/proxy/configs/{environment}/rollback", post(lifecycle::rollback))
        .route("/admin/api/account/proxy_configs/{environment}", get(proxy_configs::list_all))
}

/// Plans, their limits and what they cost.
#[rustfmt::skip]
fn plans() -> Router<App> {
    Router::new()
        .route("/admin/api/account_plans", get(account_plans::list).post(account_plans::create))
        .route("/admin/api/account_plans/{plan_id}", get(account_plans::show).put(account_plans::update).patch(account_plans::update).delete(account_plans::delete))
        .route("/admin/api/account_plans/{plan_id}/default", put(account_plans::make_default))
        .route("/admin/api/services/{service_id}/service_plans", get(service_plans::list).post(service_plans::create))
        .route("/admin/api/services/{service_id}/service_plans/{plan_id}", get(service_plans::show).put(service_plans::update).patch(service_plans::update).delete(service_plans::delete))
        .route("/admin/api/services/{service_id}/service_plans/{plan_id}/default", put(service_plans::make_default))
        .route("/admin/api/service_plans", get(service_plans::list_all))
        .route("/admin/api/services/{service_id}/application_plans", get(application_plans::list).post(application_plans::create))
        .route("/admin/api/services/{service_id}/application_plans/{plan_id}", get(application_plans::show).put(application_plans::update).patch(application_plans::update).delete(application_plans::delete))
        .route("/admin/api/services/{service_id}/application_plans/{plan_id}/default", put(application_plans::make_default))
        .route("/admin/api/application_plans", get(application_plans::list_all))
        .route("/admin/api/application_plans/{plan_id}/limits", get(limits::list_all))
        .route("/admin/api/application_plans/{plan_id}/metrics/{metric_id}/limits", get(limits::list).post(limits::create))
        .route("/admin/api/application_plans/{plan_id}/metrics/{metric_id}/limits/{limit_id}", get(limits::show).put(limits::update).patch(limits::update).delete(limits::delete))
        .route("/admin/api/application_plans/{plan_id}/pricing_rules", get(pricing_rules::list_all))
        .route("/admin/api/application_plans/{plan_id}/metrics/{metric_id}/pricing_rules", get(pricing_rules::list).post(pricing_rules::create))
        .route("/admin/api/application_plans/{plan_id}/metrics/{metric_id}/pricing_rules/{rule_id}", get(pricing_rules::show).delete(pricing_rules::delete))
}

/// Features, and which plans have them.
#[rustfmt::skip]
fn plan_features() -> Router<App> {
    Router::new()
        .route("/admin/api/features", get(features::list_own).post(features::create_own))
        .route("/admin/api/features/{feature_id}", get(features::show_own).put(features::update_own).patch(features::update_own).delete(features::delete_own))
        .route("/admin/api/services/{service_id}/features", get(features::list).post(features::create))
        .route("/admin/api/services/{service_id}/features/{feature_id}", get(features::show).put(features::update).patch(features::update).delete(features::delete))
        .route("/admin/api/application_plans/{plan_id}/features", get(plan_features::list_of_application_plan).post(plan_features::add_to_application_plan))
        .route("/admin/api/application_plans/{plan_id}/features/{feature_id}", delete(plan_features::remove_from_application_plan))
        .route("/admin/api/service_plans/{plan_id}/features", get(plan_features::list_of_service_plan).post(plan_features::add_to_service_plan))
        .route("/admin/api/service_plans/{plan_id}/features/{feature_id}", delete(plan_features::remove_from_service_plan))
        .route("/admin/api/account_plans/{plan_id}/features", get(plan_features::list_of_account_plan).post(plan_features::add_to_account_plan))
        .route("/admin/api/account_plans/{plan_id}/features/{feature_id}", delete(plan_features::remove_from_account_plan))
}

/// Developer accounts, their users and applications.
#[rustfmt::skip]
fn developers() -> Router<App> {
    Router::new()
        .route("/admin/api/signup", post(signup::create))
        .route("/admin/api/accounts", get(accounts::index))
        .route("/admin/api/accounts/find", get(accounts::find))
        .route("/admin/api/accounts/{account_id}", get(accounts::show).put(accounts::update).delete(accounts::delete))
        .route("/admin/api/accounts/{account_id}/approve", put(accounts::approve))
        .route("/admin/api/accounts/{account_id}/reject", put(accounts::reject))
        .route("/admin/api/accounts/{account_id}/make_pending", put(accounts::make_pending))
        .route("/admin/api/accounts/{account_id}/suspend", put(accounts::suspend))
        .route("/admin/api/accounts/{account_id}/resume", put(accounts::resume))
        .route("/admin/api/accounts/{account_id}/change_plan", put(account_plan::change))
        .route("/admin/api/accounts/{account_id}/plan", get(account_plan::show))
        .route("/admin/api/accounts/{account_id}/messages", post(messages::create))
        .route("/admin/api/accounts/{account_id}/service_subscriptions", get(service_subscriptions::list).post(service_subscriptions::create))
        .route("/admin/api/accounts/{account_id}/service_subscriptions/{id}", get(service_subscriptions::show).delete(service_subscriptions::delete))
        .route("/admin/api/accounts/{account_id}/service_subscriptions/{id}/approve", put(service_subscriptions::approve))
        .route("/admin/api/accounts/{account_id}/service_subscriptions/{id}/change_plan", put(service_subscriptions::change_plan))
        .route("/admin/api/accounts/{account_id}/service_contracts", get(service_subscriptions::list_contracts))
        .route("/admin/api/accounts/{account_id}/service_contracts/{id}", delete(service_subscriptions::delete))
        .route("/admin/api/accounts/{account_id}/users", get(users::index).post(users::create))
        .route("/admin/api/accounts/{account_id}/users/{id}", get(users::show).put(users::update).delete(users::delete))
        .route("/admin/api/accounts/{account_id}/users/{id}/activate", put(users::activate))
        .route("/admin/api/accounts/{account_id}/users/{id}/suspend", put(users::suspend))
        .route("/admin/api/accounts/{account_id}/users/{id}/unsuspend", put(users::unsuspend))
        .route("/admin/api/accounts/{account_id}/users/{id}/admin", put(users::admin))
        .route("/admin/api/accounts/{account_id}/users/{id}/member", put(users::member))
        .route("/admin/api/accounts/{account_id}/applications", get(applications::index).post(applications::create))
        .route("/admin/api/accounts/{account_id}/applications/find", get(applications::find_in_account))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}", get(applications::show).put(applications::update).delete(applications::delete))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/accept", put(applications::accept))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/suspend", put(applications::suspend))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/resume", put(applications::resume))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/change_plan", put(application_plan::change))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/plan_change_request", get(plan_change_requests::show).delete(plan_change_requests::delete))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/plan_change_request/accept", put(plan_change_requests::accept))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/customize_plan", put(application_plan::customize))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/decustomize_plan", put(application_plan::decustomize))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/alerts", get(alerts::index))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/alerts/read_all", put(alerts::read_all))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/alerts/{alert_id}/read", put(alerts::read))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/keys", get(keys::index).post(keys::create))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/keys/{key}", put(keys::update).delete(keys::delete))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/keys/{key}/rotate", post(keys::rotate))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/referrer_filters", get(referrer_filters::index).post(referrer_filters::create))
        .route("/admin/api/accounts/{account_id}/applications/{application_id}/referrer_filters/{id}", delete(referrer_filters::delete))
}

/// Applications of all accounts.
#[rustfmt::skip]
fn applications() -> Router<App> {
    Router::new()
        .route("/admin/api/applications", get(applications::index_all))
        .route("/admin/api/applications/find", get(applications::find_any))
        .route("/admin/api/plan_change_requests", get(plan_change_requests::index))
}

/// Gateways as providers see them.
#[rustfmt::skip]
fn gateways() -> Router<App> {
    Router::new()
        .route("/admin/api/services/{service_id}/gateways", get(service_gateways::index))
        .route("/admin/api/services/{service_id}/service_tokens", get(service_tokens::index).post(service_tokens::create))
        .route("/admin/api/services/{service_id}/service_tokens/{id}", get(service_tokens::show).delete(service_tokens::delete))
        .route("/admin/api/gateways", get(gateways::index).post(gateways::create))
        .route("/admin/api/gateways/{id}", get(gateways::show).delete(gateways::delete))
        .route("/admin/api/gateways/{id}/drain", post(gateways::drain))
        .route("/admin/api/gateways/{id}/write_off", post(gateways::write_off))
}

/// The provider itself.
#[rustfmt::skip]
fn provider() -> Router<App> {
    Router::new()
        .route("/admin/api/provider", get(provider::show).put(provider::update).patch(provider::update))
        .route("/admin/api/settings", get(settings::show).put(settings::update))
        .route("/admin/api/audit_log", get(audit_log::index))
        .route("/admin/api/fields_definitions", get(fields_definitions::index).post(fields_definitions::create))
        .route("/admin/api/fields_definitions/{id}", get(fields_definitions::show).put(fields_definitions::update).patch(fields_definitions::update).delete(fields_definitions::delete))
        .route("/admin/api/sso_tokens", post(sso_tokens::create))
        .route("/admin/api/webhooks", get(webhooks::show).put(webhooks::update))
        .route("/admin/api/webhooks/failures", get(webhooks::failures).delete(webhooks::delete_failures))
        .route("/admin/api/mail/failures", get(mail::failures).delete(mail::delete_failures))
        .route("/admin/api/mail/failures/retry", put(mail::retry))
        .route("/admin/api/alerts", get(alerts::index_all))
}

/// The provider's own people and their tokens.
#[rustfmt::skip]
fn provider_people() -> Router<App> {
    Router::new()
        .route("/admin/api/users", get(provider_users::index).post(provider_users::create))
        .route("/admin/api/users/{id}", get(provider_users::show).put(provider_users::update).patch(provider_users::update).delete(provider_users::delete))
        .route("/admin/api/users/{id}/activate", put(provider_users::activate))
        .route("/admin/api/users/{id}/suspend", put(provider_users::suspend))
        .route("/admin/api/users/{id}/unsuspend", put(provider_users::unsuspend))
        .route("/admin/api/users/{id}/admin", put(provider_users::admin))
        .route("/admin/api/users/{id}/member", put(provider_users::member))
        .route("/admin/api/users/{id}/permissions", get(provider_users::show_permissions).put(provider_users::update_permissions))
        .route("/admin/api/users/{user_id}/access_tokens", post(access_tokens::create_for_user))
        .route("/admin/api/personal/access_tokens", get(access_tokens::index).post(access_tokens::create))
        .route("/admin/api/personal/access_tokens/{id}", get(access_tokens::show).delete(access_tokens::delete))
        .route("/admin/api/personal/notification_preferences", get(notification_preferences::show).patch(notification_preferences::update).put(notification_preferences::update))
        .route("/admin/api/authentication_providers", get(authentication_providers::index::<Developers>).post(authentication_providers::create::<Developers>))
        .route("/admin/api/authentication_providers/{id}", get(authentication_providers::show::<Developers>).put(authentication_providers::update::<Developers>).patch(authentication_providers::update::<Developers>).delete(authentication_providers::delete::<Developers>))
        .route("/admin/api/account/authentication_providers", get(authentication_providers::index::<ProviderUsers>).post(authentication_providers::create::<ProviderUsers>))
        .route("/admin/api/account/authentication_providers/{id}", get(authentication_providers::show::<ProviderUsers>).put(authentication_providers::update::<ProviderUsers>).patch(authentication_providers::update::<ProviderUsers>).delete(authentication_providers::delete::<ProviderUsers>))
}

/// What developers read: specifications, and what the portal is made of.
#[rustfmt::skip]
fn content() -> Router<App> {
    Router::new()
        .route("/admin/api/active_docs", get(active_docs::list).post(active_docs::create))
        .route("/admin/api/active_docs/{id}", get(active_docs::show).put(active_docs::update).patch(active_docs::update).delete(active_docs::delete))
        .route("/admin/api/cms/templates", get(cms::templates::list).post(cms::templates::create))
        .route("/admin/api/cms/templates/{id}", get(cms::templates::show).put(cms::templates::update).patch(cms::templates::update).delete(cms::templates::delete))
        .route("/admin/api/cms/templates/{id}/publish", put(cms::templates::published::publish))
        .route("/admin/api/cms/templates/{id}/versions", get(cms::templates::published::versions))
        .route("/admin/api/cms/templates/{id}/revert", put(cms::templates::published::revert))
        .route("/admin/api/cms/templates/{id}/reset", put(cms::templates::published::reset))
        .route("/admin/api/cms/sections", get(cms::sections::list).post(cms::sections::create))
        .route("/admin/api/cms/sections/{id}", get(cms::sections::show).put(cms::sections::update).patch(cms::sections::update).delete(cms::sections::delete))
        .route("/admin/api/cms/previews", post(cms::previews::create))
        .route("/admin/api/cms/files", get(cms::files::list).post(cms::files::create))
        .route("/admin/api/cms/files/{id}", get(cms::files::show).put(cms::files::update).patch(cms::files::update).delete(cms::files::delete))
        .route("/admin/api/objects/status", get(objects::status))
}

/// The analytics API.
#[rustfmt::skip]
fn stats() -> Router<App> {
    Router::new()
        .route("/stats/services/{id}/usage", get(stats::of_service))
        .route("/stats/applications/{id}/usage", get(stats::of_application))
        .route("/stats/applications/{id}/traffic", get(stats::traffic::of_application))
        .route("/stats/backend_apis/{id}/usage", get(stats::of_backend))
}

/// What gateways call.
#[rustfmt::skip]
fn gateway_api() -> Router<App> {
    Router::new()
        .route("/gateway/v1/snapshot", get(gateway_api::snapshot::snapshot))
        .route("/gateway/v1/sync", post(gateway_api::sync::sync))
        .route("/gateway/v1/leases", post(gateway_api::leases::leases))
        .route("/gateway/v1/traffic", post(gateway_api::traffic::traffic))
}

/// What agents call that are not our gateways: 3scale's Service Management API, in XML alone.
#[rustfmt::skip]
fn agent_api() -> Router<App> {
    Router::new()
        .route("/transactions/authorize.xml", get(agent_api::authorize::authorize))
        .route("/transactions/authrep.xml", get(agent_api::authorize::authrep))
        .route("/transactions/oauth_authorize.xml", get(agent_api::authorize::oauth_authorize))
        .route("/transactions/oauth_authrep.xml", get(agent_api::authorize::oauth_authrep))
        .route("/transactions.xml", post(agent_api::report::report))
}

/// What operators call.
#[rustfmt::skip]
fn operations() -> Router<App> {
    Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/livez", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .route("/docs", get(openapi::ui::page))
        .route("/docs/openapi.json", get(openapi::ui::document))
        .route("/docs/{file}", get(openapi::ui::file))
}

fn layered(routes: Router, app: &App) -> Router {
    routes
        .method_not_allowed_fallback(async || {
            Error::Refused(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed".into())
        })
        .layer(CatchPanicLayer::new())
        .layer(from_fn(body_limit::read))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ))
        .layer(from_fn_with_state(app.clone(), ops::observe))
}
