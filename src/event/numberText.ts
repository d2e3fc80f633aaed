/** Texts of numbers as Java and Ruby print them, which is what Logstash shows of a number. */

/** Java's `Double.toString`: scientific from 1e7 and below 1e-3. The digits are the shortest that give the same double. */
export function javaDoubleText(value: number): string {
  const special = specialText(value);
  if (special !== undefined) return special;
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) return withFraction(String(value));
  const [digits, exponent] = scientific(value);
  return `${withFraction(digits)}E${exponent}`;
}

/** Ruby's `Float#to_s`: scientific from 1e16 and below 1e-4, with a signed exponent of two digits or more. */
export function rubyFloatText(value: number): string {
  const special = specialText(value);
  if (special !== undefined) return special;
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e16) return withFraction(String(value));
  const [digits, exponent] = scientific(value);
  const sign = exponent < 0 ? '-' : '+';
  return `${withFraction(digits)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** Java's `BigDecimal.toString`: plain while the scale is not negative and the exponent is at least -6. */
export function bigDecimalText(unscaled: string, scale: number): string {
  const negative = unscaled.startsWith('-');
  const digits = negative ? unscaled.slice(1) : unscaled;
  const sign = negative ? '-' : '';
  if (scale === 0) return sign + digits;
  const exponent = digits.length - 1 - scale;
  if (scale > 0 && exponent >= -6) {
    const padded = digits.padStart(scale + 1, '0');
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  return exponent === 0 ? sign + mantissa : `${sign}${mantissa}E${exponent > 0 ? '+' : ''}${exponent}`;
}

/** Ruby's `BigDecimal#to_s`: `0.15e1`. */
export function rubyDecimalText(unscaled: string, scale: number): string {
  const negative = unscaled.startsWith('-');
  const all = (negative ? unscaled.slice(1) : unscaled).replace(/^0+/, '');
  if (all === '') return '0.0';
  const significant = all.replace(/0+$/, '');
  return `${negative ? '-' : ''}0.${significant}e${all.length - scale}`;
}

function specialText(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return 'Infinity';
  if (value === Number.NEGATIVE_INFINITY) return '-Infinity';
  return undefined;
}

function withFraction(text: string): string {
  return text.includes('.') ? text : `${text}.0`;
}

function scientific(value: number): [digits: string, exponent: number] {
  const [digits = '0', exponent = '0'] = value.toExponential().split('e');
  return [digits, Number(exponent)];
}
