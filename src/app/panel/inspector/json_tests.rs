//! Tests of JSON as rows.

use super::*;

/// Rows of a tree, each with its depth as indentation and a mark for folding.
fn shown(tree: &JsonTree) -> Vec<String> {
    let rows = (0..tree.len()).filter_map(|row| tree.words(row));
    rows.map(|words| {
        let fold = words.fold.map_or(' ', |folded| if folded { '+' } else { '-' });
        let gap = if words.name.is_empty() { "" } else { " " };
        format!("{}{fold}{}{gap}{}", "  ".repeat(words.depth), words.name, words.value)
    })
    .collect()
}

fn row_of(tree: &JsonTree, name: &str) -> usize {
    (0..tree.len()).find(|row| tree.words(*row).is_some_and(|it| it.name == name)).unwrap()
}

const EVENT: &str =
    r#"{"run_id":"r","data":{"b":1,"a":{"x":[1,2.50],"e":{}},"t":"s"},"issues":[]}"#;

#[test]
fn members_keep_their_order_and_fold() {
    let mut tree = JsonTree::read(EVENT, 40);
    let expected = [
        "-{",
        "   run_id: \"r\"",
        "  -data: {",
        "     b: 1",
        "    +a: { x, e }",
        "     t: \"s\"",
        "   issues: []",
    ];
    assert_eq!(shown(&tree), expected);
    tree.toggle(4);
    assert_eq!(shown(&tree)[5], "      +x: [ 2 items ]");
    tree.toggle(row_of(&tree, "data:"));
    assert_eq!(shown(&tree)[2], "  +data: { b, a, t }");
    assert_eq!(tree.len(), 4);
    tree.toggle(1);
    assert_eq!(tree.len(), 4, "nothing to fold");
}

#[test]
fn long_texts_unfold_into_rows() {
    let text = format!("first\\n{}", "x".repeat(100));
    let mut tree = JsonTree::read(&format!(r#"{{"t":"{text}"}}"#), 40);
    assert_eq!(tree.len(), 2);
    assert!(shown(&tree)[1].starts_with("  +t: \"first "), "{:?}", shown(&tree));
    assert!(shown(&tree)[1].ends_with("2 lines"));
    tree.toggle(1);
    let parts: Vec<usize> =
        shown(&tree)[2..].iter().map(|row| row.trim().chars().count()).collect();
    assert_eq!(parts, [5, 40, 40, 20]);
    tree.set_columns(100);
    assert_eq!(tree.len(), 4);
    assert_eq!(tree.copy(2), format!("first\n{}", "x".repeat(100)));
}

#[test]
fn copy_is_a_text_or_json() {
    let tree = JsonTree::read(EVENT, 40);
    assert_eq!(tree.copy(row_of(&tree, "run_id:")), "r");
    assert_eq!(tree.copy(row_of(&tree, "b:")), "1");
    let data = tree.copy(row_of(&tree, "data:"));
    assert!(data.starts_with("{\n  \"b\": 1,\n  \"a\": {\n    \"x\": [\n      1,"), "{data}");
    let value: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(value["a"]["x"][1], 2.5);
    assert_eq!(tree.copy(99), "");
}

#[test]
fn search_unfolds_what_is_around_a_hit() {
    let mut tree = JsonTree::read(EVENT, 40);
    tree.reveal("2.5");
    assert!(shown(&tree).iter().any(|row| row.trim() == "1: 2.5"), "{:?}", shown(&tree));
    tree.reveal("");
    assert_eq!(find("Genre NOT found", "not f"), Some(6));
    assert_eq!(find("a", ""), None);
    assert_eq!(find("no", "not"), None);
}

#[test]
fn broken_and_cut_texts_are_shown_up_to_the_fault() {
    let tree = JsonTree::read(r#"{"a":1,"b":{"c":[1,2,"thi…"#, 40);
    assert!(!tree.note().is_empty());
    assert!(shown(&tree).iter().any(|row| row.trim() == "a: 1"), "{:?}", shown(&tree));
    for odd in ["", "no json", "}", "[", "{\"a\"", "\u{0}", "nul"] {
        let tree = JsonTree::read(odd, 40);
        assert!(!tree.note().is_empty(), "{odd}");
        for row in 0..tree.len() {
            tree.words(row).unwrap();
            tree.copy(row);
        }
    }
    let repaired = JsonTree::read(r#"{"a":NaN}"#, 40);
    assert_eq!((shown(&repaired)[1].trim(), repaired.note()), ("a: null", ""));
}

#[test]
fn deep_and_wide_texts_are_limited() {
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let mut tree = JsonTree::read(&deep, 40);
    assert!(!tree.note().is_empty());
    tree.reveal("1");
    assert!(tree.len() <= MOST_DEPTH + 1);
    let wide: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
    let tree = JsonTree::read(&format!("{{\"n\":[{}]}}", wide.join(",")), 40);
    assert!(tree.lines.len() <= MOST_LINES && !tree.note().is_empty());
    assert_eq!(tree.len(), 2, "a long array is folded");
    let mut text = JsonTree::read(&format!(r#"{{"t":"{}"}}"#, "é\\n".repeat(350_000)), 40);
    text.toggle(1);
    assert!(text.len() <= MOST_PARTS + 2);
}
