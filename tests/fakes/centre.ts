import { writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { signAsCentre } from "../../src/guard/policy/index.ts";
import { makeSite, oneScanner, type Site } from "./gateway.ts";
import { aCentre, type Centre } from "./policy.ts";

/** An order of the centre to the gateway line-3 at HZ01. */
export const anOrder = (order: number, erase: readonly string[], more: object = {}): object => ({
  site: "HZ01",
  gateway: "line-3",
  order,
  reason: "TICKET-4711",
  erase,
  ...more,
});

export async function signOrder(centre: Centre, order: unknown): Promise<string> {
  const text = typeof order === "string" ? order : JSON.stringify(order);
  return (await signAsCentre("order", Buffer.from(text), centre.privateKey))!;
}

export const orderTopic = "sortgate/HZ01/line-3/order";

/** Publishes under the topic of the gateway's orders, and waits until the broker has it. */
export async function publishOrder(url: string, message: string | Buffer, isRetained = true): Promise<void> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  await client.publishAsync(orderTopic, message, { qos: 1, retain: isRetained });
  await client.endAsync();
}

/** A site with one scanner that takes orders of this centre, and keeps tokens of what stands on labels. */
export function anOrderedSite(
  brokerUrl: string,
  scannerPort: number,
  { centre = aCentre(), broker = "", queue = "" } = {},
): { readonly site: Site; readonly centre: Centre } {
  const guard = '[guard]\ncore = "token"\npolicy_key_file = "centre.pem"';
  const rest = `${queue}\n${oneScanner(scannerPort).replace("[guard]", guard)}`;
  const site = makeSite({ brokerUrl, rest, broker: `orders = true\n${broker}` });
  writeFileSync(join(site.dir, "centre.pem"), centre.publicKey);
  return { site, centre };
}
