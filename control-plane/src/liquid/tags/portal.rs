//! Tags that templates of 3scale's portal have: `content`, `flash`, `csrf`, `logo`.

use super::super::runtime::refuse;
use liquid_core::error::Result;
use liquid_core::model::{Scalar, ValueView as _};
use liquid_core::{Language, ParseTag, Renderable, Runtime, TagReflection, TagTokenIter};
use std::io::Write;

/// A tag without arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PortalTag {
    /// `{% content %}`: the page, in its layout.
    Content,
    /// `{% flash %}`: the message from the page before.
    Flash,
    /// `{% csrf %}`: nothing. Writes are held to this site by what browsers say of themselves.
    Csrf,
    /// `{% logo %}`: the provider's logo, or its name.
    Logo,
}

impl PortalTag {
    pub(crate) const ALL: [Self; 4] = [Self::Content, Self::Flash, Self::Csrf, Self::Logo];
}

impl TagReflection for PortalTag {
    fn tag(&self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Flash => "flash",
            Self::Csrf => "csrf",
            Self::Logo => "logo",
        }
    }

    fn description(&self) -> &'static str {
        match self {
            Self::Content => "the page, in its layout; the same as `{{ content }}`",
            Self::Flash => "the message from the page before; the same as `{% include 'flash' %}`",
            Self::Csrf => "nothing: forms are safe without it",
            Self::Logo => "the provider's logo, or its name",
        }
    }
}

impl ParseTag for PortalTag {
    fn parse(&self, mut arguments: TagTokenIter<'_>, _: &Language) -> Result<Box<dyn Renderable>> {
        // 3scale's `content` may name a block; there is one alone here.
        for token in arguments.by_ref() {
            if !matches!(self, Self::Content) {
                return Err(token.raise_custom_error("nothing is expected here"));
            }
        }
        Ok(Box::new(*self))
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

impl Renderable for PortalTag {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let text = |path: &[&'static str]| {
            let path: Vec<_> = path.iter().map(|name| Scalar::new(*name)).collect();
            runtime
                .try_get(&path)
                .map(|value| value.to_kstr().to_string())
                .unwrap_or_default()
        };
        let html = match self {
            Self::Content => text(&["content"]),
            Self::Csrf => return Ok(()),
            Self::Flash => {
                return match runtime.partials().try_get("flash") {
                    Some(flash) => flash.render_to(writer, runtime),
                    None => Ok(()),
                };
            }
            Self::Logo => match text(&["provider", "logo_url"]).as_str() {
                "" => text(&["provider", "name"]),
                url => format!(
                    "<img src=\"{url}\" alt=\"{}\">",
                    text(&["provider", "name"])
                ),
            },
        };
        match writer.write_all(html.as_bytes()) {
            Ok(()) => Ok(()),
            Err(error) => refuse(error.to_string()),
        }
    }
}
