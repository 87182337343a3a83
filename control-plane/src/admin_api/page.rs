//! `page` and `per_page`, as 3scale has them: 500 is the default and the most.

use super::params::Params;
use crate::error::Error;

/// Rows per page unless asked otherwise, and at most.
const PER_PAGE: i64 = 500;

/// The page that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which, from 1.
    pub number: i64,
    /// How many rows it has.
    pub size: i64,
}

/// The page that was asked for, and how many rows there are altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paged {
    /// The page.
    pub page: Page,
    /// All rows.
    pub total: i64,
}

impl Page {
    /// From `page` and `per_page`.
    ///
    /// # Errors
    /// When either is not a positive number.
    pub fn from_params(params: &mut Params) -> Result<Self, Error> {
        let number = params.opt_int("page", 1, i64::from(u32::MAX)).unwrap_or(1);
        let size = params
            .opt_int("per_page", 1, i64::MAX)
            .unwrap_or(PER_PAGE)
            .min(PER_PAGE);
        params.check()?;
        Ok(Self { number, size })
    }

    /// For `limit`.
    #[must_use]
    pub fn limit(self) -> i64 {
        self.size
    }

    /// For `offset`.
    #[must_use]
    pub fn offset(self) -> i64 {
        (self.number - 1).saturating_mul(self.size)
    }

    /// With the number of all rows.
    #[must_use]
    pub fn of(self, total: i64) -> Paged {
        Paged { page: self, total }
    }
}

impl Paged {
    /// How many pages there are.
    #[must_use]
    pub fn pages(self) -> i64 {
        self.total.max(0).div_euclid(self.page.size)
            + i64::from(self.total.rem_euclid(self.page.size) > 0)
    }
}
