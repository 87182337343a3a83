//! The developer side of the Account Management API: signup, accounts, users, applications, keys, gateways, settings.

mod accounts;
mod applications;
mod gateways;
mod hostile;
mod idempotency;
mod keys;
mod messages;
mod referrer_filters;
mod settings;
mod signup;
mod subscriptions;
mod users;

use crate::support::Test;
use crate::support::client::Reply;
use reqwest::Method;
use serde_json::{Value, json};
use tallygate::{on, run};

/// A product with two plans, made below the API so that these tests do not depend on it.
#[derive(Clone, Copy, Debug)]
struct Product {
    id: i64,
    /// Its default plan.
    bronze: i64,
    gold: i64,
}

/// What distinguishes products here.
#[derive(Clone, Copy, Debug)]
struct Kind {
    /// `1` for `user_key`, `2` for `app_id` and `app_key`.
    backend_version: &'static str,
    mandatory_app_key: bool,
    approval_required: bool,
    default_plan: bool,
}

const APP_ID: Kind = Kind {
    backend_version: "2",
    mandatory_app_key: true,
    approval_required: false,
    default_plan: true,
};
const USER_KEY: Kind = Kind {
    backend_version: "1",
    ..APP_ID
};

async fn product(t: &Test, name: &str, kind: Kind) -> Product {
    let mut tx = t.app.db.begin().await.unwrap();
    let revision = tx.next_revision().await.unwrap();
    let id: i64 = on!(tx, |c| sqlx::query_scalar(
        "insert into product (name, system_name, backend_version, mandatory_app_key, revision, created_at, updated_at)
         values ($1, $1, $2, $3, $4, 0, 0) returning id"
    )
    .bind(name)
    .bind(kind.backend_version)
    .bind(kind.mandatory_app_key)
    .bind(revision)
    .fetch_one(c))
    .unwrap();
    let mut plans = Vec::new();
    for (plan, is_default) in [("Bronze", kind.default_plan), ("Gold", false)] {
        let plan: i64 = on!(tx, |c| sqlx::query_scalar(
            "insert into plan (type, product_id, name, system_name, state, is_default, approval_required, created_at, updated_at)
             values ('application_plan', $1, $2, $2, 'published', $3, $4, 0, 0) returning id"
        )
        .bind(id)
        .bind(plan)
        .bind(is_default)
        .bind(kind.approval_required)
        .fetch_one(c))
        .unwrap();
        plans.push(plan);
    }
    run!(tx, |c| sqlx::query(
        "insert into plan (type, product_id, name, system_name, state, is_default, created_at, updated_at)
         values ('service_plan', $1, 'Default', 'default', 'published', true, 0, 0)"
    )
    .bind(id)
    .execute(c))
    .unwrap();
    tx.commit().await.unwrap();
    Product {
        id,
        bronze: plans[0],
        gold: plans[1],
    }
}

/// Signs somebody up, by JSON: the account as it is answered.
async fn signed_up(t: &Test, username: &str) -> Value {
    let body = json!({
        "org_name": format!("{username}'s"),
        "username": username,
        "email": format!("{username}@example.com"),
        "password": "correct horse",
    });
    t.json(Method::POST, "/admin/api/signup.json", &body)
        .await
        .expect(201)
        .at("/account")
}

/// The path of the first application of an account, and its id.
fn first_application(account: &Value) -> (String, i64) {
    let id = account
        .pointer("/applications/0/application/id")
        .unwrap()
        .as_i64()
        .unwrap();
    (
        format!("/admin/api/accounts/{}/applications/{id}", account["id"]),
        id,
    )
}

/// The newest revision.
async fn revision(t: &Test) -> i64 {
    t.app.db.revision().await.unwrap()
}

/// What gateways would be told of an application: its revision, and whether it may call.
async fn at_gateways(t: &Test, application: i64) -> (i64, bool) {
    on!(t.app.db, |c| sqlx::query_as::<_, (i64, bool)>(
        "select application.revision, application.state = 'live' and application.deleted_at is null
                and account.state = 'approved' and account.deleted_at is null
         from application join account on account.id = application.account_id where application.id = $1"
    )
    .bind(application)
    .fetch_one(c))
    .unwrap()
}

/// Rows in a table.
async fn count(t: &Test, table: &'static str) -> i64 {
    let sql = format!("select count(*) from {table}");
    on!(t.app.db, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .fetch_one(c))
    .unwrap()
}

async fn execute(t: &Test, sql: &'static str) {
    let mut tx = t.app.db.begin().await.unwrap();
    run!(tx, |c| sqlx::query(sql).execute(c)).unwrap();
    tx.commit().await.unwrap();
}

/// An answer one can compare: a line per element or field, random and passing things by kind.
fn redacted(t: &Test, reply: &Reply) -> String {
    let text = if reply.text.starts_with('<') {
        reply.text.replace("><", ">\n<")
    } else {
        serde_json::to_string_pretty(&reply.value()).unwrap()
    };
    let text = text.replace(&t.admin, "http://admin");
    let mut out = String::new();
    let mut word = String::new();
    for letter in text.chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | ':') {
            word.push(letter);
            continue;
        }
        let is_hex = word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        match word.len() {
            8 | 32 | 48 if is_hex => out.push_str(&format!("[{} hex]", word.len())),
            20 if word.ends_with('Z') && word.contains('T') => out.push_str("[time]"),
            _ => out.push_str(&word),
        }
        word.clear();
        out.push(letter);
    }
    out.trim_end().to_owned()
}
