import { closeSync, openSync } from "node:fs";
import type { SerialPort } from "serialport";
import { afterEach, expect, test } from "vitest";
import { readHere } from "../../../drivers/serial/read-here.ts";

const fd = openSync("/dev/null", "r");
afterEach(() => closeSync(fd));

test("a line that is readable all the time and gives nothing is not asked without a rest, and its end is no error", async () => {
  const askedAt: number[] = [];
  // What of serialport's binding is used, over a file that always says that there is something, and never has it.
  const binding = {
    fd,
    isOpen: true,
    poller: {
      once(_event: string, listener: (error: Error | null) => void) {
        if (askedAt.push(performance.now()) === 4) binding.isOpen = false;
        listener(null);
      },
    },
    read: async (_buffer: Buffer, _offset: number, _length: number): Promise<unknown> => undefined,
  };
  readHere({ port: binding } as unknown as SerialPort);
  await expect(binding.read(Buffer.alloc(16), 0, 16)).rejects.toMatchObject({ canceled: true });
  expect(askedAt).toHaveLength(4);
  expect(askedAt[3]! - askedAt[0]!).toBeGreaterThan(50);
});
