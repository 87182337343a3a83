//! The paths of a rule set as one radix tree: the search follows the request's path, never the list of paths.
//!
//! A node is a place in one or more patterns, reached by its label (literal bytes) or through a placeholder.
//! Slashes are literal and placeholders do not match them, so a node belongs to one segment of the path, given
//! by the number of slashes before it. Within that segment, entering a placeholder once, as early as possible, finds
//! all that entering it later would find. So every placeholder is walked through at most once per request, every
//! path is found at most once, and nothing grows exponentially.

use super::pattern::PLACEHOLDER;
use crate::few::Few;
use crate::path::is_pchar;
use alloc::vec::Vec;
use core::ops::Range;

/// A pattern's path, to be indexed. Ordered, so that paths with the same beginning come one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IndexedPath<'a> {
    /// Canonical, with [`PLACEHOLDER`]s.
    pub(super) path: &'a [u8],
    /// Whether nothing may follow.
    pub(super) anchored: bool,
    /// What the search will know it by.
    pub(super) number: u32,
}

/// Paths by the requests they match.
#[derive(Debug)]
pub(super) struct Index {
    /// The root first; the literal children of a node side by side, by first byte.
    nodes: Vec<Node>,
    /// The labels, one after the other.
    labels: Vec<u8>,
}

#[derive(Debug, Default)]
struct Node {
    /// First bytes of the literal children.
    branches: Ascii,
    /// The first literal child.
    children: u32,
    /// Literal bytes that lead here, without the first (the parent chose by it).
    label: Range<u32>,
    /// The child behind a placeholder.
    placeholder: Option<u32>,
    /// The path that ends here with anything to follow.
    prefix: Option<u32>,
    /// The path that ends here with nothing to follow.
    anchored: Option<u32>,
    /// Where it is marked that this node was reached, if it can be reached more than once.
    mark: Option<u32>,
}

/// A set of ASCII characters: canonical paths hold no others.
#[derive(Clone, Copy, Debug, Default)]
struct Ascii {
    low: u64,
    high: u64,
}

/// Paths that share their first `depth` bytes, and the node where they part.
struct Fork<'a> {
    node: usize,
    paths: &'a [IndexedPath<'a>],
    depth: usize,
    /// A placeholder came before, in the same segment.
    after_placeholder: bool,
}

/// A search under way.
struct Search {
    found: Few<u32, 8>,
    /// Marks of the nodes reached so far, as bits.
    reached: Few<u64, 4>,
}

// === impl Index: compiling ===

impl Index {
    /// The index of `paths`: sorted, and each path only once with and once without an anchor.
    pub(super) fn of(paths: &[IndexedPath<'_>]) -> Self {
        let mut index = Self {
            nodes: Vec::from([Node::default()]),
            labels: Vec::new(),
        };
        let mut marks = 0..;
        let mut forks = Vec::from([Fork {
            node: 0,
            paths,
            depth: 0,
            after_placeholder: false,
        }]);
        while let Some(fork) = forks.pop() {
            index.grow(&fork, &mut marks, &mut forks);
        }
        index
    }

    /// Fills in the fork's node and adds its children, which become forks themselves.
    fn grow<'a>(
        &mut self,
        fork: &Fork<'a>,
        marks: &mut impl Iterator<Item = u32>,
        forks: &mut Vec<Fork<'a>>,
    ) {
        let (mut prefix, mut anchored, mut placeholder) = (None, None, None);
        let mut branches = Ascii::default();
        let children = count(&self.nodes);
        let next = |path: &IndexedPath<'a>| path.path.get(fork.depth).copied();
        for paths in fork.paths.chunk_by(|left, right| next(left) == next(right)) {
            let Some(byte) = paths.first().and_then(next) else {
                // These end here.
                for path in paths {
                    *(if path.anchored {
                        &mut anchored
                    } else {
                        &mut prefix
                    }) = Some(path.number);
                }
                continue;
            };
            let child = count(&self.nodes);
            let label = if byte == PLACEHOLDER {
                placeholder = Some(child);
                &[PLACEHOLDER]
            } else {
                branches.insert(byte);
                common_label(paths, fork.depth)
            };
            forks.push(Fork {
                node: self.nodes.len(),
                paths,
                depth: fork.depth + label.len(),
                after_placeholder: match label {
                    [PLACEHOLDER] => true,
                    literal => fork.after_placeholder && !literal.contains(&b'/'),
                },
            });
            let label_start = count(&self.labels);
            self.labels
                .extend_from_slice(label.get(1..).unwrap_or_default());
            self.nodes.push(Node {
                label: label_start..count(&self.labels),
                ..Node::default()
            });
        }
        // The node right behind a placeholder is reached once because the node before it is, so it needs no mark.
        let last_byte = fork
            .paths
            .first()
            .and_then(|path| path.path.get(..fork.depth)?.last());
        let matters = placeholder.is_some() || prefix.is_some();
        let mark = match matters && fork.after_placeholder && last_byte != Some(&PLACEHOLDER) {
            true => marks.next(),
            false => None,
        };
        if let Some(node) = self.nodes.get_mut(fork.node) {
            let label = node.label.clone();
            *node = Node {
                branches,
                children,
                label,
                placeholder,
                prefix,
                anchored,
                mark,
            };
        }
    }
}

