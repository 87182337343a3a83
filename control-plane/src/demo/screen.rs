//! What the demo shows: one line a step, with how long it took, and plain text where it is not a terminal.

use std::io::{IsTerminal as _, Write};
use std::time::Instant;

/// Where to show it.
#[derive(Debug)]
pub struct Screen {
    colours: bool,
    step: Option<(String, Instant)>,
}

// === impl Screen ===

impl Screen {
    /// Standard output, in colour when someone is watching.
    #[must_use]
    pub fn on_stdout() -> Self {
        Self {
            colours: std::io::stdout().is_terminal(),
            step: None,
        }
    }

    /// The first line.
    pub fn title(&mut self, text: &str) {
        let text = self.bold(text);
        self.line(&format!("\n{text}\n"));
    }

    /// A step begins; on a terminal one sees it waiting.
    pub fn begin(&mut self, step: &str) {
        if self.colours {
            self.write(&format!("  \x1b[36m…\x1b[0m {step:<14}"));
        }
        self.step = Some((step.to_owned(), Instant::now()));
    }

    /// It is done.
    pub fn done(&mut self, outcome: &str) {
        let Some((step, began)) = self.step.take() else {
            return;
        };
        let took = format!("{:.1} s", began.elapsed().as_secs_f64());
        if self.colours {
            self.line(&format!(
                "\r\x1b[2K  \x1b[32m✓\x1b[0m {step:<14} {outcome}  \x1b[2m{took}\x1b[0m"
            ));
        } else {
            self.line(&format!("  ✓ {step:<14} {outcome}  ({took})"));
        }
    }

    /// Something that needs attention.
    pub fn warn(&mut self, text: &str) {
        if self.colours {
            self.line(&format!("\x1b[33m!\x1b[0m {text}"));
        } else {
            self.line(&format!("! {text}"));
        }
    }

    /// A line of text.
    pub fn line(&mut self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// The text, bold on a terminal.
    #[must_use]
    pub fn bold(&self, text: &str) -> String {
        if self.colours {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The text, dim on a terminal.
    #[must_use]
    pub fn dim(&self, text: &str) -> String {
        if self.colours {
            format!("\x1b[2m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The text, green or red on a terminal.
    #[must_use]
    pub fn good_or_bad(&self, good: bool, text: &str) -> String {
        let colour = if good { 32 } else { 31 };
        if self.colours {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn write(&self, text: &str) {
        // Nobody reads any more (a closed pipe): no reason to stop what runs.
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}
