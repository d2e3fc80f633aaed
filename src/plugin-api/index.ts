/** Everything a plugin may use to declare itself. */
export { BlockLanes, blockInput } from './blocks.ts';
export { type Codec, type CodecFactory, encodeWhole } from './codec.ts';
export * from './option.ts';
export * from './parallel.ts';
export * from './plugin.ts';
export type { PluginKind, PluginRegistry } from './registry.ts';
export * from './stepCode.ts';
export { type ConfigHash, type ConfigValue, configText, isHash } from './values.ts';
