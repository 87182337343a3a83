//! What a page of usage is asked for: which application, metric, and time.

use crate::admin_api::params::Params;
use crate::error::{Error, FieldErrors};
use crate::stats::range::{self, Granularity, Period, Range, Unasked};
use crate::stats::zones::Zone;
use crate::store::applications::Application;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    application_id: Option<i64>,
    /// The metric's name on the wire; none for the first.
    pub(super) metric_name: Option<String>,
    /// When.
    pub(super) span: Span,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// So long, up to now.
    Last(Period),
    /// From one day to another, both included.
    Days(Date, Date),
}

/// What is shown first, and when what is asked for cannot be.
const FIRST: Span = Span::Last(Period::Day);
const PERIODS: &[&str] = &["day", "week", "month", "year", "custom"];
/// The most buckets of a stretch of days, of hours and of days; what is longer has months.
const MOST_DAYS_IN_HOURS: i32 = 3;
const MOST_DAYS_IN_DAYS: i32 = 100;
const MOST_DAYS: i32 = 3_650;

impl Asked {
    /// Reads it, with what is wrong.
    pub(super) fn read(params: &mut Params) -> (Self, FieldErrors) {
        let application_id = params.opt_id("application_id");
        let metric_name = params.opt_text("metric_name", 255);
        let period = params.opt_choice("period", PERIODS);
        let since = params.opt_text("since", 64).filter(|text| !text.is_empty());
        let until = params.opt_text("until", 64).filter(|text| !text.is_empty());
        let is_custom = period == Some("custom") || (period.is_none() && since.is_some());
        let span = if is_custom {
            let days = [("since", since), ("until", until)].map(|(name, text)| {
                let day = text
                    .as_deref()
                    .and_then(|text| text.parse::<Date>().ok())
                    .filter(|day| (1970..=9998).contains(&day.year()));
                if day.is_none() {
                    params.error(name, "must be a day, as in 2026-01-31");
                }
                day
            });
            match days {
                [Some(since), Some(until)] if until < since => {
                    params.error("until", "must not be before the first day");
                    FIRST
                }
                [Some(since), Some(until)] if days_between(since, until) > MOST_DAYS => {
                    params.error("until", "must be within ten years of the first day");
                    FIRST
                }
                [Some(since), Some(until)] => Span::Days(since, until),
                _ => FIRST,
            }
        } else {
            match period {
                Some("week") => Span::Last(Period::Week),
                Some("month") => Span::Last(Period::Month),
                Some("year") => Span::Last(Period::Year),
                _ => FIRST,
            }
        };
        let problems = match params.check() {
            Err(Error::Invalid(problems)) => problems,
            _ => FieldErrors::default(),
        };
        let asked = Self {
            application_id,
            metric_name: metric_name.filter(|name| !name.is_empty()),
            span,
        };
        (asked, problems)
    }

    /// The application: the one that is asked for, or the one that called last. None when there is none at all.
    pub(super) fn application<'a>(
        &self,
        all: &'a [Application],
    ) -> Option<Result<&'a Application, Error>> {
        match self.application_id {
            Some(id) => Some(
                all.iter()
                    .find(|application| application.id == id)
                    .ok_or(Error::NotFound),
            ),
            None => all
                .iter()
                .rev()
                .max_by_key(|application| application.first_daily_traffic_at)
                .map(Ok),
        }
    }

    /// Whether it is from one day to another.
    pub(super) fn is_custom(&self) -> bool {
        matches!(self.span, Span::Days(..))
    }

    /// The same application, with what is shown first.
    pub(super) fn without_what_is_wrong(&self) -> Self {
        Self {
            application_id: self.application_id,
            metric_name: None,
            span: FIRST,
        }
    }
}

impl Span {
    /// The buckets of it, and how long they are.
    ///
    /// # Errors
    /// When it ends before it begins, is too long, or lies outside of all time.
    pub(super) fn range(self, now: Timestamp) -> Result<(Range, Granularity), Unasked> {
        let (asked, granularity) = match self {
            Self::Last(period) => (range::Asked::Period(period, None), period.granularity()),
            Self::Days(since, until) => {
                let days = days_between(since, until);
                let granularity = if days <= MOST_DAYS_IN_HOURS {
                    Granularity::Hour
                } else if days <= MOST_DAYS_IN_DAYS {
                    Granularity::Day
                } else {
                    Granularity::Month
                };
                let asked = range::Asked::Between(since.at(0, 0, 0, 0), until.at(23, 59, 59, 0));
                (asked, granularity)
            }
        };
        Range::new(&asked, granularity, &utc(), now).map(|range| (range, granularity))
    }

    /// Its name in queries.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Last(period) => period.as_str(),
            Self::Days(..) => "custom",
        }
    }
}

/// Both included.
fn days_between(since: Date, until: Date) -> i32 {
    let between = since.until(until).map(|span| span.get_days());
    between.unwrap_or(i32::MAX).saturating_add(1)
}

fn utc() -> Zone {
    Zone {
        rules: TimeZone::UTC,
        name: "UTC".into(),
    }
}
