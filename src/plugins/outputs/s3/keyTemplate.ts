/** `object_key`: names of objects as the user wants them. */
import type { Event } from '../../../event/event.ts';
import { compileDateFormat } from '../../../event/jodaFormat.ts';
import { compileTemplate, type Template } from '../../../event/template.ts';
import type { TimeZone } from '../../../event/timeZone.ts';
import { extensionOf, type ObjectFacts } from './objectKey.ts';

/** What `%{…}` means that tells of the object. Of an event's field of that name, `%{[…]}`. */
const OF_OBJECT: Readonly<Record<string, (facts: ObjectFacts) => string>> = {
  uuid: ({ uuid }) => uuid,
  part: ({ part }) => String(part),
  tags: ({ tags }) => tags.join('.'),
  extension: ({ encoding }) => extensionOf(encoding),
};

type Piece = string | Template | ((facts: ObjectFacts) => string);

/** What is wrong with a template. */
export class KeyTemplateError extends Error {
  override name = 'KeyTemplateError';
}

export class KeyTemplate {
  readonly #pieces: readonly Piece[];
  readonly #fields: readonly Template[];
  /** Whether tags are in the names. */
  readonly hasTags: boolean;

  /** @throws KeyTemplateError when two objects could get one name; InvalidDatePattern */
  constructor(text: string, zone: TimeZone) {
    const parts = splitExpressions(text);
    const expressions = parts.map(({ expression }) => expression);
    if (!expressions.includes('uuid')) {
      throw new KeyTemplateError(
        '`object_key` must contain %{uuid}: without it two objects could get one name, and the later one would replace the earlier',
      );
    }
    if (text.endsWith('/')) throw new KeyTemplateError('`object_key` must not end with a slash');
    this.hasTags = expressions.includes('tags');
    this.#pieces = parts.map((part) => pieceOf(part, zone));
    this.#fields = this.#pieces.filter((piece) => typeof piece === 'object');
  }

  /** Values of the event's fields in the name: events in which they differ go to different objects. */
  fieldsOf(event: Event): string {
    let values = '';
    for (const field of this.#fields) values += `\0${field.apply(event)}`;
    return values;
  }

  nameOf(event: Event, facts: ObjectFacts): string {
    let name = '';
    for (const piece of this.#pieces) {
      name += typeof piece === 'string' ? piece : typeof piece === 'object' ? piece.apply(event) : piece(facts);
    }
    return name.replace(/^\/+/, '');
  }
}

interface Part {
  readonly text: string;
  /** What stands between the braces of `%{…}`; `undefined` for plain text. */
  readonly expression: string | undefined;
}

function splitExpressions(text: string): Part[] {
  return text
    .split(/(%\{[^}]*\})/)
    .filter((part) => part !== '')
    .map((part) => ({ text: part, expression: /^%\{([^}]*)\}$/.exec(part)?.[1] }));
}

function pieceOf({ text, expression }: Part, zone: TimeZone): Piece {
  if (expression === undefined) return text;
  if (Object.hasOwn(OF_OBJECT, expression)) return OF_OBJECT[expression] as Piece;
  if (expression === '+%s') return ({ createdMs }) => String(Math.trunc(createdMs / 1000));
  if (!expression.startsWith('+')) return compileTemplate(text);
  const format = compileDateFormat(expression.slice(1), zone);
  return ({ createdMs }) => format(createdMs);
}
