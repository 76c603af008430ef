/**
 * The dashboard's files, as `scripts/build-ui.ts` makes them: one generated file beside this one,
 * which the npm package and the executable contain. A checkout of the sources may lack it.
 */

interface Asset {
  /** The media type. */
  readonly type: string;
  readonly etag: string;
  /** The file by its content coding, in base64; one that isn't smaller is left out. */
  readonly codings: { readonly identity: string; readonly gzip?: string; readonly br?: string };
}

/** By name; `index.html` is the page, and every other name has a hash of the content in it. */
export type Bundle = Readonly<Record<string, Asset>>;

/** Read once, when its first reader comes; undefined where it wasn't made. */
export async function readBundle(): Promise<Bundle | undefined> {
  let path: string;
  try {
    path = (await import("./bundle.txt", { with: { type: "file" } })).default;
  } catch {
    return undefined;
  }
  return JSON.parse(await Bun.file(path).text()) as Bundle;
}
