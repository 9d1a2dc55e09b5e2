import type { EventKind } from "../model/event.ts";

/** Where a gateway publishes (contract §4). */
export interface Topics {
  /** The topic of an event. */
  of(kind: EventKind, subject: string | undefined): string;
  /** Retained: whether the gateway is there. */
  readonly status: string;
  /** Where the centre's orders to this gateway come. */
  readonly order: string;
}

export function createTopics(prefix: string, site: string, gateway: string): Topics {
  const root = `${prefix}/${site}/${gateway}`;
  const isRead = (kind: EventKind): boolean => kind === "read" || kind === "pass" || kind === "noread";
  return {
    of: (kind, subject) => (isRead(kind) ? `${root}/read/${subject}` : `${root}/log/${kind}`),
    status: `${root}/status`,
    order: `${root}/order`,
  };
}
