//! SQL of how an application's cells stand, for who asks and takes nothing: no row is locked.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row};

row! {
    /// A cell of an application.
    #[derive(Clone, Debug)]
    pub struct CellRow {
        /// The limited metric.
        pub metric_id: i64,
        /// Name of the limit's period.
        pub period: String,
        /// Start of the window, seconds since 1970.
        pub window_start: i64,
        /// All usage that was reported.
        pub used: i64,
        /// What gateways hold of it.
        pub leased: i64,
    }
}

/// All cells of an application that are kept, those of past windows too.
///
/// # Errors
/// When the database does not answer.
pub async fn cells(tx: &mut Tx, application: i64) -> Result<Vec<CellRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, CellRow>(
        "select metric_id, period, window_start, used, leased from cell where application_id = $1"
    )
    .bind(application)
    .fetch_all(c))?)
}
