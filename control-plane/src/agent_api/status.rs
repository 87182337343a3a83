//! `<status>`: whether a call is authorised, and how far the application's limits are used up; and the same in headers.

use super::options::Options;
use super::product::Product;
use super::refusal::{Denial, REJECTION_REASON, XML, xml_text};
use crate::charges::standing::Standing;
use crate::secrets::Secret;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::fmt::Write as _;
use tallygate_core::metric::Usage;
use tallygate_core::period::Period;

/// An answer to `authorize` and `authrep`.
#[derive(Debug)]
pub struct Status<'a> {
    /// The product.
    pub product: &'a Product,
    /// The name of the application's plan.
    pub plan: &'a str,
    /// Why not; none when it is authorised.
    pub denial: Option<Denial>,
    /// How the limits stand that were looked at, after what this call has used.
    pub standings: &'a [Standing],
    /// What the call uses, methods added to their parents.
    pub usage: Option<&'a Usage>,
    /// The application's `app_id` or id, and its keys that can be shown; none when nobody asked.
    pub keys: Option<(String, Vec<Secret>)>,
    /// The application, for agents that look after tokens themselves.
    pub oauth: Option<String>,
    /// Seconds after which a denied call may pass, if that is known.
    pub retry_after_secs: Option<u64>,
    /// The moment, seconds since 1970.
    pub now_secs: u64,
}

impl Status<'_> {
    /// 200 or 409.
    #[must_use]
    pub fn response(&self, options: Options) -> Response {
        let status = match self.denial {
            None => StatusCode::OK,
            Some(_) => StatusCode::CONFLICT,
        };
        let mut response = if options.no_body {
            status.into_response()
        } else {
            (status, [(header::CONTENT_TYPE, XML)], self.xml(options)).into_response()
        };
        let headers = response.headers_mut();
        if let Some(denial) = &self.denial {
            if options.rejection_reason_header {
                headers.insert(REJECTION_REASON, HeaderValue::from_static(denial.code));
            }
            if let Some(secs) = self.retry_after_secs {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
            }
        }
        let is_about_limits = self
            .denial
            .as_ref()
            .is_none_or(|denial| denial.code == "limits_exceeded");
        if options.limit_headers && is_about_limits {
            let (remaining, reset, most) = self.nearest();
            headers.insert("3scale-limit-remaining", number(remaining));
            headers.insert("3scale-limit-reset", number(reset));
            headers.insert("3scale-limit-max-value", number(most));
        }
        response
    }

    fn xml(&self, options: Options) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<status>");
        let _ = write!(out, "<authorized>{}</authorized>", self.denial.is_none());
        if let Some(denial) = &self.denial {
            let _ = write!(out, "<reason>{}</reason>", xml_text(&denial.text));
        }
        if let Some(id) = &self.oauth {
            let id = xml_text(id);
            let _ = write!(
                out,
                "<application><id>{id}</id><key></key><redirect_url></redirect_url></application>"
            );
        }
        let _ = write!(out, "<plan>{}</plan>", xml_text(self.plan));
        if !self.standings.is_empty() {
            out.push_str("<usage_reports>");
            for standing in self.standings {
                self.usage_report(&mut out, standing);
            }
            out.push_str("</usage_reports>");
        }
        if options.hierarchy {
            self.hierarchy(&mut out);
        }
        if let Some((app, keys)) = self.keys.as_ref().filter(|_| options.list_app_keys) {
            let (app, product) = (xml_text(app), self.product.row.id);
            let _ = write!(out, "<app_keys app=\"{app}\" svc=\"{product}\">");
            for key in keys {
                let _ = write!(out, "<key id=\"{}\"/>", xml_text(key.reveal()));
            }
            out.push_str("</app_keys>");
        }
        out.push_str("</status>\n");
        out
    }

    fn usage_report(&self, out: &mut String, standing: &Standing) {
        let metric = xml_text(self.product.metric_name(standing.metric));
        let period = standing.period.as_str();
        let _ = write!(out, "<usage_report metric=\"{metric}\" period=\"{period}\"");
        if self.is_exceeded(standing) {
            out.push_str(" exceeded=\"true\"");
        }
        out.push('>');
        if let (
            Period::Minute
            | Period::Hour
            | Period::Day
            | Period::Week
            | Period::Month
            | Period::Year,
            Some(end),
        ) = (standing.period, standing.window.end)
        {
            let (start, end) = (time(standing.window.start), time(end));
            let _ = write!(
                out,
                "<period_start>{start}</period_start><period_end>{end}</period_end>"
            );
        }
        let _ = write!(
            out,
            "<max_value>{}</max_value><current_value>{}</current_value></usage_report>",
            standing.limit, standing.used
        );
    }

    /// Whether a limit is one that the call is denied for.
    fn is_exceeded(&self, standing: &Standing) -> bool {
        let denied = self
            .denial
            .as_ref()
            .is_some_and(|denial| denial.code == "limits_exceeded");
        denied && (standing.is_exceeded() || self.delta(standing) > standing.free())
    }

    fn hierarchy(&self, out: &mut String) {
        out.push_str("<hierarchy>");
        let metrics = &self.product.metrics;
        for parent in metrics {
            let children: Vec<String> = metrics
                .iter()
                .filter(|metric| metric.parent == Some(parent.id))
                .map(|metric| xml_text(&metric.name))
                .collect();
            if !children.is_empty() {
                let (name, children) = (xml_text(&parent.name), children.join(" "));
                let _ = write!(out, "<metric name=\"{name}\" children=\"{children}\"/>");
            }
        }
        out.push_str("</hierarchy>");
    }

    /// Of the limit that leaves the fewest calls like this one, of two the one for longer: how many, seconds to the end
    /// of its window, and the most in it; −1 where there is no end.
    fn nearest(&self) -> (i64, i64, i64) {
        let calls = |standing: &Standing| standing.free() / self.delta(standing).max(1);
        let nearest = self
            .standings
            .iter()
            .min_by_key(|standing| (calls(standing), std::cmp::Reverse(standing.period)));
        let Some(standing) = nearest else {
            return (-1, -1, -1);
        };
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let reset = standing
            .window
            .end
            .filter(|_| standing.period != Period::Eternity);
        let reset = reset.map_or(-1, |end| signed(end.saturating_sub(self.now_secs)));
        (signed(calls(standing)), reset, signed(standing.limit))
    }

    fn delta(&self, standing: &Standing) -> u64 {
        self.usage.map_or(0, |usage| usage.get(standing.metric))
    }
}

fn number(number: i64) -> HeaderValue {
    HeaderValue::from(number)
}

/// `2026-01-31 12:00:00 +0000`.
fn time(secs: u64) -> String {
    let time = i64::try_from(secs)
        .ok()
        .and_then(|secs| Timestamp::from_second(secs).ok())
        .unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%d %H:%M:%S +0000").to_string()
}
