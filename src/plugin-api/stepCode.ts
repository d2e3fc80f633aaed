/** How filters write their part of the generated function. */
import type { Event } from '../event/event.ts';
import { InvalidFieldReference, parseFieldReference } from '../event/fieldReference.ts';
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

/** Something done to an event. */
export interface EventStep {
  (event: Event): void;
  /** A statement that does the same, where one is enough; else the step is called. */
  statement?(code: StepCode): string | undefined;
}

export function eventStep(apply: (event: Event) => void, statement: (code: StepCode) => string | undefined): EventStep {
  return Object.assign(apply, { statement });
}

export function emitSteps(code: StepCode, steps: readonly EventStep[]): void {
  for (const step of steps) code.line(step.statement?.(code) ?? `${code.constant(step)}(e);`);
}

/** The name under which the code finds the reference; `undefined` for one that is illegal or made of the event's own values. */
export function referenceCode(code: StepCode, text: string): string | undefined {
  try {
    return text.includes('%{') ? undefined : code.constant(parseFieldReference(text));
  } catch (error) {
    if (error instanceof InvalidFieldReference) return undefined;
    throw error;
  }
}

/** The text that the template has for the event. */
export function templateCode(code: StepCode, template: Template): string {
  return template.isConstant ? code.text(template.text) : `${code.constant(template)}.apply(e)`;
}
