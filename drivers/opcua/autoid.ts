import {
  AttributeIds,
  type ClientMonitoredItem,
  type ContentFilterElement,
  coerceNodeId,
  constructEventFilter,
  makeContentFilter,
  NodeId,
  ObjectIds,
  ObjectTypeIds,
  ofType,
  or,
  type Variant,
} from "node-opcua-client";
import type { DriverContext } from "../../src/driver/port.ts";
import { SortgateError } from "../../src/model/error.ts";
import { within } from "./deadline.ts";
import { mendOptionalFields } from "./decode-fix.ts";
import { scanKindOf, scanResultOf } from "./scan-event.ts";
import { startScans } from "./scan-start.ts";
import type { Connection } from "./session.ts";
import type { OpcuaSettings } from "./settings.ts";
import { setUpMs, slow, subscribe, type Watch } from "./subscription.ts";

const autoIdUri = "http://opcfoundation.org/UA/AutoID/";
/** AutoIdScanEventType, the parent of all scan events. */
const scanEventType = 1004;

/**
 * Watches the scan events of all readers of a server.
 *
 * Each event becomes one `values` chunk `{ event, deviceName, results }`; an overflow of the server's queue becomes
 * `{ overflow: 1 }`, since servers do not say how many events they lost.
 *
 * Source:  OPC 30010 v1.01 for the types, OPC 10000-4 §7.22.3 for the overflow event.
 */
export async function watchReaders(
  connection: Connection,
  settings: OpcuaSettings,
  context: DriverContext,
): Promise<void> {
  const { session } = connection;
  const describe = async (): Promise<readonly string[]> => {
    const found = await session.readNamespaceArray();
    if (!found.includes(autoIdUri)) throw noReader(settings);
    // Before subscribing: otherwise the first events wait seconds for their types.
    if (!(await mendOptionalFields(session, found.indexOf(autoIdUri))))
      context.tell({
        name: "device/warning",
        level: "info",
        message: `The server of ${context.device} does not describe the results of cameras; symbologies may be missing`,
        fields: { device: context.device },
      });
    return found;
  };
  const namespaces = await within(describe(), setUpMs, context.signal, () => slow("its description", settings));
  const namespace = namespaces.indexOf(autoIdUri);
  const watch = await subscribe(connection, settings, context, {
    event: (fields) => deliver(context, namespace, fields),
  });
  const item = await monitorEvents(watch, namespace, settings, context);
  checkQueue(item, settings, context);
  if (settings.scan_start) {
    const start = startScans(session, namespaces, namespace, context);
    await within(start, setUpMs, context.signal, () => slow("ScanStart", settings));
  }
}

const noReader = (settings: OpcuaSettings): SortgateError =>
  new SortgateError("device/misconfigured", `The server at ${settings.endpoint} is not an AutoID reader (OPC 30010)`, {
    hint: 'Enable the AutoID model at the device, or set mode = "tags" and name the nodes in a [[device.tag]]',
  });

async function monitorEvents(
  watch: Watch,
  namespace: number,
  settings: OpcuaSettings,
  context: DriverContext,
): Promise<ClientMonitoredItem> {
  const scans = ofType(coerceNodeId(`ns=${namespace};i=${scanEventType}`));
  const overflows = ofType(coerceNodeId(`i=${ObjectTypeIds.EventQueueOverflowEventType}`));
  const monitor = (where: ContentFilterElement): Promise<ClientMonitoredItem> =>
    watch.monitor(
      { nodeId: coerceNodeId(`i=${ObjectIds.Server}`), attributeId: AttributeIds.EventNotifier },
      {
        samplingInterval: 0,
        queueSize: settings.queue_size,
        discardOldest: true,
        filter: constructEventFilter(
          ["EventType", `${namespace}:DeviceName`, `${namespace}:ScanResult`],
          makeContentFilter(where),
        ),
      },
    );
  const item = await monitor(or(scans, overflows)).catch(() => undefined);
  if (item?.statusCode.isGood()) return item;
  const plain = await monitor(scans);
  if (plain.statusCode.isNotGood())
    throw new SortgateError(
      "device/refused",
      `The server at ${settings.endpoint} refuses to report scan events (${plain.statusCode.name})`,
      { hint: "Give this login the right to receive events, or use another login" },
    );
  context.tell({
    name: "device/warning",
    level: "warn",
    message: `The server of ${context.device} cannot tell when its queue overflows; events lost there stay unseen`,
    fields: { device: context.device },
  });
  return plain;
}

function checkQueue(item: ClientMonitoredItem, settings: OpcuaSettings, context: DriverContext): void {
  const granted = item.result?.revisedQueueSize ?? settings.queue_size;
  if (granted >= settings.queue_size) return;
  context.tell({
    name: "device/warning",
    level: "warn",
    message:
      `The server of ${context.device} keeps only ${granted} events for us instead of ${settings.queue_size}; ` +
      "raise its limit, or lower publishing_interval_ms",
    fields: { device: context.device, granted, wanted: settings.queue_size },
  });
}

function deliver(context: DriverContext, namespace: number, fields: readonly Variant[]): void {
  const type: unknown = fields[0]?.value;
  if (type instanceof NodeId && type.namespace === 0 && type.value === ObjectTypeIds.EventQueueOverflowEventType) {
    context.receive({ kind: "values", values: { overflow: 1 } });
    return;
  }
  const typeId = type instanceof NodeId && type.namespace === namespace ? type.value : undefined;
  const name: unknown = fields[1]?.value;
  const found: unknown = fields[2]?.value;
  const results = Array.isArray(found) ? found.map(scanResultOf) : undefined;
  context.receive({
    kind: "values",
    values: {
      event: scanKindOf(typeId, results ?? []),
      deviceName: typeof name === "string" ? name : "",
      ...(results === undefined ? {} : { results }),
    },
  });
}
