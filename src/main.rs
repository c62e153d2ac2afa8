//! The daemon: arguments in, exit status out.

fn main() {}
