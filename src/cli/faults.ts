import type { BrokerStatus, DeviceStatus, PolicyStatus, Status } from "../control/index.ts";
import type { Output, Tone } from "./output.ts";
import { bytesText, countText, durationText, eventsText } from "./quantity.ts";

/** Something that a person should see to, and how. */
export interface Fault {
  readonly sentence: string;
  /** Completes "Try: …". */
  readonly hint: string;
  /** `bad`: something does not work or was lost; `warn`: something is going to be. */
  readonly tone: Extract<Tone, "bad" | "warn">;
}

/** Live events pass in milliseconds: a broker that is up and lacks older ones than this takes them too slowly. */
const backlogMs = 60_000;
/** A queue that fills within a shift is worth a word. */
const shiftHours = 8;
/** Share of the queue that may be undelivered before somebody should know. */
const filledShareMax = 0.5;

export function tellFaults(faults: readonly Fault[], output: Output): void {
  for (const { sentence, hint, tone } of faults) {
    output.line(sentence, tone);
    output.line(`  Try: ${hint}`);
  }
}

export function deviceFaults({ name, state, problem, hint, ...counts }: DeviceStatus): Fault[] {
  const faults: Fault[] = [];
  if (state === "down")
    faults.push({
      sentence: `${name}: ${problem === "" ? "it is down" : problem}`,
      hint: hint ?? `systemctl stop sortgate, then: sortgate probe ${name}`,
      tone: "bad",
    });
  if (state === "paused")
    faults.push({ sentence: `${name}: ${problem}`, hint: hint ?? "df -h, iostat -x 1", tone: "warn" });
  const { malformedCount, discardedByteCount } = counts;
  const parts = [
    malformedCount > 0 && `frames that could not be decoded: ${countText(malformedCount)}`,
    discardedByteCount > 0 && `bytes that belonged to no frame: ${countText(discardedByteCount)}`,
  ].filter((part) => part !== false);
  if (parts.length > 0)
    faults.push({
      sentence: `${name}: ${parts.join(", ")}`,
      hint: `if they keep growing, compare its bytes with its profile: systemctl stop sortgate, then sortgate probe ${name}`,
      tone: "warn",
    });
  return faults;
}

/** What to look at first, where the daemon is an older one that does not say it. */
function brokerHint({ url, problem, hint }: BrokerStatus): string {
  if (hint !== undefined) return hint;
  if (/certificate|TLS|cert_file/i.test(problem))
    return "check ca_file, cert_file, key_file, the host name in url, and the clock of both machines";
  if (/user name|allow us|accept|banned|refuses us|quota/i.test(problem))
    return "check username and password_file, and the rights of this user at the broker";
  const [, host = "HOST", port = ""] = /^mqtts?:\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?/.exec(url) ?? [];
  const wanted = port !== "" ? port : url.startsWith("mqtts:") ? "8883" : "1883";
  return `check that the broker runs and that this box reaches it: nc -vz ${host.replace(/^\[|\]$/g, "")} ${wanted}`;
}

export function brokerFaults(broker: BrokerStatus): Fault[] {
  const { name, state, problem, queuedCount, oldestQueuedMs } = broker;
  const waiting = `${eventsText(queuedCount)} ${queuedCount === 1 ? "waits" : "wait"} for it on disk`;
  if (state === "down")
    return [
      {
        sentence: `${name}: ${problem === "" ? "it is down" : problem}${queuedCount === 0 ? "" : `; ${waiting}`}`,
        hint: brokerHint(broker),
        tone: "bad",
      },
    ];
  if (state === "up" && problem !== "")
    return [{ sentence: `${name}: ${problem}`, hint: brokerHint(broker), tone: "bad" }];
  if (state !== "up" || oldestQueuedMs < backlogMs) return [];
  return [
    {
      sentence: `${name}: ${waiting}, the oldest for ${durationText(oldestQueuedMs)}, although it is up`,
      hint: "run this again: if the number does not fall, the broker or the network is too slow, or in_flight_max too low",
      tone: "warn",
    },
  ];
}

