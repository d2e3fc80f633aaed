/** Bundles the program into `dist`: an entry for the program, one for its workers, and chunks for what is loaded on demand. */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/cli/main.ts', 'src/cli/worker.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  // The AWS SDK and others bring ES modules, which load sooner than their CommonJS twins.
  mainFields: ['module', 'main'],
  platform: 'node',
  target: 'node26',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'external',
  logLevel: 'warning',
  // CommonJS packages call `require` for what Node brings.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
});
