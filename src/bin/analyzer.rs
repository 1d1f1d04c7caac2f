//! The inspector.

fn main() {}