/** Whether a broker said in the last day that it will never take an event. Takes: `nowMs`, the wall clock of the daemon's machine. */
export function isRefusing({ lastRefused }: BrokerStatus, nowMs: number): boolean {
  return lastRefused !== undefined && nowMs - Date.parse(lastRefused.at) < lossMs;
}

/** What a broker will never take: it is up and nothing waits for it, and yet it does not get these. */
export function refusalFaults(broker: BrokerStatus, nowMs: number): Fault[] {
  const { name, refusedCount, lastRefused } = broker;
  if (refusedCount === 0) return [];
  const reason = lastRefused === undefined ? "" : `; the last reason: ${lastRefused.reason}`;
  return [
    {
      sentence: `${name}: will never take ${eventsText(refusedCount)}, which ${refusedCount === 1 ? "stays" : "stay"} in the ledger${reason}`,
      hint: "sortgate queue stats lists them, and the log says what to set right at the broker; they are not sent again: sortgate queue export gives them",
      tone: isRefusing(broker, nowMs) ? "bad" : "warn",
    },
  ];
}

/** Orders that cannot come, or cannot be carried out: the centre waits for the word that they are. */
export function orderFaults({ brokers, orders }: Status): Fault[] {
  const faults: Fault[] = [];
  for (const { name, orders: asked } of brokers)
    if (asked !== undefined && asked.problem !== "")
      faults.push({
        sentence: `${name}: ${asked.problem}`,
        hint: asked.hint ?? "look at the broker's own log",
        tone: "bad",
      });
  const { delayed, keyProblem, missing } = orders ?? {};
  if (keyProblem !== undefined)
    faults.push({
      sentence: `No order of the centre can be proven: ${keyProblem.problem}`,
      hint: keyProblem.hint,
      tone: "bad",
    });
  if (delayed !== undefined) {
    const { broker, order } = delayed;
    const what =
      order === undefined ? `${broker}: an order cannot be judged yet` : `Order ${order} of the centre is not done yet`;
    faults.push({
      sentence: `${what}, and later ones wait for it: ${delayed.problem}`,
      hint: `${delayed.hint}; it is tried again each minute`,
      tone: "bad",
    });
  }
  if (missing !== undefined)
    faults.push({
      sentence: `Orders of the centre found no room, or may have gone down in a flood, from number ${missing} on: none with a higher number is taken before they come again`,
      hint: `have the centre send order ${missing} again, or another one with that number, and then the next ones in turn; the log says which were refused`,
      tone: "bad",
    });
  return faults;
}

const givesWay = {
  "drop-oldest": "the oldest events go, also those that a broker lacks",
  "drop-newest": "new events are refused",
  "stop-reading": "devices that can wait are not read",
} as const;

/** What makes room, by what there is too little of. */
const remedies = {
  bytes_max: "bring the broker back, or raise bytes_max under [queue] and restart",
  disk: "bring the broker back, or free the disk: df -h",
} as const;

function fullFault({ whenFull, uncommittedCount }: Status["queue"], full: "bytes_max" | "disk"): Fault {
  const what = full === "disk" ? "the disk of data_dir has no room" : "bytes_max is reached";
  const inMemory =
    uncommittedCount === 0
      ? ""
      : `; ${eventsText(uncommittedCount)} ${uncommittedCount === 1 ? "waits" : "wait"} in memory: a stop saves what waits, and a power cut does not`;
  return {
    sentence: `The queue is FULL: ${what}, and ${givesWay[whenFull]}${inMemory}`,
    hint: remedies[full],
    tone: "bad",
  };
}

/** Bytes that the files may still grow by where the disk has fewer than `bytes_max` leaves; else undefined. */
export function diskLeft({ bytesMax, fileBytes, walBytes, diskFreeBytes }: Status["queue"]): number | undefined {
  return diskFreeBytes !== undefined && diskFreeBytes < bytesMax - fileBytes - walBytes ? diskFreeBytes : undefined;
}

