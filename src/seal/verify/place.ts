import type { Json } from "../../model/event.ts";

/** Where an event says that it belongs. */
export interface CapturedPlace {
  readonly chain: string;
  readonly gateway: string;
  readonly site: string;
  readonly sequence: number;
}

const idForm = /^([A-Za-z0-9_.-]{1,128})\/([0-9a-f]{12})\/([1-9][0-9]{0,15})$/;
const sourceForm = /^\/sites\/([A-Za-z0-9_.-]{1,128})\/gateways\/([A-Za-z0-9_.-]{1,128})$/;

/** The place that `id` and `source` name together; or why they name none. */
export function placeIn({
  id,
  source,
}: {
  readonly [member: string]: Json;
}): CapturedPlace | "not-an-event" | "contradiction" {
  const at = typeof id === "string" ? idForm.exec(id) : null;
  const from = typeof source === "string" ? sourceForm.exec(source) : null;
  if (at === null || from === null) return "not-an-event";
  const [, gateway = "", chain = "", number = ""] = at;
  if (gateway !== from[2] || !Number.isSafeInteger(Number(number))) return "contradiction";
  return { chain, gateway, site: from[1] ?? "", sequence: Number(number) };
}
