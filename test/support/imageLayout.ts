import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDockerfile, type Stage } from './dockerfile.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** An image's files as our Dockerfile lays them out, in a directory: what runs there does not lean on the checkout. */
export interface ImageLayout {
  readonly stage: Stage;
  /** The image's root. */
  readonly root: string;
  /** A path of the image, on this machine. */
  path(inside: string): string;
}

/** Lays out the `build` stage and the program's own, with the installed packages in place of `npm ci`. */
export function layOutImages(directory: string): { build: ImageLayout; program: ImageLayout } {
  const stages = parseDockerfile(readFileSync(join(REPOSITORY, 'Dockerfile'), 'utf8'));
  const build = layOut(stages, 'build', directory);
  symlinkSync(join(REPOSITORY, 'node_modules'), build.path('/app/node_modules'));
  for (const command of build.stage.runs.filter((run) => run.startsWith('node '))) {
    const [, ...args] = command.split(' ');
    const result = spawnSync(process.execPath, args, { cwd: build.path('/app'), encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`${command} failed: ${result.stderr}`);
  }
  return { build, program: layOut(stages, 'logstash-ts', directory) };
}

function layOut(stages: readonly Stage[], name: string, directory: string): ImageLayout {
  const stage = stages.find((candidate) => candidate.name === name);
  if (stage === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  const root = join(directory, name);
  const path = (inside: string) => join(root, inside);
  for (const { from, sources, target } of stage.copies) {
    const into = path(join(stage.workdir, target));
    for (const source of sources) {
      const origin = from === undefined ? join(REPOSITORY, source) : join(directory, from, source);
      const isFolder = target.endsWith('/');
      mkdirSync(isFolder ? into : join(into, '..'), { recursive: true });
      cpSync(origin, isFolder ? join(into, source) : into, { recursive: true });
    }
  }
  return { stage, root, path };
}
