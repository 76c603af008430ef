import { serve } from "./serve.ts";
export async function run(_argv: readonly string[]): Promise<number> {
  return serve();
}
