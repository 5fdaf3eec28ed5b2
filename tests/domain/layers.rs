//! Check of the layers of `src/`, from `use` lines and `crate::` paths. A file may import from its own
//! layer and from the layers listed before it, and files must not import each other in a cycle.
//! Children that a module names by their bare names, as in `child::plugin`, are its parts and do not
//! count as imports. Test modules are not checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Layers as folders or files of `src/`. Each may import the earlier ones; the first imports nothing
/// else.
const LAYERS: &[&str] = &[
    "bounded",
    "seconds",
    "text",
    "time_zone",
    "replace_file",
    "state_folder",
    "protocol",
    "layout",
    "model",
    "timeline",
    "source",
    "server",
    "demo",
    "inspect",
    "export",
    "report",
    "history",
    "director",
    "kiosk",
    "notify",
    "drain",
    "progress",
    "record",
    "vitals",
    "config",
    "hub",
    "query",
    "cli",
    // Layers inside the app.
    "app/systems",
    "app/words",
    "app/state",
    "app/theme",
    "app/draw",
    "app/views",
    "app/overlays",
    "app/control",
    "app/panel",
    "app/plugins",
    "app/platform",
    "app/mod",
    "embed",
];

/// Imports that the order of layers allows and another rule forbids, with that rule.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("app/overlays", "app/views", "an overlay asks for free space and knows no view"),
    ("source", "model", "the source does not know the model"),
    ("demo", "source", "the demo knows neither source nor model"),
    ("demo", "model", "the demo knows neither source nor model"),
    ("model", "layout", "the model knows no layout"),
];

/// Imports against the order, with their reason. At most three.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Text of each file of `src/`, by its path without `src/` and `.rs`.
type Files = BTreeMap<String, String>;

fn read(folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
            let name = path.strip_prefix(root).unwrap().with_extension("");
            let name = name.to_str().unwrap().replace('\\', "/");
            if name != "main" {
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
}

/// Returns the module of a file: `a/b/mod` is `a/b`.
fn module_of(file: &str) -> &str {
    let module = file.strip_suffix("mod").or(file.strip_suffix("lib")).unwrap_or(file);
    module.trim_end_matches('/')
}

/// Returns a file's code without comments and test module, on one line.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join(" ")
}

/// Expands a `use` tree into paths: `a::{b, c::d}` becomes `a::b` and `a::c::d`.
fn leaves(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        let path = format!("{prefix}{name}");
        found.push(path.trim_end_matches("::self").trim_end_matches("::*").to_owned());
        return;
    };
    let (mut depth, mut part) = (0, String::new());
    for letter in rest.trim_end().trim_end_matches('}').chars().chain([',']) {
        depth += match letter {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if letter == ',' && depth == 0 {
            if !part.trim().is_empty() {
                leaves(&format!("{prefix}{head}"), &part, found);
            }
            part.clear();
        } else {
            part.push(letter);
        }
    }
}

