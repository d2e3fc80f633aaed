import type { StepCode } from '../plugin-api/index.ts';

/** Gathers generated code and the values it refers to. Text of a configuration never becomes part of the code itself. */
export class CodeWriter implements StepCode {
  readonly #lines: string[] = [];
  readonly #constants: unknown[] = [];
  #depth = 1;

  line(text: string): void {
    this.#lines.push('  '.repeat(this.#depth) + text);
  }

  /** Writes `head {`, what `body` writes, and `}`. */
  block(head: string, body: () => void, tail = '}'): void {
    this.line(`${head} {`);
    this.#depth++;
    body();
    this.#depth--;
    this.line(tail);
  }

  /** The name under which generated code finds `value`. */
  constant(value: unknown): string {
    const known = this.#constants.indexOf(value);
    if (known >= 0) return `c${known}`;
    this.#constants.push(value);
    return `c${this.#constants.length - 1}`;
  }

  /** A literal of a text: JSON is a subset of JavaScript. */
  text(value: string): string {
    return JSON.stringify(value);
  }

  get source(): string {
    return this.#lines.join('\n');
  }

  /** The function of the written body; `parameters` are its own, constants are bound. */
  compile(parameters: string, helpers: Readonly<Record<string, unknown>>): unknown {
    const names = [...this.#constants.keys()].map((index) => `c${index}`);
    // The name is what profiles and stack traces show.
    const source = `'use strict';\nreturn function pipeline(${parameters}) {\n${this.source}\n};\n//# sourceURL=pipeline.generated.js`;
    const factory = new Function(...names, ...Object.keys(helpers), source);
    return factory(...this.#constants, ...Object.values(helpers));
  }
}
