/** How filters write their part of the generated function. */
import type { Event } from '../event/event.ts';
import type { Template } from '../event/template.ts';

/**
 * Code in which `e` is the event. Text of a configuration goes in by `text` and `constant` only: it never becomes code.
 */
export interface StepCode {
  line(text: string): void;
  /** Writes `head {`, what `body` writes, and `tail` or `}`. */
  block(head: string, body: () => void, tail?: string): void;
  /** The name under which the code finds `value`. */
  constant(value: unknown): string;
  /** A literal of a text. */
  text(value: string): string;
}

/** Something done to an event. The code does the same, where it is short enough to stand in place of a call. */
export interface EventStep {
  (event: Event): void;
  emitCode?(code: StepCode): void;
}

export function eventStep(apply: (event: Event) => void, emitCode: (code: StepCode) => void): EventStep {
  return Object.assign(apply, { emitCode });
}

export function emitSteps(code: StepCode, steps: readonly EventStep[]): void {
  for (const step of steps) {
    if (step.emitCode === undefined) code.line(`${code.constant(step)}(e);`);
    else step.emitCode(code);
  }
}

/** A field at the top of every event that takes any value: `getField` and `setField` know it by its name. */
export function isPlainField(text: string): boolean {
  return !/[[\]]|%\{/.test(text) && text !== '@metadata' && text !== '@timestamp';
}

/** The text that the template has for the event. */
export function templateCode(code: StepCode, template: Template): string {
  return template.isConstant ? code.text(template.text) : `${code.constant(template)}.apply(e)`;
}
