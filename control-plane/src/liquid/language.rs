//! The tags and filters that templates may use. What is not listed here is refused when a template is saved.

use super::tags;
use liquid_core::{Language, ParseBlock, ParseFilter, ParseTag};
use liquid_lib::stdlib;

/// All of it.
pub(super) fn language() -> Language {
    let mut language = Language::empty();
    let boxed: [Box<dyn ParseTag>; 7] = [
        Box::new(stdlib::AssignTag),
        Box::new(stdlib::BreakTag),
        Box::new(stdlib::ContinueTag),
        Box::new(stdlib::CycleTag),
        Box::new(tags::IncludeTag),
        Box::new(tags::RenderTag),
        Box::new(stdlib::IncrementTag),
    ];
    for tag in boxed {
        language
            .tags
            .register(tag.reflection().tag().to_owned(), tag);
    }
    let boxed: [Box<dyn ParseBlock>; 7] = [
        Box::new(stdlib::RawBlock),
        Box::new(stdlib::IfBlock),
        Box::new(stdlib::UnlessBlock),
        Box::new(tags::ForBlock),
        Box::new(stdlib::CommentBlock),
        Box::new(stdlib::CaptureBlock),
        Box::new(stdlib::CaseBlock),
    ];
    for block in boxed {
        language
            .blocks
            .register(block.reflection().start_tag().to_owned(), block);
    }
    for filter in filters() {
        language
            .filters
            .register(filter.reflection().name().to_owned(), filter);
    }
    language
}

macro_rules! boxed {
    ($($filter:ident)*) => { vec![$(Box::new(stdlib::$filter) as Box<dyn ParseFilter>),*] };
}

fn filters() -> Vec<Box<dyn ParseFilter>> {
    boxed!(
        Abs Append AtLeast AtMost Capitalize Ceil Compact Date Default DividedBy Downcase Escape EscapeOnce First Floor Join
        Last Lstrip Map Minus Modulo NewlineToBr Plus Prepend Remove RemoveFirst Replace ReplaceFirst Reverse Round Rstrip
        Size Slice Sort SortNatural Split Strip StripHtml StripNewlines Times Truncate TruncateWords Uniq Upcase UrlDecode
        UrlEncode Where
    )
}
