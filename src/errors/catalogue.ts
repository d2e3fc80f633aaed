/**
 * Every fault has one code; a code is never used again for something else. `docs/errors.md` is written from this table.
 */
export const catalogue = {
  // LST1xx: the text of a configuration
  LST101: 'syntax error',
  LST102: 'duplicate keys in a hash',
  LST103: 'number that cannot be read',
  LST104: 'method calls in conditions cannot be executed',
  LST105: 'boolean operators that need parentheses',
  LST106: 'operands that this operator does not take',
  LST107: 'invalid field reference',
  LST108: 'invalid regular expression',
  // LST3xx: plugins and their options
  LST301: 'unknown plugin',
  LST302: 'unknown option',
  LST303: 'missing required option',
  LST304: 'invalid option value',
  LST305: 'obsolete option',
  LST306: 'deprecated option',
  LST307: 'option not supported',
  LST308: 'undefined replacement variable',
  LST309: 'duplicate plugin id',
  LST310: 'options that contradict each other',
  LST311: 'options that do something else than they seem to',
} as const;

export type ErrorCode = keyof typeof catalogue;
