//! `/admin/api/cms`: what the portal is made of. JSON here is 3scale's newer kind: resources without a wrapper, lists as
//! `{"collection": […], "metadata": {…}}`.

pub mod files;
pub mod previews;
pub mod sections;
pub mod templates;

use super::page::Page;
use super::params::Params;
use crate::db::Tx;
use crate::error::Error;
use crate::store::cms::{Place, is_taken, sections as rows};

/// Rows per page unless asked otherwise, and at most.
const PER_PAGE: i64 = 20;
const MOST_PER_PAGE: i64 = 100;

/// Paths that the portal itself answers: these, and what is below the folders.
const RESERVED: &[&str] = &[
    "/favicon.ico",
    "/healthz",
    "/livez",
    "/readyz",
    "/",
    "/plans",
    "/docs",
    "/stories",
    "/signup",
    "/login",
    "/session",
    "/logout",
    "/terms",
    "/privacy",
    "/admin",
];
const RESERVED_FOLDERS: &[&str] = &[
    "/admin/",
    "/assets/",
    "/docs/",
    "/signup/",
    "/activate/",
    "/session/",
    "/auth/",
    "/buyer/",
    "/preview/",
    "/invitations/",
];

fn page(params: &mut Params) -> Result<Page, Error> {
    Page::of_size(params, PER_PAGE, MOST_PER_PAGE)
}

/// Where a page or file is to be found; notes what is wrong with it.
async fn path(tx: &mut Tx, params: &mut Params, of: Place) -> Result<Option<String>, Error> {
    let Some(given) = params.opt_filled("path", 255) else {
        return Ok(None);
    };
    let path = tidy(&given);
    if let Err(message) = check_path(&path) {
        params.error("path", message);
    } else if RESERVED.contains(&path.as_str())
        || RESERVED_FOLDERS
            .iter()
            .any(|folder| path.starts_with(folder))
    {
        params.error("path", "is the portal's own");
    } else if is_taken(tx, &path, of).await? {
        params.error("path", "has already been taken");
    }
    Ok(Some(path))
}

/// One slash in front, none twice, none at the end.
fn tidy(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path
        .split('/')
        .any(|segment| segment == "." || segment == "..")
    {
        return Err("must not hold . or .. as a segment");
    }
    let allowed = |letter: char| letter.is_ascii_graphic() && !"?#%\\\"<>^`{|}".contains(letter);
    if path.chars().all(allowed) {
        Ok(())
    } else {
        Err("must hold only letters, digits and - . _ ~ ! $ & ' ( ) * + , ; = : @ between slashes")
    }
}

/// The section that `section_id` or `section_name` names; the root's when neither is given.
async fn section(tx: &mut Tx, params: &mut Params) -> Result<i64, Error> {
    match given_section(tx, params).await? {
        Some(id) => Ok(id),
        None => Ok(rows::find(tx, rows::ROOT)
            .await?
            .ok_or_else(|| Error::internal("the root section is missing"))?
            .id),
    }
}

/// The section that is given, if any; notes when there is no such.
async fn given_section(tx: &mut Tx, params: &mut Params) -> Result<Option<i64>, Error> {
    if let Some(id) = params.opt_id("section_id") {
        match rows::get(tx, id).await {
            Ok(section) => return Ok(Some(section.id)),
            Err(Error::NotFound) => params.error("section_id", "names no section"),
            Err(error) => return Err(error),
        }
    }
    if let Some(name) = params.opt_text("section_name", 255)
        && !name.is_empty()
    {
        match rows::find(tx, &name).await? {
            Some(section) => return Ok(Some(section.id)),
            None => params.error("section_name", "names no section"),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::{check_path, tidy};

    #[test]
    fn paths() {
        for (given, expected) in [
            ("images/icon.ico", "/images/icon.ico"),
            ("//a///b//", "/a/b"),
            ("/", "/"),
        ] {
            assert_eq!(tidy(given), expected);
            assert!(check_path(&tidy(given)).is_ok(), "{given}");
        }
        for bad in [
            "/a b", "/a?b", "/a#b", "/%2e", "/../a", "/a/.", "/é", "/a\\b", "/{x}",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }
}
