//! The paths of a rule set as one radix tree: the search follows the request's path, never the list of rules.
//!
//! A node is a place in one or more patterns, reached by its label (literal bytes) or through a placeholder.
//! Slashes are literal and placeholders do not match them, so a node belongs to one segment of the path, given
//! by the number of slashes before it. Within that segment, entering a placeholder once, as early as possible, finds
//! all that entering it later would find. So every placeholder is walked through at most once per request, every rule
//! is found at most once, and nothing grows exponentially.

use super::pattern::{PLACEHOLDER, Pattern};
use crate::few::Few;
use crate::path::is_pchar;
use alloc::vec::Vec;
use core::ops::Range;

/// Rules by path; rules are known by their position.
#[derive(Debug)]
pub(super) struct Index {
    /// The root first; the literal children of a node side by side, by first byte.
    nodes: Vec<Node>,
    /// The labels, one after the other.
    labels: Vec<u8>,
    /// The rules that end at a node, side by side.
    rules: Vec<u32>,
}

#[derive(Debug, Default)]
struct Node {
    /// Literal bytes that lead here, without the first (the parent chose by it).
    label: Range<u32>,
    /// First bytes of the literal children: canonical paths are ASCII.
    branches: u128,
    /// The first literal child.
    children: u32,
    /// The child behind a placeholder.
    placeholder: Option<u32>,
    /// Rules that end here with anything to follow.
    prefixes: Range<u32>,
    /// Rules that end here with nothing to follow.
    anchored: Range<u32>,
    /// Where it is marked that this node was reached, if it can be reached more than once.
    mark: Option<u32>,
}

/// A search under way.
struct Search {
    found: Few<u32, 16>,
    /// Marks of the nodes reached so far, as bits.
    reached: Few<u64, 4>,
}

/// Patterns that share their first `depth` bytes, sorted, and the node where they part.
struct Part<'a> {
    node: usize,
    patterns: &'a [(&'a [u8], bool, u32)],
    depth: usize,
    /// A placeholder came before, in the same segment.
    after_placeholder: bool,
}

// === impl Index: compiling ===

impl Index {
    pub(super) fn of<'a>(patterns: impl Iterator<Item = &'a Pattern>) -> Self {
        let mut sorted: Vec<_> = (0..)
            .zip(patterns)
            .map(|(rule, pattern)| (pattern.path(), pattern.is_anchored(), rule))
            .collect();
        sorted.sort_unstable();

        let mut index = Self {
            nodes: alloc::vec![Node::default()],
            labels: Vec::new(),
            rules: Vec::new(),
        };
        let mut marks = 0..;
        let mut parts = Vec::from([Part {
            node: 0,
            patterns: &sorted,
            depth: 0,
            after_placeholder: false,
        }]);
        while let Some(part) = parts.pop() {
            index.grow(part, &mut marks, &mut parts);
        }
        index
    }

    /// Fills in one node and adds its children, which are left in `parts`.
    fn grow<'a>(
        &mut self,
        part: Part<'a>,
        marks: &mut impl Iterator<Item = u32>,
        parts: &mut Vec<Part<'a>>,
    ) {
        let Part {
            patterns, depth, ..
        } = part;
        let ending = patterns.partition_point(|(path, ..)| path.len() == depth);
        let (ending, going_on) = patterns.split_at_checked(ending).unwrap_or_default();
        let prefixes = ending.partition_point(|(_, anchored, _)| !anchored);
        let (prefixes, anchored) = ending.split_at_checked(prefixes).unwrap_or_default();

        let mut node = Node {
            label: self
                .nodes
                .get(part.node)
                .map(|node| node.label.clone())
                .unwrap_or_default(),
            prefixes: self.add_rules(prefixes),
            anchored: self.add_rules(anchored),
            children: count(&self.nodes),
            ..Node::default()
        };
        let branch = |pattern: &(&'a [u8], bool, u32)| pattern.0.get(depth).copied();
        for patterns in going_on.chunk_by(|left, right| branch(left) == branch(right)) {
            let Some(byte) = patterns.first().and_then(branch) else {
                continue;
            };
            let child = count(&self.nodes);
            let mut child_node = Node::default();
            let (depth, after_placeholder) = if byte == PLACEHOLDER {
                node.placeholder = Some(child);
                (depth + 1, true)
            } else {
                node.branches |= bit(byte);
                let label = common_label(patterns, depth);
                let start = count(&self.labels);
                self.labels
                    .extend_from_slice(label.get(1..).unwrap_or_default());
                child_node.label = start..count(&self.labels);
                (
                    depth + label.len(),
                    part.after_placeholder && !label.contains(&b'/'),
                )
            };
            self.nodes.push(child_node);
            parts.push(Part {
                node: child as usize,
                patterns,
                depth,
                after_placeholder,
            });
        }
        // A placeholder's own node is entered once because its parent enters it once.
        let behind_placeholder = patterns
            .first()
            .is_some_and(|(path, ..)| path.get(depth.wrapping_sub(1)) == Some(&PLACEHOLDER));
        let matters = node.placeholder.is_some() || !node.prefixes.is_empty();
        if part.after_placeholder && !behind_placeholder && matters {
            node.mark = marks.next();
        }
        if let Some(place) = self.nodes.get_mut(part.node) {
            *place = node;
        }
    }

    fn add_rules(&mut self, patterns: &[(&[u8], bool, u32)]) -> Range<u32> {
        let start = count(&self.rules);
        self.rules.extend(patterns.iter().map(|(_, _, rule)| *rule));
        start..count(&self.rules)
    }
}

