/**
 * The consumer that enhanced fan-out reads as: registered with the stream under a name which all workers of a lease table
 * share. Nobody deregisters it, since the others read on.
 */
import type { ConsumerDescription } from '@aws-sdk/client-kinesis';
import { backoffMs } from '../util/backoff.ts';
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import type { KinesisApi } from './awsApi.ts';
import { describeError, errorName, isInUse, isInvalid, isNotFound, isRefused, isThrottling } from './awsErrors.ts';

export interface StreamConsumerSurroundings {
  readonly kinesis: KinesisApi;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly streamName: string;
}

/** A new consumer takes some ten seconds to become ACTIVE. */
const ACTIVE_WITHIN_MS = 60_000;
const POLL_MS = 1_000;
const POLL_MAX_MS = 5_000;
/** LimitExceeded says that calls come too fast, too. */
const REGISTRATIONS_MAX = 4;
/** Who finds a consumer registered anew gone again so soon is not wanted. */
const GONE_AGAIN_MS = 10 * 60_000;

export class StreamConsumer {
  readonly #around: StreamConsumerSurroundings;
  readonly #name: string;
  readonly #stop: AbortSignal;
  readonly #refused = new AbortController();
  #streamArn: string | undefined;
  #arn: string | undefined;
  #registering: Promise<string | undefined> | undefined;
  #looking: Promise<void> | undefined;
  #registeredAgainMs = Number.NEGATIVE_INFINITY;

  constructor(around: StreamConsumerSurroundings, name: string, stop: AbortSignal) {
    this.#around = around;
    this.#name = name;
    this.#stop = stop;
  }

  /** Aborts when enhanced fan-out is refused: the worker reads by polling from then on. */
  get refused(): AbortSignal {
    return this.#refused.signal;
  }

  /**
   * The ARN of the consumer, registered and ACTIVE; nothing once refused, and on a stop. Rejects on what waiting may mend.
   */
  async arn(): Promise<string | undefined> {
    if (this.refused.aborted) return undefined;
    if (this.#arn !== undefined) return this.#arn;
    this.#registering ??= this.#register().finally(() => {
      this.#registering = undefined;
    });
    return this.#registering;
  }

  /**
   * A subscription as `arn` heard that something is not there. Resolves to `false` when it is not the consumer; else
   * `arn()` registers it again, unless that has just been done.
   */
  async isGone(arn: string): Promise<boolean> {
    if (this.#arn === arn) {
      this.#looking ??= this.#look(arn).finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    return this.#arn !== arn;
  }

  /** Says once that polling takes over, and why. `operation` is the call that was refused with `error`. */
  refuse(operation: string, error: unknown): void {
    if (this.refused.aborted) return;
    this.#refused.abort();
    const { logger, streamName } = this.#around;
    const reason = `${operation} answers ${describeError(error)}`;
    logger.warn(
      `stream "${streamName}" is read by polling from now on, since enhanced fan-out is refused: ${reason}; ${this.#advice(operation, error)}`,
    );
  }

  #advice(operation: string, error: unknown): string {
    if (isThrottling(error)) return 'deregister a consumer that the stream no longer needs, and restart';
    if (errorName(error).startsWith('AccessDenied')) {
      return `allow kinesis:${operation} on ${this.#resourceOf(operation)}, and restart`;
    }
    return isNotFound(error) ? 'see who deregisters it, and restart' : 'choose polling, or mend this and restart';
  }

  #resourceOf(operation: string): string {
    if (this.#streamArn === undefined) return 'the stream';
    return operation === 'SubscribeToShard'
      ? String(this.#arn)
      : `${this.#streamArn} and ${this.#streamArn}/consumer/*`;
  }

  async #register(): Promise<string | undefined> {
    const { clock, random, streamName } = this.#around;
    const untilMs = clock.monotonic() + ACTIVE_WITHIN_MS;
    this.#streamArn ??= await this.#call('DescribeStreamSummary', () => this.#findStream());
    const streamArn = this.#streamArn;
    for (let tries = 1; streamArn !== undefined && !this.#stop.aborted; tries += 1) {
      const found = await this.#call('DescribeStreamConsumer', () => this.#find(streamArn));
      if (found?.ConsumerStatus === 'ACTIVE') {
        this.#arn = found.ConsumerARN;
        return this.#arn;
      }
      if (found === null) await this.#call('RegisterStreamConsumer', () => this.#create(streamArn, tries));
      if (this.refused.aborted) return undefined;
      if (clock.monotonic() >= untilMs) {
        const status = found?.ConsumerStatus ?? 'not there';
        throw new Error(`the consumer "${this.#name}" of stream "${streamName}" is ${status}, not ACTIVE`);
      }
      await clock.sleep(backoffMs(POLL_MS, POLL_MAX_MS, tries, random), this.#stop);
    }
    return undefined;
  }

  async #findStream(): Promise<string> {
    const { kinesis, streamName } = this.#around;
    const { StreamDescriptionSummary } = await kinesis.describeStreamSummary(streamName, this.#stop);
    return StreamDescriptionSummary?.StreamARN ?? '';
  }

  async #find(StreamARN: string): Promise<ConsumerDescription | null> {
    try {
      const input = { StreamARN, ConsumerName: this.#name };
      return (await this.#around.kinesis.describeStreamConsumer(input, this.#stop)).ConsumerDescription ?? null;
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async #create(StreamARN: string, tries: number): Promise<void> {
    const { kinesis, logger, streamName } = this.#around;
    try {
      await kinesis.registerStreamConsumer({ StreamARN, ConsumerName: this.#name }, this.#stop);
      logger.info(`registered the consumer "${this.#name}" of stream "${streamName}" for enhanced fan-out`);
    } catch (error) {
      // Another worker was first.
      if (isInUse(error)) return;
      if (!isThrottling(error)) throw error;
      if (tries >= REGISTRATIONS_MAX) this.refuse('RegisterStreamConsumer', error);
    }
  }

  async #look(arn: string): Promise<void> {
    const found = await this.#call('DescribeStreamConsumer', () => this.#find(this.#streamArn ?? ''));
    if (this.refused.aborted || (found?.ConsumerARN === arn && found.ConsumerStatus !== 'DELETING')) return;
    const nowMs = this.#around.clock.monotonic();
    if (nowMs - this.#registeredAgainMs < GONE_AGAIN_MS) this.refuse('SubscribeToShard', goneAgain(this.#name));
    this.#registeredAgainMs = nowMs;
    this.#arn = undefined;
  }

  /** Resolves to nothing when the call is refused. */
  async #call<T>(operation: string, task: () => Promise<T>): Promise<T | undefined> {
    try {
      return await task();
    } catch (error) {
      // What is given is the same each time, such as a name that Kinesis does not take.
      if (!isRefused(error) && !isInvalid(error)) throw error;
      this.refuse(operation, error);
      return undefined;
    }
  }
}

function goneAgain(name: string): Error {
  const error = new Error(`the consumer "${name}" was deregistered again`);
  error.name = 'ResourceNotFoundException';
  return error;
}