/// Resolves a path in a module to one from the root: `super::a` in `b/c` is `b/a`.
fn absolute(module: &str, path: &str) -> Option<String> {
    let mut names: Vec<&str> = module.split('/').filter(|name| !name.is_empty()).collect();
    for (index, name) in path.split("::").enumerate() {
        match name {
            "crate" if index == 0 => names.clear(),
            "self" if index == 0 => {}
            "super" => drop(names.pop()),
            _ if index == 0 => return None,
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// Returns the imports as pairs of importing and imported file.
fn imports(files: &Files) -> BTreeSet<(String, String)> {
    let modules: BTreeMap<&str, &str> =
        files.keys().map(|file| (module_of(file), file.as_str())).collect();
    let is_test = |file: &str| {
        let (folder, name) = module_of(file).rsplit_once('/').unwrap_or(("", file));
        let parent = modules.get(folder).and_then(|parent| files.get(*parent));
        let declared = ["", "pub "].map(|public| format!("#[cfg(test)]\n{public}mod {name};"));
        name.ends_with("tests")
            || parent.is_some_and(|text| declared.iter().any(|line| text.contains(line)))
    };
    let (mut used, mut told) = (Vec::new(), BTreeMap::new());
    for (file, text) in files.iter().filter(|(file, _)| !is_test(file)) {
        let (module, mut code) = (module_of(file), code(text));
        while let Some((before, rest)) = code.split_once("use ") {
            let (tree, after) = rest.split_once(';').unwrap_or((rest, ""));
            let public = before.trim_end().rsplit(' ').next().is_some_and(|word| {
                word == "pub" || word.starts_with("pub(") || word.ends_with(')')
            });
            let mut paths = Vec::new();
            leaves("", tree, &mut paths);
            for path in paths {
                let child = format!("self::{path}");
                let path = absolute(module, &path).or_else(|| {
                    let first = path.split("::").next().unwrap_or_default();
                    let child_module = format!("{module}/{first}");
                    let is_child = modules.contains_key(child_module.trim_start_matches('/'));
                    is_child.then(|| absolute(module, &child)).flatten()
                });
                let Some(path) = path else { continue };
                if public {
                    let name = path.rsplit('/').next().unwrap_or_default();
                    told.insert(format!("{module}/{name}"), path.clone());
                }
                // A re-export of a child is resolved where the child is defined.
                if !(public && path.starts_with(module)) {
                    used.push((file, path));
                }
            }
            code = format!("{before} {after}");
        }
        for start in ["crate::", "super::"] {
            for (at, _) in code.match_indices(start) {
                let is_path = |letter: char| letter.is_alphanumeric() || "_:".contains(letter);
                let before = &code[..at];
                if before.ends_with(is_path) || before.ends_with("pub(in ") {
                    continue;
                }
                let path: String = code[at..].chars().take_while(|c| is_path(*c)).collect();
                used.extend(absolute(module, path.trim_end_matches(':')).map(|path| (file, path)));
            }
        }
    }
    let resolve = |path: &str| {
        let mut path = path.to_owned();
        for _ in 0..9 {
            let names: Vec<&str> = path.split('/').collect();
            let mut prefixes = (0..=names.len()).rev().map(|length| names[..length].join("/"));
            let module = prefixes.find(|prefix| modules.contains_key(prefix.as_str()))?;
            let rest = path[module.len()..].trim_start_matches('/').to_owned();
            let name = rest.split('/').next().unwrap_or_default();
            match told.get(&format!("{module}/{name}")) {
                Some(target) if !name.is_empty() => {
                    path = format!("{target}{}", &rest[name.len()..]);
                }
                _ => return Some((*modules.get(module.as_str())?).to_owned()),
            }
        }
        None
    };
    let pairs = used.iter().filter_map(|(file, path)| Some(((*file).clone(), resolve(path)?)));
    pairs.filter(|(file, imported)| file != imported && imported != "lib").collect()
}

fn is_in(file: &str, layer: &str) -> bool {
    file == layer || file.strip_prefix(layer).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the violations, one per line.
fn faults(files: &Files) -> Vec<String> {
    let layer_of = |file: &str| LAYERS.iter().position(|layer| is_in(file, layer));
    let found = imports(files);
    let mut faults = Vec::new();
    for (file, imported) in &found {
        let is_excepted = |(a, b, _): &&(&str, &str, &str)| is_in(file, a) && is_in(imported, b);
        if EXCEPTIONS.iter().any(|exception| is_excepted(&exception)) {
            continue;
        }
        match (layer_of(file), layer_of(imported)) {
            (None, _) if file == "lib" => {}
            (None, _) => faults.push(format!("{file} is in no layer: put it into LAYERS")),
            (Some(layer), Some(other)) if other <= layer => {}
            _ => faults.push(format!("{file} imports {imported}, against the order of layers")),
        }
        if let Some((_, _, why)) = FORBIDDEN.iter().find(is_excepted) {
            faults.push(format!("{file} imports {imported}: {why}"));
        }
    }
    let mut imported_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (file, imported) in &found {
        imported_by.entry(file).or_default().push(imported);
    }
    let circles = found.iter().filter(|(file, imported)| leads_to(imported, file, &imported_by));
    let circles = circles.map(|(file, imported)| format!("{file} imports {imported}, in a circle"));
    faults.extend(circles);
    faults
}

/// True when one file imports another, directly or indirectly.
fn leads_to(from: &str, to: &str, imported_by: &BTreeMap<&str, Vec<&str>>) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        if file == to {
            return true;
        }
        if seen.insert(file) {
            next.extend(imported_by.get(file).into_iter().flatten());
        }
    }
    false
}

#[test]
fn imports_follow_the_layers_without_cycles() {
    let mut files = Files::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(EXCEPTIONS.len() <= 3, "every exception makes the next one easier");
    let faults = faults(&files);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn forbidden_imports_and_cycles_are_detected() {
    let files = |texts: &[(&str, &str)]| {
        texts.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
    };
    let up =
        [("app/draw/mod", "use crate::app::{\n    views::stage,\n};"), ("app/views/stage", "")];
    assert_eq!(
        faults(&files(&up)),
        ["app/draw/mod imports app/views/stage, against the order of layers"]
    );
    let circle = [
        ("model/mod", "mod run; mod node;\npub use run::Run;"),
        ("model/run", "use super::node;"),
        ("model/node", "fn f() -> super::Run {}\n#[cfg(test)]\nmod tests { use crate::app; }"),
    ];
    assert_eq!(
        faults(&files(&circle)),
        ["model/node imports model/run, in a circle", "model/run imports model/node, in a circle"]
    );
    let view = [("app/overlays/pill", "use super::super::views::A;"), ("app/views/mod", "")];
    assert_eq!(faults(&files(&view)).len(), 1);
}