/** The queue takes much of its room, or will take all of it soon. */
function fillingFaults(queue: Status["queue"], brokers: readonly BrokerStatus[]): Fault[] {
  if (queue.full !== undefined) return [];
  const { first, last, usedBytes, bytesMax, fileBytes, hoursUntilFull } = queue;
  const left = diskLeft(queue);
  const onDisk =
    left === undefined ? "" : `; the disk of data_dir has ${bytesText(left)} left, less than bytes_max allows`;
  const remedy = left === undefined ? remedies.bytes_max : remedies.disk;
  const hint = `${remedy}; once it is full, when_full decides what is lost`;
  const storedCount = Math.max(1, last - first + 1);
  const undelivered = Math.max(0, ...brokers.map(({ queuedCount }) => queuedCount)) / storedCount;
  // Delivered events go by themselves when room is needed, so they do not count.
  const share = (Math.min(1, undelivered) * usedBytes) / (left === undefined ? bytesMax : fileBytes + left);
  const faults: Fault[] = [];
  if (share >= filledShareMax)
    faults.push({
      sentence: `The queue fills: undelivered events take ${Math.floor(share * 100)} % of it${onDisk}`,
      hint,
      tone: "warn",
    });
  if (typeof hoursUntilFull === "number" && hoursUntilFull < shiftHours)
    faults.push({
      sentence: `The queue will be full in ${durationText(hoursUntilFull * 3_600_000)}, as things go${onDisk}`,
      hint,
      tone: "warn",
    });
  return faults;
}

/** What was lost is told by the exit code for a day: by then somebody has seen it, and the count stays. */
const lossMs = 86_400_000;

/** Whether events were lost lately, in this run of the daemon. */
export function isLosing({ lossAgoMs = Number.POSITIVE_INFINITY }: Status["queue"]): boolean {
  return lossAgoMs < lossMs;
}

/** What would have made room: the limit that is met now, or comes first. */
function lossHint(queue: Status["queue"]): string {
  if (queue.full === "disk" || diskLeft(queue) !== undefined) return "free the disk of data_dir: df -h";
  if (queue.full === "bytes_max") return "raise bytes_max under [queue], if the disk has room";
  return "raise bytes_max under [queue] if that was reached, or keep the disk of data_dir free if it was full: df -h";
}

export function queueFaults(queue: Status["queue"], brokers: readonly BrokerStatus[]): Fault[] {
  const { lostCount, droppedCount, lossAgoMs } = queue;
  const last = lossAgoMs === undefined ? "" : `; the last loss was ${durationText(lossAgoMs)} ago`;
  const tone = isLosing(queue) ? "bad" : "warn";
  const faults = fillingFaults(queue, brokers);
  if (queue.full !== undefined) faults.push(fullFault(queue, queue.full));
  if (lostCount > 0)
    faults.push({
      sentence: `${eventsText(lostCount)} ${lostCount === 1 ? "was" : "were"} destroyed or refused before every broker had ${lostCount === 1 ? "it" : "them"}: the queue was full${last}`,
      hint: `${lossHint(queue)}; the gap events in the chain tell which were lost`,
      tone,
    });
  if (droppedCount > 0)
    faults.push({
      sentence: `${eventsText(droppedCount)} did not reach the disk: it was too slow or full${last}`,
      hint: "df -h, iostat -x 1, and look for errors of the disk: dmesg",
      tone,
    });
  return faults;
}

/** What the config file says now. */
export interface ConfigNow {
  readonly path: string;
  /** Absent if it cannot be told. */
  readonly configDigest: string | undefined;
  readonly isDigestGuessed: boolean;
}

const restart = (path: string): string => `sortgate check --config ${path}, then: systemctl restart sortgate`;

/** A file that the guard read at the start, and that is another one by now. */
function fileFaults(file: string | undefined, fileNow: PolicyStatus["fileNow"], what: string, path: string): Fault[] {
  if (file === undefined || fileNow === undefined || fileNow === "same") return [];
  return fileNow === "gone"
    ? [
        {
          sentence: `${file} is gone: the daemon goes on with the ${what} that it read at its start, and the next start will miss it`,
          hint: `put it back; sortgate check --config ${path} looks at it`,
          tone: "warn",
        },
      ]
    : [
        {
          sentence: `${file} is not what the daemon runs with: another ${what} needs a restart`,
          hint: restart(path),
          tone: "warn",
        },
      ];
}

