//! Putting in order what may be longer than memory should hold: it is sorted in runs, which go to the ledger, and the runs are
//! merged as they are read. So two long lists are compared side by side, whatever their length.

use domain::{Error, messages::Keyed, step_functions::List};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    hash::{BuildHasher, RandomState},
    io,
    iter::Peekable,
    vec::IntoIter,
};

use crate::{
    Ledger,
    list::{ListReader, ListWriter},
};

/// Bytes of JSON that are held before they go to the ledger: some 10,000 snapshots, or 5,000 volumes with a few tags.
const MOST_HELD: usize = if cfg!(test) { 40 } else { 1024 * 1024 };

/// Runs that are read at once: each is a connection, and what it has read ahead.
const MOST_RUNS: usize = if cfg!(test) { 3 } else { 16 };

/// Takes items in any order.
pub struct Sorter<'a, T> {
    ledger: &'a Ledger,
    name: String,
    held: Vec<T>,
    weight: usize,
    runs: Vec<List>,
    /// Runs that were written so far.
    written: usize,
}

impl<'a, T: Keyed + Clone + Serialize + DeserializeOwned> Sorter<'a, T> {
    /// A sorter whose runs, if it has any, are kept in the ledger under this name.
    pub fn new(ledger: &'a Ledger, name: String) -> Self {
        // An attempt of a function that was given up may still write while the next one does.
        let name = format!("{name}-{:016x}", RandomState::new().hash_one(0));
        Self { ledger, name, held: Vec::new(), weight: 0, runs: Vec::new(), written: 0 }
    }

    /// Takes an item.
    pub async fn insert(&mut self, item: T) -> Result<(), Error> {
        self.weight += weight(&item);
        self.held.push(item);
        if self.weight >= MOST_HELD { Box::pin(self.spill()).await } else { Ok(()) }
    }

    /// What was taken, in order.
    pub async fn finish(mut self) -> Result<Sorted<'a, T>, Error> {
        if !self.runs.is_empty() && !self.held.is_empty() {
            self.spill().await?;
        }
        self.held.sort_by(|one, other| one.key().cmp(other.key()));
        Ok(Sorted { ledger: self.ledger, held: self.held, runs: self.runs })
    }

    async fn spill(&mut self) -> Result<(), Error> {
        self.held.sort_by(|one, other| one.key().cmp(other.key()));
        let mut run = self.begin_run();
        for item in self.held.drain(..) {
            run.write(&item).await?;
        }
        self.runs.push(run.finish().await?);
        self.weight = 0;
        if self.runs.len() > MOST_RUNS { self.join_runs().await } else { Ok(()) }
    }

    async fn join_runs(&mut self) -> Result<(), Error> {
        let runs = std::mem::take(&mut self.runs);
        let mut all = Sorted::<T> { ledger: self.ledger, held: Vec::new(), runs }.merge().await?;
        let mut run = self.begin_run();
        while let Some(item) = all.next().await? {
            run.write(&item).await?;
        }
        self.runs.push(run.finish().await?);
        Ok(())
    }

    fn begin_run(&mut self) -> ListWriter<'a> {
        self.written += 1;
        self.ledger.write_list(format!("{}-{}.jsonl", self.name, self.written))
    }
}

/// Items in order of their keys; to be read as often as is needed.
pub struct Sorted<'a, T> {
    ledger: &'a Ledger,
    held: Vec<T>,
    runs: Vec<List>,
}

impl<T: Keyed + Clone + DeserializeOwned> Sorted<'_, T> {
    /// Begins at the first.
    pub async fn merge(&self) -> Result<Merge<T>, Error> {
        let mut merge = Merge { held: self.held.clone().into_iter().peekable(), runs: Vec::new() };
        for run in &self.runs {
            let mut lines = self.ledger.read_list(run).await?;
            merge.runs.push((lines.next().await?, lines));
        }
        Ok(merge)
    }
}

/// Items that are being read in order.
pub struct Merge<T> {
    held: Peekable<IntoIter<T>>,
    /// What comes next of each run, and the rest of it.
    runs: Vec<(Option<T>, ListReader<T>)>,
}

