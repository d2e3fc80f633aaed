/** An error as the SDK makes it of a service's answer. */
export function awsError(name: string, message = `made by a test: ${name}`): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

type Fault =
  /** The call fails and nothing is done. */
  | { kind: 'refuse'; error: Error }
  /** The call is done and its answer is lost. */
  | { kind: 'loseAnswer'; error: Error };

/** Faults of a fake server, by operation: each call uses up one. */
export class Faults {
  readonly #queued = new Map<string, Fault[]>();
  readonly #lasting = new Map<string, Error>();

  refuse(operation: string, error: Error, times = 1): void {
    this.#queue(operation, { kind: 'refuse', error }, times);
  }

  loseAnswer(operation: string, times = 1): void {
    this.#queue(operation, { kind: 'loseAnswer', error: awsError('TimeoutError') }, times);
  }

  /** Until `mend`. */
  breakDown(operation: string, error: Error): void {
    this.#lasting.set(operation, error);
  }

  mend(operation: string): void {
    this.#lasting.delete(operation);
  }

  async around<T>(operation: string, signal: AbortSignal | undefined, task: () => T): Promise<T> {
    if (signal?.aborted) throw awsError('AbortError');
    const lasting = this.#lasting.get(operation);
    if (lasting) throw lasting;
    const fault = this.#queued.get(operation)?.shift();
    if (fault?.kind === 'refuse') throw fault.error;
    const result = task();
    if (fault?.kind === 'loseAnswer') throw fault.error;
    return result;
  }

  #queue(operation: string, fault: Fault, times: number): void {
    const faults = this.#queued.get(operation) ?? [];
    for (let i = 0; i < times; i += 1) faults.push(fault);
    this.#queued.set(operation, faults);
  }
}
