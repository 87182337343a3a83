//! Writes come from this site's own pages, or are refused: another site's page can make a browser send a form with our cookie.
//!
//! Browsers say where a request comes from (`Sec-Fetch-Site`, else `Origin`), and pages cannot make them lie. What says
//! neither is not a browser, and has no cookie that anybody tricked out of one.

use crate::app::App;
use crate::error::Error;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Hands the request on, unless it writes and another site sent it.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let writes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if writes && !is_own(request.headers(), &app.config.portal_url) {
        return Error::Refused(
            StatusCode::FORBIDDEN,
            "This form was sent by another site. Open the page here and try again.".into(),
        )
        .into_response();
    }
    next.run(request).await
}

fn is_own(headers: &HeaderMap, portal_url: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none`: typed into the address bar, by whoever sits there.
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let own = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .is_some_and(|host| {
            [format!("http://{host}"), format!("https://{host}")]
                .iter()
                .any(|own| own.as_bytes() == origin.as_bytes())
        });
    own || origin.as_bytes() == portal_url.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_say_where_a_form_comes_from() {
        for (headers, own) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://dev.example"),
                ],
                false,
            ),
            (&[("origin", "https://dev.example")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
            (
                &[
                    ("host", "dev.local:3000"),
                    ("origin", "http://dev.local:3000"),
                ],
                true,
            ),
            (
                &[("host", "dev.local"), ("origin", "http://dev.local:3000")],
                false,
            ),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_own(&map, "https://dev.example"), own, "{headers:?}");
        }
    }
}
