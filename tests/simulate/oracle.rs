//! The judge: after every turn of a worker, what it published is compared with the venue's truth and with what may follow
//! what was there before; now and then whole books are.

use crate::daemon::Daemon;
use crate::hash::Hash;
use crate::mark::{Mark, mark};
use depthd::engine::book::Book as LevelBook;
use depthd::engine::event::{Channel, Level};
use depthd::engine::id::{BookId, ConnectionId, Generation};
use depthd::engine::state::State;
use depthd::engine::view::BookTop;
use depthd::shell::registry::Tables;
use depthd::shell::slot::Published;
use depthd::shell::worker::Station;
use depthd::sim::Owner;
use depthd::sim::face::Identity;
use depthd::sim::owner::Top;
use depthd::sim::truth::Shown;
use depthd::venue::catalog;
use depthd::venue::profile::{FirstBook, Profile, SequenceRule};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Versions whose best levels are remembered, by symbol.
const TOPS_MAX: usize = 4_096;
/// More levels a side than any book here has.
const DEPTH: usize = 5_000;
const VIOLATIONS_MAX: usize = 16;

/// What is known of one book.
struct Book {
    site: usize,
    symbol: usize,
    profile: &'static Profile,
    /// Of the slot, when it was last looked at.
    version: u64,
    last: Option<(Published, u64)>,
    /// The newest generation that is over for this book.
    over: u64,
    /// A message with this number was read when others were dropped: a live book has it, or does not claim to be live.
    must_reach: Option<Reach>,
}

/// What a generation of a book has to have shown after so many recoveries.
#[derive(Clone, Copy)]
struct Reach {
    generation: u64,
    mark: Mark,
    recoveries: u64,
}

pub struct Oracle {
    pub hash: Hash,
    pub violations: Vec<String>,
    books: BTreeMap<BookId, Book>,
    tables: Option<Arc<Tables>>,
    /// By site and symbol.
    tops: Vec<Vec<VecDeque<Top>>>,
    known: Vec<Vec<u64>>,
    levels_max: usize,
    heap_max: u64,
    pub compared: u64,
    pub compared_whole: u64,
    /// Changes of levels that books were told of, roughly: messages applied.
    pub applied: u64,
}

impl Oracle {
    pub fn new(owners: &[&Owner], levels_max: usize, heap_max: u64) -> Oracle {
        let count = |o: &&Owner| o.symbols().len();
        Oracle {
            hash: Hash::new(),
            violations: Vec::new(),
            books: BTreeMap::new(),
            tables: None,
            tops: owners.iter().map(|o| vec![VecDeque::new(); count(o)]).collect(),
            known: owners.iter().map(|o| vec![0; count(o)]).collect(),
            levels_max,
            heap_max,
            compared: 0,
            compared_whole: 0,
            applied: 0,
        }
    }

