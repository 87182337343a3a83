//! A call as code. Keys may hold quotes, dollars and backslashes: each language has its own way to write them.

use serde_json::Value;
use std::fmt::Write as _;

/// A request to be written down.
#[derive(Debug)]
pub(super) struct Call {
    method: String,
    url: String,
    /// Headers, by name.
    pub(super) headers: Vec<(String, String)>,
    /// User and password of HTTP Basic.
    pub(super) basic: Option<(String, String)>,
    /// Fields of an urlencoded body.
    pub(super) form: Vec<(String, String)>,
}

impl Call {
    pub(super) fn new(method: String, url: String) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            basic: None,
            form: Vec::new(),
        }
    }

    /// With a bearer token.
    pub(super) fn bearer(&mut self, token: &str) {
        self.headers
            .push(("Authorization".into(), format!("Bearer {token}")));
    }

    /// With query parameters.
    pub(super) fn query(&mut self, pairs: &[(String, String)]) {
        self.url
            .push_str(if self.url.contains('?') { "&" } else { "?" });
        self.url.push_str(&encoded(pairs));
    }

    /// A body goes with a method that has one.
    fn method(&self) -> &str {
        match self.method.as_str() {
            "GET" if !self.form.is_empty() => "POST",
            method => method,
        }
    }

    pub(super) fn curl(&self) -> String {
        let mut code = String::from("curl");
        if self.method() != "GET" {
            let _ = write!(code, " -X {}", self.method());
        }
        let _ = write!(code, " {}", shell(&self.url));
        if let Some((user, password)) = &self.basic {
            let _ = write!(code, " \\\n  -u {}", shell(&format!("{user}:{password}")));
        }
        for (name, value) in &self.headers {
            let _ = write!(code, " \\\n  -H {}", shell(&format!("{name}: {value}")));
        }
        for (name, value) in &self.form {
            let field = format!("{name}={value}");
            let _ = write!(code, " \\\n  --data-urlencode {}", shell(&field));
        }
        code
    }

    pub(super) fn javascript(&self) -> String {
        let mut options = String::new();
        if self.method() != "GET" {
            let _ = writeln!(options, "  method: {},", quoted(self.method()));
        }
        let mut headers = members(&self.headers);
        if let Some((user, password)) = &self.basic {
            let pair = quoted(&format!("{user}:{password}"));
            headers.push(format!("\"Authorization\": \"Basic \" + btoa({pair})"));
        }
        if !headers.is_empty() {
            let _ = writeln!(options, "  headers: {{ {} }},", headers.join(", "));
        }
        if !self.form.is_empty() {
            let fields = members(&self.form).join(", ");
            let _ = writeln!(options, "  body: new URLSearchParams({{ {fields} }}),");
        }
        let url = quoted(&self.url);
        let call = if options.is_empty() {
            format!("fetch({url})")
        } else {
            format!("fetch({url}, {{\n{options}}})")
        };
        format!(
            "const response = await {call};\nconsole.log(response.status, await response.text());"
        )
    }

    pub(super) fn python(&self) -> String {
        let mut code = String::from("import requests\n\nresponse = requests.");
        let _ = writeln!(
            code,
            "request(\n    {},\n    {},",
            quoted(self.method()),
            quoted(&self.url)
        );
        if let Some((user, password)) = &self.basic {
            let _ = writeln!(code, "    auth=({}, {}),", quoted(user), quoted(password));
        }
        for (argument, pairs) in [("headers", &self.headers), ("data", &self.form)] {
            if !pairs.is_empty() {
                let _ = writeln!(code, "    {argument}={{{}}},", members(pairs).join(", "));
            }
        }
        code.push_str(")\nprint(response.status_code, response.text)");
        code
    }

    pub(super) fn go(&self) -> String {
        let (imports, body) = if self.form.is_empty() {
            ("", "nil".to_owned())
        } else {
            let form = quoted(&encoded(&self.form));
            ("\n\t\"strings\"", format!("strings.NewReader({form})"))
        };
        let mut request = format!(
            "\trequest, err := http.NewRequest({}, {}, {body})\n\tif err != nil {{\n\t\tpanic(err)\n\t}}\n",
            quoted(self.method()),
            quoted(&self.url)
        );
        if let Some((user, password)) = &self.basic {
            let _ = writeln!(
                request,
                "\trequest.SetBasicAuth({}, {})",
                quoted(user),
                quoted(password)
            );
        }
        for (name, value) in &self.headers {
            let _ = writeln!(
                request,
                "\trequest.Header.Set({}, {})",
                quoted(name),
                quoted(value)
            );
        }
        if !self.form.is_empty() {
            request.push_str(
                "\trequest.Header.Set(\"Content-Type\", \"application/x-www-form-urlencoded\")\n",
            );
        }
        format!(
            "package main\n\nimport (\n\t\"fmt\"\n\t\"io\"\n\t\"net/http\"{imports}\n)\n\nfunc main() {{\n{request}\
             \tresponse, err := http.DefaultClient.Do(request)\n\tif err != nil {{\n\t\tpanic(err)\n\t}}\n\
             \tdefer response.Body.Close()\n\ttext, _ := io.ReadAll(response.Body)\n\
             \tfmt.Println(response.StatusCode, string(text))\n}}"
        )
    }
}

fn encoded(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn members(pairs: &[(String, String)]) -> Vec<String> {
    pairs
        .iter()
        .map(|(name, value)| format!("{}: {}", quoted(name), quoted(value)))
        .collect()
}

/// A string literal of JavaScript, Python and Go alike, as JSON has it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// One word of a POSIX shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call::new("GET".into(), "https://api.example/v1".into())
    }

    #[test]
    fn keys_with_quotes_stay_one_word() {
        let mut call = call();
        call.headers.push(("key".into(), r#"it's "$1" \o/"#.into()));
        assert_eq!(
            call.curl(),
            "curl 'https://api.example/v1' \\\n  -H 'key: it'\\''s \"$1\" \\o/'"
        );
        assert!(
            call.python()
                .contains(r#"headers={"key": "it's \"$1\" \\o/"},"#)
        );
        assert!(call.javascript().contains(r#""key": "it's \"$1\" \\o/""#));
        assert!(
            call.go()
                .contains(r#"Header.Set("key", "it's \"$1\" \\o/")"#)
        );
    }

    #[test]
    fn a_body_is_posted() {
        let mut call = call();
        call.form.push(("user_key".into(), "a&b".into()));
        assert_eq!(
            call.curl(),
            "curl -X POST 'https://api.example/v1' \\\n  --data-urlencode 'user_key=a&b'"
        );
        assert!(call.go().contains("user_key=a%26b"));
    }

    #[test]
    fn a_query_goes_on() {
        let mut call = Call::new("GET".into(), "https://api.example/v1?a=1".into());
        call.query(&[("key".into(), "x y".into())]);
        assert_eq!(call.curl(), "curl 'https://api.example/v1?a=1&key=x+y'");
    }
}
