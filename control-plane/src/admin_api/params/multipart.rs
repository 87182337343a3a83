//! `multipart/form-data`: fields become parameters, files stay bytes.

use super::Upload;
use super::parse::put;
use crate::error::Error;
use multer::{Constraints, Multipart, SizeLimit, parse_boundary};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// More parts than any form of ours has.
const MOST_PARTS: usize = 100;

/// What a form holds.
#[derive(Default)]
pub(super) struct Form {
    pub(super) values: Map<String, Value>,
    pub(super) uploads: HashMap<String, Upload>,
}

/// Whether a body of this type is one.
pub(super) fn is_multipart(content_type: &str) -> bool {
    content_type
        .get(.."multipart/form-data".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("multipart/form-data"))
}

pub(super) async fn read(content_type: &str, body: &[u8]) -> Result<Form, Error> {
    let boundary = parse_boundary(content_type)
        .map_err(|_| Error::bad_request("The body's multipart boundary cannot be read"))?;
    let constraints =
        Constraints::new().size_limit(SizeLimit::new().whole_stream(body.len() as u64));
    let mut parts = Multipart::with_reader_with_constraints(body, boundary, constraints);
    let mut form = Form::default();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        count += 1;
        if count > MOST_PARTS {
            return Err(Error::bad_request("There are too many parameters"));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(ToString::to_string);
        let content = part.bytes().await.map_err(unreadable)?.to_vec();
        match file_name {
            Some(file_name) => {
                form.uploads.insert(
                    name,
                    Upload {
                        file_name,
                        content_type: content_type.unwrap_or_default(),
                        content,
                    },
                );
            }
            None => {
                let Ok(text) = String::from_utf8(content) else {
                    return Err(Error::invalid(
                        super::parse::printable(&name),
                        "is not UTF-8",
                    ));
                };
                put(&mut form.values, &name, Value::String(text));
            }
        }
    }
    Ok(form)
}

fn unreadable(error: multer::Error) -> Error {
    Error::bad_request(format!("The body is not multipart/form-data: {error}"))
}
