// What the bench is held against: the scenarios S1 to S25 of the field, with a prototype's floors and goals, and the
// targets of the product on two cores with broker and subscriber on the same machine. Data; `verdicts.ts` judges.

import { ceilingRate, gatewayCeilingRate } from "./ceiling.ts";
import { patienceMs } from "./rig/flood.ts";
import { atLeast, atMost, beside, plain, ratio, type Scenario, scenario, share, type Valued } from "./scenario.ts";

/** How many times as fast as the Map the ring is where it gains least. */
function leastGain(sizes: readonly string[]): Valued {
  const gains = sizes.map((size) => ratio(`S15 de-duplication, ${size} live`, "map", "ring"));
  return { unit: "×", value: (found) => Math.min(...gains.map(({ value }) => value?.(found) ?? Number.NaN)) };
}

const distinct = "S2 distinct events/s";
const fiveReads = "S1 events/s at 5 reads each";
const slowDisk = "S6 events/s, each fsync 5 ms slower";
const slowDiskP50 = "S7 p50 at 100/s, each fsync 5 ms slower";
const slowFsyncMs = 5;
const nullBroker = "S4 events/s, null broker";
const cpu = "S9 CPU per event at 1,000/s";
const drain = "S18 drain beside 500 live events/s";
const rest = "S22 RSS at rest";
const hundredThousand = "S15 de-duplication, 100,000 live";
const million = "1,000,000 live";

