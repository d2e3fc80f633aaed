/** `${NAME}` and `${NAME:default}`; everything from the first colon to the brace is the default, which may be empty. */
const reference = /\$\{([a-zA-Z_.][a-zA-Z0-9_.]*)(?::([^}]*))?\}/g;

/**
 * Replaces variables in an option's value. `lookup` knows the keystore and the environment. What it returns is taken as it
 * is: a `${…}` inside it stays. The first name that has neither a value nor a default is `missing`.
 */
export function expandVariables(
  text: string,
  lookup: (name: string) => string | undefined,
): { text: string } | { missing: string } {
  let missing: string | undefined;
  const expanded = text.replace(reference, (written, name: string, fallback: string | undefined) => {
    const value = lookup(name) ?? fallback;
    if (value === undefined) missing ??= name;
    return value ?? written;
  });
  return missing === undefined ? { text: expanded } : { missing };
}

/** Logstash's text for a variable without a value. */
export function missingVariableMessage(name: string): string {
  return `Cannot evaluate \`\${${name}}\`. Replacement variable \`${name}\` is not defined in a Logstash secret store or an environment entry and there is no default value given.`;
}
