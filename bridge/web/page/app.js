// The page: what is open, what is heard, what is moved. The preset lives on the server.

import { ask, AwayError, follow, ServerError } from "./core/api.js";
import { by, isolated, make, write } from "./core/dom.js";
import { say, speak } from "./core/texts.js";
import { Mixer } from "./strip/mixer.js";
import { Panel } from "./strip/panel.js";
import { Desk } from "./work/desk.js";
import { Files } from "./work/files.js";
import { Hearing, VERSIONS } from "./work/hearing.js";
import { drawLoop, drawMore, wireBoxes, wireMore } from "./work/more.js";
import { showJob, tellUser } from "./work/outputs.js";
import { References } from "./work/references.js";
import { Song } from "./work/song.js";
import { Studio } from "./work/studio.js";

const BUSY = ["predict", "predict-lanes", "write-session", "render", "make-plan", "undo-push"];
const NEEDS_STEMS = ["render", "write-session", "play"];

// What was given up is no error, and that the server is away is said where its state is followed.
function failed(error) {
  if (error.name !== "AbortError" && !(error instanceof AwayError)) tellUser(error.message, true);
}

const studio = new Studio({
  taken,
  failed,
  moved: () => draw(),
  heard: () => hearing.refresh(),
  async dragged() {
    if (!desk.selected) return;
    const { part, index } = desk.selected;
    try {
      const curves = await ask(`/api/curves/${part}/${index}`);
      if (desk.isSelected(part, index)) panel.drawCurves(curves);
    } catch (error) {
      failed(error);
    }
  },
});
const hearing = new Hearing(studio, { heard: pictures, failed, changed: () => draw() });
const desk = new Desk(studio, hearing, { draw: () => draw(), pictures, tellUser });
const mixer = new Mixer(by("mixer"), desk);
const panel = new Panel(desk);
const song = new Song(studio, {
  loop: (start, length) => studio.act("loop", { value: start, length_s: length }),
  quiet: () => { if (hearing.player.isPlaying) hearing.playOrStop(); },
  failed,
});
const references = new References(studio);
new Files({ take: (state) => studio.take(state), tellUser, failed });

// --- What is shown -------------------------------------------------------------------------------------------------

function draw() {
  const { state } = studio;
  if (!state || !studio.table) return;
  mixer.draw(state.preset);
  by("empty").hidden = studio.hasStems || Boolean(state.engine);
  by("mixer").hidden = !state.preset.tracks.length;
  const { known } = desk;
  if (known) {
    panel.open(known.part, known.index);
    panel.draw(known);
  } else {
    panel.close();
  }
  drawButtons();
  drawVersions();
  song.draw();
  references.draw();
  drawMore(studio, state.job?.state === "busy");
}

let waiting = null;

// A button that is pressed and then switched off would drop the keyboard's place: it, or its neighbour, has it again.
function keepFocus(before) {
  if (before?.disabled) {
    const neighbour = { undo: "redo", redo: "undo" }[before.id];
    if (neighbour && !by(neighbour).disabled) by(neighbour).focus();
    else waiting = before;
  }
  if (!waiting || waiting.disabled) return;
  if (document.activeElement === document.body) waiting.focus({ preventScroll: true });
  waiting = null;
}

function drawButtons() {
  const { state } = studio;
  const focused = document.activeElement;
  if (document.activeElement !== by("amount") || !by("amount").dataset.held) by("amount").value = Math.round(100 * state.amount);
  sayAmount();
  for (const [id, key, step] of [["undo", "Ctrl+Z", state.undoes], ["redo", "Ctrl+Shift+Z", state.redoes]]) {
    by(id).disabled = !step;
    by(id).title = step ? `${stepWords(step)} (${key})` : "";
  }
  by("prediction").disabled = !state.predicted;
  const isBusy = state.job?.state === "busy";
  const hasBoth = studio.hasStems && (state.material.references.length > 0 || !state.needs_reference);
  for (const id of BUSY) by(id).disabled = isBusy;
  for (const id of ["predict", "predict-lanes"]) by(id).disabled ||= !hasBoth;
  by("play").disabled = false;
  for (const id of NEEDS_STEMS) by(id).disabled ||= !studio.hasStems;
  by("predict").title = hasBoth ? "" : say("predict_needs");
  write(by("play"), say(hearing.player.isPlaying ? "stop" : "play"));
  by("play").setAttribute("aria-pressed", String(hearing.player.isPlaying));
  keepFocus(focused);
  const leftOut = state.left_out.join("; ");
  by("left-out").hidden = !leftOut;
  write(by("left-out"), leftOut && `${say("left_out")} ${leftOut}`);
  by("next-step").hidden = !studio.hasStems || hasBoth || Boolean(state.engine);
}