/** Faults of what the guard works by. */
function guardFaults({ policy, sealing, sealKey }: Status, path: string): Fault[] {
  const faults: Fault[] = [];
  if (policy?.problem !== undefined)
    faults.push({
      sentence: `All codes leave as tokens, for the signed policy is not in force: ${policy.problem}`,
      hint: `${policy.hint ?? `sortgate check --config ${path}`}; then: systemctl restart sortgate`,
      tone: "bad",
    });
  if (policy?.isOver === true)
    faults.push({
      sentence: `The signed policy ended on ${policy.notAfter}: the next start lets out tokens alone`,
      hint: "have the centre sign a newer one, and restart with it",
      tone: "warn",
    });
  faults.push(...fileFaults(policy?.file, policy?.fileNow, "policy", path));
  if (sealing === "no-key")
    faults.push({
      sentence: "Nothing can be sealed to the centre, and what should be is dropped",
      hint: `sortgate check --config ${path} looks at seal_key_file; it is tried again each minute`,
      tone: "bad",
    });
  faults.push(...fileFaults(sealKey?.file, sealKey?.fileNow, "key of the centre", path));
  return faults;
}

/** Who was given too many numbers: no fault of the gateway, but a person should ask why. */
function revealFaults({ reveals = [] }: Status): Fault[] {
  return reveals.map(({ by, uid, count, max, day }) => ({
    sentence: `${by} (uid ${uid}) was given ${countText(count)} numbers in clear on ${day} (UTC); reveals_max is ${countText(max)}`,
    hint: "ask why; the audit events queue-export and queue-verify in the chain tell when and for which ticket",
    tone: "bad",
  }));
}

/** The certificate that endorses now does not hold, or not for long. */
export function certificateFaults({ certificate }: Status["chain"]): Fault[] {
  const { fingerprint, days, onDisk } = certificate;
  if (days === undefined) return [];
  const isReplaced = onDisk !== undefined && onDisk.fingerprint !== fingerprint && onDisk.days?.level !== "problem";
  return [
    {
      sentence: days.problem,
      hint: isReplaced ? "systemctl restart sortgate, to endorse with the certificate that was imported" : days.hint,
      tone: days.level === "problem" ? "bad" : "warn",
    },
  ];
}

/** Faults of the gateway as a whole. */
export function gatewayFaults(status: Status, { path, configDigest, isDigestGuessed }: ConfigNow): Fault[] {
  const { gateway } = status;
  const faults: Fault[] = [];
  if (!gateway.ready)
    faults.push({ sentence: "The gateway is not ready", hint: "journalctl -u sortgate -n 50", tone: "bad" });
  if (status.http !== undefined)
    faults.push({
      sentence: status.http.problem,
      hint: `${status.http.hint}; it is tried again by itself`,
      tone: "bad",
    });
  faults.push(...guardFaults(status, path), ...certificateFaults(status.chain), ...revealFaults(status));
  if (!gateway.clockSynced)
    faults.push({
      sentence:
        "The clock of this box is not set by a time server, and each event says so; until it is (or, with no time service, has run for a day without a step) no event is destroyed for its age",
      hint: "timedatectl set-ntp true; timedatectl shows whether a time server answers",
      tone: "warn",
    });
  // A daemon of another version may not tell its digest.
  if (configDigest !== undefined && typeof gateway.configDigest === "string" && gateway.configDigest !== configDigest)
    faults.push({
      sentence: `${path} is not what the daemon runs with: an edit of the config needs a restart${
        isDigestGuessed ? " (unless its credentials lie in another directory than those of sortgate.service)" : ""
      }`,
      hint: restart(path),
      tone: "warn",
    });
  return faults;
}
