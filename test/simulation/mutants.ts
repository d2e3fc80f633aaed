/**
 * Faults put into the code on purpose, to show that the simulation finds such: each replaces one snippet of one source
 * file while it is loaded. `npm run simulate -- --mutant <name> --seeds 500` runs one; `mutants.test.ts` runs all.
 */
import { registerHooks } from 'node:module';
import type { ViolationKind } from './violations.ts';

export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Has to be in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What the seeds find: one of these kinds each. */
  readonly found: readonly ViolationKind[];
  /** They find it in the code as it is; `npm run simulate -- --mutant NAME` names those that find it in another. */
  readonly seeds: readonly number[];
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'checkpoint-one-too-far',
    file: 'src/delivery/ackTracker.ts',
    find: 'this.#position = this.#positions[slot] as Position;',
    replace: 'this.#position = (this.#positions[(slot + 1) & mask] ?? this.#positions[slot]) as Position;',
    found: ['checkpoint beyond what is settled'],
    seeds: [1, 2, 3, 4],
  },
  {
    name: 'child-before-parents-end',
    file: 'src/kinesis/shardConsumer.ts',
    find: '    await this.#waitForParents(stop);\n',
    replace: '',
    found: ['child before its parent’s end'],
    seeds: [2, 3, 6, 7],
  },
  {
    name: 'child-after-one-parent',
    file: 'src/kinesis/shardConsumer.ts',
    find: 'rows.every((row) => row === null || isEnded(row))',
    replace: 'rows.length === 0 || rows.some((row) => row === null || isEnded(row))',
    found: ['child before its parent’s end'],
    seeds: [1, 3, 6, 7],
  },
  {
    name: 'lost-lease-ignored',
    file: 'src/kinesis/heldLease.ts',
    find: '      this.letGo();\n      return false;',
    replace: '      return false;',
    found: ['emits after the loss of its lease', 'writes after the loss of its lease'],
    seeds: [0, 1, 2, 3],
  },
  {
    name: 'lost-shard-read-on',
    file: 'src/plugins/inputs/kinesis/recordProcessor.ts',
    find: 'lost: () => lost.abort(),',
    replace: 'lost: () => {},',
    found: ['emits after the loss of its lease'],
    seeds: [8, 22, 55, 77],
  },
  {
    name: 'lease-kept-without-renewal',
    file: 'src/kinesis/heldLease.ts',
    find: 'return this.#clock.monotonic() - this.#movedMs;',
    replace: 'return 0;',
    found: ['emits after the loss of its lease'],
    seeds: [9, 65, 114, 124],
  },
  {
    name: 'shard-end-before-all-is-settled',
    file: 'src/kinesis/shardConsumer.ts',
    find: `      await this.#reader.whenSettled(AbortSignal.any([this.#closing.signal, this.held.lost]));
    } catch (error) {
      this.#replaceReader(error);
      return false;
    }
    if (this.held.lost.aborted || !this.#reader.isSettled()) {`,
    replace: '    } finally {}\n    if (this.held.lost.aborted) {',
    found: ['SHARD_END before all is settled'],
    seeds: [1, 3, 4, 5],
  },
  {
    name: 'settled-records-read-again',
    file: 'src/kinesis/shardReader.ts',
    find: 'const settled = this.#given === null ? this.#settledBefore : null;',
    replace: 'const settled = null;',
    found: ['record emitted again'],
    seeds: [0, 1, 3, 5],
  },
  {
    name: 'aggregate-skipped-whole',
    file: 'src/kinesis/recordForms.ts',
    find: 'comparePositions({ sequenceNumber: SequenceNumber, subSequenceNumber }, settled) > 0',
    replace: 'SequenceNumber !== settled.sequenceNumber',
    found: ['record left out', 'SHARD_END before all is settled'],
    seeds: [0, 7, 8, 13],
  },
  {
    name: 'settled-when-emitted',
    file: 'src/plugins/inputs/kinesis/recordProcessor.ts',
    find: 'settle() : context.emit(events, settle);',
    replace: 'settle() : (settle(), context.emit(events, () => {}));',
    found: ['checkpoint beyond what is settled', 'SHARD_END before all is settled'],
    seeds: [0, 1, 2, 3],
  },
  {
    name: 'settled-inside-a-record',
    file: 'src/plugins/inputs/kinesis/recordProcessor.ts',
    find: '        slice.push(event);\n',
    replace: '        slice.push(event);\n        before = record;\n',
    found: ['checkpoint beyond what is settled'],
    seeds: [4, 16, 38, 44],
  },
  {
    name: 'settled-twice',
    file: 'src/plugins/inputs/kinesis/recordProcessor.ts',
    find: 'if (token !== undefined) tracker.settle(token);',
    replace: 'if (token !== undefined) tracker.settle(token), tracker.settle(token);',
    found: ['unexpected failure', 'record emitted again'],
    seeds: [0, 1, 2, 3],
  },
  {
    name: 'checkpoint-without-condition',
    file: 'src/kinesis/leaseTable.ts',
    find: 'change.set = written;',
    replace: 'change.set = written;\n    change.when = {};',
    found: ['write over unseen changes', 'checkpoint goes back', 'row unlike KCL’s'],
    seeds: [0, 27, 31, 32],
  },
  {
    name: 'take-without-counter',
    file: 'src/kinesis/leaseTable.ts',
    find: "change.set['leaseOwner'] = { S: owner };",
    replace: "change.set['leaseOwner'] = { S: owner };\n    change.when = { leaseKey: { S: lease.leaseKey } };",
    found: ['write over unseen changes', 'row unlike KCL’s'],
    seeds: [5, 8, 13, 19],
  },
  {
    name: 'release-of-anothers-lease',
    file: 'src/kinesis/leaseTable.ts',
    find: "when: { leaseOwner: { S: lease.leaseOwner ?? '' } },",
    replace: 'when: { leaseKey: { S: lease.leaseKey } },',
    found: ['write over unseen changes', 'row unlike KCL’s'],
    seeds: [64, 134, 152, 186],
  },
  {
    name: 'parents-row-removed-too-early',
    file: 'src/kinesis/leasePlan.ts',
    find: "return child !== undefined && child.checkpoint !== 'TRIM_HORIZON' && child.checkpoint !== 'AT_TIMESTAMP';",
    replace: 'return child !== undefined;',
    found: ['row removed too early'],
    seeds: [0, 1, 2, 6],
  },
  {
    name: 'rows-not-removed-oldest-first',
    file: 'src/kinesis/leasePlan.ts',
    find: 'return parentsGone && children.length > 0',
    replace: 'return children.length > 0',
    found: ['row removed too early'],
    seeds: [74, 76, 93, 96],
  },
  {
    name: 'children-not-created',
    file: 'src/kinesis/shardSyncer.ts',
    find: "await this.#create(newLease(child, 'TRIM_HORIZON'), signal);",
    replace: ';',
    found: ['SHARD_END before the children have rows'],
    seeds: [0, 1, 2, 3],
  },
  {
    name: 'other-parent-of-a-merge-not-awaited',
    file: 'src/kinesis/shardSyncer.ts',
    find: 'if (await this.#isDue(child, held.shardId, signal)) await',
    replace: 'await',
    found: ['child before its parent’s end', 'order of a key'],
    seeds: [1, 7, 25, 26],
  },
  {
    name: 'latest-opened-again',
    file: 'src/kinesis/readingPosition.ts',
    find: "if (start.Type === 'LATEST') this.#start = atTimestamp(nowMs - CLOCK_ERROR_MS);",
    replace: '',
    found: ['record left out'],
    seeds: [0, 12, 13, 31],
  },
  {
    name: 'clock-taken-for-right',
    file: 'src/kinesis/readingPosition.ts',
    find: 'atTimestamp(nowMs - CLOCK_ERROR_MS)',
    replace: 'atTimestamp(nowMs)',
    found: ['record left out', 'no rest', 'SHARD_END before all is settled'],
    seeds: [15, 99, 114, 195],
  },
  {
    name: 'expired-iterator-from-the-start',
    file: 'src/kinesis/readingPosition.ts',
    find: 'if (sequenceNumber !== undefined) this.#start = afterSequenceNumber(sequenceNumber);',
    replace: '',
    found: ['record emitted again'],
    seeds: [0, 1, 4, 8],
  },
  {
    name: 'closed-without-a-last-checkpoint',
    file: 'src/kinesis/consumer.ts',
    find: '    await shard.checkpointer.writeNow(signal);\n',
    replace: '',
    found: ['duplicate without a fault'],
    seeds: [39, 112, 121, 135],
  },
  {
    name: 'stolen-from-a-balanced-fleet',
    file: 'src/kinesis/leaseTaker.ts',
    find: 'Math.max(0, beyond)',
    replace: 'Math.max(1, beyond)',
    found: ['no rest'],
    seeds: [0, 1, 3, 15],
  },
];

/**
 * From now on the mutant's file is loaded with its fault. To be called before that file is imported.
 * @returns to be called after the import; throws when the file was not loaded at all
 */
export function plant(name: string): () => void {
  const mutant = MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined)
    throw new Error(`no mutant "${name}"; there are ${MUTANTS.map((one) => one.name).join(', ')}`);
  let isPlanted = false;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${mutant.file}`)) return loaded;
      isPlanted = true;
      return { ...loaded, source: mutated(String(loaded.source), mutant) };
    },
  });
  return () => {
    if (!isPlanted) throw new Error(`${mutant.file} is not part of the simulation`);
  };
}

/** The source with the fault. Throws when the snippet is not there exactly once: the mutant has to follow the code. */
export function mutated(source: string, { name, file, find, replace }: Mutant): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(`mutant ${name}: its snippet is ${parts.length - 1} times in ${file}, not once`);
  return parts.join(replace);
}
