/** The moments at which the program is killed: at any time, or at a step of a delivery that a proxy sees. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../../../scripts/geoip/random.ts';
import { type Fault, type FaultProxy, type FaultRule, startFaultProxy } from '../../../support/servers/index.ts';
import type { Stack } from '../harness.ts';

type ProxiedRequest = Parameters<FaultRule>[0];

type Target = 'upload' | 'checkpoint' | 'bulk';

/**
 * Of a request: not executed; not executed while the program goes on for some time, checkpoints and all; executed without an
 * answer; answered.
 */
type Stage = 'arrived' | 'held' | 'executed' | 'answered';

export type Moment = 'start' | 'later' | 'stopping' | `${Target} ${Stage}`;

/** Each comes once before any comes again. */
export const MOMENTS: readonly Moment[] = [
  'start',
  'later',
  'stopping',
  'upload arrived',
  'upload held',
  'upload executed',
  'upload answered',
  'checkpoint arrived',
  'checkpoint executed',
  'bulk arrived',
  'bulk held',
  'bulk executed',
];

const isTarget: Readonly<Record<Target, (request: ProxiedRequest) => boolean>> = {
  upload: ({ method, url }) => method === 'PUT' && url.includes('.txt.gz'),
  checkpoint: ({ operation, body }) => operation === 'UpdateItem' && body.includes('checkpointSubSequenceNumber'),
  bulk: ({ url }) => url.includes('/_bulk'),
};

interface Trap {
  readonly target: Target;
  readonly stage: Stage;
  readonly kill: () => void;
}

/** How long a request may take to come. */
const PATIENCE_MS = 15_000;
/** How many of the runs are killed only after their first checkpoint. */
const EVEN_SHARE = 0.75;

/** What is killed. */
export interface Victim {
  kill(): void;
  /** Asks it to stop in good order. */
  terminate(): void;
}

/** Stands between the program and its servers. */
export class Watch {
  readonly stack: Stack;
  /** Told the key of every upload that arrives. */
  onUpload: (key: string) => void = () => {};
  readonly #proxies: readonly FaultProxy[];
  readonly #random: Random;
  #trap: Trap | undefined;
  #checkpointed: () => void = () => {};

  private constructor(stack: Stack, proxies: readonly FaultProxy[], random: Random) {
    this.stack = stack;
    this.#proxies = proxies;
    this.#random = random;
    for (const proxy of proxies) proxy.setRule((request) => this.#fate(request));
  }

  static async start(servers: Stack, random: Random): Promise<Watch> {
    const [dynamodb, elasticsearch, s3] = await Promise.all([
      startFaultProxy(servers.dynamodb.url),
      startFaultProxy(servers.elasticsearch.url),
      startFaultProxy(servers.s3.url),
    ]);
    return new Watch({ ...servers, dynamodb, elasticsearch, s3 }, [dynamodb, elasticsearch, s3], random);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
  }

  /** Kills a program that has just been started at the moment. Gives false when the moment did not come: it is killed then too. */
  async killAt(moment: Moment, program: Victim): Promise<boolean> {
    if (moment === 'start') {
      await wait(this.#random() * 1_000);
      program.kill();
      return true;
    }
    // Most runs are to be at their even pace; some still catch up with what the kill before has left.
    if (moment === 'stopping' || this.#random() < EVEN_SHARE) await this.#firstCheckpoint();
    await wait(this.#random() * 1_500);
    if (moment === 'stopping') {
      program.terminate();
      await wait(this.#random() * 300);
    }
    if (moment === 'stopping' || moment === 'later') {
      program.kill();
      return true;
    }
    const [target, stage] = moment.split(' ') as [Target, Stage];
    return this.#killAtRequest(target, stage, program);
  }

  async #firstCheckpoint(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#checkpointed = resolve;
    await Promise.race([promise, wait(PATIENCE_MS, undefined, { ref: false })]);
  }

  async #killAtRequest(target: Target, stage: Stage, program: Victim): Promise<boolean> {
    const { promise: sprung, resolve } = Promise.withResolvers<boolean>();
    const kill = () => {
      program.kill();
      resolve(true);
    };
    this.#trap = { target, stage, kill };
    const hit = await Promise.race([sprung, wait(PATIENCE_MS, false, { ref: false })]);
    this.#trap = undefined;
    if (!hit) program.kill();
    return hit;
  }

  #fate(request: ProxiedRequest): Fault | undefined {
    if (isTarget.upload(request)) this.onUpload(keyOf(request));
    if (isTarget.checkpoint(request)) this.#checkpointed();
    const trap = this.#trap;
    if (trap === undefined || !isTarget[trap.target](request)) return undefined;
    this.#trap = undefined;
    if (trap.stage === 'executed') return { kind: 'watch', executed: trap.kill };
    // An answer has to be read before it can have any effect.
    if (trap.stage === 'answered') return { kind: 'watch', answered: () => this.#killIn(trap, 0, 100) };
    if (trap.stage === 'held') {
      this.#killIn(trap, 1_500, 3_000);
      return { kind: 'hold', until: new Promise(() => {}) };
    }
    trap.kill();
    return { kind: 'reset' };
  }

  #killIn({ kill }: Trap, leastMs: number, mostMs: number): void {
    void wait(leastMs + this.#random() * (mostMs - leastMs)).then(kill);
  }
}

/** The path begins with the bucket. */
function keyOf({ url }: ProxiedRequest): string {
  return decodeURIComponent(url.split('?', 1)[0] ?? '')
    .split('/')
    .slice(2)
    .join('/');
}
