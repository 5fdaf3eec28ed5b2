#!/usr/bin/env bash
# Checks that Bevy, wgpu, winit and egui are in the dependency tree once. Two versions of one of them
# compile, but types of one version are no resources, components or contexts of the other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

failed=0
for crate in bevy_ecs wgpu winit egui; do
    versions=$(awk -v crate="$crate" '
        $1 == "name" { name = $3; gsub(/"/, "", name) }
        $1 == "version" && name == crate { gsub(/"/, "", $3); print $3; name = "" }
    ' Cargo.lock)
    case $(wc -w <<<"$versions") in
    1) ;;
    0)
        echo "$crate is not in Cargo.lock: take it off the list in ${BASH_SOURCE[0]}"
        failed=1
        ;;
    *)
        echo "$crate is in Cargo.lock more than once: ${versions//$'\n'/, }"
        echo "  cargo tree --invert $crate@VERSION says who wants which"
        failed=1
        ;;
    esac
done
exit "$failed"
