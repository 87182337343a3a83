//! The provider's own fields in forms.

use crate::drop;

drop! {
    /// A field that the provider has added to accounts or users.
    pub struct FieldDrop as "extra_field" {
        /// What a form calls it.
        name: String,
        /// What people call it.
        label: String,
        /// Whether it must be filled in.
        is_required: bool,
        /// Whether only the provider can change it.
        is_read_only: bool,
        /// What it may hold; anything when there are none.
        choices: Vec<String>,
        /// What it holds, or what was typed.
        value: String,
        /// What is wrong with what was typed.
        problem: Option<String>,
    }
}
