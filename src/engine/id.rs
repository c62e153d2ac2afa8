//! Small names for things that must not be mixed up.

/// A feed of the configuration, by position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FeedId(pub u16);

/// A book: one symbol of one feed, counted over all feeds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BookId(pub u32);

/// A logical connection: the part of a feed's symbols that travels on one socket, counted over all feeds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId(pub u16);

/// One life of a connection, from spawn to join. Unique in the process, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Generation(pub u64);