// What a step did; of a strip that is no track or group, its name in the page's language.
function stepWords([what, name]) {
  const words = `${say(`did_${what}`)} ${["master", "reverb", "delay"].includes(name) ? say(name) : isolated(name)}`;
  return name ? words : say(`did_${what}`);
}

// What is not seen on a strip is said.
async function walk(way) {
  const step = studio.state[way === "undo" ? "undoes" : "redoes"];
  if (await studio.act(way) && step && step[0] !== "edit" && step[0] !== "amount") tellUser(`${say(way === "undo" ? "undone" : "redone")} ${stepWords(step)}`);
}

function sayAmount() {
  write(by("amount-value"), `${by("amount").value} %`);
  by("amount").setAttribute("aria-valuetext", by("amount-value").textContent);
}

function drawVersions() {
  for (const button of by("versions").children) {
    const is = button.dataset.version;
    const { references } = studio.state.material;
    const number = { reference: 0, "reference 2": 1 }[is];
    const isOneOfTwo = number !== undefined && references.length > 1;
    write(button, isOneOfTwo ? say(`reference_${number + 1}`) : say(is));
    button.title = isOneOfTwo ? isolated(references[number].name) : say(`${is}_hint`);
    button.hidden = is === "reference 2" && !isOneOfTwo;
    button.setAttribute("aria-checked", String(is === hearing.version));
    button.tabIndex = is === hearing.version ? 0 : -1;
    button.disabled = !hearing.isOpen(is);
  }
}

let shownJob = "";
let shownEngine = null;

function taken(before, now) {
  const isOther = !before || before.revision !== now.revision;
  const wasOther = JSON.stringify(now.material) !== JSON.stringify(before?.material);
  const wasMoved = !before || JSON.stringify(now.preset) !== JSON.stringify(before.preset) || JSON.stringify(now.predicted) !== JSON.stringify(before.predicted);
  showEngine(shownEngine, now.engine);
  shownEngine = now.engine;
  const job = JSON.stringify(now.job);
  if (job !== shownJob) showJob(now.job);
  shownJob = job;
  if (wasOther) drawLoop(now.material);
  hearing.fit();
  desk.fit();
  draw();
  if (isOther && (wasOther || wasMoved)) hearing.refresh();
}

function showEngine(before, now) {
  if (!now || before?.is_there === now.is_there) return;
  if (now.is_there) tellUser(`${say("engine_there")} ${now.where}`);
  else if (before) tellUser(`${say("engine_away")} ${now.where}`, true);
  else tellUser(`${say("engine_wait")} ${now.where}`);
}

async function pictures(signal) {
  mixer.sayLoudness(studio.hasStems ? hearing.meters : null);
  if (!desk.selected) return;
  const { part, index } = desk.selected;
  try {
    if (!studio.hasStems) {
      const [curves, words] = await Promise.all([ask(`/api/curves/${part}/${index}`, signal), ask(`/api/words/${part}/${index}`, signal)]);
      if (!desk.isSelected(part, index)) return;
      panel.drawCurves(curves);
      panel.drawWords(words);
      return;
    }
    const wave = `${part}/${index}/${JSON.stringify(studio.state.material)}`;
    if (desk.movable(part).length && panel.lanes.wave?.key !== wave) {
      const drawn = await ask(`/api/wave/${part}/${index}`, signal);
      if (desk.isSelected(part, index)) panel.lanes.drawWave(drawn, wave);
    }
    const drawn = await ask(`/api/strip/${part}/${index}${hearing.drawn}`, signal);
    if (desk.isSelected(part, index)) panel.drawPictures(drawn);
  } catch (error) {
    failed(error);
  }
}

// --- What moves by itself ------------------------------------------------------------------------------------------

let engine = null;

