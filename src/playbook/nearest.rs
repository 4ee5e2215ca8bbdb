//! "Did you mean …?": the known word that a mistyped one is closest to.

/// The closest of `known`, if it is close enough to have been meant: a third of its letters may differ, but of two
/// letters none, or `P4` would mean `P0`.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|&(far, candidate)| far <= allowed && far * 2 < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

/// What would be right instead of `word`: the nearest known one, or all of them, or what to do when there is none.
pub(super) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    const SHOWN: usize = 8;
    if let Some(meant) = nearest(word, known.clone()) {
        return format!("did you mean `{meant}`?");
    }
    let known: Vec<String> = known.into_iter().map(|one| format!("`{one}`")).collect();
    match known.len() {
        0 => "none is known here, so leave it out or define one".to_owned(),
        1 => format!("only {} is known here", known[0]),
        n if n > SHOWN => format!("known here are {} and {} more", known[..SHOWN].join(", "), n - SHOWN),
        n => format!("known here are {} and {}", known[..n - 1].join(", "), known[n - 1]),
    }
}

/// How many letters must be inserted, left out, replaced or swapped with their neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = above;
        above = row;
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_finds_the_one_that_was_meant() {
        let known = ["app-rollback", "database-rollback", "config-rollback"];
        assert_eq!(nearest("app-rolback", known), Some("app-rollback"));
        assert_eq!(nearest("App-Rollback", known), Some("app-rollback"));
        assert_eq!(nearest("confgi-rollback", known), Some("config-rollback"));
        assert_eq!(nearest("helm", known), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("P4", ["P0", "P1"]), None);
    }

    #[test]
    fn swapped_letters_count_once() {
        assert_eq!(distance("titel", "title"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
