//! The simulation in `make test`: so many schedules, none of which may go wrong, and proof that it would be seen.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking; how much was run through is part of the result"
)]

mod mutations;
mod schedules;
