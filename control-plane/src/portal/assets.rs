//! The portal's own files, `GET /assets/…`: names hold a digest of the contents, so that browsers keep them for good.

use super::docs::spec::SwaggerUiDrop;
use super::view::AssetsDrop;
use crate::app::App;
use crate::brand;
use crate::db::Tx;
use crate::error::Error;
use crate::openapi::ui;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "portal/assets/"]
struct Files;

/// Files that have their digest in their name never change.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// `GET /assets/{file}`
///
/// # Errors
/// 404 when there is no such file.
pub async fn asset(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Error> {
    // `portal.0123abcd.css`: what stands between is not looked at, so that a page of before finds its file.
    let plain = match name.split('.').collect::<Vec<_>>().as_slice() {
        [stem, digest, extension] if digest.len() == DIGEST_CHARS => format!("{stem}.{extension}"),
        _ => name,
    };
    let content: Cow<'static, [u8]> = match Files::get(&plain) {
        Some(file) => file.data,
        None if plain == BRAND => {
            let mut tx = app.db.read().await?;
            Cow::Owned(brand::stylesheet(&mut tx).await?.into_bytes())
        }
        None => Cow::Borrowed(ui::swagger_file(&plain).ok_or(Error::NotFound)?),
    };
    let media_type = match plain.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "woff2")) => "font/woff2",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, FOR_GOOD),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, content.into_owned()).into_response())
}

/// Where pages find them.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn drop(tx: &mut Tx) -> Result<AssetsDrop, Error> {
    let brand = brand::stylesheet(tx).await?;
    let digest = hex::encode(Sha256::digest(brand.as_bytes()));
    let digest = digest.get(..DIGEST_CHARS).unwrap_or_default();
    Ok(AssetsDrop {
        stylesheet: path("portal", "css"),
        script: path("portal", "js"),
        brand: format!("/assets/brand.{digest}.css"),
    })
}

/// Where the page of an API finds Swagger UI, which is the one of `/docs` on the admin listener.
pub(super) fn swagger_ui() -> SwaggerUiDrop {
    static DIGESTS: LazyLock<[String; 2]> = LazyLock::new(|| {
        ["swagger-ui.css", "swagger-ui.js"].map(|name| {
            let content = ui::swagger_file(name).unwrap_or_default();
            hex::encode(Sha256::digest(content))
        })
    });
    let [stylesheet, script] = &*DIGESTS;
    SwaggerUiDrop {
        stylesheet: named("swagger-ui", stylesheet, "css"),
        script: named("swagger-ui", script, "js"),
        start: path("try-it", "js"),
    }
}
const BRAND: &str = "brand.css";

const DIGEST_CHARS: usize = 8;

fn path(stem: &str, extension: &str) -> String {
    let digest = Files::get(&format!("{stem}.{extension}"))
        .map(|file| hex::encode(file.metadata.sha256_hash()))
        .unwrap_or_default();
    named(stem, &digest, extension)
}

fn named(stem: &str, digest: &str, extension: &str) -> String {
    let digest = digest.get(..DIGEST_CHARS).unwrap_or("00000000");
    format!("/assets/{stem}.{digest}.{extension}")
}
