//! A list that is usually short: kept in place up to `N` items, moved to the heap beyond.
//!
//! Requests match a handful of rules and use a handful of metrics; this spares them the allocator.

use crate::id::MetricId;
use alloc::vec::Vec;

/// Up to `N` items in place, any number on the heap.
#[derive(Clone)]
pub(crate) struct Few<T, const N: usize> {
    /// Items in `inline`; meaningless once `heap` holds any.
    len: usize,
    inline: [T; N],
    /// All the items, once there are more than `N`.
    heap: Vec<T>,
}

/// What stands in the places that hold no item yet; never seen.
pub(crate) trait Filler {
    const FILLER: Self;
}

// === impl Filler ===

impl Filler for u32 {
    const FILLER: Self = 0;
}

impl Filler for u64 {
    const FILLER: Self = 0;
}

impl Filler for (MetricId, u64) {
    const FILLER: Self = (MetricId(0), 0);
}

impl Filler for (u32, &[u8]) {
    const FILLER: Self = (0, &[]);
}

// === impl Few ===

impl<T: Copy + Filler, const N: usize> Few<T, N> {
    pub(crate) fn new() -> Self {
        Self {
            len: 0,
            inline: [T::FILLER; N],
            heap: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.heap.is_empty() {
            if let Some(free) = self.inline.get_mut(self.len) {
                *free = item;
                self.len += 1;
                return;
            }
            self.heap.reserve(2 * N + 1);
            self.heap.extend_from_slice(&self.inline);
        }
        self.heap.push(item);
    }

    /// Puts `item` before the one at `index`, or last when there is none.
    pub(crate) fn insert(&mut self, index: usize, item: T) {
        self.push(item);
        if let Some(moved) = self.as_mut_slice().get_mut(index..) {
            moved.rotate_right(1);
        }
    }

    pub(crate) fn extend(&mut self, items: impl IntoIterator<Item = T>) {
        for item in items {
            self.push(item);
        }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        if self.heap.is_empty() {
            self.inline.get(..self.len).unwrap_or_default()
        } else {
            &self.heap
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        if self.heap.is_empty() {
            self.inline.get_mut(..self.len).unwrap_or_default()
        } else {
            &mut self.heap
        }
    }
}

impl<T: Copy + Filler, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy + Filler + core::fmt::Debug, const N: usize> core::fmt::Debug for Few<T, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl<T: Copy + Filler + PartialEq, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Copy + Filler + Eq, const N: usize> Eq for Few<T, N> {}
