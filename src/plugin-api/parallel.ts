/** The way between the parts of an input that several workers share, which stand in different threads. */

/** The thread at the other end has died. */
export class LinkLost extends Error {
  override name = 'LinkLost';
}

/** What is sent has to be of the kind that `structuredClone` takes. All arrives in the order in which it was sent. */
export interface Link {
  /** Resolves to what the other side's handler gives. Rejects as it does, or with `LinkLost`. */
  call(name: string, payload?: unknown): Promise<unknown>;
  /** Wants no answer. */
  send(name: string, payload?: unknown): void;
  /** For what the other side sends and calls under that name. */
  handle(name: string, handler: (payload: never) => unknown): void;
}

/** The way to the part of an input in one worker. Handlers stay when the worker is started again. */
export interface WorkerLink extends Pick<Link, 'handle'> {
  /** Resolves when the worker runs; each start of it has a link of its own. */
  connected(): Promise<Link>;
}
