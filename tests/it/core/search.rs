//! Breadth-first search over every state that can be reached, with the shortest path to the first broken law.

use std::collections::HashMap;
use std::hash::Hash;

/// Where a search ends even if there is more.
#[derive(Clone, Copy)]
pub struct Limit {
    pub depth: usize,
    pub states: usize,
}

#[derive(Debug)]
pub struct Searched<L> {
    pub states: usize,
    pub transitions: usize,
    pub deepest: usize,
    /// The limit of states was reached before the depth was exhausted.
    pub cut: bool,
    /// The first broken law, with the steps that lead to it.
    pub red: Option<(String, Vec<L>)>,
}

/// A state, how many steps lead to it, and the last of them with where it came from.
type Reached<S, L> = (S, usize, Option<(usize, L)>);

/// Searches from `starts`. `next` answers with each step's label and the state it leads to, or the law it breaks.
pub fn search<S: Hash + Eq + Clone, L: Clone>(
    starts: impl IntoIterator<Item = S>,
    limit: Limit,
    mut next: impl FnMut(&S) -> Vec<(L, Result<S, String>)>,
) -> Searched<L> {
    let mut order: Vec<Reached<S, L>> = Vec::new();
    let mut known: HashMap<S, usize> = HashMap::new();
    for start in starts {
        known.entry(start.clone()).or_insert_with(|| {
            order.push((start, 0, None));
            order.len() - 1
        });
    }
    let (mut at, mut transitions, mut cut) = (0, 0, false);
    while at < order.len() {
        let (state, depth) = (order[at].0.clone(), order[at].1);
        if depth < limit.depth {
            for (label, outcome) in next(&state) {
                transitions += 1;
                match outcome {
                    Err(broken) => {
                        let mut path = vec![label];
                        let mut back = at;
                        while let Some((parent, step)) = order[back].2.clone() {
                            path.push(step);
                            back = parent;
                        }
                        path.reverse();
                        let states = order.len();
                        return Searched { states, transitions, deepest: depth + 1, cut, red: Some((broken, path)) };
                    }
                    Ok(reached) if order.len() < limit.states => {
                        if !known.contains_key(&reached) {
                            known.insert(reached.clone(), order.len());
                            order.push((reached, depth + 1, Some((at, label))));
                        }
                    }
                    Ok(reached) => cut |= !known.contains_key(&reached),
                }
            }
        }
        at += 1;
    }
    let deepest = order.iter().map(|(_, depth, _)| *depth).max().unwrap_or_default();
    Searched { states: order.len(), transitions, deepest, cut, red: None }
}
