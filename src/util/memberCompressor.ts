import { constants, createGzip, type Gzip, type ZlibReset } from 'node:zlib';
import PQueue from 'p-queue';

/** As many as Node has threads for such work. */
const ENGINES_MAX = 4;
/** Room for several members, which lie one behind the other. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Compresses texts to gzip members. The engines are used again: a new one for each text would be some 256 KiB beside V8's
 * heap, of which it thinks that it has to collect garbage.
 */
export class MemberCompressor {
  readonly #level: number;
  readonly #queue = new PQueue({ concurrency: ENGINES_MAX });
  readonly #idle: Engine[] = [];

  constructor(level: number) {
    this.#level = level;
  }

  /** The text must not change until then. */
  compress(text: Uint8Array): Promise<Buffer> {
    return this.#queue.add(async () => {
      // One that fails is not used again.
      const engine = this.#idle.pop() ?? new Engine(this.#level);
      const member = await engine.compress(text);
      this.#idle.push(engine);
      return member;
    });
  }
}

class Engine {
  readonly #stream: Gzip & ZlibReset;

  constructor(level: number) {
    // Each write comes out as a member that is whole, and is only read then.
    const flush = constants.Z_FINISH;
    const options = { level, flush, chunkSize: CHUNK_BYTES, readableHighWaterMark: Number.MAX_SAFE_INTEGER };
    this.#stream = createGzip(options) as Gzip & ZlibReset;
  }

  compress(text: Uint8Array): Promise<Buffer> {
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      stream.once('error', reject);
      stream.write(text, (error) => {
        stream.off('error', reject);
        if (error) reject(error);
        else resolve(this.#takeMember());
      });
    });
  }

  #takeMember(): Buffer {
    const parts: Buffer[] = [];
    while (this.#stream.readableLength > 0) parts.push(this.#stream.read());
    this.#stream.reset();
    const [first, ...others] = parts;
    return first !== undefined && others.length === 0 ? first : Buffer.concat(parts);
  }
}
