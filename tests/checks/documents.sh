#!/usr/bin/env bash
# What README.md and ARCHITECTURE.md name is there: options, environment variables and files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

failed=0
complain() {
    echo "$1"
    failed=1
}

# Options are fields under an `#[arg(long …)]`; clap spells them with hyphens and adds two.
known=$(
    echo help
    echo version
    awk '
        /#\[arg\(/ { inside = 1 }
        inside && /(^|[^[:alnum:]_])long([^[:alnum:]_]|$)/ { long = 1 }
        inside && /\)\]/ { inside = 0 }
        !inside && /^ *pub [a-z_]+:/ {
            name = $2
            sub(/:.*/, "", name)
            gsub(/_/, "-", name)
            if (long) print name
            long = 0
        }
    ' src/cli.rs src/config.rs src/demo/args.rs src/hub/args.rs src/hub/gate/args.rs src/kiosk/options.rs src/director/options.rs
)
variables=$(grep --no-filename --only-matching 'METERBRIDGE_[A-Z_]*[A-Z]' \
    src/cli.rs src/config.rs src/demo/args.rs src/hub/args.rs src/hub/gate/args.rs src/kiosk/options.rs src/director/options.rs)

# What stands behind cargo and apt-get are their options, as far as ` -- ` or the end of the code.
ours=$(sed -E 's/(cargo|apt-get) ([^`]* -- |[^`#]*)//g' README.md)

while read -r option; do
    grep --quiet --line-regexp --fixed-strings -e "$option" <<<"$known" ||
        complain "README.md names --$option, which is no option of meterbridge"
done < <(grep --only-matching --extended-regexp -e '(^|[^[:alnum:]-])--[a-z][a-z-]*' <<<"$ours" |
    sed 's/.*--//' | sort -u)

while read -r variable; do
    grep --quiet --line-regexp --fixed-strings -e "$variable" <<<"$variables" ||
        complain "README.md names $variable, which nothing reads"
done < <(grep --only-matching 'METERBRIDGE_[A-Z_]*[A-Z]' README.md | sort -u)

for page in README.md ARCHITECTURE.md; do
    # Links, and paths in code. Those without a folder of this list are relative to some module.
    while read -r path; do
        [[ -e $path ]] || complain "$page names $path, which is not there"
    done < <(
        {
            grep --only-matching --extended-regexp '\]\([^)#]+' "$page" | sed 's/^](//' |
                grep --invert-match --extended-regexp '^[a-z]+:' || true
            grep --only-matching --extended-regexp '`[^` ]+`' "$page" | tr -d '`' |
                grep --extended-regexp '^(\.ci|assets|benches|docs|examples|src|tests)/' || true
        } | sort -u
    )
done
exit "$failed"
