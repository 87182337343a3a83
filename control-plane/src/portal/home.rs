//! `GET /`: whose APIs these are, and where their documentation is.

use super::page::{escape, page};
use crate::app::App;
use crate::error::Error;
use crate::on;
use axum::extract::State;
use axum::response::Response;

/// The front page.
///
/// # Errors
/// When the database does not answer.
pub async fn home(State(app): State<App>) -> Result<Response, Error> {
    let name: Option<String> = on!(app.db, |c| sqlx::query_scalar("select name from provider")
        .fetch_optional(c))?;
    Ok(match name {
        Some(name) => {
            let title = format!("{name} developers");
            let body = format!(
                "<h1>{}</h1>
<p>Your provider gives you an application with its credentials; every call you make with them is checked and \
counted at the edge.</p>
<p><a class=\"button\" href=\"/docs\">API documentation</a></p>",
                escape(&title)
            );
            page(&title, &body)
        }
        None => page(
            "Tallygate",
            "<h1>Tallygate</h1>
<p>This installation has no provider yet. Its operator makes one with
<code>tallygate provider create --name … --email …</code></p>
<p><a class=\"button\" href=\"/docs\">API documentation</a></p>",
        ),
    })
}
