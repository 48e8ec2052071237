// Audit files: whoever has only the file and the pages finds out what it proves.

import { fromHex } from "../src/bytes.ts";
import { verifyAuditFile } from "../src/audit-file.ts";
import { readFolder, runFolder, type Vector } from "./vectors.ts";

interface AuditVector extends Vector {
  readonly file: string;
}

runFolder("audit", readFolder<AuditVector>("audit"), ({ file }) => {
  verifyAuditFile(fromHex(file));
});
