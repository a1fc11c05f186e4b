import { findBicep } from "./bicep.ts";
import { compareSnapshots, compileTemplate, parameterSets, writeSnapshots } from "./infrastructure.ts";

const isWriting = process.argv.includes("--write");
const isRequired = process.env.CI === "true" || process.env.E2E_REQUIRED === "1";

const bicep = await findBicep();
if (bicep === undefined) {
  console.error("infra is not checked: there is no Bicep CLI (az bicep install, or the .NET SDK on linux-x64)");
  process.exit(isRequired ? 1 : 0);
}
const { problems } = await compileTemplate(bicep);
const all = [...problems, ...(isWriting ? await writeSnapshots(bicep) : await compareSnapshots(bicep))];
for (const problem of all) console.error(problem);
if (all.length === 0) console.log(`infra/main.bicep and the parameter sets ${parameterSets.join(", ")} are in order`);
process.exitCode = all.length === 0 ? 0 : 1;
