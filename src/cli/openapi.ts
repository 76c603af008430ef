/** `postern openapi`: prints the description of the HTTP interface. */
import type { Command } from "commander";
import type { Exit } from "./errors.ts";
import { print } from "./output.ts";

export function addOpenapi(program: Command, exit: Exit): void {
  program
    .command("openapi")
    .summary("print the OpenAPI document")
    .description("Print the OpenAPI 3.1 document, the one that /openapi.json serves.")
    .addHelpText("after", "\nExample:\n  $ postern openapi > openapi.json")
    .action(async () => {
      const { describeService } = await import("../serve.ts");
      await print(JSON.stringify(describeService(), null, 2));
      exit(0);
    });
}
