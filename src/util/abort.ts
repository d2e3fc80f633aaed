/** Waiting that an `AbortSignal` ends, without leaving listeners behind. */

/** Resolves as soon as the signal aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Waits for the promise, but no longer than until the signal aborts. Rejects as the promise does before that. */
export function orAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
    promise.then(end, (error) => {
      signal.removeEventListener('abort', end);
      reject(error);
    });
  });
}
