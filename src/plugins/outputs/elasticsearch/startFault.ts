import { describeErrorAnswer } from './outcomes.ts';
import { describeRefusal, type Failure } from './texts.ts';
import type { WireAnswer } from './wire.ts';

/** The start cannot go on for now: it is tried again, and events wait. */
export class StartFault extends Error {
  override name = 'StartFault';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }

  /** `what` reads well before "is answered by …". */
  static ofAnswer({ status, text }: WireAnswer, what: string): StartFault {
    const { cause, message } = describeRefusal(status, describeErrorAnswer(text));
    return new StartFault({ cause, message: `${what}: ${message}` });
  }
}
