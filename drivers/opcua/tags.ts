import {
  AttributeIds,
  coerceNodeId,
  DataType,
  type DataValue,
  type NodeId,
  type ReadValueIdOptions,
} from "node-opcua-client";
import type { DriverContext } from "../../src/driver/port.ts";
import { assert } from "../../src/lib/assert.ts";
import { SortgateError } from "../../src/model/error.ts";
import { within } from "./deadline.ts";
import type { Connection } from "./session.ts";
import type { OpcuaSettings } from "./settings.ts";
import { setUpMs, slow, subscribe } from "./subscription.ts";

/** Changes of the counter that the server keeps for us; each only says "read again", so few suffice. */
const queueSize = 100;
/** A counter that moved during each of so many reads is faster than the network. */
const attemptsMax = 5;

interface Tag {
  readonly code: NodeId;
  readonly sequence: NodeId;
}

/**
 * Watches one code that is driven by a counter, as PLCs publish it.
 *
 * Code and counter cannot be paired by the order in which they arrive, so only the counter is watched, and each change
 * makes one read of both. Each scan becomes one `values` chunk `{ sequence, code, first, sequenceMin, sequenceMax }`;
 * `first` marks the value that was there when the session began, and the range is that of the counter's data type, absent
 * for one that does not end in practice. Changes that come faster than the reads leave jumps of the sequence, never a code
 * beside the wrong number.
 */
export async function watchTags(
  connection: Connection,
  settings: OpcuaSettings,
  context: DriverContext,
): Promise<void> {
  const setUp = prepare(connection, settings);
  const tag = await within(setUp, setUpMs, context.signal, () => slow("its nodes", settings));
  let wanted = false;
  let reading = false;
  let last: number | undefined;
  const readAll = async (): Promise<void> => {
    while (wanted && connection.isOpen()) {
      wanted = false;
      const found = await readPair(connection, tag);
      if (!connection.isOpen()) return;
      if (found === undefined || found.sequence === last) continue;
      const first = last === undefined;
      last = found.sequence;
      context.receive({ kind: "values", values: { ...found, first } });
    }
  };
  const readLater = (): void => {
    wanted = true;
    if (reading) return;
    reading = true;
    readAll()
      .catch(() => connection.end("timeout", "The server did not answer the read of a code"))
      .finally(() => {
        reading = false;
        if (wanted && connection.isOpen()) readLater();
      });
  };
  const watch = await subscribe(connection, settings, context, {
    change: (value) => {
      if (value.statusCode.isGoodish()) readLater();
    },
  });
  const item = await watch.monitor(
    { nodeId: tag.sequence, attributeId: AttributeIds.Value },
    { samplingInterval: 0, queueSize, discardOldest: true },
  );
  if (item.statusCode.isNotGood()) throw unusable("sequence", settings, item.statusCode.name);
}

/**
 * Reads the counter, the code, and the counter again; gives undefined while the values are not good.
 *
 * A counter that moved between its two reads makes the code doubtful, so the read is repeated.
 */
async function readPair(
  connection: Connection,
  tag: Tag,
): Promise<({ sequence: number; code: string | Uint8Array } & SequenceRange) | undefined> {
  const nodes: ReadValueIdOptions[] = [tag.sequence, tag.code, tag.sequence].map((nodeId) => ({
    nodeId,
    attributeId: AttributeIds.Value,
  }));
  for (let attempt = 0; attempt < attemptsMax && connection.isOpen(); attempt += 1) {
    const [before, code, after] = await connection.session.read(nodes, 0);
    // Uncertain means: the last value before the server lost its PLC. That is no scan.
    if (!before?.statusCode.isGoodish() || !code?.statusCode.isGoodish() || !after?.statusCode.isGoodish()) return;
    const sequence = sequenceOf(before);
    if (sequence === undefined || sequence !== sequenceOf(after)) continue;
    return { sequence, code: codeOf(code) ?? "", ...ranges[after.value.dataType] };
  }
  return undefined;
}

