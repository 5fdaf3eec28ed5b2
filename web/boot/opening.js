// Recordings that are dropped onto the display or chosen in a dialog. The page reads and unpacks them, and
// hands their bytes to the display.

/** Most bytes of all files together, unpacked: the display has 4 GiB of memory, and reads them beside it. */
export const MOST_BYTES = 512 * 1024 * 1024;

/** Time after which a progress is shown; most files are read before. */
const LONG_MS = 300;

/** A file that cannot be opened; the message says what, where and what to do. */
export class Unreadable extends Error {}

const begins = (bytes, magic) => magic.every((byte, at) => bytes[at] === byte);
export const isGzip = (bytes) => begins(bytes, [0x1f, 0x8b]);
export const isZstd = (bytes) => begins(bytes, [0x28, 0xb5, 0x2f, 0xfd]);

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function tooLarge(name) {
  const most = Math.floor(MOST_BYTES / 1e6);
  return new Unreadable(`\`${name}\` is too large: a page opens at most ${most} MB. Open the file with the meterbridge program`);
}

/** Unpacks one member of a gzip file; rejects where the bytes are less or more than one. */
async function inflated(member, name) {
  const stream = new Blob([member]).stream().pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(parts);
    length += value.length;
    if (length > MOST_BYTES) throw tooLarge(name);
    parts.push(value);
  }
}

/** Returns the next place at which a member of a gzip file may begin. */
function nextMember(bytes, from) {
  for (let at = from; at + 4 <= bytes.length; at += 1) {
    if (bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && bytes[at + 3] < 0x20) return at;
  }
  return bytes.length;
}

/**
 * Unpacks all members of a gzip file. A recorder writes many, and `DecompressionStream` refuses data after
 * the first, so their borders are found here. An incomplete last member is left out.
 */
export async function gunzip(bytes, name) {
  const parts = [];
  let [begin, length] = [0, 0];
  while (begin < bytes.length) {
    // Zeros between members are padding.
    if (bytes[begin] === 0) {
      begin += 1;
      continue;
    }
    let end = begin;
    let part = null;
    do {
      end = nextMember(bytes, end + 10);
      part = await inflated(bytes.subarray(begin, end), name).catch((error) => {
        if (error instanceof Unreadable) throw error;
        return null;
      });
    } while (part === null && end < bytes.length);
    if (part === null && parts.length === 0) {
      throw new Unreadable(`\`${name}\` cannot be unpacked: its gzip data is damaged. Unpack it with \`gunzip\``);
    }
    if (part === null) break;
    length += part.length;
    if (length > MOST_BYTES) throw tooLarge(name);
    parts.push(part);
    begin = end;
  }
  return joined(parts);
}

async function unpacked(bytes, name) {
  if (isGzip(bytes)) {
    if (typeof DecompressionStream !== "function") {
      throw new Unreadable(`\`${name}\` is compressed, which this browser cannot read: unpack it with \`gunzip\``);
    }
    return gunzip(bytes, name);
  }
  if (isZstd(bytes)) {
    throw new Unreadable(
      `\`${name}\` is compressed with Zstandard, which a page cannot read: unpack it with \`unzstd\``,
    );
  }
  return bytes;
}

/** Reads one file; `onRead` is told of each part. */
async function bytesOf(file, { signal, onRead }) {
  const reader = file.stream().getReader();
  const parts = [];
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) return joined(parts);
      parts.push(value);
      onRead(value.length);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Unreadable(`\`${file.name}\` cannot be read (${error.message}). Does the file still exist?`);
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Reads files; resolves with their names and bytes, unpacked. Rejects with `Unreadable`, or when aborted. */
export async function readFiles(files, { signal = new AbortController().signal, onRead = () => {} } = {}) {
  const read = [];
  let total = 0;
  for (const file of files) {
    if (file.size > MOST_BYTES) throw tooLarge(file.name);
    const bytes = await unpacked(await bytesOf(file, { signal, onRead }), file.name);
    total += bytes.length;
    if (total > MOST_BYTES) throw tooLarge(file.name);
    read.push({ name: file.name, bytes });
  }
  signal.throwIfAborted();
  return read;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Shows how much has been read, with a button that cancels. */
function showProgress(frame, files, cancel) {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const name = files.length === 1 ? files[0].name : `${files.length} files`;
  const box = element("section", "mb-opening");
  box.setAttribute("role", "status");
  const words = element("p", "", `Reading ${name}`);
  const button = element("button", "", "Cancel");
  button.type = "button";
  button.addEventListener("click", cancel);
  box.append(words, button);
  let read = 0;
  const timer = setTimeout(() => frame.append(box), LONG_MS);
  return {
    add(bytes) {
      read += bytes;
      words.textContent = `Reading ${name}: ${megabytes(read)} of ${megabytes(total)} MB`;
    },
    end() {
      clearTimeout(timer);
      box.remove();
    },
  };
}

/**
 * Opens what is dropped onto `frame`, and shows a dialog when the display on `canvas` asks for one.
 * `hand(files)` gets names and bytes, `refuse(reason)` a sentence. Returns a function that opens files.
 */
export function acceptFiles(frame, canvas, { hand, refuse }) {
  let current = null;
  const open = async (files) => {
    if (files.length === 0) return;
    current?.abort();
    const abort = new AbortController();
    current = abort;
    const progress = showProgress(frame, files, () => abort.abort());
    try {
      hand(await readFiles(files, { signal: abort.signal, onRead: progress.add }));
    } catch (error) {
      if (!abort.signal.aborted) refuse(error.message);
    } finally {
      progress.end();
    }
  };

  const hint = element("p", "mb-drop", "Drop to open");
  // The frame is told of each of its elements that files enter and leave.
  let entered = 0;
  const show = (count) => {
    entered = Math.max(count, 0);
    if (entered > 0) frame.append(hint);
    else hint.remove();
  };
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const on = (name, handle) =>
    frame.addEventListener(name, (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      handle(event);
    });
  on("dragenter", () => show(entered + 1));
  on("dragleave", () => show(entered - 1));
  on("dragover", (event) => (event.dataTransfer.dropEffect = "copy"));
  on("drop", (event) => {
    show(0);
    open([...event.dataTransfer.files]);
  });

  canvas.addEventListener("meterbridge:choose-files", () => {
    const input = element("input", "mb-unseen");
    input.type = "file";
    input.multiple = true;
    input.setAttribute("aria-label", "Recordings to open");
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.remove();
      open(files);
    });
    input.addEventListener("cancel", () => input.remove());
    frame.append(input);
    input.click();
  });
  return open;
}
