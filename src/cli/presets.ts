/** `postern presets`: which providers the generic kind knows by name. */
import type { Command } from "commander";
import type { Preset } from "../sources/preset.ts";
import type { Exit } from "./errors.ts";
import { print } from "./output.ts";

export function addPresets(program: Command, exit: Exit): void {
  program
    .command("presets")
    .summary("list the providers that are known by name")
    .description(
      "Print a line for each preset of the generic kind: its name, the provider, what proves a request, whether it " +
        "carries messages, and the provider's page. Each has a section in docs/providers.",
    )
    .option("--json", "print a JSON array")
    .addHelpText("after", "\nExamples:\n  $ postern presets\n  $ postern presets --json | jq -r '.[].name'")
    .action(async ({ json }: { readonly json?: true }) => {
      const presets = await listed();
      await print(json === true ? JSON.stringify(presets, null, 2) : await asTable(presets));
      exit(0);
    });
}

async function listed() {
  const { findsMessages } = await import("../sources/field-map.ts");
  const { PRESETS } = await import("../sources/presets.ts");
  const { proofInWords } = await import("../sources/schemes/words.ts");
  return Object.entries(PRESETS as Readonly<Record<string, Preset>>).map(
    ([name, { title, page, options }]) => ({
      name,
      title,
      proof: proofInWords(options.scheme),
      messages: options.map === "whatsapp" || (options.map ?? []).some(findsMessages),
      page,
    }),
  );
}

async function asTable(presets: Awaited<ReturnType<typeof listed>>): Promise<string> {
  const { table } = await import("./table.ts");
  const rows = presets.map(({ name, title, proof, messages, page }) => [
    ...[name, title, proof, messages ? "messages" : "events", page],
  ]);
  return table([["PRESET", "PROVIDER", "PROOF", "CARRIES", "PAGE"], ...rows]);
}
