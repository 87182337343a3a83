//! What every write of the Account Management API goes through, whatever it writes: `If-Match`, and the audit log.
//!
//! [`around`] opens a scope ([`scope`]) around the handler. When its transaction has begun, and nobody else can write,
//! the resource is read as a client would read it: that is compared with `If-Match`, and kept as the state before.
//! When the handler has answered, the entry is written in the same transaction, which then becomes durable. Handlers
//! need not know.

use super::access::Access;
use super::auth::{Caller, ForItself};
use super::etag::Condition;
use super::format::{Answer, Format};
use crate::app::App;
use crate::db::Tx;
use crate::db::scope::{self, Hooks, Work};
use crate::error::Error;
use crate::store::audit::{self, Answered, NewEntry};
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tower::ServiceExt as _;

/// What writes need besides the request.
#[derive(Clone, Debug)]
pub struct Around {
    app: App,
    /// The same routes without this around them, to read by.
    reads: Router,
}

impl Around {
    /// `reads` are the routes that it is put around.
    #[must_use]
    pub fn new(app: &App, reads: Router) -> Self {
        Self {
            app: app.clone(),
            reads,
        }
    }
}

/// A write under way.
struct Write {
    reads: Router,
    method: Method,
    /// Without extension, as sent.
    path: String,
    /// The same, secrets hidden.
    shown_path: String,
    route: String,
    format: Format,
    if_match: Option<Condition>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    caller: Option<(Caller, Access)>,
    before: Option<String>,
    /// Status and text, once there is an answer.
    answered: Option<(i64, Option<String>)>,
    /// Entries that were noted before that.
    unanswered: Vec<i64>,
}

tokio::task_local! {
    static WRITE: Arc<Write>;
}

/// The most of a state that is kept, in bytes.
const MOST_BYTES: usize = 256 * 1024;

const CHANGED: &str = "The resource is not what If-Match says: read it again, and decide anew";

/// Notes who makes the write that is under way, if one is.
pub(super) fn note_caller(caller: Caller, access: &Access) {
    // Outside of writes there is nothing to note it for.
    let _ = WRITE.try_with(|write| write.progress().caller = Some((caller, access.clone())));
}

/// Who makes the write that this code runs in; none when it is none of the API's.
pub(crate) fn caller() -> Option<Caller> {
    WRITE
        .try_with(|write| write.progress().caller.as_ref().map(|(caller, _)| *caller))
        .ok()
        .flatten()
}

/// Middleware around all routes.
pub async fn around(State(around): State<Around>, request: Request, next: Next) -> Response {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return next.run(request).await;
    }
    let write = Arc::new(Write::new(around.reads, &request));
    let call = WRITE.scope(Arc::clone(&write), next.run(request));
    let hooks: Arc<dyn Hooks> = Arc::<Write>::clone(&write);
    let response = match scope::run(hooks, call, |response| write.note_answer(response)).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    if let Err(error) = write.complete(&around.app).await {
        tracing::warn!(%error, route = write.route, "the audit log lacks what was answered");
    }
    response
}

