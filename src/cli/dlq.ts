/** `logstash-ts dlq …`. */

import { join } from 'node:path';
import { readDeadLetters, removeDeadLetters, type StoredDeadLetter } from '../delivery/deadLetters.ts';
import { SegmentDamaged } from '../delivery/segmentLog.ts';
import { encodeJson } from '../event/json.ts';
import { packageRoot } from '../util/packageRoot.ts';
import { UsageError } from './arguments.ts';
import type { Environment } from './configuration.ts';
import { DLQ, type DlqCommand } from './dlqFlags.ts';
import { replay } from './dlqReplay.ts';
import { entryJson, listTable, ReasonCounts, shownEntry } from './dlqText.ts';
import { type EntryFilter, parseWhere } from './dlqWhere.ts';
import { counted } from './kinesisText.ts';
import { deadLetterDirectory } from './queueSettings.ts';
import { type Options, type Request, runGroup, ToolFault, textOption } from './subcommands.ts';

const LIMIT = 100;
/** Ids are noted as removed in steps of so many. */
const REMOVAL_STEP = 10_000;

/** Gives the exit code. `args` are those behind `dlq`. */
export async function runDlq(args: readonly string[], env: Environment): Promise<number> {
  return runGroup(DLQ, args, async (request) => {
    try {
      return await new Queue(request, env).run();
    } catch (error) {
      if (error instanceof SegmentDamaged)
        throw new ToolFault(`${error.message}: the next start of the pipeline repairs it`);
      throw error;
    }
  });
}

class Queue {
  readonly #name: DlqCommand;
  readonly #options: Options;
  readonly #operands: readonly string[];
  readonly #env: Environment;
  readonly #dataPath: string;
  readonly #directory: string;
  readonly #isMeant: EntryFilter;
  readonly #json: boolean;

  constructor({ name, options, operands }: Request<DlqCommand>, env: Environment) {
    this.#name = name;
    this.#options = options;
    this.#operands = operands;
    this.#env = env;
    this.#dataPath = textOption(options, 'path.data') ?? join(packageRoot(), 'data');
    const queuePath = textOption(options, 'path.dead_letter_queue');
    this.#directory = deadLetterDirectory({
      dataPath: this.#dataPath,
      queuePath,
      pipelineId: textOption(options, 'pipeline.id') ?? 'main',
    });
    this.#isMeant = parseWhere((options['where'] ?? []) as readonly string[], Date.now());
    this.#json = options['json'] === true;
  }

  run(): Promise<number> {
    switch (this.#name) {
      case 'stats':
        return this.#stats();
      case 'list':
        return this.#list();
      case 'show':
        return this.#show();
      case 'purge':
        return this.#purge();
      case 'replay':
        return this.#replay();
    }
  }

  async *#entries(): AsyncGenerator<StoredDeadLetter> {
    for await (const entry of readDeadLetters(this.#directory)) if (this.#isMeant(entry)) yield entry;
  }

  async #stats(): Promise<number> {
    const counts = new ReasonCounts();
    for await (const entry of this.#entries()) counts.add(entry);
    print(this.#json ? JSON.stringify(counts.json(), undefined, 2) : counts.text(this.#directory));
    return 0;
  }

  async #list(): Promise<number> {
    const limit = limitOf(textOption(this.#options, 'limit'));
    const entries: StoredDeadLetter[] = [];
    let more = 0;
    for await (const entry of this.#entries()) {
      if (entries.length >= limit) more += 1;
      else if (this.#json) print(encodeJson(entryJson(entry)));
      else entries.push(entry);
    }
    if (this.#json) return 0;
    print(listTable(entries));
    if (more > 0) print(`and ${counted(more, 'more entry', 'more entries')}: --limit 0 lists all, --where chooses`);
    return 0;
  }

  async #show(): Promise<number> {
    const [id = ''] = this.#operands;
    if (!/^\d+$/.test(id)) throw new UsageError(`show takes the id of an entry, as list tells it, not "${id}"`);
    for await (const entry of this.#entries()) {
      if (entry.id !== Number(id)) continue;
      print(this.#json ? encodeJson(entryJson(entry)) : shownEntry(entry));
      return 0;
    }
    throw new ToolFault(`there is no entry ${id} in ${this.#directory}`);
  }

  async #purge(): Promise<number> {
    const isAll = this.#options['all'] === true;
    const hasWhere = ((this.#options['where'] ?? []) as readonly string[]).length > 0;
    if (isAll === hasWhere) throw new UsageError('purge needs --where, or --all for every entry');
    const isDry = this.#options['dryRun'] === true;
    let ids: number[] = [];
    let count = 0;
    const remove = async () => {
      if (!isDry && ids.length > 0) await removeDeadLetters(this.#directory, ids);
      ids = [];
    };
    for await (const { id } of this.#entries()) {
      ids.push(id);
      count += 1;
      if (ids.length >= REMOVAL_STEP) await remove();
    }
    await remove();
    const what = counted(count, 'entry', 'entries');
    print(
      this.#json
        ? JSON.stringify({ removed: isDry ? 0 : count, chosen: count, dryRun: isDry })
        : `${what} ${isDry ? 'would be' : count === 1 ? 'was' : 'were'} removed`,
    );
    return 0;
  }

  async #replay(): Promise<number> {
    const result = await replay({
      directory: this.#directory,
      dataPath: this.#dataPath,
      options: this.#options,
      entries: () => this.#entries(),
      isDry: this.#options['dryRun'] === true,
      env: this.#env,
    });
    if (result === undefined) return 1;
    print(this.#json ? JSON.stringify(result.json, undefined, 2) : result.text);
    return result.isComplete ? 0 : 1;
  }
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return LIMIT;
  if (!/^\d+$/.test(text)) throw new UsageError(`--limit must be a whole number, not "${text}"`);
  return Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
