const ZERO = 0x30;
/** Of that many any number is exact. */
const DIGITS_MAX = 15;

/** The number that the bytes from `start` up to `end` are the digits of; `undefined` for anything but 1 to 15 digits. */
export function digitsValue(bytes: Buffer, start: number, end: number): number | undefined {
  if (start === end || end - start > DIGITS_MAX) return undefined;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
