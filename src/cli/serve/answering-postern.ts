/** Whether a Postern answers at an address, asked once. */

const ANSWER_MS_MAX = 3000;

/** Its name and version; undefined for whatever else is there, or says nothing in time. */
export async function answeringPostern(openapiUrl: URL): Promise<string | undefined> {
  try {
    const answer = await fetch(openapiUrl, {
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const { info } = (await answer.json()) as { info?: { title?: unknown; version?: unknown } };
    if (info?.title !== "Postern" || !/^[0-9a-z.-]{1,32}$/.test(String(info.version))) return undefined;
    return `Postern ${info.version}`;
  } catch {
    return undefined;
  }
}
