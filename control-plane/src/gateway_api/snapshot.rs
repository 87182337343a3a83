//! `GET /gateway/v1/snapshot?after=CURSOR&wait=SECS`: what changed since, at once or as soon as something does.

use super::auth::Caller;
use super::{Form, accepts};
use crate::app::App;
use crate::error::Error;
use crate::publish;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use std::time::Duration;
use tallygate_core::wire::{COMPACT_V2, COMPACT_V3, Cursor, PAGE_BYTES, Snapshot};
use tokio::time::{Instant, timeout_at};

/// The longest a call is held.
const LONGEST_WAIT_SECS: u64 = 30;

/// Answers with the next page. Waits when there is none, except for who knows nothing yet.
pub async fn snapshot(
    State(app): State<App>,
    mut caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let form = Form::accepted(&headers);
    let query = Query::read(query.as_deref().unwrap_or_default())?;
    let deadline = Instant::now() + query.wait;
    let mut revisions = app.db.revisions();
    let mut after = query.after;
    loop {
        let page = publish::page(
            &app.db,
            &app.secrets,
            &app.gateways.applications,
            caller.environment,
            after,
            form,
            PAGE_BYTES,
        )
        .await?;
        let news = !page.complete || !page.products.is_empty() || !page.applications.is_empty();
        if news || after == Cursor::default() || Instant::now() >= deadline || app.is_stopping() {
            app.gateways.pages.inc();
            return Ok(if form == Form::Json || accepts(&headers, COMPACT_V3) {
                form.answer_as(COMPACT_V3, &Snapshot::V3(page))
            } else if accepts(&headers, COMPACT_V2) {
                form.answer_as(COMPACT_V2, &Snapshot::V2(page))
            } else {
                form.answer(&Snapshot::V1(page))
            });
        }
        // A revision may bring nothing for gateways: then the wait goes on.
        after = page.next;
        tokio::select! {
            _ = timeout_at(deadline, revisions.wait_for(|newest| *newest > after.products)) => {}
            () = app.stopped() => {}
        }
        // Who waited may have been removed meanwhile.
        caller = caller.check_again(&app.db).await?;
    }
}

#[derive(Debug)]
struct Query {
    after: Cursor,
    wait: Duration,
}

impl Query {
    fn read(query: &str) -> Result<Self, Error> {
        let mut read = Self {
            after: Cursor::default(),
            wait: Duration::ZERO,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "after" => {
                    read.after = cursor(&value).ok_or_else(|| {
                        Error::invalid("after", "must be PRODUCTS.APPLICATIONS.ID or one revision")
                    })?;
                }
                "wait" => {
                    let secs: u64 = value
                        .parse()
                        .map_err(|_| Error::invalid("wait", "must be a whole number of seconds"))?;
                    read.wait = Duration::from_secs(secs.min(LONGEST_WAIT_SECS));
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

/// `PRODUCTS.APPLICATIONS.ID`, or one number when all is known up to it.
fn cursor(text: &str) -> Option<Cursor> {
    let numbers: Option<Vec<i64>> = text
        .split('.')
        .map(|part| part.parse().ok().filter(|number| *number >= 0))
        .collect();
    match *numbers? {
        [0] => Some(Cursor::default()),
        [revision] => Some(publish::all_up_to(revision)),
        [products, applications, application] => Some(Cursor {
            products,
            applications,
            application,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors() {
        let read = |text| cursor(text).map(|c| (c.products, c.applications, c.application));
        assert_eq!(read("7"), Some((7, 7, i64::MAX)));
        assert_eq!(read("0"), Some((0, 0, 0)));
        assert_eq!(read("3.2.1"), Some((3, 2, 1)));
        assert_eq!(read("9.9.9223372036854775807"), Some((9, 9, i64::MAX)));
        for bad in [
            "",
            ".",
            "1.2",
            "1.2.3.4",
            "-1",
            "x",
            "1.2.x",
            "99999999999999999999",
            "1..2",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
