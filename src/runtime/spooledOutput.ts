import { Spool, type SpoolSettings } from '../delivery/spool.ts';
import type { Output } from '../plugin-api/index.ts';

/** The output with a spool before it, which takes what it has no room for. */
export function spooledOutput(output: Output, settings: Omit<SpoolSettings, 'write'>): Output {
  const spool = new Spool({ ...settings, write: (events) => output.write(events) });
  return {
    open: async () => output.open?.(),
    write: (events) => spool.write(events),
    close: async () => {
      await spool.close();
      await output.close();
    },
    // What waits came after all that the output has.
    unsettledSinceMs: () => output.unsettledSinceMs?.() ?? spool.oldestMs,
    status: () => ({ ...output.status?.(), ...spool.status }),
  };
}
