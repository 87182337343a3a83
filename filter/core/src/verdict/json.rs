//! Just enough JSON to write a problem document; never reads any.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// An object being written.
pub(super) struct Object {
    text: String,
}

// === impl Object ===

impl Object {
    pub(super) fn new() -> Self {
        Self {
            text: String::from("{"),
        }
    }

    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        quote(&mut self.text, value);
    }

    pub(super) fn number(&mut self, name: &str, value: u16) {
        self.name(name);
        self.text.push_str(&value.to_string());
    }

    pub(super) fn strings<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        self.name(name);
        self.text.push('[');
        for (i, value) in values.enumerate() {
            if i > 0 {
                self.text.push(',');
            }
            quote(&mut self.text, value);
        }
        self.text.push(']');
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.text.push_str("}\n");
        self.text.into_bytes()
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        quote(&mut self.text, name);
        self.text.push(':');
    }
}

fn quote(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\0'..='\x1f' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => text.push(c),
        }
    }
    text.push('"');
}
