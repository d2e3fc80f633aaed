/** Opens what an s3 output consists of. */
import PQueue from 'p-queue';
import type { OutputContext } from '../../../plugin-api/index.ts';
import { MemberCompressor } from '../../../util/memberCompressor.ts';
import { SpareBytes } from '../../../util/textBuffer.ts';
import { TroubleReporter } from '../../../util/troubleReporter.ts';
import { Manifest } from './manifest.ts';
import type { ObjectNames } from './objectNames.ts';
import type { ObjectStore } from './objectStore.ts';
import { OpenFiles } from './openFiles.ts';
import type { S3Options } from './options.ts';
import type { RotationRules } from './rotation.ts';
import { SpoolDirectory } from './spoolDirectory.ts';
import type { SpoolFile } from './spoolFile.ts';
import type { SpoolPlaces } from './spoolPlaces.ts';
import { SpoolRoom } from './spoolRoom.ts';
import type { SpoolUsage } from './spoolUsage.ts';
import { Uploader } from './uploader.ts';

/** Of what is written, so that it takes no new memory. */
const SPARE_TEXT_BYTES = 16 * 1024 * 1024;

/** What comes from outside. */
export interface S3Dependencies {
  readonly createStore: () => Promise<ObjectStore>;
  readonly openPlaces: () => Promise<SpoolPlaces>;
  readonly random: () => number;
}

interface Surroundings extends S3Dependencies {
  readonly names: ObjectNames;
  readonly rules: RotationRules;
  readonly usage: SpoolUsage;
  readonly onStored: (file: SpoolFile) => void;
  readonly onUploadEnded: () => void;
}

export interface Parts {
  readonly store: ObjectStore;
  readonly directory: SpoolDirectory;
  readonly files: OpenFiles;
  readonly uploader: Uploader;
  readonly room: SpoolRoom;
}

/** @throws PluginConfigError, or what the check of the bucket says */
export async function openParts(options: S3Options, context: OutputContext, around: Surroundings): Promise<Parts> {
  const manifest = await openManifest(options, context);
  const directory = await openDirectory(options, context);
  const places = await around.openPlaces();
  const store = await around.createStore();
  try {
    if (options.validate_credentials_on_root_bucket) await store.checkWritable();
  } catch (error) {
    store.close();
    await directory.close();
    throw error;
  }
  const uploader = createUploader(options, context, around, store, manifest);
  return {
    store,
    directory,
    files: createFiles(options, context, around, directory, places, manifest),
    uploader,
    room: new SpoolRoom({
      usage: around.usage,
      spoolBytesMax: options.max_spool_bytes,
      objectsMax: options.upload_queue_size + options.upload_workers_count,
      objects: () => uploader.waiting,
      logger: context.logger,
      clock: context.clock,
    }),
  };
}

async function openManifest({ manifest: path }: S3Options, { logger, clock }: OutputContext) {
  if (path === undefined) return undefined;
  const manifest = new Manifest({ path, trouble: new TroubleReporter(`writing to ${path}`, logger, clock), clock });
  await manifest.open();
  return manifest;
}

function openDirectory(options: S3Options, { pipelineId, logger, counter }: OutputContext): Promise<SpoolDirectory> {
  return SpoolDirectory.open({
    base: options.temporary_directory,
    family: [pipelineId, options.bucket, options.endpoint ?? ''],
    logger,
    onRecreated: () => counter('spool_recreated').value++,
  });
}

function createFiles(
  options: S3Options,
  { logger, clock }: OutputContext,
  { names, rules, usage, onStored }: Surroundings,
  directory: SpoolDirectory,
  places: SpoolPlaces,
  manifest: Manifest | undefined,
): OpenFiles {
  return new OpenFiles({
    names,
    max: options.max_open_files,
    file: {
      directory,
      places,
      usage,
      trouble: new TroubleReporter(`writing to ${directory.path}`, logger, clock),
      clock,
      compressor: new MemberCompressor(options.gzip_level),
      spareBytes: new SpareBytes(SPARE_TEXT_BYTES),
      memberTextBytes: rules.memberTextBytes,
      notesRanges: manifest !== undefined,
      onStored,
    },
  });
}

function createUploader(
  { bucket, retry_delay, retry_count, upload_workers_count }: S3Options,
  { logger, counter, clock }: OutputContext,
  { random, onUploadEnded }: Surroundings,
  store: ObjectStore,
  manifest: Manifest | undefined,
): Uploader {
  return new Uploader({
    queue: new PQueue({ concurrency: upload_workers_count }),
    store,
    bucket,
    manifest,
    clock,
    logger,
    trouble: new TroubleReporter(`upload to s3://${bucket}`, logger, clock),
    random,
    retryDelayMs: retry_delay * 1000,
    retryCount: retry_count,
    counters: {
      objects: counter('objects'),
      bytes: counter('bytes'),
      lines: counter('lines'),
      failures: counter('upload_failures'),
    },
    onEnded: onUploadEnded,
  });
}
