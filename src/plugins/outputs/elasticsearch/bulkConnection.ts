import type { Readable } from 'node:stream';
import type {
  ConnectionRequestOptions,
  ConnectionRequestOptionsAsStream,
  ConnectionRequestParams,
  ConnectionRequestResponse,
  ConnectionRequestResponseAsStream,
} from '@elastic/elasticsearch';
import { messageOf } from '../../../util/errors.ts';
import { ANSWER_HEAD_LENGTH, saysAllDelivered } from './outcomes.ts';

export const NDJSON = 'application/x-ndjson';

type Library = Pick<typeof import('@elastic/elasticsearch'), 'UndiciConnection' | 'errors'>;

/**
 * A connection that keeps of the answer to a bulk, a few hundred bytes a document, only the head when that says all. A
 * class, since the client makes its connections itself; made here, since the library is loaded only when needed.
 */
export function defineBulkConnection({ UndiciConnection, errors }: Library) {
  return class BulkConnection extends UndiciConnection {
    override request(
      params: ConnectionRequestParams,
      options: ConnectionRequestOptions,
    ): Promise<ConnectionRequestResponse>;
    override request(
      params: ConnectionRequestParams,
      options: ConnectionRequestOptionsAsStream,
    ): Promise<ConnectionRequestResponseAsStream>;
    override async request(
      params: ConnectionRequestParams,
      options: ConnectionRequestOptions,
    ): Promise<ConnectionRequestResponse | ConnectionRequestResponseAsStream> {
      if ('asStream' in options || params.headers?.['content-type'] !== NDJSON) return super.request(params, options);
      const answer = await super.request(params, { ...options, asStream: true });
      try {
        return { ...answer, body: await readAnswer(answer) };
      } catch (error) {
        throw new errors.ConnectionError(messageOf(error));
      }
    }
  };
}

/** To the end in any case: an answer that breaks off is none. What is compressed stays so. */
async function readAnswer(answer: ConnectionRequestResponseAsStream): Promise<string | Buffer> {
  const isCompressed = answer.headers['content-encoding'] !== undefined;
  const body: Readable & AsyncIterable<Buffer> = answer.body;
  const chunks: Buffer[] = [];
  let head: string | undefined;
  for await (const chunk of body) {
    if (head !== undefined) continue;
    chunks.push(chunk);
    if (isCompressed || answer.statusCode !== 200 || chunks.length > 1) continue;
    const start = chunk.toString('utf8', 0, ANSWER_HEAD_LENGTH);
    if (saysAllDelivered(start)) head = start;
  }
  if (head !== undefined) return head;
  const whole = Buffer.concat(chunks);
  return isCompressed ? whole : whole.toString();
}
