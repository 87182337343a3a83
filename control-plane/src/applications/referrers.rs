//! Referrer filters: which hosts an application's requests may come from, where its product asks for it.

use crate::db::Tx;
use crate::error::Error;
use crate::store::applications as rows;
use crate::store::referrer_filters as filters;

/// How many an application may have.
pub const MOST_FILTERS: usize = 5;
/// How long one may be.
const MOST_CHARS: usize = 255;

/// What is wrong with a filter: it is a host name or an address, in which `*` stands for any characters.
#[must_use]
pub fn referrer_filter_problem(value: &str) -> Option<&'static str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'.' | b'-');
    if value.is_empty() {
        Some("can't be blank")
    } else if value.len() > MOST_CHARS {
        Some("is too long (maximum is 255 characters)")
    } else if !value.bytes().all(is_allowed) {
        Some("may hold only letters, digits, dots, dashes and *, as in *.example.com")
    } else {
        None
    }
}

/// Lets an application's requests come from one more host. The filter's id.
///
/// # Errors
/// 404 when there is no such application, 422 when it cannot have this filter or any more.
pub async fn add_referrer_filter(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    value: &str,
) -> Result<i64, Error> {
    tx.hold_revision().await?;
    rows::get(tx, Some(account_id), id).await?;
    if let Some(problem) = referrer_filter_problem(value) {
        return Err(Error::invalid("referrer_filter", problem));
    }
    let had = filters::of(tx, &[id]).await?;
    if had.iter().any(|had| had.value.eq_ignore_ascii_case(value)) {
        return Err(Error::invalid("referrer_filter", "has already been taken"));
    }
    if had.len() >= MOST_FILTERS {
        return Err(Error::invalid(
            "referrer_filter",
            format!("cannot be added: an application has at most {MOST_FILTERS}, delete one first"),
        ));
    }
    let filter_id = filters::insert(tx, id, value).await?;
    rows::stamp(tx, id).await?;
    Ok(filter_id)
}

/// Takes a referrer filter from an application.
///
/// # Errors
/// 404 when there is no such application or filter.
pub async fn remove_referrer_filter(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    filter_id: i64,
) -> Result<(), Error> {
    tx.hold_revision().await?;
    rows::get(tx, Some(account_id), id).await?;
    filters::get(tx, id, filter_id).await?;
    filters::delete(tx, filter_id).await?;
    rows::stamp(tx, id).await
}
