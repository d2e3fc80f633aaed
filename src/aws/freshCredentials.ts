/** Keeps AWS credentials that end: new ones in time, the old ones for as long as new ones cannot be had. */
import type { Clock } from '../util/clock.ts';

import type { Logger } from '../util/logger.ts';
import { secondsText } from '../util/secondsText.ts';
import { TroubleReporter } from '../util/troubleReporter.ts';
import { CredentialsFault } from './credentialsFault.ts';
import { describeError } from './errorText.ts';

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

/** New credentials are asked for so long before the old ones end: as the SDK does, so that it asks here for each request that is so near to an end. */
const AHEAD_MS = 5 * 60_000;
/** Keys without an end may have been changed in their file; Java's SDK looks as often. */
const LOOK_AGAIN_MS = 5 * 60_000;
/** Between two tries, however many requests wait for them. */
const PAUSE_MS = 2_000;
const SAY_MS = 3_000;
/** The SDK waits for ever for an agent that takes the connection and is silent; the longest it waits otherwise is 8 s. */
const LIMIT_MS = 15_000;

/**
 * Asks `load` once for all who wait, and again ahead of the end. While that fails, the credentials at hand are given until
 * they end, and it is said; then, and when there were none yet, callers get the fault. `what` is asked, for people.
 */
export function keepFresh(what: string, load: IdentityProvider, around: CredentialSurroundings): IdentityProvider {
  const { logger, clock } = around;
  const trouble = new TroubleReporter(`renewing AWS credentials (${what})`, logger, clock);
  let current: Identity | undefined;
  let renewing: Promise<Identity> | undefined;
  let fault: unknown;
  // By the monotonic clock.
  let dueMs = Number.NEGATIVE_INFINITY;
  let pausedUntilMs = Number.NEGATIVE_INFINITY;

  /** The clock may have been wrong when they came, or be so now. */
  function isDue(): boolean {
    const nowMs = clock.monotonic();
    if (nowMs < pausedUntilMs) return false;
    return nowMs >= dueMs || (current !== undefined && clock.now() >= endMs(current) - AHEAD_MS);
  }

  async function renew(): Promise<Identity> {
    try {
      current = await inTime(what, load, around);
      fault = undefined;
      dueMs = clock.monotonic() + renewalInMs(current, clock);
      trouble.worked('');
      return current;
    } catch (error) {
      fault = error;
      dueMs = Number.NEGATIVE_INFINITY;
      if (current) trouble.failed('', describeError(error));
      throw error;
    } finally {
      pausedUntilMs = clock.monotonic() + PAUSE_MS;
    }
  }

  function renewed(): Promise<Identity> {
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    return renewing;
  }

  return async () => {
    const isUsable = current !== undefined && endMs(current) > clock.now();
    if (isDue()) {
      const renewal = renewed();
      if (!isUsable) return forNow(await renewal, clock);
      // Who asks now need not wait; what goes wrong is said.
      renewal.catch(() => {});
    }
    // By a clock that is wrong even new ones have ended: AWS is to judge.
    if (current && (isUsable || fault === undefined)) return forNow(current, clock);
    throw fault;
  };
}

async function inTime(
  what: string,
  load: IdentityProvider,
  { logger, clock }: CredentialSurroundings,
): Promise<Identity> {
  const done = new AbortController();
  const limit = async () => {
    await clock.sleep(SAY_MS, done.signal);
    if (!done.signal.aborted) logger.info(`still waiting for AWS credentials (${what})`);
    await clock.sleep(LIMIT_MS - SAY_MS, done.signal);
    throw new CredentialsFault('TimeoutError', `no AWS credentials (${what}) within ${secondsText(LIMIT_MS)}`);
  };
  try {
    return await Promise.race([load(), limit()]);
  } finally {
    done.abort();
  }
}

function renewalInMs(identity: Identity, clock: Clock): number {
  return identity.expiration ? endMs(identity) - AHEAD_MS - clock.now() : LOOK_AGAIN_MS;
}

function endMs({ expiration }: Identity): number {
  return expiration?.getTime() ?? Number.POSITIVE_INFINITY;
}

/** The SDK keeps for good what has no end, and else goes by a clock that may be set; with an end this near it asks here for each request. */
function forNow(identity: Identity, clock: Clock): Identity {
  return { ...identity, expiration: new Date(Math.min(endMs(identity), clock.now() + AHEAD_MS)) };
}
