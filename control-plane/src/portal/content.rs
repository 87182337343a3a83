//! What the provider wrote: pages and files of the CMS, by their paths; and the stories, which ship only to be replaced.
//!
//! A path that no route takes comes here. What is in a section that is not public is shown to those who signed in.

use super::view::{Frame, LAYOUT, secure};
use super::visitor::{NotShown, Visitor};
use crate::db::Tx;
use crate::drop;
use crate::drops::ServiceDrop;
use crate::error::Error;
use crate::store::cms::files::{self, File};
use crate::store::cms::sections;
use crate::store::cms::templates::{self, Template};
use crate::store::products;
use crate::store::versions;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

drop! {
    /// A page of the provider's own.
    pub struct ContentPage as "content pages" {
        /// APIs that production serves.
        services: Vec<ServiceDrop>,
    }
}

/// Customer stories: the provider's to write.
///
/// # Errors
/// When the database does not answer.
pub async fn stories(visitor: Visitor) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let values = content_page(&mut tx).await?;
    drop(tx);
    visitor.page("stories", "Customers", &values).await
}

/// Whatever is at this path.
///
/// # Errors
/// 404 when nothing is.
pub async fn at_path(method: Method, visitor: Visitor) -> Result<Response, Error> {
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(Error::NotFound);
    }
    let path = match visitor.uri.path().trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    };
    let mut tx = visitor.app.db.read().await?;
    if let Some(file) = files::find_path(&mut tx, &path).await? {
        return match may_see(&mut tx, &visitor, Some(file.section_id)).await? {
            Some(is_public) => serve(&mut tx, &visitor, &file, is_public).await,
            None => Ok(NotShown::SignIn(Box::new(visitor)).into_response()),
        };
    }
    let page = templates::find_path(&mut tx, &path).await?;
    let Some(page) = page.filter(|page| page.published.is_some() || visitor.sees_drafts()) else {
        return Err(Error::NotFound);
    };
    if may_see(&mut tx, &visitor, page.section_id).await?.is_none() {
        return Ok(NotShown::SignIn(Box::new(visitor)).into_response());
    }
    let values = content_page(&mut tx).await?;
    drop(tx);
    show(&visitor, &page, &values).await
}

async fn content_page(tx: &mut Tx) -> Result<ContentPage, Error> {
    let mut services = Vec::new();
    for version in versions::current_of_all(tx, "production").await? {
        let product = products::get(tx, version.product_id).await?;
        services.push(ServiceDrop::from(&product));
    }
    Ok(ContentPage { services })
}

/// Whether the visitor may see what is in a section, and whether everybody may.
async fn may_see(
    tx: &mut Tx,
    visitor: &Visitor,
    section_id: Option<i64>,
) -> Result<Option<bool>, Error> {
    let mut is_public = true;
    if let Some(section_id) = section_id {
        for id in sections::ancestry(tx, section_id).await? {
            is_public &= sections::get(tx, id).await?.public;
        }
    }
    Ok((is_public || visitor.user().is_some()).then_some(is_public))
}

async fn show(visitor: &Visitor, page: &Template, values: &ContentPage) -> Result<Response, Error> {
    let is_html = page.content_type.starts_with("text/html");
    let frame = Frame {
        template: format!("cms/{}", page.system_name),
        system_name: page.system_name.clone(),
        title: page.title.clone(),
        // A page without a layout is whole by itself.
        layout: page
            .layout_id
            .filter(|_| is_html)
            .map(|_| LAYOUT.to_owned()),
    };
    let mut response = visitor.framed(StatusCode::OK, frame, values).await?;
    let content_type = match page.content_type.contains("charset") || !is_text(&page.content_type) {
        true => page.content_type.clone(),
        false => format!("{}; charset=utf-8", page.content_type),
    };
    if let Ok(content_type) = HeaderValue::from_str(&content_type) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
    }
    Ok(response)
}

fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/") || content_type.starts_with("application/json")
}

/// Uploads run no scripts as pages of their own: only pages that the portal rendered may.
const FILE_POLICY: &str = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; font-src 'self'; \
media-src 'self'; frame-ancestors 'none'; sandbox";

async fn serve(
    tx: &mut Tx,
    visitor: &Visitor,
    file: &File,
    is_public: bool,
) -> Result<Response, Error> {
    let tag = format!("\"{}-{}\"", file.id, file.updated_at);
    let known = visitor
        .headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tags| {
            String::from_utf8_lossy(tags.as_bytes())
                .split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        });
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => files::content(tx, file.id).await?.into_response(),
    };
    secure(&mut response);
    let caching = if is_public {
        "public, max-age=60"
    } else {
        "private, no-cache"
    };
    let mut headers = vec![
        (header::CONTENT_SECURITY_POLICY, FILE_POLICY.to_owned()),
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::ETAG, tag),
        (header::CONTENT_TYPE, file.content_type.clone()),
    ];
    if file.downloadable {
        let name: String = file
            .title
            .chars()
            .filter(|letter| letter.is_ascii_alphanumeric() || "._- ".contains(*letter))
            .collect();
        headers.push((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}
