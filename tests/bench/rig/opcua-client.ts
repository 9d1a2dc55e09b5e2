// What one has after the library's first example: a bare client that counts the codes of scan events.
import "../../../drivers/opcua/environment.ts";
import { createInterface } from "node:readline";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { AttributeIds, constructEventFilter, OPCUAClient, TimestampsToReturn } from "node-opcua-client";

/** What is asked of the process, as one JSON argument. */
export interface ClientOrder {
  readonly endpoint: string;
  readonly stateDir: string;
  readonly publishingMs: number;
  readonly queueSize: number;
}

const order = JSON.parse(process.argv[2] ?? "{}") as ClientOrder;
let read = 0;

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const clientCertificateManager = new OPCUACertificateManager({ rootFolder: order.stateDir, disableFileWatchers: true });
await clientCertificateManager.initialize();
const client = OPCUAClient.create({ clientCertificateManager });
await client.connect(order.endpoint);
const session = await client.createSession();
const namespace = (await session.readNamespaceArray()).indexOf("http://opcfoundation.org/UA/AutoID/");
const subscription = await session.createSubscription2({
  requestedPublishingInterval: order.publishingMs,
  // A long interval times the usual count would be longer than a session lives, which the library refuses.
  requestedMaxKeepAliveCount: 1,
  requestedLifetimeCount: 30,
  publishingEnabled: true,
});
const item = await subscription.monitor(
  { nodeId: "i=2253", attributeId: AttributeIds.EventNotifier },
  { queueSize: order.queueSize, discardOldest: true, filter: constructEventFilter([`${namespace}:ScanResult`]) },
  TimestampsToReturn.Both,
);
item.on("changed", (fields: unknown) => {
  const results: unknown = (fields as readonly { readonly value: unknown }[])[0]?.value;
  if (Array.isArray(results)) read += results.length;
});
say({ ready: true });
// Each line asks how many have come.
for await (const _ of createInterface({ input: process.stdin })) say({ read });
process.exit(0);
