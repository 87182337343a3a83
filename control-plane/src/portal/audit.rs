//! What developers write is in the audit log too: who, which path, and what was answered. Nothing of what was sent.
//!
//! [`around`] opens a scope ([`scope`]) around the handler, as the Account Management API does: each transaction that the handler
//! began with [`Db::begin`](crate::db::Db::begin) becomes durable with its entry or not at all. What is written with `begin_aside` is none of it:
//! counters, and that a session is in use.

use super::visitor::Visitor;
use crate::admin_api::writes::without_secrets;
use crate::app::App;
use crate::db::Tx;
use crate::db::scope::{self, Hooks, Work};
use crate::error::Error;
use crate::store::audit::{self, Answered, NewEntry};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A request under way.
struct Write {
    method: Method,
    /// Secrets hidden.
    path: String,
    route: String,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    user_id: Option<i64>,
    /// The status, once there is an answer.
    status: Option<i64>,
    /// Entries that were noted before that.
    unanswered: Vec<i64>,
}

/// Who writes.
const CALLER: &str = "developer";

tokio::task_local! {
    static WRITE: Arc<Write>;
}

/// Notes whom the request under way has turned out to be from.
pub(super) fn note_user(user_id: i64) {
    // Outside of requests there is nothing to note it for.
    let _ = WRITE.try_with(|write| write.progress().user_id = Some(user_id));
}

/// Middleware around all routes of the portal.
pub async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let write = Arc::new(Write::new(&request));
    let call = WRITE.scope(Arc::clone(&write), next.run(request));
    let hooks: Arc<dyn Hooks> = Arc::<Write>::clone(&write);
    let answered = |response: &Response| {
        write.progress().status = Some(i64::from(response.status().as_u16()));
    };
    let response = match scope::run(hooks, call, answered).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    if let Err(error) = write.complete(&app).await {
        tracing::warn!(%error, route = write.route, "the audit log lacks what was answered");
    }
    response
}

impl Write {
    fn new(request: &Request) -> Self {
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map_or("", MatchedPath::as_str);
        let visitor = request.extensions().get::<Visitor>();
        let user_id = visitor.and_then(|visitor| Some(visitor.user()?.id));
        Self {
            method: request.method().clone(),
            path: without_secrets(route, request.uri().path()),
            route: route.to_owned(),
            progress: Mutex::new(Progress {
                user_id,
                ..Progress::default()
            }),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the answer to entries that were noted before there was one.
    async fn complete(&self, app: &App) -> Result<(), Error> {
        let (status, unanswered) = {
            let mut progress = self.progress();
            (progress.status, std::mem::take(&mut progress.unanswered))
        };
        let Some(status) = status.filter(|_| !unanswered.is_empty()) else {
            return Ok(());
        };
        let mut tx = app.db.begin_aside().await?;
        for id in unanswered {
            audit::complete(&mut tx, id, answered(status)).await?;
        }
        tx.commit().await
    }
}

fn answered(status: i64) -> Answered<'static> {
    Answered {
        status,
        state_after: None,
    }
}

impl Hooks for Write {
    fn opened(&self) -> Work<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn closing<'a>(&'a self, tx: &'a mut Tx) -> Work<'a, Result<(), Error>> {
        Box::pin(async {
            let (account_user_id, status) = {
                let progress = self.progress();
                (progress.user_id, progress.status)
            };
            let entry = NewEntry {
                caller: CALLER,
                token_id: None,
                user_id: None,
                account_user_id,
                method: self.method.as_str(),
                path: &self.path,
                route: &self.route,
                state_before: None,
            };
            let id = audit::insert(tx, entry, status.map(answered)).await?;
            if status.is_none() {
                self.progress().unanswered.push(id);
            }
            Ok(())
        })
    }
}
