import { describe, expect, it } from 'vitest';
import { apiOf, withLifecycle } from '../../../../src/plugins/outputs/elasticsearch/template.ts';

const LIFECYCLE = { alias: 'access', policy: 'weekly' };
const ADDED = { 'index.lifecycle.name': 'weekly', 'index.lifecycle.rollover_alias': 'access' };

describe('index templates of a file', () => {
  it.each<[string, object, string | undefined]>([
    ['settings at the top', { index_patterns: 'a-*', settings: {} }, 'legacy'],
    ['mappings at the top', { index_patterns: 'a-*', mappings: {} }, 'legacy'],
    ['the pattern of version 5', { template: 'a-*', settings: {} }, 'legacy'],
    ['a template inside', { index_patterns: ['a-*'], template: { mappings: {} } }, 'composable'],
    ['components', { index_patterns: ['a-*'], composed_of: ['x'] }, 'composable'],
    ['a priority', { index_patterns: ['a-*'], priority: 5 }, 'composable'],
    ['a data stream', { index_patterns: ['a-*'], data_stream: {} }, 'composable'],
    ['patterns alone', { index_patterns: ['a-*'] }, undefined],
  ])('%s', (_name, template, api) => {
    expect(apiOf({ ...template })).toBe(api);
  });

  it('get the settings of a lifecycle, over those they have', () => {
    const settings = { number_of_shards: 3, 'index.lifecycle.name': 'old' };
    expect(withLifecycle({ template: 'x-*', settings }, LIFECYCLE, 'legacy')).toEqual({
      index_patterns: ['access-*'],
      settings: { number_of_shards: 3, ...ADDED },
    });
    const composable = { index_patterns: 'x-*', template: { settings, mappings: { a: 1 } }, priority: 7 };
    expect(withLifecycle(composable, LIFECYCLE, 'composable')).toEqual({
      index_patterns: ['access-*'],
      template: { settings: { number_of_shards: 3, ...ADDED }, mappings: { a: 1 } },
      priority: 7,
    });
    expect(withLifecycle({}, LIFECYCLE, 'composable')).toEqual({
      index_patterns: ['access-*'],
      template: { settings: ADDED },
    });
    expect(settings).toEqual({ number_of_shards: 3, 'index.lifecycle.name': 'old' });
  });
});
