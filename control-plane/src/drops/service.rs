//! Products: the APIs that developers make applications for (3scale: services).

use crate::drop;
use crate::store::products::ProductRow;

drop! {
    /// An API of the provider.
    pub struct ServiceDrop as "service" {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
        /// Its stable slug.
        system_name: String,
        /// What the provider says of it.
        description: String,
        /// Where developers may write to about it; blank when as everywhere.
        support_email: String,
    }
}

impl From<&ProductRow> for ServiceDrop {
    fn from(row: &ProductRow) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            system_name: row.system_name.clone(),
            description: row.description.clone(),
            support_email: row.support_email.clone(),
        }
    }
}
