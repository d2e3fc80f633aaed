/** Calls and messages between two threads, over one port, so that all of them keep their order. */
import { type Link, LinkLost } from '../../plugin-api/index.ts';

/** A `MessagePort` or a `Worker`. */
export interface Port {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

interface Request {
  readonly channel: string;
  readonly name: string;
  readonly payload: unknown;
  /** Absent when no answer is wanted. */
  readonly call?: number;
}

interface Answer {
  readonly answerTo: number;
  readonly result?: unknown;
  readonly error?: unknown;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** By channel, then by name. */
export type Handlers = Map<string, Map<string, (payload: never) => unknown>>;

export function handlersOf(handlers: Handlers, channel: string): Map<string, (payload: never) => unknown> {
  const known = handlers.get(channel) ?? new Map();
  handlers.set(channel, known);
  return known;
}

export class Duplex {
  readonly #port: Port;
  readonly #handlers: Handlers;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #lost: LinkLost | undefined;

  /** `handlers` may be those of an earlier port. */
  constructor(port: Port, handlers: Handlers = new Map()) {
    this.#port = port;
    this.#handlers = handlers;
    port.on('message', (message) => this.#receive(message as Request | Answer));
  }

  /** One end of a channel: both sides name it alike. */
  channel(name: string): Link {
    return {
      call: (call, payload) => this.#call(name, call, payload),
      send: (message, payload) => this.#post({ channel: name, name: message, payload }),
      handle: (message, handler) => void handlersOf(this.#handlers, name).set(message, handler),
    };
  }

  /** The other side has died: what waits for it is rejected, and what is called later too. */
  lose(reason: string): void {
    this.#lost ??= new LinkLost(reason);
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }

  #receive(message: Request | Answer): void {
    if ('answerTo' in message) this.#settle(message);
    else void this.#serve(message);
  }

  #call(channel: string, name: string, payload: unknown): Promise<unknown> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      const call = ++this.#calls;
      this.#waiting.set(call, { resolve, reject });
      this.#post({ channel, name, payload, call });
    });
  }

  #post(message: Request | Answer): void {
    if (this.#lost === undefined) this.#port.postMessage(message);
  }

  async #serve({ channel, name, payload, call }: Request): Promise<void> {
    try {
      const handler = this.#handlers.get(channel)?.get(name);
      if (handler === undefined) throw new Error(`nobody handles ${channel} ${name}`);
      const result = await handler(payload as never);
      if (call !== undefined) this.#post({ answerTo: call, result });
    } catch (error) {
      if (call === undefined) throw error;
      this.#post({ answerTo: call, error });
    }
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.answerTo);
    this.#waiting.delete(answer.answerTo);
    if ('error' in answer) waiting?.reject(answer.error);
    else waiting?.resolve(answer.result);
  }
}
