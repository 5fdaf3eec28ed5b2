#!/usr/bin/env bash
# Checks that everything named in documents exists: options, environment variables, files and keys. Also
# limits the length of the two documents that everybody reads first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

failed=0
complain() {
    echo "$1"
    failed=1
}

mapfile -t documents < <(git ls-files --cached --others --exclude-standard '*.md' | grep --invert-match '^CHANGELOG.md$')
# Program sources only: tests name options and variables in attributes of clap as well.
mapfile -t sources < <(grep --recursive --files-with-matches --include='*.rs' -e '#\[arg(' -- src)

# Options are fields under an `#[arg(long …)]`; clap spells them with hyphens and adds two. Two of
# Cargo's options are listed explicitly.
options() { # files
    awk '
        /#\[arg\(/ { inside = 1 }
        inside && /(^|[^[:alnum:]_])long([^[:alnum:]_]|$)/ { long = 1 }
        inside && /\)\]/ { inside = 0 }
        !inside && /^ *(pub )?[a-z_]+:/ {
            name = $1 == "pub" ? $2 : $1
            sub(/:.*/, "", name)
            gsub(/_/, "-", name)
            if (long) print name
            long = 0
        }
    ' "$@"
}
known=$(
    printf '%s\n' help version no-default-features features
    options "${sources[@]}"
)
# Options of a bench, named only by the page about benches.
of_benches=$(options benches/harm/main.rs)
[[ -n $of_benches ]] || complain "no options were found in benches/harm/main.rs"
# Variables that the program reads appear as strings in its code; those of tests are included.
variables=$(grep --recursive --no-filename --only-matching --include='*.rs' --include='*.mjs' --include='*.sh' \
    'METERBRIDGE_[A-Z_]*[A-Z]' src tests benches web | sort -u)

for page in "${documents[@]}"; do
    # Other programs have options of their own: everything after their names in the same code is
    # skipped, up to ` -- ` or the end of the code. In code blocks only lines that call Meterbridge are
    # read.
    ours=$(awk '
        /^```/ { block = !block; next }
        !block || /(^|[^[:alnum:]_.\/-])meterbridge /
    ' "$page" |
        sed -E 's/(cargo|apt-get|node|npm|git|chromium|install|journalctl|systemctl|wasm-bindgen|rustup)( [^`]* -- | [^`#]*)//g')
    if [[ $page == benches/README.md ]]; then
        options_here=$known$'\n'$of_benches
        whose="meterbridge or of the bench harm"
    else
        options_here=$known
        whose=meterbridge
    fi
    while read -r option; do
        grep --quiet --line-regexp --fixed-strings -e "$option" <<<"$options_here" ||
            complain "$page names --$option, which is no option of $whose"
    done < <(grep --only-matching --extended-regexp -e '(^|[^[:alnum:]-])--[a-z][a-z-]*' <<<"$ours" |
        sed 's/.*--//' | sort -u)

    while read -r variable; do
        grep --quiet --line-regexp --fixed-strings -e "$variable" <<<"$variables" ||
            complain "$page names $variable, which nothing reads"
    done < <(grep --only-matching 'METERBRIDGE_[A-Z_]*[A-Z]' "$page" | sort -u)

    # Paths in code. Paths that begin with none of these folders are relative to some module and
    # skipped.
    while read -r path; do
        compgen -G "$path" >/dev/null || complain "$page names $path, which is not there"
    done < <(grep --only-matching --extended-regexp '`[^` ]+`' "$page" | tr -d '`' |
        grep --extended-regexp '^(\.ci|assets|benches|docs|examples|packaging|src|tests)/' |
        grep --invert-match --extended-regexp 'NAME' | sort -u || true)
done

# The guide lists the keys of the table of actions with their modifiers, and no others. `rustfmt` may break a
# line within the parentheses. A modifier at the start of a row belongs to every key of the row.
actions=src/app/state/actions/table.rs
keys=$(tr --squeeze-repeats ' \n' ' ' <"$actions" |
    grep --only-matching --extended-regexp '\b(key|shift|ctrl)\( ?KeyCode::[A-Za-z0-9]+, "[^"]*"' |
    sed -E 's/^shift.*"(.*)"/Shift \1/; s/^ctrl.*"(.*)"/Ctrl \1/; s/^key.*"(.*)"/\1/' | sort -u || true)
[[ -n $keys ]] || complain "no keys were found in $actions"
rows=$(sed -n '/^## Keys/,/^## /p' docs/guide.md | sed -n 's/^| \([^|]*\) |.*/\1/p' |
    grep --invert-match --line-regexp --extended-regexp 'key|-*' || true)
differences() { # rows of the guide
    comm -3 <(echo "$keys") <(awk '
        {
            modifier = $1 == "Shift" || $1 == "Ctrl" ? $1 " " : ""
            for (i = modifier ? 2 : 1; i <= NF; i++) print modifier $i
        }
    ' <<<"$1" | sort -u) | tr --delete '\t'
}
while read -r key; do
    [[ -z $key ]] || complain "docs/guide.md and $actions do not both have the key $key"
done < <(differences "$rows")
# A comparison that misses a row would find nothing for ever.
count=$(wc --lines <<<"$rows")
for ((row = 1; row <= count; row++)); do
    [[ -n $(differences "$(sed "${row}d" <<<"$rows")") ]] ||
        complain "the comparison of keys does not notice that docs/guide.md lacks row $row of its table"
done

# ARCHITECTURE gives the reason for every direct dependency.
crates=$(awk '
    /^\[/ { inside = /dependencies/ }
    inside && /^[a-z0-9_-]+ *=/ { sub(/ *=.*/, ""); print }
' Cargo.toml | sort -u)
reasons=$(sed -n '/^## Direct dependencies/,$p' ARCHITECTURE.md)
while read -r crate; do
    grep --quiet --fixed-strings "\`$crate\`" <<<"$reasons" ||
        complain "ARCHITECTURE.md does not say why $crate is a dependency"
done <<<"$crates"

short() { # page lines words
    local lines words
    read -r lines words < <(wc --lines --words <"$1")
    if ((lines > $2)); then complain "$1 has $lines lines, the limit is $2: move detail into docs/ or a module's head"; fi
    if ((words > $3)); then complain "$1 has $words words, the limit is $3"; fi
}
short README.md 180 1600
short ARCHITECTURE.md 250 3500
exit "$failed"
