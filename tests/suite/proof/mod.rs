//! The figures of reliability, each test named by the figure it measures. How much is asked for is one variable.

/// How much proof is asked for.
mod amount;
/// C4.
mod order;