const field: readonly Scenario[] = [
  scenario("S1", "events/s at 5 reads each, to the script", beside(fiveReads), atLeast({ floor: 5, goal: 8 })),
  scenario("S2", "distinct events/s, to the script", beside(distinct), atLeast({ floor: 6, goal: 9 })),
  scenario(
    "S3",
    "events/s at 5 reads each, to Node-RED",
    beside("S3 events/s at 5 reads each", "Node-RED"),
    atLeast({ floor: 2, goal: 2.7 }),
  ),
  scenario(
    "S4",
    "events/s into a null broker, to the script",
    beside(nullBroker),
    atLeast({ floor: 10, goal: 18 }),
    "floor and goal are of two signing threads; there is one, for on two cores a second gains nothing once broker and subscriber take their share",
  ),
  {
    id: "S5",
    words: "the same, one signature for a batch",
    unit: "×",
    isAbsent: true,
    ...atLeast({ floor: 25, goal: 50 }),
    note: "each event has a signature of its own, so that whoever receives one can verify it without the others",
  },
  scenario(
    "S6",
    "events/s, each fsync 5 ms slower, to the script",
    beside(slowDisk),
    atLeast({ floor: 80, goal: 150 }),
  ),
  scenario(
    "S7 floor",
    "p50 at 100/s, each fsync 5 ms slower, the script's to ours",
    ratio(slowDiskP50, "afternoon script", "sortgate"),
    atLeast({ floor: 10 }),
  ),
  scenario(
    "S7 goal",
    "the same p50 to the 5 ms",
    { unit: "×", value: ({ median }) => median(slowDiskP50, "sortgate") / slowFsyncMs },
    atMost({ goal: 2 }),
  ),
  scenario(
    "S8",
    "p99 at 1,000/s, to the script",
    beside("p99 at 1000 events/s"),
    atMost({ floor: 1 / 2, goal: 1 / 3 }),
  ),
  scenario("S9 script", "CPU per event at 1,000/s, to the script", beside(cpu), atMost({ floor: 0.8, goal: 0.6 })),
  scenario(
    "S9 Node-RED",
    "the same, to Node-RED",
    beside("S9 CPU per event at 1,000/s, beside Node-RED", "Node-RED"),
    atMost({ floor: 0.8, goal: 0.6 }),
  ),
  scenario(
    "S10",
    "CPU per event into a null broker, to the script",
    beside("S10 CPU per event, null broker"),
    atMost({ floor: 1 / 4, goal: 1 / 7 }),
  ),
  scenario(
    "S11",
    "events/s into a null broker, to what bare tools allow on all cores",
    share(nullBroker, gatewayCeilingRate),
    atLeast({ floor: 0.6, goal: 0.8 }),
    "what bare tools allow is measured in the same run, not the 37.4 µs of the field's machine; one signing thread, as in S4",
  ),
  scenario(
    "S12",
    "bare signatures/s of a core, to openssl speed",
    ratio("S12 seal", "openssl speed", "sign"),
    atLeast({ floor: 0.9, goal: 0.97 }),
    "the signature alone; the whole seal stands beside it in the figures",
  ),
  scenario(
    "S13",
    "append, 1,000 a commit, to the same in C",
    ratio("S13 append, 1000 a commit", "append", "append.c"),
    atLeast({ floor: 0.8, goal: 0.95 }),
  ),
  scenario(
    "S14",
    "forward, 256 in flight, to a bare client in C",
    ratio("S14 publish, 256 in flight", "forward", "publish.c"),
    atLeast({ floor: 0.8, goal: 0.9 }),
  ),
  scenario(
    "S15 Map",
    "de-duplication, 100,000 live, to the Map",
    ratio(hundredThousand, "map", "ring"),
    atLeast({ floor: 5, goal: 8 }),
  ),
  scenario(
    "S15 lru-cache",
    "the same, to lru-cache",
    ratio(hundredThousand, "lru-cache", "ring"),
    atLeast({ floor: 6, goal: 12 }),
  ),
  scenario("S15 C", "the same, to C", ratio(hundredThousand, "dedup.c", "ring"), atLeast({ floor: 0.25, goal: 0.35 })),
  scenario(
    "S16",
    "worst 1,024 reads, 1,000,000 live, to the Map",
    ratio(`S16 worst 1,024 reads, ${million}`, "ring", "map"),
    atMost({ floor: 1 / 10, goal: 1 / 25 }),
  ),
  scenario(
    "S17 Map",
    "memory, 1,000,000 live, to the Map",
    ratio(`S17 memory, ${million}`, "ring", "map"),
    atMost({ floor: 0.75, goal: 0.6 }),
  ),
  scenario(
    "S17 lru-cache",
    "the same, to lru-cache",
    ratio(`S17 memory, ${million}`, "ring", "lru-cache"),
    atMost({ floor: 0.5, goal: 0.35 }),
  ),
  scenario(
    "S18",
    "drain after an outage, to the script",
    beside("S18 drain after an outage"),
    atLeast({ floor: 5, goal: 8 }),
  ),
  scenario(
    "S19",
    "RSS per queued event, to the script",
    beside("S19 RSS growth per waiting event"),
    atMost({ floor: 1 / 10, goal: 1 / 100 }),
    "the goal is nothing at all; a hundredth is what cannot be told from it",
  ),
  {
    id: "S20",
    words: "accepted events lost by kill -9",
    unit: "lines",
    ...atMost({ floor: 0, goal: 0 }),
    note: "proven by tests/deep/kill.test.ts",
  },
  scenario(
    "S21",
    "bytes of the write-ahead log per event, to the script",
    beside("S21 WAL bytes per event"),
    atMost({ floor: 1 / 8, goal: 1 / 12 }),
  ),
  scenario("S22 floor", "RSS at rest, to the script", beside(rest), atMost({ floor: 1 })),
  scenario("S22 goal", "RSS at rest", plain("MB", rest), atMost({ goal: 65 })),
  scenario("S22 goal OPC UA", "the same with OPC UA", plain("MB", rest, "sortgate with OPC UA"), atMost({ goal: 115 })),
  scenario("S23", "start, to node -e 0", beside("S23 start", "node -e 0"), atMost({ floor: 4, goal: 3 })),
  scenario(
    "S24",
    "OPC UA reads delivered of sent",
    plain("%", "S24 OPC UA: delivered of told"),
    atLeast({ floor: 99.9, goal: 99.9 }),
  ),
  scenario(
    "S25 lost",
    "lines lost at the highest rate",
    plain("lines", `S25 lines missing ${patienceMs / 1_000} s later`),
    atMost({ floor: 0, goal: 0 }),
  ),
  scenario("S25 RSS", "RSS at the highest rate", plain("MB", "S25 RSS, highest"), atMost({ floor: 200, goal: 130 })),
];

