import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findTool, runProgram } from './tools.ts';

export const MINIMUM_JAVA = 17;

interface Jdk {
  readonly home: string;
  readonly major: number;
}

/** Where Linux distributions put their JDKs. */
const INSTALLED = '/usr/lib/jvm';

/** `bin/java` of the Java in PATH when it is recent enough, else of the oldest that is. */
export function findJava(minimum: number): string | undefined {
  const jdk = findJdk(minimum);
  return jdk && join(jdk.home, 'bin/java');
}

/** Why there is no Java of this version or later; undefined when there is. */
export function missingJava(minimum: number): string | undefined {
  if (findJdk(minimum) !== undefined) return undefined;
  return `there is no Java ${minimum} or later in PATH, JAVA_HOME or ${INSTALLED}`;
}

/** Compiles sources against the jars in `lib` of the directory, into its `launcher`. */
export function compileJava(minimum: number, directory: string, sources: readonly string[]): void {
  const beside = join(findJdk(minimum)?.home ?? '', 'bin/javac');
  const javac = existsSync(beside) ? beside : (findTool('javac') ?? 'javac');
  mkdirSync(join(directory, 'launcher'), { recursive: true });
  runProgram(javac, ['-nowarn', '-cp', join(directory, 'lib', '*'), '-d', join(directory, 'launcher'), ...sources]);
}

function findJdk(minimum: number): Jdk | undefined {
  const inPath = findTool('java');
  const first = [inPath && dirname(dirname(realpathSync(inPath))), process.env['JAVA_HOME']].flatMap(jdkAt);
  const others = existsSync(INSTALLED) ? readdirSync(INSTALLED).flatMap((name) => jdkAt(join(INSTALLED, name))) : [];
  others.sort((left, right) => left.major - right.major);
  return [...first, ...others].find(({ major }) => major >= minimum);
}

/** Its version is read from the `release` file: asking `java -version` would start a JVM each time. Without one it may be 17. */
function jdkAt(home: string | undefined): Jdk[] {
  if (!home || !existsSync(join(home, 'bin/java'))) return [];
  const release = join(home, 'release');
  const version = existsSync(release) ? /JAVA_VERSION="(\d+)/.exec(readFileSync(release, 'utf8'))?.[1] : undefined;
  return [{ home, major: Number(version ?? MINIMUM_JAVA) }];
}
