import { readFile, writeFile } from "node:fs/promises";
import { configurationPath, writeTables } from "./configuration.ts";

await writeFile(configurationPath, writeTables(await readFile(configurationPath, "utf8")));
