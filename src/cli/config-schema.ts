/** `postern config-schema`: the JSON Schema of the configuration file, for editors. */
import type { Command } from "commander";
import type { Exit } from "./errors.ts";
import { print } from "./output.ts";

export function addConfigSchema(program: Command, exit: Exit): void {
  program
    .command("config-schema")
    .summary("print the JSON Schema of the configuration file")
    .description(
      "Print the JSON Schema of the configuration file. Editors with a YAML language server complete and check by it when " +
        "the file begins with the comment # yaml-language-server: $schema=postern.schema.json",
    )
    .addHelpText("after", "\nExample:\n  $ postern config-schema > postern.schema.json")
    .action(async () => {
      const { configSchema } = await import("../config-file/json-schema.ts");
      await print(JSON.stringify(configSchema(), null, 2));
      exit(0);
    });
}