async function prepare(connection: Connection, settings: OpcuaSettings): Promise<Tag> {
  const wanted = settings.tag?.[0];
  assert(wanted !== undefined, "the settings of mode tags hold a tag");
  const namespaces = await connection.session.readNamespaceArray();
  const tag = {
    code: nodeIdOf(wanted.code, "code", namespaces, settings),
    sequence: nodeIdOf(wanted.sequence, "sequence", namespaces, settings),
  };
  const [code, sequence] = await connection.session.read(
    [tag.code, tag.sequence].map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })),
    0,
  );
  const check = (key: "code" | "sequence", value: DataValue | undefined, usable: boolean): void => {
    const status = value?.statusCode.name ?? "no answer";
    if (/BadNodeId|BadAttributeId|BadNotReadable|BadUserAccessDenied/.test(status))
      throw unusable(key, settings, status);
    if (value?.statusCode.isGoodish() && !usable) throw unusable(key, settings, DataType[value.value.dataType]);
  };
  check("code", code, code !== undefined && codeOf(code) !== undefined);
  check("sequence", sequence, sequence !== undefined && sequenceOf(sequence) !== undefined);
  return tag;
}

function nodeIdOf(
  text: string,
  key: "code" | "sequence",
  namespaces: readonly string[],
  settings: OpcuaSettings,
): NodeId {
  const [, uri, id] = /^nsu=([^;]+);(.+)$/.exec(text) ?? [];
  const namespace = uri === undefined ? -1 : namespaces.indexOf(uri);
  if (uri !== undefined && namespace < 0) throw unusable(key, settings, `no namespace ${uri}`);
  try {
    return coerceNodeId(uri === undefined ? text : `ns=${namespace};${id}`);
  } catch {
    throw unusable(key, settings, "not a node id");
  }
}

const unusable = (key: "code" | "sequence", settings: OpcuaSettings, status: string): SortgateError =>
  new SortgateError(
    "device/misconfigured",
    `The server at ${settings.endpoint} has no usable ${key} node "${settings.tag?.[0]?.[key] ?? ""}" (${status})`,
    {
      hint:
        key === "code"
          ? "Name a node that holds a String or a ByteString and that this login may read"
          : "Name a node that holds a whole number which counts up with each scan, and that this login may read",
    },
  );

interface SequenceRange {
  readonly sequenceMin?: number;
  readonly sequenceMax?: number;
}

const signed = (bits: number): SequenceRange => ({ sequenceMin: -(2 ** (bits - 1)), sequenceMax: 2 ** (bits - 1) - 1 });
const unsigned = (bits: number): SequenceRange => ({ sequenceMin: 0, sequenceMax: 2 ** bits - 1 });

/** Types of a counter, and how far each counts (OPC 10000-6 §5.2.2); one of 64 bits does not come to its end. */
const ranges: Readonly<Partial<Record<DataType, SequenceRange>>> = {
  [DataType.SByte]: signed(8),
  [DataType.Byte]: unsigned(8),
  [DataType.Int16]: signed(16),
  [DataType.UInt16]: unsigned(16),
  [DataType.Int32]: signed(32),
  [DataType.UInt32]: unsigned(32),
  [DataType.Int64]: {},
  [DataType.UInt64]: {},
};

/** A counter; numbers of 64 bits come as two halves, the upper one first. */
function sequenceOf({ value }: DataValue): number | undefined {
  if (ranges[value?.dataType] === undefined) return undefined;
  const raw: unknown = value.value;
  const number = Array.isArray(raw) && raw.length === 2 ? Number(raw[0]) * 2 ** 32 + Number(raw[1]) : raw;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}

/** A code; an empty one may come as nothing at all. */
function codeOf({ value }: DataValue): string | Uint8Array | undefined {
  const raw: unknown = value?.value;
  if (raw instanceof Uint8Array) return raw;
  if (typeof raw === "string") return raw;
  const mayBeEmpty = value?.dataType === DataType.String || value?.dataType === DataType.ByteString;
  return raw === null || raw === undefined ? (mayBeEmpty ? "" : undefined) : undefined;
}
