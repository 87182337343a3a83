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
        Self::of_size(params, PER_PAGE, PER_PAGE)
    }

    /// From `page` and `per_page`, where another size is usual and another the most.
    ///
    /// # Errors
    /// When either is not a positive number.
    pub fn of_size(params: &mut Params, usual: i64, most: i64) -> Result<Self, Error> {
        let number = params.opt_int("page", 1, i64::from(u32::MAX)).unwrap_or(1);
        let size = params
            .opt_int("per_page", 1, i64::MAX)
            .unwrap_or(usual)
            .min(most);
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

    /// The page that was asked for, if one was: for lists that 3scale gives whole.
    ///
    /// # Errors
    /// When either parameter is not a positive number.
    pub fn if_asked(params: &mut Params) -> Result<Option<Self>, Error> {
        let asked = params.has("page") || params.has("per_page");
        asked.then(|| Self::from_params(params)).transpose()
    }

    /// The page's part of all rows, which are few enough to be read at once.
    pub fn cut<T>(self, rows: Vec<T>) -> (impl Iterator<Item = T>, Paged) {
        let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let from = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        let size = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        (rows.into_iter().skip(from).take(size), self.of(total))
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
