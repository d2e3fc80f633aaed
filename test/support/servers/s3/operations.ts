import { decodeBody } from './body.ts';
import { escapeXml, S3Error, type S3Request } from './request.ts';
import type { S3Store, StoredObject } from './store.ts';

export interface S3Answer {
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

type Operation = (store: S3Store, request: S3Request) => S3Answer;

/** Headers of a PUT that are kept: those a GET gives back, and those a test may want to see. */
const KEPT =
  /^(content-(type|encoding|disposition|language)|cache-control|expires|x-amz-(acl|storage-class|meta-.*|server-side-.*))$/;
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const KEYS_MAX = 1000;

export const operations: Readonly<Record<string, Operation>> = {
  CreateBucket(store, request) {
    if (store.buckets.has(request.bucket)) {
      throw new S3Error(409, 'BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded.');
    }
    store.buckets.set(request.bucket, new Map());
    return { headers: { location: `/${request.bucket}` } };
  },
  HeadBucket(store, request) {
    store.bucket(request.bucket);
    return {};
  },
  ListBuckets(store) {
    const buckets = [...store.buckets.keys()].map((name) => `<Bucket><Name>${escapeXml(name)}</Name></Bucket>`);
    return xml('ListAllMyBucketsResult', `<Buckets>${buckets.join('')}</Buckets>`);
  },
  PutObject(store, request) {
    const { bytes, checksum } = decodeBody(request.rawBody, request.headers);
    if (request.headers['if-none-match'] === '*' && store.bucket(request.bucket).has(request.key)) {
      throw new S3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
    }
    const { etag } = store.put(request.bucket, request.key, bytes, { ...keptHeaders(request), ...checksum });
    return { headers: { etag, ...checksum } };
  },
  GetObject(store, request) {
    const object = store.object(request.bucket, request.key);
    return { headers: objectHeaders(object), body: object.bytes };
  },
  HeadObject(store, request) {
    return { headers: objectHeaders(store.object(request.bucket, request.key)) };
  },
  DeleteObject(store, request) {
    store.bucket(request.bucket).delete(request.key);
    return { status: 204 };
  },
  ListObjectsV2: listObjects,
  CreateMultipartUpload(store, request) {
    const id = store.createUpload(request.bucket, request.key, keptHeaders(request));
    return xml('InitiateMultipartUploadResult', `${place(request)}<UploadId>${id}</UploadId>`);
  },
  UploadPart(store, request) {
    const { bytes, checksum } = decodeBody(request.rawBody, request.headers);
    const etag = store.putPart(uploadId(request), Number(request.query.get('partNumber')), bytes);
    return { headers: { etag, ...checksum } };
  },
  CompleteMultipartUpload(store, request) {
    const object = store.completeUpload(uploadId(request), parseParts(request.rawBody.toString('utf8')));
    const etag = `<ETag>${escapeXml(object.etag)}</ETag>`;
    return xml('CompleteMultipartUploadResult', `<Location>/</Location>${place(request)}${etag}`);
  },
  AbortMultipartUpload(store, request) {
    store.abortUpload(uploadId(request));
    return { status: 204 };
  },
  ListMultipartUploads(store, request) {
    const uploads = [...store.uploads]
      .filter(([, upload]) => upload.bucket === request.bucket)
      .map(([id, { key }]) => `<Upload><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></Upload>`);
    return xml('ListMultipartUploadsResult', uploads.join(''));
  },
};

function listObjects(store: S3Store, request: S3Request): S3Answer {
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const max = Math.min(Number(query.get('max-keys') ?? KEYS_MAX), KEYS_MAX);
  const all = [...store.bucket(request.bucket)]
    .filter(([key]) => key.startsWith(prefix) && (after === '' || key > after))
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const page = all.slice(0, max);
  const isTruncated = all.length > page.length;
  const next = isTruncated ? `<NextContinuationToken>${escapeXml(page.at(-1)?.[0] ?? '')}</NextContinuationToken>` : '';
  const contents = page.map(
    ([key, { bytes, etag, lastModified }]) =>
      `<Contents><Key>${escapeXml(key)}</Key><LastModified>${lastModified.toISOString()}</LastModified>` +
      `<ETag>${escapeXml(etag)}</ETag><Size>${bytes.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  );
  const head = `<Name>${escapeXml(request.bucket)}</Name><Prefix>${escapeXml(prefix)}</Prefix><MaxKeys>${max}</MaxKeys>`;
  const count = `<KeyCount>${page.length}</KeyCount><IsTruncated>${isTruncated}</IsTruncated>`;
  return xml('ListBucketResult', head + count + next + contents.join(''));
}

function objectHeaders({ etag, lastModified, bytes, headers }: StoredObject): Record<string, string> {
  const own = { etag, 'last-modified': lastModified.toUTCString(), 'content-length': String(bytes.length) };
  return { ...own, ...headers };
}

/** `aws-chunked` names the framing on the wire and is not stored. */
function keptHeaders(request: S3Request): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (!KEPT.test(name) || typeof value !== 'string') continue;
    const codings = value.split(',').map((coding) => coding.trim());
    const stored =
      name === 'content-encoding' ? codings.filter((coding) => coding !== 'aws-chunked').join(', ') : value;
    if (stored !== '') kept[name] = stored;
  }
  return kept;
}

function parseParts(text: string): { number: number; etag: string }[] {
  const parts = [...text.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = '']) => ({
    number: Number(/<PartNumber>(\d+)<\/PartNumber>/.exec(part)?.[1]),
    etag: /<ETag>(?:"|&quot;|&#34;)?([^"&<]*)/.exec(part)?.[1] ?? '',
  }));
  if (parts.length === 0) throw new S3Error(400, 'MalformedXML', 'You must specify at least one part');
  return parts;
}

function uploadId(request: S3Request): string {
  return request.query.get('uploadId') ?? '';
}

function place(request: S3Request): string {
  return `<Bucket>${escapeXml(request.bucket)}</Bucket><Key>${escapeXml(request.key)}</Key>`;
}

function xml(root: string, content: string): S3Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${content}</${root}>`;
  return { headers: { 'content-type': 'application/xml' }, body };
}
