use super::*;

fn id(name: char) -> Revision {
    format!("{:x}", name as u32).repeat(20).try_into().unwrap()
}

/// A commit and its parents, as `m:ab`.
fn commit(text: &str) -> Commit {
    let mut letters = text.chars().filter(|letter| *letter != ':');
    Commit {
        revision: id(letters.next().unwrap()),
        parents: letters.map(id).collect(),
        author: String::new(),
        author_login: None,
        committed_at: heddle_core::Timestamp::default(),
        subject: String::new(),
        intents: Vec::new(),
        verified: false,
    }
}

fn commits(text: &str) -> Vec<Commit> {
    text.split_whitespace().map(commit).collect()
}

#[test]
fn what_a_merge_brought_belongs_to_it_and_to_no_later_one() {
    // 1 - 2 ----- m - n     on the line
    //  \  x - y /    /
    //      \ z ------
    let line = commits("n:mz m:2y 2:1");
    let all = commits("2:1 x:1 y:x z:x m:2y n:mz");
    let found: Vec<(Revision, Revision)> =
        beside(&line, &all).into_iter().map(|(commit, by)| (commit.revision.clone(), by.clone())).collect();
    assert_eq!(found, [(id('y'), id('m')), (id('x'), id('m')), (id('z'), id('n'))]);
}

#[track_caller]
fn check_carrier(head: char, wanted: char, all: &str, expected: char) {
    assert_eq!(*carrier(&id(head), &id(wanted), &commits(all)), id(expected));
}

#[test]
fn the_first_of_the_line_that_contains_a_commit_carries_it() {
    let after_x = "y:x z:x m:2y n:mz o:n";
    check_carrier('o', 'x', after_x, 'm');
    check_carrier('o', 'z', "m:2y n:mz o:n", 'n');
    check_carrier('o', '2', "y:x m:2y n:mz o:n", '2');
    check_carrier('o', 'o', "", 'o');
    // In another order than hosts list them.
    check_carrier('o', 'x', "o:n n:mz m:2y z:x y:x", 'm');
}
