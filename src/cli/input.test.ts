import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { linesOf } from "./input.ts";

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (let index = 0; start < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    yield bytes.subarray(start, start + size);
    start += size;
  }
}

async function read(
  text: string,
  sizes: readonly number[],
  lineBytesMax = 1000,
): Promise<(string | undefined)[]> {
  const lines: (string | undefined)[] = [];
  for await (const batch of linesOf(inChunks(Buffer.from(text), sizes), lineBytesMax)) {
    for (const { number, bytes } of batch) {
      expect(number).toBe(lines.length + 1);
      lines.push(bytes === undefined ? undefined : Buffer.from(bytes).toString());
    }
  }
  return lines;
}

const content = fc.stringMatching(/^[aé\n\r]{0,40}$/);
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

test("lines are the same however the stream is cut, and the last may lack its line feed", async () => {
  await fc.assert(
    fc.asyncProperty(content, sizes, async (text, cuts) => {
      const expected = text.split("\n");
      if (expected.at(-1) === "") expected.pop();
      expect(await read(text, cuts)).toEqual(expected);
    }),
  );
});

test("a line over the limit is told as such, and those around it are whole", async () => {
  await fc.assert(
    fc.asyncProperty(content, sizes, async (text, cuts) => {
      const expected = text.split("\n").map((line) => (Buffer.byteLength(line) > 5 ? undefined : line));
      if (expected.at(-1) === "") expected.pop();
      expect(await read(text, cuts, 5)).toEqual(expected);
    }),
  );
});