    pub fn violation(&mut self, what: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(what);
        }
    }

    /// The venue had a turn.
    pub fn moved(&mut self, site: usize, owner: &Owner) {
        let tops = &mut self.tops[site];
        owner.tops(&mut self.known[site], |symbol, top| {
            let ring = &mut tops[symbol];
            if ring.len() == TOPS_MAX {
                ring.pop_front();
            }
            ring.push_back(top);
        });
    }

    /// Learns who is who, after a reload too.
    pub fn follow(&mut self, daemon: &Daemon, owners: &[&Owner]) {
        let tables = daemon.registry.tables();
        if self.tables.as_ref().is_some_and(|known| Arc::ptr_eq(known, &tables)) {
            return;
        }
        self.books.retain(|id, _| tables.slots.iter().any(|slot| slot.id == *id));
        for slot in &tables.slots {
            let Some(feed) = tables.feeds.iter().find(|f| f.id == slot.feed) else { continue };
            let Some(site) = owners.iter().position(|o| o.face().to_string() == feed.venue) else { continue };
            let Some(symbol) = owners[site].symbols().iter().position(|s| *s == slot.symbol) else {
                continue;
            };
            let profile = catalog::by_name(feed.venue).expect("a venue of that name").profile();
            self.books.entry(slot.id).or_insert(Book {
                site,
                symbol,
                profile,
                version: 0,
                last: None,
                over: 0,
                must_reach: None,
            });
        }
        self.tables = Some(tables);
    }

    /// A worker had a turn: judges everything it published.
    pub fn worked(&mut self, worker: usize, owners: &[&Owner]) {
        let Some(tables) = self.tables.clone() else { return };
        for slot in tables.slots.iter().filter(|slot| slot.worker == worker) {
            let version = slot.version();
            let Some(book) = self.books.get_mut(&slot.id) else { continue };
            if std::mem::replace(&mut book.version, version) != version {
                let (published, generation) = (slot.read(), slot.generation());
                self.published(slot.id, published, generation, owners);
            }
        }
    }

    /// A worker was started over: it knows of no generation, and learns the present one from its next message.
    pub fn panicked(&mut self, worker: usize) {
        let Some(tables) = self.tables.clone() else { return };
        for slot in tables.slots.iter().filter(|slot| slot.worker == worker) {
            if let Some(book) = self.books.get_mut(&slot.id) {
                (book.last, book.version, book.must_reach) = (None, slot.version(), None);
            }
        }
    }

    fn is_believed(&self, id: BookId, generation: u64) -> bool {
        let Some(tables) = &self.tables else { return false };
        let connection = tables.slots.iter().find(|slot| slot.id == id).map(|slot| slot.connection);
        tables.connections.iter().any(|c| Some(c.status.id) == connection && c.status.is_believed(generation))
    }

    fn published(&mut self, id: BookId, now: Published, generation: u64, owners: &[&Owner]) {
        let believed = self.is_believed(id, generation);
        let Some(book) = self.books.get_mut(&id) else { return };
        let mut wrong = Vec::new();
        let top = &now.top;
        let name = |what: &str| {
            format!("{what}: book {} {:?} at {:?}, generation {generation:#x}", id.0, top.state, top.sequence)
        };
        let before = book.last.replace((now, generation));
        // I4: a generation that is over never comes back. One whose successor failed goes on.
        if let Some((_, old)) = before.filter(|(_, old)| *old != generation) {
            book.over = book.over.max(old);
        }
        if generation != 0 && generation <= book.over && !believed {
            wrong.push(name(&format!("I4: published for a generation that ended, {:#x}", book.over)));
        }
        let live = top.state.is_live();
        let levels_max = LevelBook::levels_max(self.levels_max, book.profile.stream_depth);
        if top.levels_bids as usize > levels_max || top.levels_asks as usize > levels_max {
            wrong.push(name(&format!("I2: {} and {} levels", top.levels_bids, top.levels_asks)));
        }
        let crossed = top.bid.zip(top.ask).is_some_and(|(bid, ask)| bid.price >= ask.price);
        if live && crossed && book.profile.crossed_is_fault {
            wrong.push(name("I2: a crossed book"));
        }
        if now.heap_bytes > self.heap_max {
            wrong.push(name(&format!("I9: {} bytes of heap", now.heap_bytes)));
        }
        if let Some((old, _)) = before.filter(|(_, of)| *of == generation && generation != 0) {
            let same_run =
                old.counts.gaps == now.counts.gaps && old.counts.recoveries == now.counts.recoveries;
            let (applied, moved) =
                (now.counts.applied.wrapping_sub(old.counts.applied), top.sequence.zip(old.top.sequence));
            self.applied += applied;
            if let Some((new, last)) = moved.filter(|_| same_run && live && old.top.state.is_live()) {
                // A whole book in the stream counts at any number, so that a message lost before it is no gap.
                let whole = || owners[book.site].read_log(|l| l.faults.contains_key("snapshot"));
                let ahead = new.wrapping_sub(last);
                // So does the one that begins a new run: when a restart is asked for while the first book is on its way,
                // that one may be taken for the restart's, and then the restart's own comes.
                let begins = new <= applied;
                let follows = if book.profile.sequence == SequenceRule::Dense {
                    ahead == applied || begins || (ahead > applied && whole())
                } else {
                    new >= last
                };
                if !follows {
                    wrong.push(name(&format!("I3: {applied} applied after {last}")));
                }
            }
            let times = top.exchange_time.zip(old.top.exchange_time);
            if let Some((new, last)) = times.filter(|(new, last)| same_run && live && new < last) {
                wrong.push(name(&format!("I3: of {new} after {last}")));
            }
        }
        // A book that goes over from one connection to the next stays where the market is, by the market's numbers.
        if let Some((old, _)) = before.filter(|(_, of)| *of != generation && *of != 0)
            && book.profile.first_book == FirstBook::Rest
            && live
            && old.top.state.is_live()
            && top.sequence < old.top.sequence
        {
            wrong.push(name(&format!("I3: handed over back from {:?}", old.top.sequence)));
        }
        let changed =
            before.is_none_or(|(old, of)| of != generation || old.top.state.name() != top.state.name());
        self.hash.word(u64::from(id.0) << 32 | u64::from(changed));
        self.hash.word(top.sequence.unwrap_or(0));
        if changed {
            self.hash.text(top.state.name());
            self.hash.word(generation);
            if let State::Stale { reason, since } = top.state {
                self.hash.text(reason.name());
                self.hash.word(since.mono.nanos());
            }
        }
        let (site, symbol) = (book.site, book.symbol);
        if let Some(difference) = self.top_differs(site, symbol, top, owners) {
            wrong.push(name(&format!("I1: {difference}")));
        }
        wrong.into_iter().for_each(|what| self.violation(what));
    }

    /// The best levels against the truth of that version, where it was seen.
    fn top_differs(
        &mut self,
        site: usize,
        symbol: usize,
        shown: &BookTop,
        owners: &[&Owner],
    ) -> Option<String> {
        if !matches!(shown.state, State::Live | State::Partial { .. }) {
            return None;
        }
        let ring = &self.tops[site][symbol];
        let identity = owners[site].face().identity();
        let at = match identity {
            Identity::Sequence(times) => {
                shown.sequence.map(|s| ring.partition_point(|t| t.version < s / times))
            }
            Identity::Time => shown.exchange_time.map(|e| ring.partition_point(|t| t.time < e)),
        }?;
        let truth = ring.get(at).filter(|t| match identity {
            Identity::Sequence(times) => Some(t.version) == shown.sequence.map(|s| s / times),
            Identity::Time => Some(t.time) == shown.exchange_time,
        })?;
        self.compared += 1;
        let level = |rung: Option<(i64, i64)>| rung.and_then(|r| owners[site].level(symbol, r));
        let (bid, ask) = (level(truth.bid), level(truth.ask));
        let text = |l: Option<Level>| l.map_or("nothing".to_owned(), |l| format!("{} x {}", l.price, l.size));
        ((bid, ask) != (shown.bid, shown.ask)).then(|| {
            let (b, a) = (text(shown.bid), text(shown.ask));
            format!("shown {b} | {a}, true {} | {}", text(bid), text(ask))
        })
    }

    /// Compares a whole book as its readers see it now.
    pub fn whole(&mut self, id: BookId, daemon: &Daemon, owners: &[&Owner]) {
        let (Some(tables), Some(book)) = (&self.tables, self.books.get(&id)) else { return };
        let Some(slot) = tables.slots.iter().find(|slot| slot.id == id) else { return };
        let (top, _) = daemon.registry.top(tables, slot);
        let depth = match top.state {
            State::Live => DEPTH,
            State::Partial { exact_depth } => exact_depth as usize,
            State::Syncing | State::Stale { .. } => return,
        };
        let seen = |station: &Station| station.worker().and_then(|w| w.desk().view(id, DEPTH));
        let Some(view) = daemon.workers[slot.worker].with(seen) else { return };
        let (sequence, time) = (view.top.sequence, view.top.exchange_time);
        let Some(truth) = owners[book.site].truth(&slot.symbol, sequence, time) else { return };
        self.compared_whole += 1;
        let (bids, asks) =
            (&view.bids[..view.bids.len().min(depth)], &view.asks[..view.asks.len().min(depth)]);
        let shown = Shown { bids, asks, depth, low: view.exact_low, high: view.exact_high };
        if let Err(difference) = truth.judge(&shown) {
            let state = view.top.state.name();
            let at = format!("{sequence:?}, {time:?}");
            self.violation(format!("I1: book {} {} {state} at {at}: {difference}", id.0, slot.symbol));
        }
    }

    pub fn all_whole(&mut self, daemon: &Daemon, owners: &[&Owner]) {
        let ids: Vec<BookId> = self.books.keys().copied().collect();
        ids.into_iter().for_each(|id| self.whole(id, daemon, owners));
    }

    pub fn book_ids(&self) -> Vec<BookId> {
        self.books.keys().copied().collect()
    }

    /// I6: nothing of a connection that is not alive, or of a stream that lost something, is shown as good.
    pub fn doubted(&mut self, daemon: &Daemon) {
        let Some(tables) = self.tables.clone() else { return };
        // What the supervisor has still to hear of it cannot act on.
        let heard_all = daemon.supervisor.waiting() == 0;
        for slot in &tables.slots {
            let has_life = daemon.lives.iter().any(|life| life.generation.0 == slot.generation());
            let alive = (has_life || !heard_all)
                && tables.connections.iter().any(|c| c.status.id == slot.connection && c.status.is_alive());
            let (top, _) = daemon.registry.top(&tables, slot);
            let good = matches!(top.state, State::Live | State::Partial { .. });
            if good && (!alive || slot.broken().is_some()) {
                let why = if alive { "lost messages" } else { "lost its connection" };
                self.violation(format!(
                    "I6: book {} is shown {} though it {why}",
                    slot.id.0,
                    top.state.name()
                ));
            }
        }
    }

    /// A life begins: every worker has passed the fence of the one before, but for one that it is to take over from.
    pub fn begins(&mut self, connection: ConnectionId, beside: Option<Generation>) {
        let Some(tables) = self.tables.clone() else { return };
        let left = |s: &&Arc<depthd::shell::slot::Slot>| {
            s.connection == connection && s.generation() != 0 && Some(s.generation()) != beside.map(|g| g.0)
        };
        for slot in tables.slots.iter().filter(left) {
            let (id, generation) = (slot.id.0, slot.generation());
            self.violation(format!(
                "I4: a life begins while book {id} is still of generation {generation:#x}"
            ));
        }
    }

    /// Messages were dropped in a turn of a reader that had read these.
    pub fn dropped(
        &mut self,
        feed: depthd::engine::id::FeedId,
        generation: u64,
        texts: &[tungstenite::Utf8Bytes],
    ) {
        let Some(tables) = self.tables.clone() else { return };
        for (symbol, mark) in texts.iter().filter_map(|text| mark(text)) {
            let named = |s: &&Arc<depthd::shell::slot::Slot>| s.feed == feed && s.symbol == symbol;
            let Some(slot) = tables.slots.iter().find(named) else { continue };
            if let Some(book) = self.books.get_mut(&slot.id) {
                let recoveries = slot.read().top.recoveries;
                // Numbers of a run that ended with a recovery say nothing of the next.
                let same = |r: &Reach| (r.generation, r.recoveries) == (generation, recoveries);
                let known = book.must_reach.filter(same).map(|r| r.mark);
                let mark = known.map_or(mark, |known| known.later(mark));
                book.must_reach = Some(Reach { generation, mark, recoveries });
            }
        }
    }

    /// Every queue is empty: whoever did not get all that was read must have said so.
    pub fn settled(&mut self, daemon: &Daemon) {
        let Some(tables) = self.tables.clone() else { return };
        let mut wrong = Vec::new();
        for slot in &tables.slots {
            let Some(book) = self.books.get_mut(&slot.id) else { continue };
            let Some(Reach { generation, mark, recoveries }) = book.must_reach.take() else { continue };
            let (top, _) = daemon.registry.top(&tables, slot);
            let same = slot.generation() == generation && top.recoveries == recoveries;
            if same && top.state.is_live() && !mark.is_reached(&top) {
                let at = (top.sequence, top.exchange_time);
                wrong.push(format!("I6: book {} is live at {at:?} though {mark:?} was dropped", slot.id.0));
            }
        }
        wrong.into_iter().for_each(|what| self.violation(what));
    }

    /// Books that are not as good as their stream allows.
    pub fn not_well(&self, daemon: &Daemon, channels: &dyn Fn(&str) -> Vec<Channel>) -> Vec<String> {
        let Some(tables) = &self.tables else { return vec!["nothing is known".to_owned()] };
        let mut ill = Vec::new();
        for slot in &tables.slots {
            let Some(feed) = tables.feeds.iter().find(|f| f.id == slot.feed) else { continue };
            let whole = channels(&feed.name).contains(&Channel::Book);
            let (top, _) = daemon.registry.top(tables, slot);
            let well = if whole { top.state.is_live() } else { matches!(top.state, State::Partial { .. }) };
            if !well {
                ill.push(format!("{}/{} is {}", feed.name, slot.symbol, top.state.name()));
            }
        }
        ill
    }
}
