//! A connection with another one beside it that is to take over.

use super::*;

#[test]
fn two_lives_of_a_connection_are_repaired_side_by_side() {
    let mut w = World::new(rest_venue(4_800, 50, 2), 20);
    let (old, new) = (G, Generation(2));
    w.need(s(0), 1, GAP);
    w.planner.need(s(0), BookId(2), LINE, new, Need::First);
    let fetched: Vec<Generation> = w.all(s(0)).iter().map(generation_of).collect();
    assert_eq!(fetched, [old, new]);
    // The second fails, and the first goes on as if it had been alone.
    w.planner.connection_down(s(1), LINE, new, Some(old));
    w.need(s(1), 3, GAP);
    w.planner.need(s(1), BookId(4), LINE, new, Need::First);
    assert_eq!(w.planner.wanting(), 2, "book 1 and book 3, and nothing of the life that failed");
    // The next one takes over.
    w.planner.need(s(2), BookId(1), LINE, Generation(3), Need::First);
    w.planner.connection_down(s(3), LINE, old, None);
    assert_eq!(w.planner.wanting(), 1, "book 1 in its new life");
}

fn generation_of(action: &Action) -> Generation {
    match action {
        Action::Fetch { generation, .. }
        | Action::Restart { generation, .. }
        | Action::Audit { generation, .. }
        | Action::Reconnect { generation, .. } => *generation,
    }
}
