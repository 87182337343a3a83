//! The frame of every page: title, styles, and headers that let nothing in from elsewhere.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// A page with this title (escaped here) and this body (HTML).
pub(crate) fn page(title: &str, body: &str) -> Response {
    let title = escape(title);
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
{body}
</main>
<footer>Served by Tallygate</footer>
</body>
</html>
"
    );
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ],
        html,
    )
        .into_response()
}

/// Text, safe between tags and in attributes.
pub(super) fn escape(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::escape(text)
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2733; --quiet: #5b6b7b; --paper: #f6f7f9; --card: #fff; --line: #e3e7ec; --accent: #0b6e4f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --quiet: #93a3b3; --paper: #11161c; --card: #1a222b; --line: #2b3641; --accent: #4cc79a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; grid-template-rows: 1fr auto; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { place-self: center; width: min(46rem, calc(100% - 2rem)); margin: 2rem 0; padding: clamp(1.5rem, 5vw, 3rem); background: var(--card); border-radius: 1rem; box-shadow: 0 1px 2px #0002, 0 12px 40px #0001; }
h1 { margin: 0 0 1rem; font-size: 2rem; line-height: 1.2; letter-spacing: -.02em; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.375rem; line-height: 1.3; overflow-wrap: anywhere; }
h3 { margin: 1.75rem 0 .5rem; font-size: 1rem; }
p { margin: 0 0 1rem; }
a { color: var(--accent); }
code { font: .875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: 0 0 1rem; padding: .75rem 1rem; overflow-x: auto; background: var(--paper); border-radius: .5rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
td.method { color: var(--accent); font: 600 .75rem/2 ui-monospace, monospace; }
th, td { padding: .45rem 1rem .45rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; }
.quiet { color: var(--quiet); }
.button { display: inline-block; padding: .65rem 1.25rem; border-radius: .5rem; background: var(--accent); color: var(--card); font-weight: 600; text-decoration: none; }
.button:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; }
footer { padding: 1.5rem; text-align: center; color: var(--quiet); font-size: .875rem; }
";
