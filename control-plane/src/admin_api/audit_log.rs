//! `/admin/api/audit_log`: who wrote what, and what it was before and after.

use super::auth::Read;
use super::format::{Answer, List, Node, Object, timestamp};
use super::page::Page;
use super::params::Params;
use crate::app::App;
use crate::error::Error;
use crate::store::audit::{self, Entry, Filter};
use axum::extract::State;

const METHODS: &[&str] = &["POST", "PUT", "PATCH", "DELETE"];
const CALLERS: &[&str] = &["provider_key", "access_token", "developer"];

/// `GET /admin/api/audit_log`: the newest first; `since`, `until`, `caller`, `token_id`, `user_id`, `account_user_id`, `method` and `path` narrow it.
///
/// # Errors
/// See [`Error`].
pub async fn index(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let params = &mut call.params;
    let page = Page::from_params(params)?;
    let since = params.opt_time("since");
    let until = params.opt_time("until");
    let caller = params.opt_choice("caller", CALLERS);
    let token_id = params.opt_id("token_id");
    let user_id = params.opt_id("user_id");
    let account_user_id = params.opt_id("account_user_id");
    let method = params.opt_choice("method", METHODS);
    let path = path(params);
    params.check()?;
    let filter = Filter {
        since,
        until,
        token_id,
        user_id,
        account_user_id,
        caller,
        method,
        path: path.as_deref(),
    };
    let mut tx = app.db.read().await?;
    let (entries, total) = audit::page(&mut tx, filter, page).await?;
    let items = entries.iter().map(entry);
    Ok(Answer::ok(
        List::new("audit_log", "entry", items).paged(page.of(total)),
    ))
}

/// A path of the API, with or without an extension.
fn path(params: &mut Params) -> Option<String> {
    let path = params.opt_filled("path", 1000)?;
    let path = path
        .strip_suffix(".json")
        .or_else(|| path.strip_suffix(".xml"))
        .unwrap_or(&path);
    Some(path.trim_end_matches('/').to_owned())
}

fn entry(entry: &Entry) -> Object {
    let caller = Object::new("caller")
        .with("type", &entry.caller)
        .with("token_id", entry.token_id)
        .with(
            "token_name",
            entry.token_id.map(|_| entry.token_name.as_str()),
        )
        .with("user_id", entry.user_id)
        .with("account_user_id", entry.account_user_id)
        .with(
            "username",
            (entry.user_id.or(entry.account_user_id)).map(|_| entry.username.as_str()),
        );
    Object::new("entry")
        .with("id", entry.id)
        .with("created_at", timestamp(entry.created_at))
        .with("caller", caller)
        .with("method", &entry.method)
        .with("path", &entry.path)
        .with("route", &entry.route)
        .with("status", entry.status)
        .with("before", state(entry.state_before.as_deref()))
        .with("after", state(entry.state_after.as_deref()))
}

fn state(text: Option<&str>) -> Node {
    text.and_then(|text| serde_json::from_str(text).ok())
        .map_or(Node::Null, Node::Json)
}
