//! Kinds of templates: what the API calls them, and where they stand among names.

/// A layout, shipped or the provider's.
pub const LAYOUT: &str = "layout";
/// A page that the provider made.
pub const PAGE: &str = "page";
/// A partial that the provider made.
pub const PARTIAL: &str = "partial";
/// A page that comes with the program.
pub const BUILTIN_PAGE: &str = "builtin_page";
/// A partial that comes with the program.
pub const BUILTIN_PARTIAL: &str = "builtin_partial";
/// An e-mail that comes with the program.
pub const EMAIL: &str = "email_template";

/// What of a name says its kind, and the kind, for what comes with the program.
const SHIPPED: &[(&str, &str)] = &[
    ("pages/", BUILTIN_PAGE),
    ("partials/", BUILTIN_PARTIAL),
    ("layouts/", LAYOUT),
    ("emails/", EMAIL),
];

/// Kind and system name of a template that comes with the program.
#[must_use]
pub fn of(name: &str) -> Option<(&'static str, &str)> {
    SHIPPED
        .iter()
        .find_map(|(prefix, kind)| Some((*kind, name.strip_prefix(prefix)?)))
}

/// A template's name.
#[must_use]
pub fn name(kind: &str, system_name: &str) -> String {
    let prefix = match kind {
        BUILTIN_PAGE => "pages/",
        BUILTIN_PARTIAL | PARTIAL => "partials/",
        LAYOUT => "layouts/",
        EMAIL => "emails/",
        _ => "cms/",
    };
    format!("{prefix}{system_name}")
}

/// What people call it: `applications/index` becomes `Applications index`.
#[must_use]
pub fn title(system_name: &str) -> String {
    let words = system_name.replace(['/', '_'], " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_and_kinds() {
        assert_eq!(
            super::of("pages/errors/failure"),
            Some(("builtin_page", "errors/failure"))
        );
        assert_eq!(super::of("assets/x"), None);
        assert_eq!(super::name("page", "prices"), "cms/prices");
        assert_eq!(super::title("lost_password_email"), "Lost password email");
    }
}
