import { join } from 'node:path';
import { type Component, copyJars, elasticsearch, keyed, POMS } from './components.ts';
import { compileJava } from './java.ts';

/** A search server that tests run on: one node, started from its jars by a launcher of ours. */
export interface SearchServer extends Component {
  readonly distribution: 'elasticsearch' | 'opensearch';
  readonly minimumJava: number;
  readonly launcher: string;
  readonly jvmOptions: readonly string[];
  /** Elasticsearch has them outside of its OSS distribution, from 8 on in its core. */
  readonly hasDataStreams: boolean;
}

const MODERN = ['elasticsearch8/Launcher.java', 'elasticsearch8/Missing.java'];

export const elasticsearch7: SearchServer = {
  ...elasticsearch,
  distribution: 'elasticsearch',
  minimumJava: 17,
  launcher: 'Launcher',
  // What `GET /` says of itself.
  jvmOptions: ['-Des.distribution.flavor=oss', '-Des.distribution.type=tar'],
  hasDataStreams: false,
};

export const searchServers: readonly SearchServer[] = [
  elasticsearch7,
  modernElasticsearch('8.19.21', 17),
  modernElasticsearch('9.5.3', 21),
  openSearch('2.19.1', 17),
  openSearch('3.5.0', 21),
];

function modernElasticsearch(version: string, minimumJava: number): SearchServer {
  return {
    ...fromJars('elasticsearch', version, minimumJava, 'elasticsearch8/pom.xml', version, MODERN),
    launcher: 'org.elasticsearch.node.Launcher',
  };
}

/** The jars come by a runner whose versions have one part more. */
function openSearch(version: string, minimumJava: number): SearchServer {
  const sources = ['opensearch/Launcher.java'];
  return fromJars('opensearch', version, minimumJava, 'opensearch/pom.xml', `${version}.0`, sources);
}

function fromJars(
  distribution: SearchServer['distribution'],
  version: string,
  minimumJava: number,
  pom: string,
  pomVersion: string,
  sources: readonly string[],
): SearchServer {
  return {
    name: distribution === 'elasticsearch' ? 'Elasticsearch' : 'OpenSearch',
    version,
    distribution,
    minimumJava,
    needs: ['java', 'javac', 'mvn'],
    launcher: 'Launcher',
    jvmOptions: [],
    hasDataStreams: true,
    directory: () => keyed(`${distribution}-${version}`, [pom, ...sources]),
    fill: (directory) => {
      copyJars(pom, join(directory, 'lib'), pomVersion);
      compileJava(
        minimumJava,
        directory,
        sources.map((source) => join(POMS, source)),
      );
    },
  };
}
