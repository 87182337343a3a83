//! The tags and filters that templates may use. What is not listed here is refused when a template is saved.

use super::filters::{self, Guarded};
use super::placed::{PlacedBlock, PlacedTag};
use super::tags;
use liquid_core::{Language, ParseBlock, ParseFilter, ParseTag};
use liquid_lib::stdlib;

/// All of it.
pub(super) fn language() -> Language {
    let mut language = Language::empty();
    for tag in tags() {
        let name = tag.reflection().tag().to_owned();
        language.tags.register(name, Box::new(PlacedTag(tag)));
    }
    for block in blocks() {
        let name = block.reflection().start_tag().to_owned();
        language.blocks.register(name, Box::new(PlacedBlock(block)));
    }
    for filter in filters() {
        let name = filter.reflection().name().to_owned();
        language.filters.register(name, Box::new(Guarded(filter)));
    }
    language
}

/// Tags, but for `raw` and `comment`, which `scan` takes away.
pub(super) fn tags() -> Vec<Box<dyn ParseTag>> {
    let mut all: Vec<Box<dyn ParseTag>> = vec![
        Box::new(tags::EchoTag),
        Box::new(tags::AssignTag),
        Box::new(tags::IncludeTag),
        Box::new(tags::RenderTag),
        Box::new(stdlib::BreakTag),
        Box::new(stdlib::ContinueTag),
        Box::new(stdlib::CycleTag),
    ];
    for tag in tags::PortalTag::ALL {
        all.push(Box::new(tag));
    }
    all
}

/// Blocks.
pub(super) fn blocks() -> Vec<Box<dyn ParseBlock>> {
    vec![
        Box::new(stdlib::IfBlock),
        Box::new(stdlib::UnlessBlock),
        Box::new(stdlib::CaseBlock),
        Box::new(tags::ForBlock),
        Box::new(tags::CaptureBlock),
    ]
}

macro_rules! boxed {
    ($($filter:ident)*) => { vec![$(Box::new(stdlib::$filter) as Box<dyn ParseFilter>),*] };
}

/// Filters. None makes markup of what was escaped: `url_decode` would.
pub(super) fn filters() -> Vec<Box<dyn ParseFilter>> {
    let mut all = boxed!(
        Abs Append AtLeast AtMost Capitalize Ceil Compact Date Default DividedBy Downcase EscapeOnce First Floor Join
        Last Lstrip Map Minus Modulo NewlineToBr Plus Prepend Remove RemoveFirst Replace ReplaceFirst Reverse Round Rstrip
        Size Slice Sort SortNatural Split Strip StripHtml StripNewlines Times Truncate TruncateWords Uniq Upcase UrlEncode
        Where
    );
    all.extend(filters::own());
    all
}
