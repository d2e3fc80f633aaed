import { OptionError, type OptionSpec, string } from '../../plugin-api/index.ts';

const spec = string({ doc: 'Encoding of the bytes.', default: 'UTF-8' });

/** The `charset` option of codecs: any encoding this runtime can decode. */
export const charset: OptionSpec<string> = {
  ...spec,
  type: 'encoding name',
  parse(value, context) {
    const name = spec.parse(value, context);
    try {
      new TextDecoder(name === 'ASCII-8BIT' || name === 'BINARY' ? 'latin1' : name);
      return name === 'ASCII-8BIT' || name === 'BINARY' ? 'latin1' : name;
    } catch (error) {
      throw new OptionError(`Unknown character encoding ${JSON.stringify(name)}`, { cause: error });
    }
  },
};
