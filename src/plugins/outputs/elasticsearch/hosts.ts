import {
  type ConfigValue,
  configText,
  OptionError,
  type OptionSpec,
  Secret,
  uriList,
} from '../../../plugin-api/index.ts';

/** One entry of `hosts`; what the text leaves out is undefined. */
export interface HostAddress {
  readonly scheme: string | undefined;
  /** An IPv6 address stands in brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Without a slash at the end. */
  readonly path: string | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;

/**
 * @throws OptionError
 */
export function parseHost(text: string): HostAddress {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  const rest = text.replace(SCHEME, '').replace(/^\/\//, '');
  // A scheme the URL parser does not know keeps `:443` apart from no port at all, which means 9200.
  const address = `host://${rest}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.hostname === '') {
    throw new OptionError(`Expected a URI, got ${JSON.stringify(maskUserInfo(text))}`);
  }
  const path = url.pathname.replace(/\/+$/, '');
  return {
    scheme,
    host: url.hostname.toLowerCase(),
    port: url.port === '' ? undefined : Number(url.port),
    path: path === '' ? undefined : path,
    user: url.username === '' ? undefined : decode(url.username),
    password: url.password === '' ? undefined : new Secret(decode(url.password)),
  };
}

/** A percent sign that stands for itself is left as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function maskUserInfo(text: string): string {
  return text.replace(/^((?:[A-Za-z][A-Za-z0-9+.-]*:)?(?:\/\/)?)[^/]*@/, '$1<credentials>@');
}

/** The very list that stands where `hosts` is not given. */
export const DEFAULT_HOSTS: HostAddress[] = [parseHost('//127.0.0.1')];

/** A list of URIs, parsed by this output's own rules; one text may hold several, separated by blanks. */
export const hostsOption: OptionSpec<HostAddress[]> = {
  ...uriList({
    doc: 'Nodes to send to, in turn. Scheme, user and path may stand in the address, the same in all; the port is 9200 unless given.',
  }),
  default: DEFAULT_HOSTS,
  defaultDoc: '["//127.0.0.1"]',
  parse: (value: ConfigValue) =>
    (Array.isArray(value) ? value : [value]).flatMap((item) =>
      configText(item).split(/\s+/).filter(Boolean).map(parseHost),
    ),
};
