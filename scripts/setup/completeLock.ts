import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// A registry that mirrors only some platforms makes npm leave the optional packages of the others out of the lock file, and `npm ci` then
// refuses the file as out of date. This writes them in, without a checksum. Run it after a change of dependencies on such a registry.

interface Locked {
  version?: string;
  cpu?: string[];
  os?: string[];
  libc?: string[];
  dev?: boolean;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = ['android', 'darwin', 'linux', 'win32', 'freebsd', 'openharmony'];
const PROCESSORS = ['arm64', 'x64', 'arm', 'ppc64', 'riscv64', 's390x', 'ia32'];

const file = fileURLToPath(new URL('../../package-lock.json', import.meta.url));
const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync(file, 'utf8'));
const missing = Object.entries(lock.packages).flatMap(([path, owner]) =>
  Object.entries(owner.optionalDependencies ?? {})
    .filter(
      ([name]) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
    )
    .map(([name, version]): [string, Locked] => [`node_modules/${name}`, entry(name, version, owner)]),
);
const sorted = [...Object.entries(lock.packages), ...missing].sort(([left], [right]) => (left < right ? -1 : 1));
lock.packages = Object.fromEntries(sorted);
if (missing.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${missing.length} platform packages added to the lock file\n`);

/** Such packages carry their platform in their name and are pinned exactly by their owner. */
function entry(name: string, version: string, owner: Locked): Locked {
  const system = SYSTEMS.find((known) => name.includes(`-${known}`));
  const processor = PROCESSORS.find((known) => new RegExp(`-${known}(-|$)`).test(name));
  if (system === undefined || processor === undefined || !/^\d/.test(version)) {
    throw new Error(`${name}@${version} does not look like the package of one platform`);
  }
  const libc = system === 'linux' ? { libc: [name.includes('musl') ? 'musl' : 'glibc'] } : {};
  return { version, cpu: [processor], ...(owner.dev && { dev: true }), ...libc, optional: true, os: [system] };
}
