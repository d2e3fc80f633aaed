/** Writes the reference pages: `npm run docs`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referencePages } from './pages.ts';

const folder = join(import.meta.dirname, '../../docs');
for (const [name, text] of await referencePages()) writeFileSync(join(folder, name), text);
