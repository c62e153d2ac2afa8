//! What a reader is told to do to its subscription: restart some of it, or carry other symbols.

use super::{Life, Socket};
use crate::engine::connection::end::EndReason;
use crate::shell::port::Command;
use crate::venue::Request;
use crate::venue::handles::Handles;

impl<S: Socket> Life<S> {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Restart { books } => {
                let (venue, scope) = (self.plan.venue.clone(), self.plan.scope.clone());
                let routes = self.plan.routes.clone();
                let symbols: Vec<&str> = books.iter().filter_map(|b| routes.symbol(*b)).collect();
                let withdraw = self.numbered(|id, handles| venue.withdraw(&scope, &symbols, handles, id));
                let restore = self.numbered(|id, _| venue.restore(&scope, &symbols, id));
                // A session that is ending restarts nothing; the planner's own timer finds the books as they were.
                self.session.restart(books, withdraw, restore);
            }
            Command::Rescope { scope, routes, added, removed } => {
                let venue = self.plan.venue.clone();
                let gone: Vec<&str> = removed.iter().map(String::as_str).collect();
                let new: Vec<&str> = added.iter().map(String::as_str).collect();
                let mut messages = Vec::new();
                if !gone.is_empty() {
                    let old = std::mem::replace(&mut self.plan.scope, scope.clone());
                    messages.extend(self.numbered(|id, handles| venue.unsubscribe(&old, &gone, handles, id)));
                }
                if !new.is_empty() {
                    messages.extend(self.numbered(|id, _| venue.subscribe(&scope, &new, id)));
                }
                self.plan.scope = scope;
                self.plan.routes = routes.clone();
                self.intake.reroute(routes);
                if !self.session.say(messages) {
                    self.session.end(EndReason::Requested);
                }
            }
        }
    }

    /// Messages made with the next free numbers.
    fn numbered(&mut self, make: impl FnOnce(i64, &Handles) -> Vec<Request>) -> Vec<Request> {
        let messages = make(self.next_id, self.intake.handles());
        self.next_id = self.next_id.saturating_add(messages.len() as i64);
        messages
    }
}
