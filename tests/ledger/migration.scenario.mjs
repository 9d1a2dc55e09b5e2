// Opens the ledger at the path that is given, and so migrates it: the process is killed in the middle by its parent.
import { openLedger } from "../../dist/src/ledger/index.js";

openLedger(process.argv[2], 16_000_000).close();
