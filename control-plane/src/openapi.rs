//! The description of the API, generated from what is declared here: one declaration per operation.
//!
//! [`document()`] is an OpenAPI 3.1 document: `tallygate openapi` prints it, `docs/openapi.json` is its committed copy,
//! `/docs` on the admin listener shows it. The tests hold it against the router's page (both have the same
//! operations), against the parameters that handlers read, and against every JSON answer that any test gets.
//!
//! # How to declare an operation
//!
//! In the file of its resource, `openapi/<resource>.rs`, listed in [`tags`]:
//!
//! ```ignore
//! pub(super) fn tag() -> Tag {
//!     Tag::new("Metrics", "What a product counts.").at("/admin/api/services/{service_id}/metrics", [
//!         get("", "List").list("metrics", "metric", metric()),
//!         post("", "Make one").takes(params()).one("metric", metric()),             // 201; `.status(200)` for another
//!         put_patch("/{metric_id}", "Change it").takes(params()).one("metric", metric()),
//!         delete("/{metric_id}", "Delete it"),                                      // 200 without a body
//!     ])
//! }
//!
//! fn params() -> Vec<Field> {
//!     vec![text("friendly_name", "Mails sent").max(255).required().about("Its name for people"), int("position", 1).min(1)]
//! }
//!
//! fn metric() -> Shape {
//!     shape("Metric", [int("id", 7), text("name", "mails_sent"), int("parent_id", 3).maybe(), time("created_at"), links()])
//! }
//! ```
//!
//! * Paths are the router's, without `.xml` and `.json`. Path parameters are ids unless
//!   [`segment`](Operation::segment) says otherwise.
//! * The second argument of every field is an example; examples of whole bodies and answers are put together from them.
//! * Parameters may be left out unless `.required()`. Reads take them in the query, writes in the body.
//! * Fields of answers are always there unless `.maybe()`, and not null unless `.or_null()`. An answer with a field
//!   that is not declared fails the tests. Declare what JSON shows; XML is text here.
//! * `.paged_list(…)` is a list with `page`, `per_page` and the metadata. `.scope("cms")` names another scope than the
//!   path's; `.raw("application/yaml", "…")` an answer that has one form only; `.only(Form::Xml)` a call with one form.
//! * Parameters that a handler reads and the operation does not declare fail the tests, answers likewise: run the
//!   route tests of the resource after declaring it.
//! * Every operation has the statuses of
//!   [`REFUSALS`]; `.also(202)` adds another that has the same body as the usual one.

pub mod compare;
mod document;
mod field;
mod operation;
mod refusals;
pub mod ui;

// Declarations are tables, one operation or a few fields per line.
#[rustfmt::skip]
mod accounts;
#[rustfmt::skip]
mod application_plans;
#[rustfmt::skip]
mod applications;
#[rustfmt::skip]
mod audit_log;
#[rustfmt::skip]
mod backends;
#[rustfmt::skip]
mod gateways;
#[rustfmt::skip]
mod mapping_rules;
#[rustfmt::skip]
mod integration;
#[rustfmt::skip]
mod lifecycle;
mod content;
#[rustfmt::skip]
mod metrics;
#[rustfmt::skip]
mod gateway_files;
#[rustfmt::skip]
mod people;
#[rustfmt::skip]
mod plan_kinds;
#[rustfmt::skip]
mod pricing_rules;
#[rustfmt::skip]
mod provider;
#[rustfmt::skip]
mod proxy;
#[rustfmt::skip]
mod service_tokens;
#[rustfmt::skip]
mod services;
#[rustfmt::skip]
mod sign_in;
#[rustfmt::skip]
mod stats;
#[rustfmt::skip]
mod subscriptions;
#[rustfmt::skip]
mod transactions;
#[rustfmt::skip]
mod webhooks;

pub use document::document;
pub use field::{
    Field, Shape, any, choice, flag, id, int, links, list_of, number, object, several, shape, text,
    texts, time,
};
pub use operation::{Form, Operation, Tag, delete, get, patch, post, put, put_patch};
pub use refusals::REFUSALS;

/// Every operation, by subject.
#[must_use]
pub fn tags() -> Vec<Tag> {
    vec![
        services::tag(),
        metrics::tag(),
        mapping_rules::tag(),
        backends::tag(),
        proxy::tag(),
        lifecycle::tag(),
        integration::tag(),
        application_plans::tag(),
        pricing_rules::tag(),
        plan_kinds::product_features(),
        plan_kinds::service_plans(),
        plan_kinds::account_plans(),
        audit_log::tag(),
        webhooks::webhooks(),
        webhooks::mail(),
        webhooks::alerts(),
        accounts::tag(),
        subscriptions::tag(),
        applications::tag(),
        gateways::tag(),
        gateway_files::tag(),
        service_tokens::tag(),
        provider::tag(),
        people::users(),
        people::personal(),
        sign_in::fields(),
        sign_in::sso_tokens(),
        sign_in::developers(),
        sign_in::provider_users(),
        stats::tag(),
        content::active_docs(),
        content::templates(),
        content::previews(),
        content::sections(),
        content::files(),
        content::objects(),
        transactions::tag(),
    ]
}
