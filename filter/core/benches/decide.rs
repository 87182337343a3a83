//! Bench
fn main(){}
