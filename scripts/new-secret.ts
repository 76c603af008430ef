/** Prints a new secret, for `scripts/run.sh`. */
import { randomSecret } from "../src/lib/chance.ts";

process.stdout.write(randomSecret());
