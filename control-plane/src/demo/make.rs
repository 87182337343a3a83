//! Noticing that the `make` above us was told to stop.
//!
//! GNU make passes SIGTERM on, but a SIGINT that was sent to it alone it keeps (a terminal's Ctrl-C goes to all of a
//! group) and waits for us; killed, it cannot say anything. What shows is that it no longer catches SIGINT, or is gone.

use std::os::unix::process::parent_id;
use std::time::Duration;
use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// SIGINT in the mask of `SigCgt`.
const INTERRUPT: u64 = 1 << 1;

/// Resolves when `make` is the parent and should stop; never, when there is none.
pub(super) async fn stopping() {
    let parent = parent_id();
    let comm = std::fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
    let is_make =
        matches!(comm.trim(), "make" | "gmake") && catches_interrupt(parent) == Some(true);
    if !is_make {
        return std::future::pending().await;
    }
    while parent_id() == parent && catches_interrupt(parent) != Some(false) {
        sleep(LOOK_EVERY).await;
    }
}

fn catches_interrupt(process: u32) -> Option<bool> {
    caught(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

fn caught(status: &str) -> Option<bool> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))?;
    Some(u64::from_str_radix(mask.trim(), 16).ok()? & INTERRUPT != 0)
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn reads_the_mask() {
        assert_eq!(
            caught("Name:\tmake\nSigCgt:\t0000000001814207\n"),
            Some(true)
        );
        assert_eq!(
            caught("Name:\tmake\nSigCgt:\t0000000001814205\n"),
            Some(false)
        );
        assert_eq!(caught("Name:\tmake\n"), None);
    }
}
