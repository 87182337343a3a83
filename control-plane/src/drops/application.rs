//! Applications, without their credentials: pages that show those have drops of their own.

use crate::drop;
use crate::liquid::Moment;
use crate::store::applications::Application;

drop! {
    /// A developer's application.
    pub struct ApplicationDrop as "application" {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
        /// What the developer says of it.
        description: String,
        /// `pending`, `live` or `suspended`.
        state: String,
        /// Whether it may call.
        is_live: bool,
        /// Whether it waits for the provider.
        is_pending: bool,
        /// Whether the provider has stopped it for a while.
        is_suspended: bool,
        /// When it first called; nothing if it never did.
        first_traffic_at: Option<Moment>,
        /// What it is called with, where the API takes an `app_id`.
        application_id: Option<String>,
        /// The API it is for.
        service_name: String,
        /// Its page.
        url: String,
        /// When it was made.
        created_at: Moment,
    }
}

impl From<&Application> for ApplicationDrop {
    fn from(row: &Application) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            description: row.description.clone(),
            state: row.state.clone(),
            is_live: row.state == "live",
            is_pending: row.state == "pending",
            is_suspended: row.state == "suspended",
            first_traffic_at: row.first_traffic_at.map(Moment),
            application_id: row.app_id.clone(),
            service_name: row.product_name.clone(),
            url: format!("/admin/applications/{}", row.id),
            created_at: Moment(row.created_at),
        }
    }
}
