// Reading and comparing PNGs, in the browser that took them.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { browser } from "./browser.mjs";

let table = null;

/** Returns a blank page in which pictures are compared. */
function lookAt() {
  table ??= (async () => (await (await browser()).newContext()).newPage())();
  return table;
}

/**
 * Compares two PNGs: `mean` difference of a channel (0 to 255), share `far` of pixels that differ by
 * more than 24, and a PNG of the differences. Areas in `covered` (left, top, right and bottom from 0 to
 * 1) are left out.
 */
export async function difference(one, other, covered = []) {
  const page = await lookAt();
  const { image, ...found } = await page.evaluate(
    async ({ pngs, covered }) => {
      const pictures = [];
      for (const png of pngs) {
        const blob = await (await fetch(`data:image/png;base64,${png}`)).blob();
        const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext("2d");
        context.drawImage(bitmap, 0, 0);
        for (const [left, top, right, bottom] of covered) {
          const [x, y] = [Math.floor(left * canvas.width), Math.floor(top * canvas.height)];
          context.fillRect(x, y, right * canvas.width - x, bottom * canvas.height - y);
        }
        pictures.push({ context, ...{ width: canvas.width, height: canvas.height } });
      }
      const [a, b] = pictures;
      if (a.width !== b.width || a.height !== b.height) {
        throw new Error(`${a.width}×${a.height} is not the size ${b.width}×${b.height}`);
      }
      const [left, right] = pictures.map(({ context }) => context.getImageData(0, 0, a.width, a.height));
      const shown = new ImageData(a.width, a.height);
      let sum = 0;
      let far = 0;
      for (let at = 0; at < left.data.length; at += 4) {
        let most = 0;
        for (let channel = at; channel < at + 3; channel += 1) {
          const apart = Math.abs(left.data[channel] - right.data[channel]);
          sum += apart;
          most = Math.max(most, apart);
          shown.data[channel] = Math.min(255, 8 * apart);
        }
        shown.data[at + 3] = 255;
        if (most > 24) far += 1;
      }
      a.context.putImageData(shown, 0, 0);
      const blob = await a.context.canvas.convertToBlob();
      const bytes = new Uint8Array(await blob.arrayBuffer());
      let text = "";
      for (const byte of bytes) text += String.fromCharCode(byte);
      const count = a.width * a.height;
      return { mean: sum / (3 * count), far: far / count, image: btoa(text) };
    },
    { pngs: [one, other].map((png) => png.toString("base64")), covered },
  );
  return { ...found, image: Buffer.from(image, "base64") };
}

/** Returns the middle of the largest area of a colour in a PNG; null where there is none. */
export async function middleOf(png, colour, tolerance = 6) {
  const page = await lookAt();
  return page.evaluate(
    async ({ png, colour, tolerance }) => {
      const blob = await (await fetch(`data:image/png;base64,${png}`)).blob();
      const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
      context.drawImage(bitmap, 0, 0);
      const { data, width } = context.getImageData(0, 0, bitmap.width, bitmap.height);
      const all = { left: Infinity, top: Infinity, right: -1, bottom: -1, count: 0 };
      for (let at = 0; at < data.length; at += 4) {
        if (colour.some((value, channel) => Math.abs(data[at + channel] - value) > tolerance)) continue;
        const [x, y] = [(at / 4) % width, Math.floor(at / 4 / width)];
        all.left = Math.min(all.left, x);
        all.right = Math.max(all.right, x);
        all.top = Math.min(all.top, y);
        all.bottom = Math.max(all.bottom, y);
        all.count += 1;
      }
      if (!all.count) return null;
      return { x: (all.left + all.right) / 2, y: (all.top + all.bottom) / 2, ...all };
    },
    { png: png.toString("base64"), colour, tolerance },
  );
}

/** Saves pictures of a failure in a new folder and returns it. */
export function keep(pictures) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meterbridge-pictures-"));
  for (const [name, png] of Object.entries(pictures)) fs.writeFileSync(path.join(folder, `${name}.png`), png);
  return folder;
}
