/** Waiting with an end. */

/** What comes of the promise, or throws `late` after so long; what was waited for goes on. */
export async function inTime<T>(promise: Promise<T>, ms: number, late: Error): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(late), ms);
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
