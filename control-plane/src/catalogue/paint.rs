//! Colours for a terminal, and text that cannot do anything to one.

use crate::config;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Also into files and pipes
    Always,
    /// Not at all
    Never,
}

/// Colours text, or leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    colours: bool,
}

/// A colour, by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// New.
    Good,
    /// Different.
    Notice,
    /// Gone.
    Bad,
    /// Important.
    Strong,
    /// Not important.
    Faint,
}

// === impl Paint ===

impl Paint {
    /// For the standard output.
    #[must_use]
    pub fn stdout(when: When) -> Self {
        Self {
            colours: match when {
                When::Always => true,
                When::Never => false,
                When::Auto => std::io::stdout().is_terminal() && config::terminal_has_colours(),
            },
        }
    }

    /// Without colours.
    #[must_use]
    pub fn plain() -> Self {
        Self { colours: false }
    }

    /// The text in a colour.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colours || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Notice => "33",
            Tone::Bad => "31",
            Tone::Strong => "1",
            Tone::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// The text on one line, without what a terminal would obey, and not too long.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    for (n, letter) in text.chars().enumerate() {
        if n >= most {
            line.push('…');
            break;
        }
        match letter {
            '\n' => line.push_str("\\n"),
            letter if letter.is_control() => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => line.push(letter),
        }
    }
    line
}