// The meters of a live engine that is followed.
async function listen() {
  for (;;) {
    if (studio.state && !studio.state.engine) return;
    engine = null;
    if (studio.state?.engine?.is_there) engine = await ask("/api/engine").catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function tick() {
  const { player } = hearing;
  const loopAt = player.isPlaying && !hearing.isReference ? desk.playingAt() : null;
  panel.lanes.play(song.isPlaying ? song.audio.currentTime : loopAt);
  song.tick(loopAt);
  if (studio.state?.engine) mixer.live(engine?.is_there ? engine : null);
  else mixer.level(player.isPlaying && hearing.version === "mix" ? hearing.meters : null, player.position);
  requestAnimationFrame(tick);
}

// --- What can be pressed -------------------------------------------------------------------------------------------

function wireVersions() {
  for (const name of VERSIONS) {
    const button = make("button", { type: "button", role: "radio", "data-version": name });
    button.disabled = true;
    button.addEventListener("click", () => hearing.choose(name));
    by("versions").append(button);
  }
  by("versions").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const open = [...by("versions").children].filter((button) => !button.disabled);
    const next = open[(open.findIndex((button) => button.dataset.version === hearing.version) + step + open.length) % open.length];
    hearing.choose(next.dataset.version);
    next.focus();
  });
}

function playOrStop() {
  song.stop();
  return hearing.playOrStop().catch(failed);
}

function wire() {
  wireVersions();
  wireBoxes();
  wireMore(studio);
  by("play").addEventListener("click", playOrStop);
  for (const what of ["predict", "render", "prediction"]) by(what).addEventListener("click", () => studio.act(what));
  for (const way of ["undo", "redo"]) by(way).addEventListener("click", () => walk(way));
  by("predict-lanes").addEventListener("click", () => studio.act("predict over time", { value: Number(by("lane-hop").value) }));
  by("amount").addEventListener("input", () => { by("amount").dataset.held = "yes"; sayAmount(); });
  by("amount").addEventListener("change", () => {
    delete by("amount").dataset.held;
    studio.act("amount", { value: Number(by("amount").value) / 100 });
  });
  by("save").addEventListener("click", async () => {
    await studio.settled().catch(failed);
    make("a", { href: "/api/preset", download: "preset.json" }).click();
  });
  by("close-message").addEventListener("click", () => {
    tellUser("");
    by("play").focus();
  });
  by("language").addEventListener("change", (event) => changeLanguage(event.target.value).catch(failed));
  document.addEventListener("keydown", onKey);
  // Leaving the page ends what is being typed or dragged, and tells it.
  addEventListener("pagehide", () => studio.leave(() => document.activeElement?.blur?.()));
  addEventListener("pageshow", () => studio.isShownAgain());
}

async function changeLanguage(chosen) {
  localStorage.setItem("mixbridge-language", speak(chosen));
  await studio.readTable();
  mixer.key = "";
  panel.rebuild();
  shownJob = "";
  await studio.refresh();
  await pictures();
}

function onKey(event) {
  const step = (event.ctrlKey || event.metaKey) && { z: event.shiftKey ? "redo" : "undo", y: "redo" }[event.key.toLowerCase()];
  // In a field whose text is being changed, it is the text that is undone.
  if (step && (!event.target.matches("input:not([type=range])") || event.target.value === event.target.shown)) {
    event.preventDefault();
    walk(step);
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range]), select")) return;
  if (event.key === " " && !event.target.matches("button, a, label")) { event.preventDefault(); playOrStop(); }
  if ("12345".includes(event.key) && !by("versions").children[event.key - 1].disabled) hearing.choose(VERSIONS[event.key - 1]);
}

async function begin() {
  by("language").value = speak(localStorage.getItem("mixbridge-language") ?? navigator.language.slice(0, 2));
  wire();
  for (let isKnown = false; !isKnown;) {
    try {
      await studio.readTable();
      isKnown = true;
    } catch (error) {
      tellUser(`${say("away")} ${error instanceof ServerError ? error.message : ""}`, true);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  tick();
  listen();
  await follow((state) => studio.take(state), (error) => tellUser(`${say("away")} ${error instanceof ServerError ? error.message : ""}`, true), () => {
    tellUser(say("back"));
    studio.isBack();
  });
}

begin();