const targets: readonly Scenario[] = [
  scenario("T1", "whole path, distinct", plain("events/s", distinct), atLeast({ goal: 16_000 })),
  scenario("T2", "whole path, to the script", beside(distinct), atLeast({ goal: 6 })),
  scenario("T3", "whole path, to the ceiling", share(distinct, ceilingRate), atLeast({ goal: 0.6 })),
  scenario(
    "T4",
    "reads at 50 of each parcel",
    plain("reads/s", "reads/s at 50 reads each"),
    atLeast({ goal: 250_000 }),
  ),
  scenario("T5", "p50 at 1,000/s", plain("ms", "p50 at 1000 events/s"), atMost({ goal: 3 })),
  scenario("T6", "p99 at 1,000/s", plain("ms", "p99 at 1000 events/s"), atMost({ goal: 8 })),
  scenario("T7", "each fsync 5 ms slower", plain("events/s", slowDisk), atLeast({ goal: 10_000 })),
  scenario(
    "T8",
    "p99 at 1,000/s, each fsync 5 ms slower",
    plain("ms", "p99 at 1000/s, each fsync 5 ms slower"),
    atMost({ goal: 40 }),
  ),
  scenario(
    "T9",
    "p99 of live events beside a drain",
    plain("ms", "p99 of live events while draining"),
    atMost({ goal: 200 }),
  ),
  scenario("T10", "drain beside 500 live events/s", plain("events/s", drain), atLeast({ goal: 16_000 })),
  scenario(
    "T11",
    "de-duplication to the Map, where it gains least",
    leastGain(["1,000", "100,000", "1,000,000"]),
    atLeast({ goal: 5 }),
  ),
  scenario("T12", "RSS at rest with serial and TCP", plain("MB", rest), atMost({ goal: 120 })),
  scenario(
    "T13",
    "RSS in an outage and its drain",
    {
      unit: "MB",
      value: ({ median }) =>
        Math.max(median("S19 RSS in an outage", "sortgate"), median("RSS while draining", "sortgate")),
    },
    atMost({ goal: 256 }),
  ),
  scenario("T14", "CPU at rest", plain("% of a core", "CPU at rest"), atMost({ goal: 2 })),
  scenario("T15", "start with the backlog", plain("ms", "start with the backlog"), atMost({ goal: 1_000 })),
  scenario(
    "T16",
    "p99 of the main loop's delay while fsync takes 200 ms",
    plain("ms", "main thread away while fsync takes 200 ms", "p99"),
    atMost({ goal: 20 }),
    "a loop that waits for the disk is away for 200 ms; a tenth of that is the loop's own",
  ),
  scenario(
    "T17",
    "plain waybills through the guard, on one core",
    plain("codes/s", "guard: waybills", "guard"),
    atLeast({ goal: 300_000 }),
  ),
  scenario(
    "T18",
    "labels through the guard, on one core",
    plain("codes/s", "guard: labels", "guard"),
    atLeast({ goal: 20_000 }),
  ),
  scenario(
    "T19",
    "p99 of the hostile code where it is highest",
    plain("ms", "guard: hostile, p99", "guard"),
    atMost({ goal: 1 }),
  ),
  scenario(
    "T20",
    "worst of a hostile code in the guard, without time in which it had no core",
    plain("ms", "guard: hostile, worst", "guard"),
    atMost({ goal: 5 }),
  ),
  scenario(
    "T21",
    "whole path lost to the guard",
    {
      unit: "%",
      value: ({ median }) =>
        100 * (1 - median("guard: whole path", "sortgate") / median("guard: whole path", "without the guard")),
    },
    atMost({ goal: 10 }),
    "beside a copy of the product in which every code is taken for a waybill, unlooked at",
  ),
  scenario(
    "T22",
    "whole path on one core (R37)",
    plain("events/s", "R37 events/s on one core"),
    atLeast({ goal: 8_000 }),
    "half of what is wanted of two; load, broker and subscriber have the other core",
  ),
];

/** All that the bench is held against, in the order of the table. */
export const scenarios: readonly Scenario[] = [...field, ...targets];
