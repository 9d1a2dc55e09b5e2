import type { DedupWindow, RestoredPass } from "../../src/dedup/index.ts";
import type { ReadPointSettings } from "../../src/dedup/settings.ts";
import { latin1 } from "../../src/lib/bytes.ts";
import type { AntennaShare, CloseReason, Observation } from "../../src/model/observation.ts";
import type { Read } from "../../src/model/read.ts";

interface FollowedPass {
  code: Uint8Array;
  passId: string;
  device: string;
  medium: Read["medium"];
  symbology: string | undefined;
  firstReadAt: number;
  lastReadAt: number;
  firstSeen: number;
  lastSeen: number;
  readCount: number;
  antennas: AntennaShare[];
  devices: Set<string>;
  isReal: boolean;
  isTold: boolean;
}

/** What `createWindow` must do, written as plainly as it can be said: a Map of objects that is looked through. */
export function createReference(
  settings: ReadPointSettings,
  deviceNames: readonly string[],
  observe: (observation: Observation) => void,
): Omit<DedupWindow, "counters"> & { liveCount(): number } {
  const passes = new Map<string, FollowedPass>();
  let now = 0;
  let passNumber = 0;
  const wantsFirst = settings.emit !== "pass";
  const wantsSummary = settings.emit !== "first";

  const facts = (pass: FollowedPass, wallMs: number) => ({
    passId: pass.passId,
    readPoint: "tunnel-1",
    device: pass.device,
    medium: pass.medium,
    symbology: pass.symbology,
    code: pass.code,
    firstReadAt: pass.firstReadAt,
    at: wallMs,
    monotonicMs: now,
  });
  const summarise = (pass: FollowedPass, closeReason: CloseReason, wallMs: number) => {
    const inOrder = deviceNames.filter((name) => pass.devices.has(name));
    observe({
      kind: "pass",
      ...facts(pass, wallMs),
      lastReadAt: pass.lastReadAt,
      readCount: pass.readCount,
      antennas: pass.antennas,
      devices: inOrder.includes(pass.device) ? inOrder : [pass.device, ...inOrder],
      closeReason,
    });
  };
  const end = (key: string, pass: FollowedPass, reason: CloseReason, wallMs: number) => {
    if (pass.isReal && !pass.isTold && wantsSummary) summarise(pass, reason, wallMs);
    passes.delete(key);
  };
  const isOver = (pass: FollowedPass) => now - pass.lastSeen >= settings.depart_ms;

  return {
    admit(read, device, nowMs, wallMs) {
      now = Math.max(now, nowMs);
      const isWeak = (read.rssiDbm ?? 0) < (settings.rssi_min_dbm ?? -Infinity);
      if (read.medium === "rfid" && isWeak) return "refused-rssi";
      const code = Uint8Array.from(read.bytes.subarray(read.start, read.end));
      const key = latin1(code);
      const old = passes.get(key);
      if (old && isOver(old)) end(key, old, "departed", wallMs);
      const name = deviceNames[device] as string;
      const pass = passes.get(key) ?? {
        code,
        passId: "",
        device: name,
        medium: read.medium,
        symbology: read.symbology,
        firstReadAt: wallMs,
        lastReadAt: wallMs,
        firstSeen: now,
        lastSeen: now,
        readCount: 0,
        antennas: [],
        devices: new Set<string>(),
        isReal: false,
        isTold: false,
      };
      passes.set(key, pass);
      pass.lastSeen = now;
      pass.lastReadAt = wallMs;
      pass.readCount += 1;
      pass.devices.add(name);
      pass.antennas = countAntenna(pass.antennas, read);
      const opens = !pass.isReal && pass.readCount >= settings.reads_min;
      if (opens) {
        pass.isReal = true;
        passNumber += 1;
        pass.passId = `9f0c3a1e-${passNumber}`;
        if (wantsFirst)
          observe({ kind: "first-read", ...facts(pass, wallMs), antenna: read.antenna, rssiDbm: read.rssiDbm });
      }
      if (pass.isReal && !pass.isTold && now - pass.firstSeen >= settings.pass_max_ms) {
        summarise(pass, "stalled", wallMs);
        pass.isTold = true;
      }
      return opens ? "opened" : pass.isReal ? "suppressed" : "pending";
    },
    noRead(device, medium, nowMs, wallMs) {
      now = Math.max(now, nowMs);
      const name = deviceNames[device] as string;
      observe({ kind: "no-read", readPoint: "tunnel-1", device: name, medium, at: wallMs, monotonicMs: now });
    },
    sweep(nowMs, wallMs) {
      now = Math.max(now, nowMs);
      for (const [key, pass] of passes) if (isOver(pass)) end(key, pass, "departed", wallMs);
    },
    restore(restored: RestoredPass, nowMs) {
      now = Math.max(now, nowMs);
      passes.set(latin1(restored.code), {
        code: restored.code,
        passId: restored.passId,
        device: restored.device,
        medium: restored.medium,
        symbology: restored.symbology,
        firstReadAt: restored.firstReadAt,
        lastReadAt: restored.firstReadAt,
        firstSeen: now,
        lastSeen: now,
        readCount: 1,
        antennas: [],
        devices: new Set([restored.device]),
        isReal: true,
        isTold: restored.stalled,
      });
    },
    close(nowMs, wallMs) {
      this.sweep(nowMs, wallMs);
      for (const [key, pass] of passes) end(key, pass, "shutdown", wallMs);
    },
    liveCount: () => passes.size,
  };
}

function countAntenna(shares: AntennaShare[], read: Read): AntennaShare[] {
  if (read.antenna === undefined) return shares;
  const share = shares.find(({ antenna }) => antenna === read.antenna);
  if (!share && shares.length === 8) return shares;
  const strengths = [share?.rssiDbmPeak, read.rssiDbm].filter((strength) => strength !== undefined);
  const rssiDbmPeak = strengths.length === 0 ? undefined : Math.max(...strengths);
  const next = { antenna: read.antenna, readCount: (share?.readCount ?? 0) + 1, rssiDbmPeak };
  return share ? shares.map((one) => (one === share ? next : one)) : [...shares, next];
}
