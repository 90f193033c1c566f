// @ts-check
// The tools of the test centre, all of them. Each talks to the room only by its events and its state.

import { startBreaks } from "./breaks.js";
import { startCalculator } from "./calculator.js";
import { startHighlight } from "./highlight.js";
import { startKeys } from "./keys.js";
import { startNavigatorFilter } from "./navigator-filter.js";
import { startPace } from "./pace.js";
import { startPanels } from "./panels.js";
import { startScratchpad } from "./scratchpad.js";
import { startSettings } from "./settings.js";
import { startStrict } from "./strict.js";
import { startStrike } from "./strike.js";
import { startWarnings } from "./warnings.js";

export function startTools() {
  startSettings(); // first: the others ask for what is preferred
  startWarnings();
  startBreaks();
  startPace();
  startStrict();
  startStrike();
  startHighlight();
  startPanels();
  startScratchpad();
  startCalculator();
  startNavigatorFilter();
  startKeys();
}
