/** The reference pages of `docs/`, by file name. */

import { DLQ } from '../../src/cli/dlqFlags.ts';
import { FLAGS } from '../../src/cli/flags.ts';
import { KINESIS } from '../../src/cli/kinesisFlags.ts';
import { QUEUE } from '../../src/cli/queueFlags.ts';
import { TEMPLATE } from '../../src/cli/templateFlags.ts';
import { catalogue } from '../../src/errors/catalogue.ts';
import { registry } from '../../src/plugins/index.ts';
import { commandLinePage } from './commandLine.ts';
import { errorsPage } from './errors.ts';
import { pluginsPage } from './plugins.ts';

export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['plugins.md', await pluginsPage(registry)],
    ['errors.md', errorsPage(catalogue)],
    ['command-line.md', commandLinePage(FLAGS, [KINESIS, QUEUE, DLQ, TEMPLATE])],
  ]);
}
