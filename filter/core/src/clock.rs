//! The database's clock, as a gateway measures it: how far it is ahead of this machine's.
//!
//! Every answer says what time it is there. When it was said lies between sending and hearing, so the fastest round
//! trip tells best. This machine's clock may be set at any time, and then what was measured before is wrong.

/// What one VM's measurements have come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measurements {
    best_round_trip_ms: Option<u64>,
}

/// Round trips that take so much longer than the best still tell enough, in milliseconds.
const NEARLY_BEST_MS: u64 = 5;
/// No call lasts longer than this, in milliseconds.
const LONGEST_MS: u64 = 10_000;
/// Two measurements differ by more than half of their round trips and this, in milliseconds, if the clock was set between
/// them.
const TOLERANCE_MS: u64 = 50;

impl Measurements {
    /// Takes an answer, sent for at `sent_ms` and heard at `now_ms` by this machine's clock, which says that it was
    /// `database_ms`. Returns how far the database's clock is ahead, if this tells better than what is known.
    pub fn take(
        &mut self,
        known_ahead_ms: Option<i64>,
        sent_ms: u64,
        now_ms: u64,
        database_ms: u64,
    ) -> Option<i64> {
        let round_trip_ms = now_ms.checked_sub(sent_ms);
        let Some(round_trip_ms) = round_trip_ms.filter(|&it| it <= LONGEST_MS) else {
            // The clock was set meanwhile: this measures nothing, and what was measured before is no longer so.
            self.best_round_trip_ms = None;
            return None;
        };
        let here_ms = sent_ms.saturating_add(round_trip_ms / 2);
        let ahead_ms = signed(database_ms).saturating_sub(signed(here_ms));
        let best_ms = self.best_round_trip_ms.unwrap_or(round_trip_ms);
        let likely_ms = (round_trip_ms / 2)
            .saturating_add(best_ms / 2)
            .saturating_add(TOLERANCE_MS);
        let was_set = known_ahead_ms.is_some_and(|known| known.abs_diff(ahead_ms) > likely_ms);
        if was_set || round_trip_ms <= best_ms {
            self.best_round_trip_ms = Some(round_trip_ms);
            return Some(ahead_ms);
        }
        // It ages, so that a network that has become slower is measured again.
        let best_ms = best_ms.saturating_add(1);
        self.best_round_trip_ms = Some(best_ms);
        (round_trip_ms <= best_ms.saturating_add(NEARLY_BEST_MS)).then_some(ahead_ms)
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
