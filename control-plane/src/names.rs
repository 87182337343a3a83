//! System names: stable slugs, taken from the name unless they are given, never changed.

/// The longest system name.
pub const MOST_CHARS: usize = 255;

/// What a given system name must look like.
///
/// # Errors
/// Says what to write instead.
pub fn check(system_name: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if system_name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && system_name.bytes().all(allowed)
    {
        Ok(())
    } else {
        Err("must begin with a letter, a digit or _ and hold only letters, digits, _, - and .")
    }
}

/// A system name made from a name: lower case, everything else becomes `_`. Empty when nothing is left.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
        if slug.len() >= 100 {
            break;
        }
    }
    slug.trim_end_matches('_').to_owned()
}

/// `wanted`, or with the first number that makes it differ from all that are taken.
#[must_use]
pub fn free(wanted: &str, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(name);
    let mut names = (2..).map(|n| format!("{wanted}_{n}"));
    Some(wanted.to_owned())
        .filter(is_free)
        .or_else(|| names.find(is_free))
        .unwrap_or_else(|| wanted.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for (name, expected) in [
            ("Web API", "web_api"),
            ("  Mail & more!  ", "mail_more"),
            ("v1.0-beta", "v1_0_beta"),
            ("日本", ""),
            ("Ünits", "nits"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
    }

    #[test]
    fn free_names() {
        let taken = ["a".to_owned(), "a_2".to_owned()];
        assert_eq!(free("a", &taken), "a_3");
        assert_eq!(free("b", &taken), "b");
    }

    #[test]
    fn given_names() {
        for good in ["a", "web_api", "v1.0-beta", "_x", "0"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "-a", ".a", "a b", "a/b", "é", "a\n"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
