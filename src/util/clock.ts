/** Time comes in by argument, so that tests can run hours in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970, for what is shown or compared with others' times. Somebody may set it, by hours and in both directions. */
  now(): number;
  /** Milliseconds since some moment, for durations: it goes on evenly whatever happens to `now`. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, ms));
      signal?.addEventListener('abort', done, { once: true });
    });
  },
};
