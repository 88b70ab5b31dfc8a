// Validates state machines: `node asl.cjs FILE...` prints an object with the errors of each file that has some.
"use strict";
const fs = require("fs");
const path = require("path");
const validate = require(path.join(process.env.ATTINI_CHECKERS, "node", "node_modules", "asl-validator"));

const found = {};
for (const file of process.argv.slice(2)) {
  const { isValid, errors } = validate(JSON.parse(fs.readFileSync(file, "utf8")));
  if (!isValid) {
    found[path.basename(file)] = errors.map((error) => `${error["Error code"]}: ${error.Message || JSON.stringify(error)}`);
  }
}
process.stdout.write(JSON.stringify(found));
