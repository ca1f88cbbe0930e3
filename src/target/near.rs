//! Slips of the pen: which known word was meant.

/// The known name that is closest to what was written, when it is close, or that it begins.
pub fn nearest<'k>(said: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if said.len() > 64 {
        return None;
    }
    let said = said.to_lowercase();
    let mut longer = Vec::new();
    let near = known
        .take(200)
        .inspect(|name| {
            if said.len() >= 2 && name.starts_with(&said) {
                longer.push(*name);
            }
        })
        .map(|name| (distance(&said, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1.max(name.len().min(said.len()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name);
    // The start of one name alone is as good as a slip: `user` for `username`.
    near.or_else(|| if longer.len() == 1 { longer.pop() } else { None })
}

/// The known name that differs by a slip or two.
pub fn slip<'k>(said: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let said = said.get(..said.len().min(64))?.to_lowercase();
    let near = known.take(1000).map(|name| (distance(&said, name), name));
    near.filter(|(distance, _)| *distance <= 2).min_by_key(|near| near.0).map(|(_, name)| name)
}

/// At most `most` known names that somebody who wrote `said` may have meant, the likeliest first: close
/// spellings, then names that hold it or that it holds.
pub fn neighbours<'k>(
    said: &str,
    known: impl Iterator<Item = &'k str>,
    most: usize,
) -> Vec<&'k str> {
    let said = said.to_lowercase();
    let length = said.chars().count();
    if said.len() > 256 {
        return Vec::new();
    }
    let mut ranked: Vec<((bool, usize), &'k str)> = known
        .filter(|name| name.len() <= 256)
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance = distance(&said, &lower);
            let close = distance <= 1.max(length.min(lower.chars().count()) / 3);
            let holds = length.min(lower.len()) >= 2
                && (lower.contains(&said) || said.contains(lower.as_str()));
            (close || holds).then_some(((!close, distance), name))
        })
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, name)| name).take(most).collect()
}

/// Letters put in, left out, changed or swapped with their neighbour between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let cell = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut least = (cell(&row, j) + usize::from(x != y))
                .min(cell(&row, j + 1) + 1)
                .min(cell(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                least = least.min(cell(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_spelling_is_found_and_a_far_one_is_not() {
        let known = ["timeout", "servers"];
        assert_eq!(nearest("timeuot", known.into_iter()), Some("timeout"));
        assert_eq!(nearest("TimeOut", known.into_iter()), Some("timeout"));
        assert_eq!(nearest("server", known.into_iter()), Some("servers"));
        assert_eq!(nearest("resolver", known.into_iter()), None);
        assert_eq!(nearest("time", known.into_iter()), Some("timeout"));
        assert_eq!(nearest("ca", ["ca_file"].into_iter()), Some("ca_file"));
        assert_eq!(nearest("pass", ["password", "password_file"].into_iter()), None);
        assert_eq!(distance("abcd", "acbd"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
    #[test]
    fn neighbours_are_slips_first_and_then_parts() {
        let known = ["mx1", "mx2", "backup-mx1", "submission", "mx1.example.net"];
        assert_eq!(
            neighbours("MX1", known.into_iter(), 4),
            ["mx1", "mx2", "backup-mx1", "mx1.example.net"]
        );
        assert_eq!(neighbours("submision", known.into_iter(), 4), ["submission"]);
        assert_eq!(neighbours("mx1.example.org", known.into_iter(), 1), ["mx1.example.net"]);
        assert!(neighbours("nothing", known.into_iter(), 4).is_empty());
        assert!(neighbours("", known.into_iter(), 4).is_empty());
        assert!(neighbours(&"x".repeat(300), known.into_iter(), 4).is_empty());
    }
}
