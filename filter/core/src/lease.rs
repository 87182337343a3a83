//! Terms of leases, which both sides keep to: how long credit lasts, and how it is sized.
//!
//! [`crate::book`] grants by them, [`crate::slot`] spends by them.

use crate::period::{Period, Window};

/// How long a gateway that is not heard of may go on spending what it holds, in milliseconds.
///
/// Its credit stays charged for longer: only the holder's word releases it, or the window's end.
pub const TTL_MS: u64 = 30_000;
/// By how much earlier the gateway stops, for clocks that run at slightly different speeds.
pub const MARGIN_MS: u64 = 2_000;
/// The control plane is away when a call has failed and none was answered for so long. One slow call is not that.
pub const AWAY_MS: u64 = 2_000;
/// How far ahead of its start a window is granted, in seconds.
pub const PREFETCH_SECS: u64 = 10;
/// How long after its end, in seconds: clocks differ, and a request may have come in just before.
pub const LATE_SECS: u64 = 2;
/// How long what an asker lacks is kept for it, in milliseconds.
pub const RESERVED_MS: u64 = 3_000;
/// How long a holder is asked to return credit after another was short of it, in milliseconds.
pub const RECALL_MS: u64 = 3_000;
/// Credit is sized for so many seconds of the reported rate.
pub const AHEAD_SECS: u64 = 4;
/// What a holder that has reported keeps at hand however slow its traffic: so that it need not ask for every request.
pub const FLOOR: u64 = 8;
/// Holders of more than [`FLOOR`] that report nothing for so long are asked to return it, in milliseconds …
pub const IDLE_MS: u64 = 2 * TTL_MS;
/// … and those of less, in milliseconds: then their gateway may forget the application.
pub const LONG_IDLE_MS: u64 = 3_600_000;
/// So many windows in a row may go by without traffic before the next is no longer granted ahead.
pub const IDLE_WINDOWS: u32 = 30;
/// How long a refusal holds without asking again when others hold credit, in milliseconds …
pub const SOON_MS: u64 = 1_000;
/// … and when nobody does.
pub const LASTING_MS: u64 = 30_000;

/// Whether a window is granted at this moment of the database's clock.
#[must_use]
pub fn is_grantable(period: Period, window_start: u64, now_secs: u64) -> bool {
    let Window { start, end } = period.window(window_start);
    start == window_start
        && start <= now_secs.saturating_add(PREFETCH_SECS)
        && end.is_none_or(|end| now_secs < end.saturating_add(LATE_SECS))
}

/// The window that begins soon, if its period's current one is about to end.
#[must_use]
pub fn next_window(period: Period, now_secs: u64) -> Option<Window> {
    let end = period.window(now_secs).end?;
    (end <= now_secs.saturating_add(PREFETCH_SECS)).then(|| period.window(end))
}
