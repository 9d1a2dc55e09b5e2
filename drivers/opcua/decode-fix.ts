import { type ClientSession, coerceNodeId } from "node-opcua-client";

/** Types of the AutoID model that inherit a field and may leave out others: Optical, Ocr and OpticalVerifier results. */
const affectedTypes = [3026, 3002, 3030];

interface Field {
  switchBit?: number | undefined;
}

/** The part of the library's description of a structure that matters here. */
export interface StructureSchema {
  readonly fields: Field[];
  getBaseSchema(): StructureSchema | null;
}

/**
 * Numbers the optional fields of a structure as they are on the wire: base first, and optional fields only.
 *
 * node-opcua 2.182 counts all fields of the base instead, so that the symbology of an optical result is lost or taken
 * from another field. A schema that is numbered right is left as it is: once the library is mended this does nothing.
 *
 * Gives:   how many fields were numbered anew.
 * Source:  OPC 10000-6 §5.2.7.
 */
export function numberOptionalFields(schema: StructureSchema): number {
  const chain: StructureSchema[] = [];
  for (let at: StructureSchema | null = schema; at !== null && chain.length < 32; at = at.getBaseSchema())
    chain.unshift(at);
  const optional = chain.flatMap((at) => at.fields.filter((field) => field.switchBit !== undefined));
  let mendedCount = 0;
  optional.forEach((field, bit) => {
    if (field.switchBit === bit) return;
    field.switchBit = bit;
    mendedCount += 1;
  });
  return mendedCount;
}

/** Learns the types of the server, and mends those of optical results. Gives false if the server does not describe them. */
export async function mendOptionalFields(session: ClientSession, namespace: number): Promise<boolean> {
  const manager = await session.extractNamespaceDataType();
  let found = true;
  for (const id of affectedTypes) {
    const info = manager.getStructureInfoForDataType(coerceNodeId(`ns=${namespace};i=${id}`));
    if (info === null) found = false;
    else numberOptionalFields(info.schema as StructureSchema);
  }
  return found;
}
