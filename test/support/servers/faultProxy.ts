import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import { readBody } from './s3/request.ts';
import { type Server, startHttp } from './server.ts';

/** A request on its way to the server behind. */
export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The AWS operation of `x-amz-target`, such as `GetRecords`; empty for other protocols. */
  readonly operation: string;
  /** 1 for the first request of this operation (or of this method and path), and so on. */
  readonly count: number;
}

export type Fault =
  /** Answered here; the server behind sees nothing. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** The connection is reset; the server behind sees nothing. */
  | { readonly kind: 'reset' }
  /** Executed; the answer is lost with the connection. */
  | { readonly kind: 'loseReply' }
  /** Executed; the connection ends after so many bytes of the answer's body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The server behind gets so many bytes of the request's body, then both connections are reset. */
  | { readonly kind: 'cutRequest'; readonly afterBytes: number }
  /** Executed with this body; the client gets what `answer` makes of the answer's body. */
  | { readonly kind: 'rewrite'; readonly body: Buffer; answer(body: Buffer): Buffer }
  /** Executed after a delay. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Executed when `until` resolves. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** Passes; says when it has been executed and its answer has not yet gone on, and when the answer has gone. */
  | { readonly kind: 'watch'; readonly executed?: () => void; readonly answered?: () => void };

/** Decides a request's fate; undefined lets it pass. */
export type FaultRule = (request: ProxiedRequest) => Fault | undefined;

export interface FaultProxy extends Server {
  /** Takes the place of the rule; undefined lets all pass. */
  setRule(rule: FaultRule | undefined): void;
  /** Connections are reset, and refused until `comeBack`. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

/** The answer AWS's JSON services give when a limit is exceeded. */
export function throttled(type = 'ProvisionedThroughputExceededException'): Fault {
  return awsError(400, type, 'Rate exceeded, by a test.');
}

export function awsError(status: number, type: string, message: string): Fault {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': type };
  return { kind: 'answer', status, headers, body: JSON.stringify({ __type: type, message }) };
}

/** Stands in front of an HTTP server. The Host header passes through, so signatures stay valid; answers are streamed. */
export async function startFaultProxy(target: string, rule?: FaultRule): Promise<FaultProxy> {
  let current = rule;
  const counts = new Map<string, number>();
  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    const request = await toRequest(message, counts);
    const fault = current?.(request);
    if (fault?.kind === 'reset') return void message.socket.resetAndDestroy();
    if (fault?.kind === 'answer') return void response.writeHead(fault.status, fault.headers).end(fault.body);
    if (fault?.kind === 'delay') await new Promise((done) => setTimeout(done, fault.ms));
    if (fault?.kind === 'hold') await fault.until;
    await forward(target, request, message, response, fault);
  };
  const listenAt = (port?: number) =>
    startHttp(
      'fault proxy',
      '1',
      (message, response) => {
        // What the server behind does, a broken connection too, happens to the client.
        handle(message, response).catch(() => message.socket.resetAndDestroy());
      },
      port,
    );
  let server = await listenAt();
  const { name, version, url } = server;
  return {
    name,
    version,
    url,
    stop: () => server.stop(),
    setRule: (next) => {
      current = next;
    },
    goAway: () => server.stop(),
    comeBack: async () => {
      server = await listenAt(Number(new URL(url).port));
    },
  };
}

async function toRequest(message: IncomingMessage, counts: Map<string, number>): Promise<ProxiedRequest> {
  const body = await readBody(message);
  const [method, url] = [message.method ?? 'GET', message.url ?? '/'];
  const target = message.headers['x-amz-target'];
  const operation = typeof target === 'string' ? target.slice(target.indexOf('.') + 1) : '';
  const counter = operation || `${method} ${url.split('?', 1)[0]}`;
  const count = (counts.get(counter) ?? 0) + 1;
  counts.set(counter, count);
  return { method, url, headers: message.headers, body, operation, count };
}

function forward(
  target: string,
  request: ProxiedRequest,
  message: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  const { hostname, port } = new URL(target);
  return new Promise((resolve, reject) => {
    const { method, url: path } = request;
    const body = fault?.kind === 'rewrite' ? fault.body : request.body;
    const headers = fault?.kind === 'rewrite' ? withLength(request.headers, body) : request.headers;
    // A connection of its own: a kept one may be closing just when the next request takes it, which is no fault asked for.
    const options = { hostname, port, method, path, headers, agent: false };
    const upstream = sendRequest(options, (answer) => {
      relay(answer, message, response, fault).then(resolve, reject);
    });
    upstream.on('error', reject);
    response.on('close', () => upstream.destroy());
    if (fault?.kind !== 'cutRequest') upstream.end(body);
    else upstream.write(body.subarray(0, fault.afterBytes), () => upstream.destroy(new Error('cut, by a test')));
  });
}

function withLength(headers: IncomingHttpHeaders, body: Buffer): IncomingHttpHeaders {
  const { 'transfer-encoding': _chunked, ...others } = headers;
  return { ...others, 'content-length': String(body.length) };
}

async function relay(
  answer: IncomingMessage,
  message: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  if (fault?.kind === 'loseReply') {
    await readBody(answer);
    message.socket.resetAndDestroy();
    return;
  }
  if (fault?.kind === 'rewrite') {
    const body = fault.answer(await readBody(answer));
    response.writeHead(answer.statusCode ?? 502, withLength(answer.headers, body)).end(body);
    return;
  }
  if (fault?.kind === 'watch') fault.executed?.();
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  let left = fault?.kind === 'cut' ? fault.afterBytes : Number.POSITIVE_INFINITY;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    response.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) {
      // Ends with FIN after what was written, so that the client gets the first part for sure.
      message.socket.end();
      return;
    }
  }
  response.end(fault?.kind === 'watch' ? fault.answered : undefined);
}