impl Write {
    fn new(reads: Router, request: &Request) -> Self {
        let path = request.uri().path();
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map_or("", MatchedPath::as_str);
        Self {
            reads,
            method: request.method().clone(),
            path: path.to_owned(),
            shown_path: without_secrets(route, path),
            route: route.to_owned(),
            format: *request
                .extensions()
                .get::<Format>()
                .unwrap_or(&Format::Json),
            if_match: Condition::if_match(request.headers()),
            progress: Mutex::default(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The resource that is written to, as a client would read it; none when there is nothing to read.
    async fn read(&self) -> Result<Option<Answer>, Error> {
        let Some((caller, access)) = self.progress().caller.clone() else {
            return Ok(None);
        };
        let Some(path) = self.resource().await else {
            return Ok(None);
        };
        let mut request = Request::builder()
            .uri(path)
            .body(Body::empty())
            .map_err(|_| Error::NotFound)?;
        request.extensions_mut().insert(ForItself(caller, access));
        request.extensions_mut().insert(self.format);
        let Ok(mut response) = self.reads.clone().oneshot(request).await;
        match response.extensions_mut().remove::<Error>() {
            Some(Error::NotFound) | None => {}
            Some(error) => return Err(error),
        }
        let answer = response.extensions_mut().remove::<Answer>();
        Ok(answer.filter(|_| response.status() == StatusCode::OK))
    }

    /// Where the resource is read: the path itself, or the one that an action (`…/approve`) is below. What is added
    /// to a list is no change of a resource, unless the client says so by `If-Match`.
    async fn resource(&self) -> Option<&str> {
        if self.is_readable(&self.path).await {
            let adds = self.method == Method::POST && self.if_match.is_none();
            return (!adds).then_some(self.path.as_str());
        }
        let (above, _) = self.path.rsplit_once('/')?;
        self.is_readable(above).await.then_some(above)
    }

    /// Whether there is a GET: asked with a method that no route has.
    async fn is_readable(&self, path: &str) -> bool {
        let Ok(request) = Request::builder()
            .method(Method::TRACE)
            .uri(path)
            .body(Body::empty())
        else {
            return false;
        };
        let Ok(response) = self.reads.clone().oneshot(request).await;
        response
            .headers()
            .get(header::ALLOW)
            .and_then(|allow| allow.to_str().ok())
            .is_some_and(|allow| allow.split(',').any(|method| method.trim() == "GET"))
    }

    fn note_answer(&self, response: &Response) {
        let status = response.status();
        let after = response
            .extensions()
            .get::<Answer>()
            .filter(|_| status.is_success())
            .and_then(Answer::masked);
        self.progress().answered = Some((i64::from(status.as_u16()), after.map(bounded)));
    }

    /// Adds the answer to entries that were noted before there was one.
    async fn complete(&self, app: &App) -> Result<(), Error> {
        let (ids, (status, after)) = {
            let mut progress = self.progress();
            match progress.answered.take() {
                Some(answered) => (std::mem::take(&mut progress.unanswered), answered),
                None => return Ok(()),
            }
        };
        if ids.is_empty() {
            return Ok(());
        }
        let mut tx = app.db.begin_aside().await?;
        for id in ids {
            let answered = Answered {
                status,
                state_after: after.as_deref(),
            };
            audit::complete(&mut tx, id, answered).await?;
        }
        tx.commit().await
    }
}

impl Hooks for Write {
    fn opened(&self) -> Work<'_, Result<(), Error>> {
        Box::pin(async {
            let before = self.read().await?;
            if let Some(if_match) = &self.if_match {
                match &before {
                    // The handler says that it is not there, or what else is wrong.
                    None => {}
                    Some(before) if if_match.is_met_by_answer(before) => {}
                    Some(_) => {
                        return Err(Error::Refused(
                            StatusCode::PRECONDITION_FAILED,
                            CHANGED.into(),
                        ));
                    }
                }
            }
            self.progress().before = before.as_ref().and_then(Answer::masked).map(bounded);
            Ok(())
        })
    }

    fn closing<'a>(&'a self, tx: &'a mut Tx) -> Work<'a, Result<(), Error>> {
        Box::pin(async {
            let (caller, before, answered) = {
                let progress = self.progress();
                (
                    progress.caller.clone(),
                    progress.before.clone(),
                    progress.answered.clone(),
                )
            };
            let (caller, token_id, user_id) = match caller {
                Some((Caller::Token(id), access)) => {
                    ("access_token", Some(id), access.user_id().ok())
                }
                Some((Caller::Provider, _)) => ("provider_key", None, None),
                None => return Err(Error::internal("a write by nobody")),
            };
            let entry = NewEntry {
                caller,
                token_id,
                user_id,
                account_user_id: None,
                method: self.method.as_str(),
                path: &self.shown_path,
                route: &self.route,
                state_before: before.as_deref(),
            };
            let answered = answered.as_ref().map(|(status, after)| Answered {
                status: *status,
                state_after: after.as_deref(),
            });
            let id = audit::insert(tx, entry, answered).await?;
            if answered.is_none() {
                self.progress().unanswered.push(id);
            }
            Ok(())
        })
    }
}

/// The path as it may be shown: parameters that are secrets are hidden.
pub(crate) fn without_secrets(route: &str, path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    let mut above = "";
    for (part, pattern) in parts.iter_mut().zip(route.split('/')) {
        // What is below `access_tokens` may be named by its value as well as by its id.
        let is_secret = ["key", "token", "secret", "password"]
            .iter()
            .any(|kind| pattern.contains(kind) || above.contains(kind));
        above = pattern;
        if pattern.starts_with('{') && is_secret && !part.bytes().all(|byte| byte.is_ascii_digit())
        {
            *part = "[hidden]";
        }
    }
    parts.join("/")
}

/// The text, or what there is to say of one that is too long to be kept.
fn bounded(text: String) -> String {
    if text.len() <= MOST_BYTES {
        return text;
    }
    serde_json::json!({ "too_long_to_keep": { "bytes": text.len() } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_paths_are_hidden() {
        for (route, path, shown) in [
            ("/a/{id}/keys/{key}", "/a/1/keys/abc", "/a/1/keys/[hidden]"),
            ("/a/{id}/{environment}", "/a/1/sandbox", "/a/1/sandbox"),
            (
                "/a/access_tokens/{id}",
                "/a/access_tokens/7",
                "/a/access_tokens/7",
            ),
            (
                "/a/access_tokens/{id}",
                "/a/access_tokens/abc7",
                "/a/access_tokens/[hidden]",
            ),
            ("", "/a/b", "/a/b"),
        ] {
            assert_eq!(without_secrets(route, path), shown);
        }
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        assert_eq!(bounded("{}".into()), "{}");
        let bytes = MOST_BYTES + 1;
        let kept = bounded("x".repeat(bytes));
        assert_eq!(
            kept,
            format!("{{\"too_long_to_keep\":{{\"bytes\":{bytes}}}}}")
        );
    }
}
