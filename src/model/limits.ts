import { assert } from "../lib/assert.ts";

/** Every bound of the program in one place. Units stand last in each name. */
export const limits = {
  /** A frame from a wire; a QR code holds at most 2,953 bytes (ISO/IEC 18004), and a tag list of one cycle fits too. */
  frameBytesMax: 4_096,
  /** A single code; the largest that a two-dimensional symbol holds. */
  codeBytesMax: 3_072,
  /** Labels that are sealed with one content key, and how long it serves: what a thief of the box gets at most. */
  sealedPerKeyMax: 10_000,
  sealKeyMs: 600_000,
  /** Passes that one read point follows at once; a belt has tens, a portal full of tagged bags hundreds. */
  passesMax: 65_536,
  /** Antennas whose share of a pass is kept apart; the largest fixed reader has eight ports, hubs are summed. */
  passAntennasMax: 8,
  /** Devices of one read point; one bit each in a pass. */
  readPointDevicesMax: 32,
  /** Events of one grouped commit: as many as a window lets out before the next one, or the rest would pile up behind. */
  commitEventsMax: 256,
  /** …and their bytes: such a commit fits into the room of the write-ahead log, also on a full disk. */
  commitBytesMax: 2_097_152,
  /** At a stop, a disk that is too slow for what waits is given so long before the chain tells what is lost. */
  finishMsMax: 2_500,
  /** Events handed to the ledger and not yet committed; beyond this, reads are dropped and told. */
  uncommittedEventsMax: 20_000,
  /** Unacknowledged publishes of one broker, unless the broker allows less. */
  inFlightMax: 256,
  /** Events that a broker refused for now and that are kept at hand to be tried again; more of them wait in the ledger. */
  heldEventsMax: 256,
  /** Those that wait in the ledger are sent again no oftener than this: there may be a whole backlog of them. */
  rewindPauseMs: 10_000,
  /** Events that a broker refused for good and that are listed one by one; older ones are only counted. */
  refusedListMax: 1_000,
  /** What a broker may send at once beside its answers: anything more is no broker, or one gone mad. */
  inboundBytesMax: 262_144,
  /** An order of the centre as it comes: a thousand tokens take 52 kB. */
  orderBytesMax: 65_536,
  /** Highest number of an order: each has some left above it, and none is read as another one. */
  orderNumberMax: 1_000_000_000_000,
  /** Tokens and numbers that one order erases. */
  orderSubjectsMax: 1_000,
  /** Bytes of orders that wait to be judged, a millisecond each or for the centre's key; with what is kept beside them some 10 MB at most. */
  ordersJudgedBytesMax: 1_048_576,
  /** Orders that wait for the one that is being carried out. */
  ordersWaitingMax: 16,
  /** Orders that found no room, by number: none overtakes them. They come by one broker no faster than its budget lets them. */
  ordersMissedMax: 4_096,
  /** A broker whose subscription broke a connection is asked for orders again after this long: delivery comes first. */
  subscribePauseMs: 600_000,
  /** Bytes of events that one lease hands out. */
  leaseBytesMax: 1_048_576,
  /** Short-lived memory of the ledger thread: what V8 takes by itself holds 40 MB more garbage at full rate. */
  ledgerYoungMegabytesMax: 12,
  /** Bytes of recent events that the ledger thread keeps at hand for live forwarding. */
  recentBytesMax: 4_194_304,
  /** Settled sequences are written with the next commit, or alone after this long. */
  settleDelayMs: 100,
  /** …or alone as soon as this many wait, so that a crash repeats less than a window. */
  settleCountMax: 128,
  /** What is settled and not written takes room in the window, so that a crash repeats no more than that; but no longer. */
  settleHoldMsMax: 1_000,
  /** A checkpoint stands in the chain at least this often. */
  checkpointIntervalMs: 60_000,
  /** …and after this many events. */
  checkpointEventsMax: 10_000,
  /** An epoch key lives this long at most. */
  epochKeyMs: 86_400_000,
  /** Events that are looked at to rebuild the windows at a start: far more than a belt holds at once. */
  recallEventsMax: 20_000,
  /** One event on the wire. */
  eventBytesMax: 65_536,
  /**
   * How long a device that is up may be silent before passes of the run before depart. Scanners warm up for seconds, and
   * some speak only when triggered; a parcel takes minutes to come round a sorter again.
   */
  restoreGraceMs: 10_000,
  /** Opening a device or connecting to a broker. */
  connectTimeoutMs: 10_000,
  /** The oldest unacknowledged publish under a live connection; older means the peer is dead. */
  ackAgeMaxMs: 9_000,
  /** A broker that closes sooner than this after its CONNACK does so on purpose; networks fail at any time. */
  earlyCloseMs: 10_000,
  /** So many of them in a row are no accident. */
  earlyCloseCountMin: 3,
  /**
   * A connection that held for so long ends a contest for our place. Two gateways that both wait up to `backoff.capMs`
   * throw each other off at least every two minutes.
   */
  contestCalmMs: 300_000,
  /** Serial device nodes are looked at this often. */
  deviceWatchMs: 1_000,
  /** An unplugged cable is looked for at least this often: a node that is not there costs one stat. */
  serialRetryMsMax: 2_000,
  /** An OPC UA server is asked for its types, a subscription and its items one after the other: seconds on a slow box. */
  opcuaOpenMsMax: 30_000,
  /** A server that was gone for hours is read again half a minute after it is back, its slow answer included. */
  opcuaRetryMsMax: 15_000,
  /** Retry of devices and brokers. */
  backoff: { baseMs: 500, capMs: 60_000, stableMs: 30_000 },
  /** A clean stop takes no longer. */
  stopBudgetMs: 10_000,
  /** A config file larger than this is not one. */
  configBytesMax: 1_048_576,
  /** The deadline of a request to the control socket. */
  controlTimeoutMs: 10_000,
  /** An HTTP request body on the control socket. */
  controlBodyBytesMax: 65_536,
  /** Headers of a request to the control socket; ours take 200 bytes. */
  controlHeaderBytesMax: 8_192,
  /** A client must have sent its whole request by then. */
  controlRequestMs: 5_000,
  /** Connections at once, for the socket and for http each. */
  controlConnectionsMax: 64,
  /** A client that takes nothing of a long answer for this long is cut off. */
  controlStallMs: 30_000,
  /** Health is judged within this time. */
  healthDeadlineMs: 1_000,
  /** The daemon answers a command within this time, if only that it could not. */
  controlAnswerMs: 8_000,
  /** Followers of live events and exports at once; each holds up to 1 MiB. */
  controlStreamsMax: 8,
  /** Principals whose revealed numbers are counted apart in one day. */
  revealPrincipalsMax: 32,
  /** What one slow follower may lag behind before it loses events. */
  watchBytesMax: 1_048_576,
  /** Events of one look into the queue. */
  peekEventsMax: 1_000,
  /** One text in a log line: our longest sentences with their hints have some 450 characters. */
  noticeTextMax: 600,
  /** Log lines that wait for a slow reader of stdout; beyond this they are lost and counted. */
  logBytesMax: 1_048_576,
} as const;

assert(limits.codeBytesMax <= limits.frameBytesMax, "a code fits into a frame");
assert(limits.settleCountMax <= limits.inFlightMax, "a crash repeats no more than a window");
assert(limits.settleDelayMs < limits.settleHoldMsMax, "a disk that works never lets the window be exceeded");
assert(limits.commitEventsMax < limits.uncommittedEventsMax, "the mailbox holds more than one commit");
assert(limits.controlAnswerMs < limits.controlTimeoutMs, "the daemon's own explanation arrives in time");
assert(limits.controlRequestMs < limits.controlTimeoutMs, "a slow request is refused before its sender gives up");
assert(3 * limits.orderBytesMax < limits.inboundBytesMax, "an order comes through, and others behind it");
assert(4 * limits.inboundBytesMax <= limits.ordersJudgedBytesMax, "what a broker may send at once waits to be judged");
assert(limits.contestCalmMs > 2 * limits.backoff.capMs, "a contest at its slowest is still one");
assert(limits.connectTimeoutMs <= limits.stopBudgetMs, "a stop does not wait for a connect");
