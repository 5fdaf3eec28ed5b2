#!/usr/bin/env node
// Builds the static site: renames each file after a hash of its content, updates the references, and
// adds compressed copies.
//
//     node web/assemble.mjs BINDGEN_DIR DIST_DIR
//
// BINDGEN_DIR has the output of wasm-bindgen. Node's own zlib does the compression: the tests of the
// page need node anyway, so neither brotli nor gzip has to be installed. Compressed files of an earlier
// run are reused: at quality 11 the wasm takes most of a minute.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const WASM = "meterbridge_bg.wasm";
const SITE = "boot/site.js";
const SCRIPT = "meterbridge.js";
/** Files that a browser or another page requests by this very name. */
const STABLE = /\.html$/;
const COMPRESSIBLE = /\.(css|html|js|svg|wasm|webmanifest)$/;

/** References of each kind of file to others, as patterns whose second group is the path. */
const REFERENCES = {
  ".js": [
    /(\bfrom\s*["']|\bimport\s*\(?\s*["'])(\.{1,2}\/[^"']+)(["'])/g,
    /(new URL\(["'])([^"':]+)(["'],\s*import\.meta\.url)/g,
  ],
  ".css": [/(url\(["']?)([^"':)]+)(["']?\))/g],
  ".html": [/((?:href|src)=")([^":#]+)(")/g],
  ".webmanifest": [/("src":\s*")([^":]+)(")/g],
};

function filesUnder(root, folder = "") {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(root, name) : [name];
  });
}

/** Returns all files of the site by their names in the sources. */
function gather(bindgen) {
  const files = new Map();
  for (const name of filesUnder(here)) {
    const served = /^(boot\/|fonts\/.*\.(woff2|txt)$|[^/]+\.(css|html|js|svg|webmanifest)$)/.test(name);
    if (served && !name.endsWith(".test.js")) files.set(name, fs.readFileSync(path.join(here, name)));
  }
  for (const name of filesUnder(bindgen)) {
    if (/\.(js|wasm)$/.test(name)) files.set(name, fs.readFileSync(path.join(bindgen, name)));
  }
  for (const needed of [WASM, SCRIPT, SITE]) {
    if (!files.has(needed)) throw new Error(`${needed} is neither in web/ nor in ${bindgen}`);
  }
  return files;
}

function hashed(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const { dir, name: stem, ext } = path.posix.parse(name);
  return path.posix.join(dir, `${stem}-${hash}${ext}`);
}

/** Returns the site: name in the sources → `{name, content}` in the result. */
function assemble(files) {
  const made = new Map();
  const open = [];

  const resolve = (from, reference) => {
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(from), reference));
    return files.has(target) ? target : null;
  };

  const make = (name) => {
    if (made.has(name)) return made.get(name);
    if (open.includes(name)) throw new Error(`${[...open, name].join(" → ")}: a circle has no hash`);
    open.push(name);
    let content = files.get(name);
    const patterns = REFERENCES[path.posix.extname(name)];
    if (patterns) {
      let text = content.toString("utf8");
      if (name === SITE) text = fillIn(text, files);
      for (const pattern of patterns) {
        text = text.replace(pattern, (whole, before, reference, after) => {
          const target = resolve(name, reference);
          if (!target || target === name) return whole;
          const relative = path.posix.relative(path.posix.dirname(name), make(target).name);
          const dotted = name.endsWith(".js") && !relative.startsWith(".") ? `./${relative}` : relative;
          return before + dotted + after;
        });
      }
      if (name.endsWith(".html")) text = preload(text, name);
      content = Buffer.from(text);
    }
    open.pop();
    const result = { name: STABLE.test(name) || name.endsWith(".txt") ? name : hashed(name, content), content };
    made.set(name, result);
    return result;
  };

  /**
   * Adds preload links for all imports of a module, so that they are requested at once and not in turn.
   */
  const preload = (text, page) => {
    const script = text.match(/<script type="module" src="([^"]+)"/)?.[1];
    const entry = [...made].find(([, result]) => result.name === script)?.[0];
    if (!entry) throw new Error(`${page} has no module of this site`);
    const seen = new Set();
    const visit = (name) => {
      for (const [, , reference] of files.get(name).toString("utf8").matchAll(REFERENCES[".js"][0])) {
        const target = resolve(name, reference);
        if (target && !seen.has(target)) {
          seen.add(target);
          visit(target);
        }
      }
    };
    visit(entry);
    const modules = [...seen, SCRIPT].map(
      (name) => `    <link rel="modulepreload" href="${make(name).name}">\n`,
    );
    const wasm = `    <link rel="preload" as="fetch" type="application/wasm" crossorigin href="${make(WASM).name}">\n`;
    return text.replace(/ *<\/head>/, (end) => modules.join("") + wasm + end);
  };

  for (const name of files.keys()) make(name);
  return made;
}

/** Fills in the values that only the build knows. */
function fillIn(text, files) {
  const wasm = files.get(WASM);
  const build = createHash("sha256").update(wasm).digest("hex").slice(0, 12);
  const filled = text
    .replace(/wasmBytes: \d+/, `wasmBytes: ${wasm.length}`)
    .replace(/build: "[^"]*"/, `build: "${build}"`);
  if (filled === text) throw new Error(`${SITE} has no place for the size of the wasm`);
  return filled;
}

const brotli = (content) =>
  zlib.brotliCompressSync(content, {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
      [zlib.constants.BROTLI_PARAM_LGWIN]: 24,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
const gzip = (content) => zlib.gzipSync(content, { level: 9 });

/** Writes the files that differ, and removes files that no longer belong to the site. */
function write(dist, site) {
  const wanted = new Set();
  const put = (name, content, sameAsBefore) => {
    wanted.add(name);
    const target = path.join(dist, name);
    if (sameAsBefore && fs.existsSync(target)) return;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    // Atomic rename: a server that runs meanwhile never sees half a file.
    fs.writeFileSync(`${target}.part`, content());
    fs.renameSync(`${target}.part`, target);
  };
  for (const { name, content } of site) {
    const target = path.join(dist, name);
    const same = fs.existsSync(target) && fs.readFileSync(target).equals(content);
    put(name, () => content, same);
    if (COMPRESSIBLE.test(name)) {
      put(`${name}.br`, () => brotli(content), same);
      put(`${name}.gz`, () => gzip(content), same);
    }
  }
  for (const name of filesUnder(dist)) {
    if (!wanted.has(name)) fs.rmSync(path.join(dist, name));
  }
}

function table(dist, site) {
  const size = (name) => (fs.existsSync(path.join(dist, name)) ? fs.statSync(path.join(dist, name)).size : null);
  const rows = site
    .map(({ name, content }) => ({
      name,
      raw: content.length,
      gz: size(`${name}.gz`) ?? content.length,
      br: size(`${name}.br`) ?? content.length,
    }))
    .sort((a, b) => b.br - a.br);
  const total = rows.reduce(
    (sum, row) => ({ ...sum, raw: sum.raw + row.raw, gz: sum.gz + row.gz, br: sum.br + row.br }),
    { name: "all", raw: 0, gz: 0, br: 0 },
  );
  const width = Math.max(...rows.map((row) => row.name.length)) + 1;
  const kilobytes = (bytes) => (bytes / 1000).toFixed(1).padStart(10);
  console.log(`${"kB".padEnd(width)}${"raw".padStart(10)}${"gzip".padStart(10)}${"brotli".padStart(10)}`);
  for (const row of [...rows, total]) {
    console.log(row.name.padEnd(width) + kilobytes(row.raw) + kilobytes(row.gz) + kilobytes(row.br));
  }
}

const [bindgen, dist] = process.argv.slice(2);
if (!bindgen || !dist) {
  console.error("usage: node web/assemble.mjs BINDGEN_DIR DIST_DIR");
  process.exit(2);
}
fs.mkdirSync(dist, { recursive: true });
const made = assemble(gather(bindgen));
const site = [...made.values()];
// Other pages import the entry by this stable name.
site.push({ name: "boot.js", content: Buffer.from(`export * from "./${made.get("boot.js").name}";\n`) });
write(dist, site);
table(dist, site);
