/** Keeps AWS credentials that end: new ones in time, the old ones for as long as new ones cannot be had. */
import type { Clock } from '../util/clock.ts';

import type { Logger } from '../util/logger.ts';
import { TroubleReporter } from '../util/troubleReporter.ts';
import { textOf } from './errorText.ts';

export interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Absent for keys that do not end. */
  readonly expiration?: Date;
  readonly accountId?: string;
  /** For people: `web identity, role arn:aws:iam::…`. Nothing secret. */
  readonly origin: string;
}

export type IdentityProvider = () => Promise<Identity>;

export interface CredentialSurroundings {
  readonly logger: Logger;
  /** Its time is compared with that of AWS. */
  readonly clock: Clock;
}

/** New credentials are asked for so long before the old ones end: as the SDK does, so that it asks here for each request then. */
const AHEAD_MS = 5 * 60_000;
/** Keys without an end may have been changed in their file; Java's SDK looks as often. */
const LOOK_AGAIN_MS = 5 * 60_000;
/** Between two tries, however many requests wait for them. */
const PAUSE_MS = 2_000;

/**
 * Asks `load` once for all who wait, and again ahead of the end. While that fails, the credentials at hand are given until
 * they end, and it is said; then, and when there were none yet, callers get the fault.
 */
export function keepFresh(load: IdentityProvider, { logger, clock }: CredentialSurroundings): IdentityProvider {
  let current: Identity | undefined;
  let renewing: Promise<Identity> | undefined;
  let trouble: TroubleReporter | undefined;
  let fault: unknown;
  let dueMs = 0;

  async function renew(): Promise<Identity> {
    try {
      current = await load();
      fault = undefined;
      dueMs = renewalMs(current, clock.now());
      trouble?.worked('');
      return current;
    } catch (error) {
      fault = error;
      dueMs = clock.now() + PAUSE_MS;
      if (current) {
        trouble ??= new TroubleReporter(`renewing AWS credentials (${current.origin})`, logger, clock);
        trouble.failed('', textOf(error));
      }
      throw error;
    }
  }

  function renewed(): Promise<Identity> {
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    return renewing;
  }

  return async () => {
    const isDue = clock.now() >= dueMs;
    if (current && endMs(current) > clock.now()) {
      // Who asks now need not wait; what goes wrong was said.
      if (isDue) renewed().catch(() => {});
      return forNow(current, clock);
    }
    if (fault !== undefined && !isDue) throw fault;
    return forNow(await renewed(), clock);
  };
}

function renewalMs(identity: Identity, nowMs: number): number {
  const dueMs = identity.expiration ? endMs(identity) - AHEAD_MS : nowMs + LOOK_AGAIN_MS;
  return Math.max(dueMs, nowMs + PAUSE_MS);
}

function endMs({ expiration }: Identity): number {
  return expiration?.getTime() ?? Number.POSITIVE_INFINITY;
}

/** The SDK keeps for good what has no end; with one this near it asks here for each request. */
function forNow(identity: Identity, clock: Clock): Identity {
  return { ...identity, expiration: identity.expiration ?? new Date(clock.now() + AHEAD_MS) };
}
