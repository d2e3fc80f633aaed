/** What a stage of a Dockerfile says, as far as tests of ours look at it. */
export interface Stage {
  readonly name: string;
  /** An image, or the name of an earlier stage. */
  readonly base: string;
  readonly workdir: string;
  readonly copies: readonly Copy[];
  readonly runs: readonly string[];
  readonly user: string;
  readonly stopSignal: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

export interface Copy {
  /** The stage copied from; the build context when undefined. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

type Draft = { -readonly [Key in keyof Stage]: Stage[Key] } & { copies: Copy[]; runs: string[] };

export function parseDockerfile(text: string): Stage[] {
  const stages: Draft[] = [];
  const joined = text.replace(/^#.*\n/gm, '').replace(/\\\n/g, ' ');
  for (const line of joined.split('\n')) {
    const [instruction = '', rest = ''] = splitOnce(line.trim());
    if (instruction === 'FROM') stages.push(newStage(rest));
    else if (instruction !== '') apply(stages.at(-1), instruction, rest);
  }
  return stages;
}

function newStage(text: string): Draft {
  const [base = '', , name = base] = text.split(/\s+/);
  const empty = { workdir: '/', copies: [], runs: [], user: 'root', stopSignal: '', entrypoint: [], command: [] };
  return { name, base, ...empty };
}

function apply(stage: Draft | undefined, instruction: string, text: string): void {
  if (stage === undefined) throw new Error(`${instruction} stands before the first FROM`);
  switch (instruction) {
    case 'WORKDIR':
      stage.workdir = text;
      break;
    case 'COPY':
      stage.copies.push(parseCopy(text));
      break;
    case 'RUN':
      stage.runs.push(text.replace(/\s+/g, ' '));
      break;
    case 'USER':
      stage.user = text;
      break;
    case 'STOPSIGNAL':
      stage.stopSignal = text;
      break;
    case 'ENTRYPOINT':
      stage.entrypoint = JSON.parse(text);
      break;
    case 'CMD':
      stage.command = JSON.parse(text);
      break;
    case 'ENV':
    case 'VOLUME':
      break;
    default:
      throw new Error(`instruction ${instruction} is not known here`);
  }
}

function parseCopy(text: string): Copy {
  const words = text.split(/\s+/);
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined;
  return { from, sources: words.slice(0, -1), target: words.at(-1) ?? '' };
}

function splitOnce(line: string): [string, string] {
  const space = line.search(/\s/);
  return space === -1 ? [line, ''] : [line.slice(0, space), line.slice(space).trim()];
}
