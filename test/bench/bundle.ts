import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';

const BUNDLE = 'dist/main.js';
const INPUTS = ['src/**/*.ts', 'scripts/build.ts', 'package-lock.json'];

/** Users run the bundle, so the bundle is measured. */
export function buildIfStale(): void {
  const builtMs = statSync(BUNDLE, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (!globSync(INPUTS).some((path) => statSync(path).mtimeMs > builtMs)) return;
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.ts'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the bundle cannot be built: ${stderr}`);
}