/// The literal bytes from `depth` on that all of `paths` share.
fn common_label<'a>(paths: &[IndexedPath<'a>], depth: usize) -> &'a [u8] {
    let (Some(first), Some(last)) = (paths.first(), paths.last()) else {
        return &[];
    };
    // They are sorted: what the outermost share, all share.
    let first = first.path.get(depth..).unwrap_or_default();
    let last = last.path.get(depth..).unwrap_or_default();
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

// === impl Index: searching ===

impl Index {
    /// Numbers of the paths that match, each once, in no order.
    pub(super) fn find(&self, path: &[u8]) -> Few<u32, 8> {
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

    /// At a node, with `rest` of the path to go: takes the path that may end here, and enters the placeholder.
    fn arrive(&self, node: &Node, rest: &[u8], search: &mut Search) {
        if node.mark.is_some_and(|mark| search.was_reached(mark)) {
            return;
        }
        search.found.extend(node.prefix);
        if let Some(placeholder) = node.placeholder.and_then(|child| self.node(child)) {
            self.walk_through(placeholder, rest, search);
        }
    }

    /// From a node on along literal bytes.
    fn follow<'a>(&'a self, mut node: &'a Node, mut rest: &[u8], search: &mut Search) {
        loop {
            let Some((byte, after)) = rest.split_first() else {
                search.found.extend(node.anchored);
                return;
            };
            let Some(place) = node.branches.place(*byte) else {
                return;
            };
            let Some(child) = self.node(node.children + place) else {
                return;
            };
            let Some(after) = after.strip_prefix(self.label(child)) else {
                return;
            };
            (node, rest) = (child, after);
            self.arrive(node, rest, search);
        }
    }

    /// Through a placeholder: one or more bytes of the segment, and on from each of them.
    fn walk_through(&self, behind: &Node, rest: &[u8], search: &mut Search) {
        let most = rest.iter().take_while(|byte| is_in_segment(**byte)).count();
        let Some(after_first) = rest.get(1..).filter(|_| most > 0) else {
            return;
        };
        self.arrive(behind, after_first, search);
        let inside = rest.get(..most).unwrap_or_default();
        for (len, byte) in inside.iter().enumerate().skip(1) {
            if behind.branches.place(*byte).is_some() {
                self.follow(behind, rest.get(len..).unwrap_or_default(), search);
            }
        }
        self.follow(behind, rest.get(most..).unwrap_or_default(), search);
    }

    fn node(&self, number: u32) -> Option<&Node> {
        self.nodes.get(number as usize)
    }

    fn label(&self, node: &Node) -> &[u8] {
        let range = node.label.start as usize..node.label.end as usize;
        self.labels.get(range).unwrap_or_default()
    }
}

/// What placeholders match: all that a canonical path holds, except the slash.
fn is_in_segment(byte: u8) -> bool {
    is_pchar(byte) || byte == b'%'
}

// === impl Ascii ===

impl Ascii {
    fn insert(&mut self, byte: u8) {
        match byte {
            0..64 => self.low |= 1 << byte,
            64..128 => self.high |= 1 << (byte - 64),
            _ => {}
        }
    }

    /// How many smaller members there are, if `byte` is one.
    fn place(self, byte: u8) -> Option<u32> {
        let bit = 1_u64 << (byte % 64);
        let (word, before) = match byte {
            0..64 => (self.low, 0),
            64..128 => (self.high, self.low.count_ones()),
            _ => return None,
        };
        (word & bit != 0).then(|| before + (word & (bit - 1)).count_ones())
    }
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
