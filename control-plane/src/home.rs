//! The portal's front page, until there is a portal: whose APIs these are, and where their documentation is.

use crate::app::App;
use crate::error::Error;
use crate::on;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use quick_xml::escape::escape;

/// `GET /` on the portal's listener.
///
/// # Errors
/// When the database does not answer.
pub async fn home(State(app): State<App>) -> Result<Response, Error> {
    let name: Option<String> = on!(app.db, |c| sqlx::query_scalar("select name from provider")
        .fetch_optional(c))?;
    let (title, lead) = match name {
        Some(name) => (
            format!("{} developers", escape(&name)),
            "The APIs of this provider are managed with Tallygate: the provider gives you an application with its \
             credentials, and every call you make with them is checked and counted at the edge.",
        ),
        None => (
            "Tallygate".to_owned(),
            "This installation has no provider yet. Its operator makes one with \
             <code>tallygate provider create --name … --email …</code>",
        ),
    };
    let body = format!(
        "<h1>{title}</h1>\n<p>{lead}</p>\n<p><a class=\"button\" href=\"/docs\">API documentation</a></p>\n"
    );
    Ok(page(&title, &body))
}

/// A page of ours around a body. Both are HTML already.
pub(crate) fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}</main>
<footer>Served by Tallygate</footer>
</body>
</html>
"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, html).into_response()
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2733; --quiet: #5b6b7b; --line: #dfe4e9; --paper: #f6f7f9; --card: #fff; --accent: #0b6e4f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --quiet: #93a3b3; --line: #2c3742; --paper: #11161c; --card: #1a222b; --accent: #4cc79a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; grid-template-rows: 1fr auto; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { place-self: center; width: min(46rem, calc(100% - 2rem)); margin: 2rem 0; padding: clamp(1.25rem, 5vw, 3rem); background: var(--card); border-radius: 1rem; box-shadow: 0 1px 2px #0002, 0 12px 40px #0001; }
h1 { margin: 0 0 1rem; font-size: 2rem; line-height: 1.2; letter-spacing: -.02em; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.125rem; }
p { margin: 0 0 1.5rem; }
code { font: .875em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
td { padding: .6rem 0; border-top: 1px solid var(--line); vertical-align: top; }
td:first-child { width: 7rem; padding-right: 1rem; color: var(--accent); font: 600 .75rem/2 ui-monospace, monospace; }
.button { display: inline-block; padding: .65rem 1.25rem; border-radius: .5rem; background: var(--accent); color: var(--card); font-weight: 600; text-decoration: none; }
.button:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; }
footer { padding: 1.5rem; text-align: center; color: var(--quiet); font-size: .875rem; }
";
