//! `GET /buyer/stats.csv`: all that the API counts, a row for each bucket of time.

use super::asked::Asked;
use super::measured::Measured;
use crate::error::Error;
use crate::portal::form::Form;
use crate::portal::view::secure;
use crate::portal::visitor::Member;
use crate::stats;
use crate::store::applications;
use crate::store::stats::Whose;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use std::fmt::Write as _;

/// The numbers, with the names of metrics above them.
///
/// # Errors
/// 404 for an application that is not the account's, 422 for what cannot be shown, and when the database does not answer.
pub async fn download(member: Member, mut form: Form) -> Result<Response, Error> {
    let (asked, problems) = Asked::read(&mut form.params);
    if !problems.0.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let mut tx = member.app.db.read().await?;
    let all = applications::of_account(&mut tx, member.account().id).await?;
    let application = asked.application(&all).unwrap_or(Err(Error::NotFound))?;
    let measured = Measured::read(&mut tx, application, &asked).await?;
    let whose = Whose::Application(application.id);
    let mut columns = Vec::new();
    for metric in &measured.metrics {
        let values = stats::values_between(&mut tx, whose, metric.id, &measured.bounds).await?;
        columns.push((metric.wire_name(), values));
    }
    drop(tx);
    let [since, until] = measured.days();
    let name = format!("usage-{}-{since}-{until}.csv", application.id);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    let mut response = (headers, table(&measured.bounds, &columns)).into_response();
    secure(&mut response);
    Ok(response)
}

fn table(bounds: &[i64], columns: &[(String, Vec<i64>)]) -> String {
    let mut out = String::from("from,to");
    for (name, _) in columns {
        let _ = write!(out, ",{}", quoted(name));
    }
    out.push_str("\r\n");
    for (bucket, ends) in bounds.windows(2).enumerate() {
        let times: Vec<String> = ends.iter().map(|secs| time(*secs)).collect();
        out.push_str(&times.join(","));
        for (_, values) in columns {
            let value = values.get(bucket).copied().unwrap_or(0);
            let _ = write!(out, ",{value}");
        }
        out.push_str("\r\n");
    }
    out
}

fn time(secs: i64) -> String {
    Timestamp::from_second(secs).unwrap_or_default().to_string()
}

/// A text as spreadsheets take it for one: none begins as a formula does.
fn quoted(text: &str) -> String {
    let mark = if text.starts_with(['=', '+', '-', '@']) {
        "'"
    } else {
        ""
    };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_texts_and_rows_have_every_column() {
        let columns = [
            ("hits".to_owned(), vec![1, 2]),
            ("=1+\"1\"".to_owned(), vec![3]),
        ];
        assert_eq!(
            table(&[0, 3_600, 7_200], &columns),
            "from,to,\"hits\",\"'=1+\"\"1\"\"\"\r\n\
             1970-01-01T00:00:00Z,1970-01-01T01:00:00Z,1,3\r\n\
             1970-01-01T01:00:00Z,1970-01-01T02:00:00Z,2,0\r\n"
        );
    }
}
