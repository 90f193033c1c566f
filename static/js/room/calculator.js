// @ts-check
// A desk calculator. It reckons in fractions of whole numbers, so 0.1 + 0.2 is 0.3 and a third times
// three is one; only what is shown is rounded, to twelve digits.

import { announce } from "./announce.js";

/** @typedef {{n: bigint, d: bigint}} Fraction with d > 0 */

/**
 * @typedef {object} Calculation
 * @property {string | null} entry what is being typed; null while `value` is a result
 * @property {Fraction} value
 * @property {Fraction} held the left side of a waiting operation
 * @property {string} operator "+", "-", "*", "/" or none
 * @property {boolean} ready the right side has been given
 * @property {{operator: string, by: Fraction} | null} repeat what another "=" does again
 * @property {string} error in words, until the next number
 */

const DIGITS = 12;
const ZERO = { n: 0n, d: 1n };
const TOO_LARGE = "Too large to show";

/** @type {Calculation} */
export const START = Object.freeze({
  entry: "0",
  value: ZERO,
  held: ZERO,
  operator: "",
  ready: false,
  repeat: null,
  error: "",
});

/** @param {bigint} n */
const size = (n) => (n < 0n ? -n : n);

/** @param {bigint} n @param {bigint} d @returns {Fraction} in lowest terms */
function fraction(n, d) {
  let [a, b] = [size(n), size(d)];
  while (b) [a, b] = [b, a % b];
  const by = d < 0n ? -a : a;
  return { n: n / by, d: d / by };
}

/** @param {string} entry @returns {Fraction} */
function parse(entry) {
  const [whole, decimals = ""] = entry.split(".");
  return fraction(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
}

/** @param {Fraction} a @param {string} operator @param {Fraction} b @returns {Fraction | null} */
function apply(a, operator, b) {
  if (operator === "+") return fraction(a.n * b.d + b.n * a.d, a.d * b.d);
  if (operator === "-") return fraction(a.n * b.d - b.n * a.d, a.d * b.d);
  if (operator === "*") return fraction(a.n * b.n, a.d * b.d);
  return b.n === 0n ? null : fraction(a.n * b.d, a.d * b.n);
}

/** Twelve digits, rounded half away from zero. @param {Fraction} value */
export function format({ n, d }) {
  const whole = String(size(n) / d).length;
  if (whole > DIGITS) return TOO_LARGE;
  const places = DIGITS - whole;
  const scaled = (2n * size(n) * 10n ** BigInt(places) + d) / (2n * d);
  const digits = String(scaled).padStart(places + 1, "0");
  const cut = digits.length - places;
  if (cut > DIGITS) return TOO_LARGE;
  const decimals = digits.slice(cut).replace(/0+$/, "");
  const sign = n < 0n && scaled ? "-" : "";
  return sign + digits.slice(0, cut) + (decimals && `.${decimals}`);
}

/** @param {Calculation} was @param {Fraction | null} value @param {Partial<Calculation>} rest */
function result(was, value, rest) {
  if (!value) return { ...START, error: "Cannot divide by zero" };
  if (format(value) === TOO_LARGE) return { ...START, error: TOO_LARGE };
  return { ...was, entry: null, value, ...rest };
}

/** @param {Calculation} was @param {string} entry @returns {Calculation} */
const typed = (was, entry) => ({ ...was, entry, value: parse(entry), ready: true, repeat: null });

/** @param {Calculation} was @param {string} key a digit or "." */
function type(was, key) {
  const entry = was.entry ?? "0";
  if (key === ".") return entry.includes(".") ? was : typed(was, `${entry}.`);
  if (entry.replace(/\D/g, "").length >= DIGITS) return was;
  return typed(was, entry.replace(/^(-?)0$/, "$1") + key);
}

/** @param {Calculation} was @param {string} operator */
function operate(was, operator) {
  const waits = was.operator !== "" && was.ready;
  const value = waits ? apply(was.held, was.operator, was.value) : was.value;
  return result(was, value, { held: value ?? ZERO, operator, ready: false, repeat: null });
}

/** @param {Calculation} was */
function equals(was) {
  if (was.operator) {
    const by = was.ready ? was.value : was.held;
    const repeat = { operator: was.operator, by };
    return result(was, apply(was.held, was.operator, by), { operator: "", ready: false, repeat });
  }
  if (was.repeat) return result(was, apply(was.value, was.repeat.operator, was.repeat.by), {});
  return { ...was, entry: null };
}

/** 200 + 10 % is 200 + 20; otherwise a hundredth. @param {Calculation} was */
function percent(was) {
  const of = was.operator === "+" || was.operator === "-" ? was.held : { n: 1n, d: 1n };
  return result(was, fraction(of.n * was.value.n, of.d * was.value.d * 100n), { ready: true });
}

/**
 * One press of a key: a digit, ".", "+", "-", "*", "/", "=", "%", "sign", "back" or "clear".
 * @param {Calculation} was @param {string} key @returns {Calculation}
 */
export function press(was, key) {
  if (key === "clear") return START;
  if (was.error) return /^[\d.]$/.test(key) ? type(START, key) : was;
  if (/^[\d.]$/.test(key)) return type(was, key);
  if ("+-*/".includes(key)) return operate(was, key);
  if (key === "=") return equals(was);
  if (key === "%") return percent(was);
  if (key === "sign") {
    if (was.entry === null) return { ...was, value: { n: -was.value.n, d: was.value.d }, ready: true };
    return typed(was, was.entry.startsWith("-") ? was.entry.slice(1) : `-${was.entry}`);
  }
  if (key === "back" && was.entry !== null) {
    const rest = was.entry.slice(0, -1);
    return typed(was, rest === "" || rest === "-" ? "0" : rest);
  }
  return was;
}

/** What the display says. @param {Calculation} now */
export function shown(now) {
  return now.error || (now.entry ?? format(now.value)).replace("-", "\u2212");
}

/** The operation that waits, above the display. @param {Calculation} now */
export function waiting(now) {
  const signs = /** @type {Record<string, string>} */ ({ "-": "\u2212", "*": "×", "/": "÷" });
  if (!now.operator) return "";
  return `${format(now.held).replace("-", "\u2212")} ${signs[now.operator] ?? now.operator}`;
}

/** @type {Record<string, string>} what a keyboard's key means, where it is not the key itself */
const MEANS = { ",": ".", x: "*", ":": "/", Enter: "=", Backspace: "back", Delete: "clear", c: "clear" };

export function startCalculator() {
  const panel = document.getElementById("calculator");
  const display = panel?.querySelector("[data-display]");
  const above = panel?.querySelector("[data-waiting]");
  if (!panel || !(display instanceof HTMLInputElement) || !above) return;
  let now = START;

  /** @param {string} key */
  const take = (key) => {
    now = press(now, key);
    display.value = shown(now);
    above.textContent = waiting(now);
    panel.classList.toggle("is-error", now.error !== "");
    // The keys pressed are heard as they are pressed; only what comes out is news.
    if (now.error || key === "=" || key === "%") announce(shown(now));
  };

  panel.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-press]") : null;
    if (button instanceof HTMLElement && button.dataset.press) take(button.dataset.press);
  });
  panel.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.target instanceof HTMLButtonElement) return; // presses it
    const key = MEANS[event.key] ?? event.key;
    if (!panel.querySelector(`[data-press="${CSS.escape(key)}"]`)) return;
    event.preventDefault();
    take(key);
  });
}