impl<T: Keyed + DeserializeOwned> Merge<T> {
    /// The next item.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        let heads = self.runs.iter_mut().filter(|(head, _)| head.is_some());
        match heads.min_by(|(one, _), (other, _)| key(one).cmp(&key(other))) {
            None => Ok(self.held.next()),
            Some((head, lines)) => Ok(std::mem::replace(head, lines.next().await?)),
        }
    }

    /// The items of the next key.
    pub async fn next_group(&mut self) -> Result<Vec<T>, Error> {
        let Some(first) = self.next().await? else { return Ok(Vec::new()) };
        let mut group = vec![first];
        while self.peek() == Some(group[0].key()) {
            group.extend(self.next().await?);
        }
        Ok(group)
    }

    /// Whether there are items of this key; those before it are passed over. Keys are asked for in order.
    pub async fn has(&mut self, wanted: &str) -> Result<bool, Error> {
        while self.peek().is_some_and(|key| key < wanted) {
            self.next().await?;
        }
        Ok(self.peek() == Some(wanted))
    }

    /// The items of this key, in the same way.
    pub async fn of(&mut self, wanted: &str) -> Result<Vec<T>, Error> {
        if self.has(wanted).await? { self.next_group().await } else { Ok(Vec::new()) }
    }

    /// The key of the next item.
    fn peek(&mut self) -> Option<&str> {
        match self.runs.is_empty() {
            true => self.held.peek().map(Keyed::key),
            false => self.runs.iter().filter_map(|(head, _)| key(head)).min(),
        }
    }
}

fn key<T: Keyed>(head: &Option<T>) -> Option<&str> {
    head.as_ref().map(Keyed::key)
}

fn weight<T: Serialize>(item: &T) -> usize {
    struct Counted(usize);
    impl io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    let _ = serde_json::to_writer(&mut counted, item);
    counted.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::bucket;

    async fn all(sorted: &Sorted<'_, String>) -> Vec<String> {
        let (mut merge, mut items) = (sorted.merge().await.unwrap(), Vec::new());
        while let Some(item) = merge.next().await.unwrap() {
            items.push(item);
        }
        items
    }

    async fn sorted<'a>(ledger: &'a Ledger, items: impl Iterator<Item = String>) -> Sorted<'a, String> {
        let mut sorter = Sorter::new(ledger, "sorting/x".into());
        for item in items {
            sorter.insert(item).await.unwrap();
        }
        sorter.finish().await.unwrap()
    }

    #[tokio::test]
    async fn puts_more_than_it_holds_in_order_and_reads_it_as_often_as_is_asked() {
        let (ledger, objects) = bucket();
        let items: Vec<_> = (0..100).map(|number| format!("{:03}", number * 37 % 100)).collect();
        let sorted = sorted(&ledger, items.iter().cloned()).await;
        assert!(objects.lock().unwrap().len() > 5 && sorted.held.is_empty());
        let mut expected = items;
        expected.sort();
        assert_eq!(all(&sorted).await, expected);
        assert_eq!(all(&sorted).await, expected);
    }

    #[tokio::test]
    async fn what_fits_into_memory_does_not_go_to_the_ledger() {
        let (ledger, objects) = bucket();
        let sorted = sorted(&ledger, ["b", "a"].map(str::to_owned).into_iter()).await;
        assert_eq!(all(&sorted).await, ["a", "b"]);
        assert!(objects.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn finds_the_items_of_a_key_across_runs_and_passes_over_those_before_it() {
        for count in [1, 20] {
            let (ledger, _) = bucket();
            let items = ["a", "c", "c", "e"].map(str::to_owned);
            let sorted = sorted(&ledger, items.iter().cloned().cycle().take(4 * count)).await;
            let mut merge = sorted.merge().await.unwrap();
            assert!(!merge.has("b").await.unwrap());
            assert!(merge.has("c").await.unwrap());
            assert_eq!(merge.of("c").await.unwrap().len(), 2 * count);
            assert!(merge.of("d").await.unwrap().is_empty());
            assert_eq!(merge.next_group().await.unwrap().len(), count);
            assert!(merge.next_group().await.unwrap().is_empty());
        }
    }
}
