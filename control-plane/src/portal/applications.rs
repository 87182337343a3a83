//! A developer's applications: what they call with, on which plan.
//!
//! `list` and `make` are about all of them. `show` is the page of one, which `keys` and `referrers` write to; `edit` and
//! `plan` have pages of their own. What a developer may do is asked of the product each time (`applications::self_service`).

pub mod edit;
pub mod keys;
pub mod list;
pub mod make;
pub mod plan;
pub mod referrers;
pub mod show;

use super::visitor::Member;
use crate::applications::self_service::SelfService;
use crate::db::Tx;
use crate::error::Error;
use crate::store::applications::{self as rows, Application};
use crate::store::products::{self, ProductRow};

/// One of the reader's applications.
struct Own {
    application: Application,
    product: ProductRow,
    may: SelfService,
}

/// The application with this id, if it is one of the reader's account.
async fn own(tx: &mut Tx, member: &Member, id: i64) -> Result<Own, Error> {
    let application = rows::get(tx, Some(member.account().id), id).await?;
    let product = products::get(tx, application.product_id).await?;
    Ok(Own {
        may: SelfService::from(&product),
        application,
        product,
    })
}

/// The path of an application's page.
fn path(id: i64) -> String {
    format!("/admin/applications/{id}")
}
