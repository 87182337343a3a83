//! One operation: its id, parameters, body and answers.

use super::Format;
use super::walk::{At, Walk};
use serde_json::Value;

impl<'a> Walk<'a> {
    /// An operation of `path`; `shared` are the parameters of all the path's operations, and where they stand.
    pub(super) fn operation(
        &mut self,
        path: &str,
        at: &At,
        operation: &'a Value,
        shared: (Option<&'a Value>, &At),
    ) {
        if !operation.is_object() {
            self.problem(at, "must be an object");
            return;
        }
        match operation.get("operationId") {
            None => {}
            Some(Value::String(id)) if self.operation_ids.insert(id) => {}
            Some(Value::String(id)) => self.problem(
                &at.then("operationId"),
                format!("{id:?} names another operation already"),
            ),
            Some(_) => self.problem(&at.then("operationId"), "must be a text"),
        }
        let own_at = at.then("parameters");
        self.parameters(path, at, &[shared, (operation.get("parameters"), &own_at)]);
        if self.format != Format::Swagger2 {
            self.request_body(operation, at);
        }
        self.responses(operation, at);
        self.security(operation, at);
    }

    fn request_body(&mut self, operation: &'a Value, at: &At) {
        let at = at.then("requestBody");
        match operation.get("requestBody") {
            None => {}
            Some(body @ Value::Object(members)) => {
                if !members.contains_key("$ref")
                    && let Some(content) = self.required_object(body, &at, "content")
                {
                    self.media_types(content, &at.then("content"));
                }
            }
            Some(_) => self.problem(&at, "must be an object"),
        }
    }

    fn media_types(&mut self, content: &'a Value, at: &At) {
        let Value::Object(types) = content else {
            return;
        };
        for (name, media_type) in types {
            let at = at.then(name);
            if !name.contains('/') {
                self.problem(&at, "must be a media type, as in application/json");
            }
            if !media_type.is_object() {
                self.problem(&at, "must be an object");
            }
        }
    }

    fn responses(&mut self, operation: &'a Value, at: &At) {
        let responses = match operation.get("responses") {
            Some(Value::Object(responses)) => responses,
            Some(_) => {
                self.problem(&at.then("responses"), "must be an object");
                return;
            }
            // 3.1 made them optional.
            None if self.format == Format::OpenApi31 => return,
            None => {
                self.problem(at, "must have responses");
                return;
            }
        };
        let at = at.then("responses");
        if responses.is_empty() {
            self.problem(&at, "must have at least one answer, or default");
        }
        for (status, response) in responses {
            if status.starts_with("x-") {
                continue;
            }
            let at = at.then(status);
            if !is_status(status) {
                self.problem(&at, "must be a status (200), a class (2XX) or default");
            }
            match response {
                Value::Object(members) if members.contains_key("$ref") => {}
                Value::Object(_) => {
                    self.required_text(response, &at, "description");
                    if let Some(content) = response.get("content") {
                        self.media_types(content, &at.then("content"));
                    }
                }
                _ => self.problem(&at, "must be an object"),
            }
        }
    }
}

fn is_status(text: &str) -> bool {
    match text.as_bytes() {
        b"default" => true,
        [b'1'..=b'5', tens, ones] => {
            (tens.is_ascii_digit() && ones.is_ascii_digit()) || (*tens == b'X' && *ones == b'X')
        }
        _ => false,
    }
}
