//! `/docs` on the admin listener: Swagger UI over the document, from this binary alone.

use crate::error::Error;
use axum::Json;
use axum::extract::Path;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

/// Nothing from elsewhere, and no script but the files here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Files change with the program only.
const KEEP: &str = "public, max-age=3600";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tallygate: the API</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<script src="docs/swagger-ui.js" defer></script>
<script src="docs/start.js" defer></script>
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; the description itself is at <a href="docs/openapi.json">openapi.json</a>.</noscript>
</body>
</html>
"#;

const START: &str = r##"SwaggerUIBundle({
  url: "docs/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"##;

/// Name, media type, content.
const FILES: &[(&str, &str, &[u8])] = &[
    (
        "swagger-ui.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js"),
    ),
    (
        "swagger-ui.css",
        "text/css; charset=utf-8",
        include_bytes!("../../assets/swagger-ui/swagger-ui.css"),
    ),
    (
        "favicon.png",
        "image/png",
        include_bytes!("../../assets/swagger-ui/favicon-32x32.png"),
    ),
    (
        "start.js",
        "text/javascript; charset=utf-8",
        START.as_bytes(),
    ),
];

/// `GET /docs`.
pub async fn page() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(PAGE)).into_response()
}

/// `GET /docs/openapi.json`.
pub async fn document() -> Json<Value> {
    Json(super::document())
}

/// `GET /docs/{file}`.
///
/// # Errors
/// When there is no such file.
pub async fn file(Path(name): Path<String>) -> Result<Response, Error> {
    let (_, media_type, content) = FILES
        .iter()
        .find(|(known, _, _)| *known == name)
        .ok_or(Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, *media_type),
        (header::CACHE_CONTROL, KEEP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, *content).into_response())
}

/// Swagger UI's own files: `swagger-ui.js`, `swagger-ui.css`.
#[must_use]
pub fn swagger_file(name: &str) -> Option<&'static [u8]> {
    let mut files = FILES.iter();
    let (_, _, content) =
        files.find(|(known, _, _)| known.starts_with("swagger-ui.") && *known == name)?;
    Some(content)
}
