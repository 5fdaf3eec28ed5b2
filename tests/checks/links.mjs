// Reads paths of documents, separated by NUL, and checks the relative links in them.

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/// Returns a document without its code blocks, which contain neither links nor headings.
function prose(path) {
    return readFileSync(path, "utf8").replace(/^```[^]*?^```/gm, "");
}

/// Returns the anchors that GitHub gives to the headings of a document.
function anchors(path) {
    const seen = new Map();
    const found = new Set();
    for (const [, heading] of prose(path).matchAll(/^#{1,6} (.*)$/gm)) {
        const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").trim().toLowerCase();
        const slug = text.replace(/[^\p{L}\p{N}\p{M} _-]/gu, "").replaceAll(" ", "-");
        const times = seen.get(slug) ?? 0;
        seen.set(slug, times + 1);
        found.add(times === 0 ? slug : `${slug}-${times}`);
    }
    return found;
}

const pages = readFileSync(0, "utf8").split("\0").filter((path) => path && existsSync(path));
const complaints = [];
for (const page of pages) {
    const text = prose(page).replace(/`[^`\n]*`/g, "");
    for (const [, target] of text.matchAll(/\]\(\s*<?([^)>\s]+)>?[^)]*\)/g)) {
        if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
        const [path, anchor] = target.split("#");
        const file = path ? normalize(join(dirname(page), decodeURIComponent(path))) : page;
        if (!existsSync(file)) {
            complaints.push(`${page}: ${target}: there is no file ${file}`);
        } else if (anchor && (statSync(file).isDirectory() || !anchors(file).has(anchor))) {
            complaints.push(`${page}: ${target}: ${file} has no heading for #${anchor}`);
        }
    }
}
for (const complaint of complaints) console.log(complaint);
process.exit(complaints.length === 0 ? 0 : 1);
