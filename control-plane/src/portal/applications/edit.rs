//! What an application is called and for: changed, and the application deleted.

use super::make::{DESCRIPTION_CHARS, NAME_CHARS, problems};
use super::{Own, own, path};
use crate::admin_api::path::Ids;
use crate::applications;
use crate::applications::self_service::require;
use crate::drop;
use crate::drops::{ApplicationDrop, FieldDrop};
use crate::error::Error;
use crate::events;
use crate::fields::Fields;
use crate::portal::flash::Flash;
use crate::portal::form::{Form, FormDrop};
use crate::portal::view::Redirect;
use crate::portal::visitor::Member;
use crate::store::applications as rows;
use crate::store::fields_definitions::{self, Target};
use axum::response::Response;

drop! {
    /// An application to be changed.
    pub struct EditApplicationPage as "applications/edit" {
        /// The application.
        application: ApplicationDrop,
        /// Fields that the provider has added, with what they hold.
        extra_fields: Vec<FieldDrop>,
        /// The form: `name`, `description`, and the fields' names.
        form: FormDrop,
    }
}

const PAGE: &str = "applications/edit";

/// `GET /admin/applications/{id}/edit`
///
/// # Errors
/// 404 when it is not one of the account's, 403 when the product lets developers not.
pub async fn edit(member: Member, Ids([id]): Ids<1>) -> Result<Response, Error> {
    let values = page(&member, id, None).await?;
    member.page(PAGE, &title(&values), &values).await
}

/// `POST /admin/applications/{id}`
///
/// # Errors
/// See [`edit`].
pub async fn update(member: Member, Ids([id]): Ids<1>, mut form: Form) -> Result<Response, Error> {
    match updated(&member, id, &mut form).await {
        Ok(()) => Ok(Redirect::to(path(id))
            .flash(Flash::notice("Saved."))
            .respond(&member)),
        Err(error) => {
            let again = form.again(&problems(error)?);
            let values = page(&member, id, Some(again)).await?;
            member.again(PAGE, &title(&values), &values).await
        }
    }
}

/// `POST /admin/applications/{id}/delete`
///
/// # Errors
/// See [`edit`].
pub async fn delete(member: Member, Ids([id]): Ids<1>) -> Result<Response, Error> {
    let mut tx = member.app.db.begin().await?;
    tx.hold_revision().await?;
    let Own {
        application, may, ..
    } = own(&mut tx, &member, id).await?;
    require(may.applications)?;
    applications::withdraw(&mut tx, member.account().id, id).await?;
    tx.commit().await?;
    let message = format!(
        "{} is deleted: its credentials have stopped working.",
        application.name
    );
    Ok(Redirect::to("/admin/applications")
        .flash(Flash::notice(message))
        .respond(&member))
}

async fn updated(member: &Member, id: i64, form: &mut Form) -> Result<(), Error> {
    let params = &mut form.params;
    let name = params.text("name", NAME_CHARS);
    let description = params
        .opt_text("description", DESCRIPTION_CHARS)
        .unwrap_or_default();
    let mut tx = member.app.db.begin().await?;
    let Own {
        application, may, ..
    } = own(&mut tx, member, id).await?;
    require(may.applications)?;
    let fields = Fields::of(&mut tx, Target::Cinstance).await?;
    let extra_fields = fields.read_of_developer(params, &application.extra_fields);
    params.check()?;
    rows::describe(&mut tx, id, Some(&name), Some(&description)).await?;
    fields_definitions::set(&mut tx, Target::Cinstance, id, &extra_fields).await?;
    events::record(&mut tx, events::APPLICATION_UPDATED, id).await?;
    tx.commit().await
}

async fn page(
    member: &Member,
    id: i64,
    form: Option<FormDrop>,
) -> Result<EditApplicationPage, Error> {
    let mut tx = member.app.db.read().await?;
    let Own {
        application, may, ..
    } = own(&mut tx, member, id).await?;
    require(may.applications)?;
    let extra_fields = Fields::of(&mut tx, Target::Cinstance)
        .await?
        .shown(&application.extra_fields, form.as_ref());
    let form = form.unwrap_or_else(|| {
        FormDrop::blank([
            ("name", application.name.as_str()),
            ("description", application.description.as_str()),
        ])
    });
    Ok(EditApplicationPage {
        extra_fields,
        application: ApplicationDrop::from(&application),
        form,
    })
}

fn title(page: &EditApplicationPage) -> String {
    format!("Edit {}", page.application.name)
}
