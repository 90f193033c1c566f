// @ts-check
// The exam room's script. Everything works without it; with it the room is instant, goes on without
// a network, and loses nothing to a reload or a crash.

import { startClock } from "./clock.js";
import { startDriver } from "./driver.js";
import { startEnding } from "./ending.js";
import { startQueue } from "./queue.js";
import { startSaving } from "./saving.js";
import { startScenarios } from "./scenario.js";
import { exam, refresh } from "./state.js";
import { startTools } from "./tools.js";
import { startVisibleTime } from "./visible-time.js";
import { startWorker } from "./worker.js";

await refresh();
startClock();
startTools();
startScenarios();
startVisibleTime();
startEnding();
const { fresh } = await startDriver();
startSaving();
startQueue({ fresh });
if (exam.attempt) startWorker();
