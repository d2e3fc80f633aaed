/** A worker thread with a filter that ends it at the first event that says so. */
import { existsSync, writeFileSync } from 'node:fs';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { runWorkerThread, type WorkerTask } from '../../src/cli/workerThread.ts';
import { defineFilter, type PluginRegistry, string } from '../../src/plugin-api/index.ts';
import { registry } from '../../src/plugins/index.ts';

const crash = defineFilter({
  name: 'crash',
  summary: 'For tests.',
  options: { once: string({ doc: 'File that says that it has crashed.', required: true }) },
  create: ({ once }) => ({
    apply(event) {
      if (event.getField('crash') !== true || existsSync(once)) return true;
      writeFileSync(once, '');
      process.exit(7);
    },
  }),
});

export const crashingRegistry: PluginRegistry = {
  names: (kind) => registry.names(kind),
  load: async (kind, name) => (name === crash.name ? crash : registry.load(kind, name)),
};

if (parentPort !== null) {
  await runWorkerThread(parentPort as MessagePort, workerData as WorkerTask, crashingRegistry);
  process.exit();
}
