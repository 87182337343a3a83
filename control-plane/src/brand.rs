//! The provider's colours: two settings, and the stylesheet that is made of them.
//!
//! A colour that cannot be read on the portal's ground is refused when it is set, so that no choice makes a page unusable.

use crate::db::Tx;
use crate::error::Error;
use crate::store::settings::{self, ColorSetting};
use std::fmt::Write as _;

/// The grounds on which links stand, light and dark.
const LIGHT: Rgb = Rgb(255, 255, 255);
const DARK: Rgb = Rgb(0x17, 0x1e, 0x26);
/// What WCAG 2 asks of text.
const LEAST_CONTRAST: f64 = 4.5;

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

/// Whether a text is a colour that can be read where this setting's stands.
///
/// # Errors
/// What is wrong with it.
pub fn check(setting: ColorSetting, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let color = Rgb::read(text).ok_or("must be a colour as in #0a6b4d")?;
    let (ground, word) = match setting == settings::ACCENT_COLOR_DARK {
        true => (DARK, "dark"),
        false => (LIGHT, "white"),
    };
    let contrast = color.contrast(ground);
    if contrast < LEAST_CONTRAST {
        return Err(format!(
            "cannot be read on {word}: its contrast is {contrast:.1}, and at least {LEAST_CONTRAST} is needed"
        ));
    }
    Ok(())
}

/// What follows the portal's own stylesheet; blank without colours.
///
/// # Errors
/// When the database does not answer.
pub async fn stylesheet(tx: &mut Tx) -> Result<String, Error> {
    let light = settings::color(tx, settings::ACCENT_COLOR).await?;
    let dark = settings::color(tx, settings::ACCENT_COLOR_DARK).await?;
    Ok(css(Rgb::read(&light), Rgb::read(&dark)))
}

fn css(light: Option<Rgb>, dark: Option<Rgb>) -> String {
    let mut css = String::from("/* The provider's colours. */\n");
    if let Some(light) = light {
        let _ = writeln!(css, ":root {{ {} }}", light.variables(LIGHT));
    }
    // Without a choice for the dark the light one is made lighter until it can be read.
    if let Some(dark) = dark.or_else(|| light.map(Rgb::lightened)) {
        let _ = writeln!(
            css,
            "@media (prefers-color-scheme: dark) {{ :root {{ {} }} }}",
            dark.variables(DARK)
        );
    }
    css
}

impl Rgb {
    fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |from: usize| u8::from_str_radix(digits.get(from..from + 2)?, 16).ok();
        Some(Self(part(0)?, part(2)?, part(4)?))
    }

    fn variables(self, ground: Self) -> String {
        let black = Self(0x05, 0x12, 0x0d);
        let ink = match self.contrast(LIGHT) >= self.contrast(black) {
            true => LIGHT,
            false => black,
        };
        format!(
            "--accent: {}; --accent-ink: {}; --accent-soft: {}; --series-1: {};",
            self.hex(),
            ink.hex(),
            self.mixed(ground, 0.12).hex(),
            self.hex()
        )
    }

    fn lightened(self) -> Self {
        let mut color = self;
        for _ in 0..20 {
            if color.contrast(DARK) >= 7.0 {
                break;
            }
            color = color.mixed(LIGHT, 0.85);
        }
        color
    }

    /// So much of it in another.
    fn mixed(self, other: Self, part: f64) -> Self {
        let mix = |one: u8, two: u8| {
            let mixed = f64::from(one) * part + f64::from(two) * (1.0 - part);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between two bytes"
            )]
            {
                mixed.round().clamp(0.0, 255.0) as u8
            }
        };
        Self(
            mix(self.0, other.0),
            mix(self.1, other.1),
            mix(self.2, other.2),
        )
    }

    fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// As WCAG 2 has it, from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let part = f64::from(byte) / 255.0;
            match part <= 0.04045 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_can_be_read() {
        for (setting, text, is_fine) in [
            (settings::ACCENT_COLOR, "", true),
            (settings::ACCENT_COLOR, "#0a6b4d", true),
            (settings::ACCENT_COLOR, "#ffff00", false),
            (settings::ACCENT_COLOR_DARK, "#ffff00", true),
            (settings::ACCENT_COLOR_DARK, "#0a2b4d", false),
            (settings::ACCENT_COLOR, "red", false),
            (settings::ACCENT_COLOR, "#12345", false),
            (settings::ACCENT_COLOR, "#12345é", false),
            (settings::ACCENT_COLOR, "#000;}*{x", false),
        ] {
            assert_eq!(check(setting, text).is_ok(), is_fine, "{text}");
        }
    }

    #[test]
    fn what_is_made_for_the_dark_can_be_read_too() {
        for light in [Rgb(0, 0, 0), Rgb(10, 107, 77), Rgb(90, 0, 140)] {
            let dark = light.lightened();
            assert!(dark.contrast(DARK) >= LEAST_CONTRAST, "{dark:?}");
        }
        assert_eq!(css(None, None), "/* The provider's colours. */\n");
        assert!(
            css(Rgb::read("#0a6b4d"), None).contains("--accent: #0a6b4d; --accent-ink: #ffffff;")
        );
    }
}
