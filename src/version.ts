/** Postern's version: the package's, bundled into the executable. */
import { version } from "../package.json" with { type: "json" };

export const VERSION: string = version;
