import { components, install, isInstalled } from './components.ts';

// Fetches the servers of `npm run test:real` into the cache. Says nothing when all are there.
let failures = 0;
for (const component of components) {
  if (isInstalled(component)) continue;
  process.stdout.write(`fetching ${component.name} ${component.version} (once) … `);
  try {
    const start = Date.now();
    install(component);
    process.stdout.write(`done in ${Math.round((Date.now() - start) / 1000)} s\n`);
  } catch (error) {
    failures += 1;
    process.stdout.write(`failed\n${error instanceof Error ? error.message : String(error)}\n`);
  }
}
process.exitCode = failures === 0 ? 0 : 1;
