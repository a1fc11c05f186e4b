import { spawnSync } from "node:child_process";
import { serviceEnvironment, serviceNodeFlags } from "../src/local/service-process.ts";
import "./build.ts";

const args = [...serviceNodeFlags, "dist/local/start.mjs", ...process.argv.slice(2)];
const env = { ...process.env, ...serviceEnvironment };

// The C library reads its settings when a process begins. Taking this one's place leaves signals and exit code alone.
if (process.execve !== undefined) process.execve(process.execPath, [process.execPath, ...args], env);
const { status } = spawnSync(process.execPath, args, { stdio: "inherit", env }); // Windows has no such call
process.exitCode = status ?? 1;
