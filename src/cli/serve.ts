/** `postern serve`: runs the service until it is told to stop. */
import { readSettings } from "../config.ts";
import { startService } from "../serve.ts";

/** Resolves with the exit code once the service has stopped. */
export async function serve(): Promise<number> {
  const settings = readSettings();
  const stopped = Promise.withResolvers<number>();
  const service = await startService(settings, { onFatal: () => stopped.resolve(1) });
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      // A second signal means: now.
      if (stopping) stopped.resolve(1);
      stopping = true;
      service.stop(settings.shutdownGraceMs).then(
        () => stopped.resolve(0),
        () => stopped.resolve(1),
      );
    });
  }
  return stopped.promise;
}
