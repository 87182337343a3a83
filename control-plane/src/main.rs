//! Binary
fn main(){}
