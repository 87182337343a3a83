//! Chance that is the same in every run, and loads as uneven as real ones.

/// The same numbers in every run (splitmix64).
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

// === impl Chance ===

impl Chance {
    /// The next one.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Draws ranks: the second is half as likely as the first, the third a third.
#[derive(Clone, Debug)]
pub struct Zipf {
    up_to: Vec<f64>,
}

// === impl Zipf ===

impl Zipf {
    /// So many ranks.
    #[must_use]
    pub fn new(ranks: u32) -> Self {
        let mut sum = 0.0;
        let up_to = (1..=ranks).map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        });
        Self {
            up_to: up_to.collect(),
        }
    }

    /// A rank, from 0.
    pub fn draw(&self, chance: &mut Chance) -> u32 {
        let all = self.up_to.last().copied().unwrap_or_default();
        let drawn = (chance.draw() >> 11) as f64 / (1_u64 << 53) as f64 * all;
        let rank = self.up_to.partition_point(|&sum| sum <= drawn);
        u32::try_from(rank).unwrap_or_default()
    }
}
