import {
  BrowseDirection,
  type ClientSession,
  coerceNodeId,
  DataType,
  makeBrowsePath,
  type NodeId,
  type ReferenceDescription,
} from "node-opcua-client";
import type { DriverContext } from "../../src/driver/port.ts";

const deviceUri = "http://opcfoundation.org/UA/DI/";
/** Readers stand directly below DeviceSet; a station may group them one level deeper. */
const depthMax = 2;
/** More objects than this below DeviceSet are not readers of one station. */
const objectsMax = 256;

/**
 * Calls ScanStart on every reader below DeviceSet, with no limit of time or cycles.
 *
 * A scan stops with the session that started it, so this is called for every session. A reader that refuses is told and
 * does not stop the others: it may be scanning already.
 *
 * Source:  OPC 30010 §5.3.3 for ScanStart, §9.3.7 for ScanSettings.
 */
export async function startScans(
  session: ClientSession,
  namespaces: readonly string[],
  namespace: number,
  context: DriverContext,
): Promise<void> {
  const warn = (message: string): void =>
    context.tell({ name: "device/warning", level: "warn", message, fields: { device: context.device } });
  const deviceNamespace = namespaces.indexOf(deviceUri);
  const objects = deviceNamespace < 0 ? [] : await objectsBelow(session, `ns=${deviceNamespace};i=5001`, depthMax);
  let startedCount = 0;
  for (const object of objects) {
    const method = await methodOf(session, object.nodeId, `/${namespace}:ScanStart`);
    if (method === undefined) continue;
    startedCount += 1;
    const settings = await session.constructExtensionObject(coerceNodeId(`ns=${namespace};i=3010`), {
      duration: 0,
      cycles: 0,
      dataAvailable: false,
    });
    const answer = await session.call({
      objectId: object.nodeId,
      methodId: method,
      inputArguments: [{ dataType: DataType.ExtensionObject, value: settings }],
    });
    if (answer.statusCode.isNotGood())
      warn(`A reader of ${context.device} refused ScanStart (${answer.statusCode.name}); it may be scanning already`);
  }
  if (startedCount === 0)
    warn(`${context.device} has no reader with ScanStart; set scan_start = false if its readers trigger themselves`);
}

async function objectsBelow(session: ClientSession, nodeId: string, depth: number): Promise<ReferenceDescription[]> {
  const found: ReferenceDescription[] = [];
  // A reader hangs below DeviceSet by more than one kind of reference.
  const known = new Set<string>();
  let level = [nodeId];
  for (let at = 0; at < depth && found.length < objectsMax; at += 1) {
    const below: ReferenceDescription[] = [];
    for (const parent of level) {
      const answer = await session.browse({
        nodeId: parent,
        browseDirection: BrowseDirection.Forward,
        referenceTypeId: "HierarchicalReferences",
        includeSubtypes: true,
        nodeClassMask: 1,
        resultMask: 63,
      });
      for (const reference of answer.references ?? []) {
        const id = reference.nodeId.toString();
        if (known.has(id)) continue;
        known.add(id);
        below.push(reference);
      }
      if (found.length + below.length >= objectsMax) break;
    }
    found.push(...below);
    level = below.map((reference) => reference.nodeId.toString());
  }
  return found.slice(0, objectsMax);
}

async function methodOf(session: ClientSession, object: NodeId, path: string): Promise<NodeId | undefined> {
  const answer = await session.translateBrowsePath(makeBrowsePath(object, path));
  return answer.statusCode.isGood() ? answer.targets?.[0]?.targetId : undefined;
}
