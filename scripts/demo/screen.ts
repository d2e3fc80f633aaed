import { number } from './reckoning.ts';
import type { Part } from './stack.ts';

/** The figures of one moment. */
export interface Moment {
  readonly seconds: number;
  readonly inPerSecond: number;
  readonly outPerSecond: number;
  readonly lagSeconds: number;
  readonly indices: Readonly<Record<string, number>>;
  readonly s3Objects: number;
  readonly s3Lines: number;
  readonly deadLetters: number;
}

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const COLUMNS: readonly [title: string, width: number][] = [
  ['time', 7],
  ['in/s', 6],
  ['out/s', 7],
  ['lag', 7],
  ['accesslog', 12],
  ['responselog', 13],
  ['requestlog', 12],
  ['s3 objects', 14],
  ['dead letters', 14],
];

/** Writes the opening table and the running line: redrawn in place on a terminal, appended otherwise. */
export class Screen {
  readonly #out: Output;
  readonly #redraws: boolean;
  readonly #colours: boolean;
  #lineIsOpen = false;

  constructor(out: Output, env: NodeJS.ProcessEnv) {
    this.#out = out;
    this.#redraws = out.isTTY === true && env['TERM'] !== 'dumb';
    this.#colours = this.#redraws && !env['NO_COLOR'];
  }

  /** A line of text of its own; an open running line is kept above it. */
  say(text: string): void {
    this.#out.write(`${this.#lineIsOpen ? '\n' : ''}${text}\n`);
    this.#lineIsOpen = false;
  }

  opening(parts: readonly Part[]): void {
    const roleWidth = Math.max(...parts.map(({ role }) => role.length)) + 2;
    const whatWidth = Math.max(...parts.map(({ what, url }) => (url === '' ? 0 : what.length))) + 2;
    const urlWidth = Math.max(...parts.map(({ url }) => url.length)) + 3;
    for (const { role, what, url, note } of parts) {
      const where = url === '' && note === '' ? what : `${what.padEnd(whatWidth)}${url.padEnd(urlWidth)}${note}`;
      this.say(`  ${role.padEnd(roleWidth)}${where}`.trimEnd());
    }
    this.say('');
    this.say(COLUMNS.map(([title, width]) => title.padStart(width)).join(''));
  }

  moment(moment: Moment): void {
    const line = renderMoment(moment, this.#colours);
    if (this.#redraws) this.#out.write(`\r${line}\u001b[K`);
    else this.say(line);
    this.#lineIsOpen = this.#redraws;
  }
}

/** One line of figures under the columns' titles. */
export function renderMoment(moment: Moment, colours: boolean): string {
  const cells = [
    clock(moment.seconds),
    number(Math.round(moment.inPerSecond)),
    number(Math.round(moment.outPerSecond)),
    `${moment.lagSeconds.toFixed(1)}s`,
    number(sumOf(moment.indices, 'accesslog-')),
    number(sumOf(moment.indices, 'api-responselog-')),
    number(sumOf(moment.indices, 'api-requestlog-')),
    `${number(moment.s3Objects)} (${short(moment.s3Lines)})`,
    number(moment.deadLetters),
  ];
  const padded = cells.map((cell, column) => cell.padStart(COLUMNS[column]?.[1] ?? 0));
  // The one figure that may need a look: events wait longer than the pipeline's usual seconds.
  const needsLook = colours && moment.lagSeconds > 10;
  return padded.map((cell, column) => (needsLook && column === 3 ? `\u001b[31m${cell}\u001b[39m` : cell)).join('');
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(whole / 60))}:${two(whole % 60)}`;
}

function sumOf(indices: Readonly<Record<string, number>>, prefix: string): number {
  const counts = Object.entries(indices).filter(([name]) => name.startsWith(prefix));
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

function short(lines: number): string {
  return lines < 1000 ? String(lines) : `${(lines / 1000).toFixed(1)}k`;
}
