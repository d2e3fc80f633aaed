import {
  type Component,
  dynamodbLocal,
  elasticsearch,
  versitygw,
  whyImpossible,
} from '../../../scripts/setup/components.ts';
import { findVersitygw } from './versitygw.ts';

/** Whether a real server can be started here; `reason` says what is missing when not. */
export type Possibility = { readonly possible: true } | { readonly possible: false; readonly reason: string };

export interface RealServers {
  readonly elasticsearch: Possibility;
  readonly dynamodbLocal: Possibility;
  readonly versitygw: Possibility;
}

export function realServers(): RealServers {
  return {
    elasticsearch: possibility(elasticsearch),
    dynamodbLocal: possibility(dynamodbLocal),
    versitygw: findVersitygw() === undefined ? possibility(versitygw) : { possible: true },
  };
}

function possibility(component: Component): Possibility {
  const reason = whyImpossible(component);
  return reason === undefined ? { possible: true } : { possible: false, reason };
}