/// The literal bytes from `depth` on that all of `patterns` share.
fn common_label<'a>(patterns: &[(&'a [u8], bool, u32)], depth: usize) -> &'a [u8] {
    let (Some((first, ..)), Some((last, ..))) = (patterns.first(), patterns.last()) else {
        return &[];
    };
    // They are sorted: what the outermost share, all share.
    let first = first.get(depth..).unwrap_or_default();
    let last = last.get(depth..).unwrap_or_default();
    let shared = first
        .iter()
        .zip(last)
        .take_while(|(left, right)| left == right && **left != PLACEHOLDER)
        .count();
    first.get(..shared).unwrap_or_default()
}

fn count<T>(items: &[T]) -> u32 {
    // Rules come in messages far too small for more than 2^32 of anything.
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// The bit of an ASCII byte; none for others.
fn bit(byte: u8) -> u128 {
    1_u128.checked_shl(byte.into()).unwrap_or(0)
}

// === impl Index: searching ===

impl Index {
    /// The rules whose path matches, each once, in no order.
    pub(super) fn find(&self, path: &[u8]) -> Few<u32, 16> {
        let mut search = Search {
            found: Few::new(),
            reached: Few::new(),
        };
        if let Some(root) = self.nodes.first() {
            self.arrive(root, path, &mut search);
            self.follow(root, path, &mut search);
        }
        search.found
    }

    /// At a node, with `rest` of the path to go: takes the rules that may end here, and enters the placeholder.
    fn arrive(&self, node: &Node, rest: &[u8], search: &mut Search) {
        if node.mark.is_some_and(|mark| search.was_reached(mark)) {
            return;
        }
        search.found.extend_from_slice(self.rules(&node.prefixes));
        if let Some(placeholder) = self.placeholder(node) {
            self.walk_through(placeholder, rest, search);
        }
    }

    /// From a node on along literal bytes.
    fn follow<'a>(&'a self, mut node: &'a Node, mut rest: &[u8], search: &mut Search) {
        loop {
            let Some((byte, after)) = rest.split_first() else {
                search.found.extend_from_slice(self.rules(&node.anchored));
                return;
            };
            let Some(child) = self.child(node, *byte) else {
                return;
            };
            let Some(after) = after.strip_prefix(self.label(child)) else {
                return;
            };
            (node, rest) = (child, after);
            self.arrive(node, rest, search);
        }
    }

    /// Through a placeholder: one or more bytes of the segment, and from each of them on.
    fn walk_through(&self, placeholder: &Node, rest: &[u8], search: &mut Search) {
        let most = rest.iter().take_while(|byte| is_in_segment(**byte)).count();
        let Some(after_first) = rest.get(1..).filter(|_| most > 0) else {
            return;
        };
        self.arrive(placeholder, after_first, search);
        let inside = rest.get(..most).unwrap_or_default();
        for (len, byte) in inside.iter().enumerate().skip(1) {
            if placeholder.branches & bit(*byte) != 0 {
                self.follow(placeholder, rest.get(len..).unwrap_or_default(), search);
            }
        }
        self.follow(placeholder, rest.get(most..).unwrap_or_default(), search);
    }

    fn placeholder(&self, node: &Node) -> Option<&Node> {
        self.nodes.get(node.placeholder? as usize)
    }

    fn child(&self, node: &Node, byte: u8) -> Option<&Node> {
        let bit = bit(byte);
        if node.branches & bit == 0 {
            return None;
        }
        let before = (node.branches & (bit - 1)).count_ones();
        self.nodes.get((node.children + before) as usize)
    }

    fn label(&self, node: &Node) -> &[u8] {
        self.labels
            .get(usize_range(&node.label))
            .unwrap_or_default()
    }

    fn rules(&self, range: &Range<u32>) -> &[u32] {
        self.rules.get(usize_range(range)).unwrap_or_default()
    }
}

fn usize_range(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// What placeholders match: all that a canonical path holds, except the slash.
fn is_in_segment(byte: u8) -> bool {
    is_pchar(byte) || byte == b'%'
}

// === impl Search ===

impl Search {
    /// Whether the node with this mark was reached before; it is from now on.
    fn was_reached(&mut self, mark: u32) -> bool {
        let (word, bit) = ((mark / 64) as usize, 1 << (mark % 64));
        while self.reached.as_slice().len() <= word {
            self.reached.push(0);
        }
        let Some(word) = self.reached.as_mut_slice().get_mut(word) else {
            return false;
        };
        let before = *word;
        *word |= bit;
        before & bit != 0
    }
}
