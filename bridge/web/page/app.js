// The page: what is open, what is heard, what is moved. The preset lives on the server; a move is shown at once and told.

import { ask, AwayError, follow, ServerError, sound, tell } from "./api.js";
import { lanesOf, putLane } from "./lanes.js";
import { Mixer, strips } from "./mixer.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { at, put, written } from "./scale.js";
import { say, speak } from "./texts.js";

const VERSIONS = ["raw", "predicted", "mix", "reference"];
const SEND_MS = 80;

const by = (id) => document.getElementById(id);
const player = new Player();
let table = null;
let state = null;
let meters = null;
let version = "mix";
let selected = null;
const soloed = new Set();
const bypassed = new Set();

// --- What is moved -------------------------------------------------------------------------------------------------

const pending = new Map();
let onTheWay = [];
let told = 0; // the revision that the last moves made: an older state is no news
let sending = null;
let isSettling = false;
let laneGesture = "";
let delivered = Promise.resolve();

const partOf = (preset, part, index) =>
  part === "track" ? preset.tracks[index]?.strip : part === "bus" ? preset.buses[index]?.strip : preset[part];

const desk = {
  row: (part, path) => table.parts[part][path],
  rows: (part) => table.parts[part],
  select(part, index) {
    selected = { part, index };
    draw();
    refreshPictures();
  },
  isSelected: (part, index) => selected?.part === part && selected?.index === index,
  isSoloed: (name) => soloed.has(name),
  isChanged(part, index, path) {
    if (!state.predicted) return false;
    const before = at(partOf(state.predicted, part, index), path);
    return before !== undefined && Math.abs(before - at(partOf(state.preset, part, index), path)) > 1e-9;
  },
  canBypass: (part, section) => part !== "reverb" && part !== "delay" && table.switches.includes(section) && (part !== "master" || section === "eq" || section === "compressor"),
  isBypassed: (part, index, section) => bypassed.has(`${part}:${index}:${section}`),
  bypass(part, index, section) {
    const key = `${part}:${index}:${section}`;
    if (!bypassed.delete(key)) bypassed.add(key);
    refreshSound();
    return bypassed.has(key);
  },
  move(part, index, path, value) {
    put(partOf(state.preset, part, index), path, value);
    pending.set(`${part}/${index}/${path}`, { part, index, path, value });
    sending ??= setTimeout(send, SEND_MS);
    draw();
  },
  preset: () => state.preset,
  movable: (part) => (state.material.stems.length ? table.movable[part] ?? [] : []),
  label: (part, path) => (path.includes(".") ? path.replaceAll(".", " ") : table.parts[part][path].label).replaceAll("_", " ").replace(/ (db|hz|ms|s)$/, ""),
  standing: (part, index, path) => at(partOf(state.preset, part, index), path),
  loop: () => state.material.loop,
  playingAt: () => state.material.loop.start_s + player.position,
  isMoving: (part, index, path) => lanesOf(state.preset, part, index).some((lane) => lane.parameter === path),
  moveLane(part, index, path, points, shape, gesture) {
    const edit = { part, index, path, points, shape };
    laneGesture = gesture;
    putLane(state.preset, edit);
    pending.set(`lane/${part}/${index}/${path}`, edit);
    sending ??= setTimeout(send, SEND_MS);
  },
  settle() {
    isSettling = true;
    clearTimeout(sending);
    send();
  },
  reset(part, index, path, isNeutral) {
    const row = table.parts[part][path];
    const value = isNeutral ? row.neutral : state.predicted && at(partOf(state.predicted, part, index), path);
    if (value === null || value === undefined) return tellUser(say("no_prediction"));
    this.move(part, index, path, value);
    return this.settle();
  },
  async mute(index, isMuted) {
    state.preset.tracks[index].mute = isMuted;
    pending.set(`track/${index}/mute`, { part: "track", index, path: "mute", value: Number(isMuted) });
    this.settle();
    draw();
  },
  solo(name) {
    if (!soloed.delete(name)) soloed.add(name);
    draw();
    refreshSound();
  },
  refresh: () => draw(),
};

// One after the other: what is asked at the same time may be done in any order.
function send() {
  sending = null;
  const edits = [...pending.values()];
  const wasSettling = isSettling;
  pending.clear();
  isSettling = false;
  onTheWay = [...onTheWay, ...edits];
  const gesture = edits.map((edit) => `${edit.part}/${edit.index}/${edit.path}${edit.points ? ` lane ${laneGesture}` : ""}`).join(" ").slice(0, 200);
  delivered = delivered.then(() => deliver(edits, gesture, wasSettling));
  return delivered;
}

const isSame = (one, other) => one.part === other.part && one.index === other.index && one.path === other.path;

async function deliver(edits, gesture, wasSettling) {
  if (edits.length) {
    try {
      const answer = await tell("/api/edit", { edits, gesture });
      told = Math.max(told, answer.revision);
      for (const edit of answer.edits) if (edit.path !== "mute" && ![...pending.values(), ...onTheWay.filter((later) => !edits.includes(later))].some((later) => isSame(later, edit))) put(partOf(state.preset, edit.part, edit.index), edit.path, edit.value);
      Object.assign(state, { differences: answer.differences, can_undo: answer.can_undo, can_redo: answer.can_redo });
      draw();
      if (selected && !wasSettling) panel.drawCurves(await ask(`/api/curves/${selected.part}/${selected.index}`));
    } catch (error) {
      tellError(error);
      refreshState().catch(tellError);
    } finally {
      onTheWay = onTheWay.filter((edit) => !edits.includes(edit));
    }
  }
  if (wasSettling) refreshSound();
}

// Resolves when the server knows all that was moved.
async function settled() {
  while (pending.size || onTheWay.length) {
    if (pending.size) {
      clearTimeout(sending);
      await send();
    } else {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function act(what, more = {}) {
  try {
    await settled();
    take(await tell("/api/do", { what, ...more }));
    return true;
  } catch (error) {
    tellError(error);
    return false;
  }
}

// --- What is shown -------------------------------------------------------------------------------------------------

const mixer = new Mixer(by("mixer"), desk);
const panel = new Panel(desk);

function tellUser(text, isError = false) {
  by("message").textContent = text;
  by("message").classList.toggle("error", isError);
  by("message").hidden = !text;
}

// What was given up is no error, and that the server is away is said where its state is followed.
function tellError(error) {
  if (error.name !== "AbortError" && !(error instanceof AwayError)) tellUser(error.message, true);
}

function draw() {
  if (!state || !table) return;
  mixer.draw(state.preset);
  by("empty").hidden = state.material.stems.length > 0 || Boolean(state.engine);
  by("mixer").hidden = !state.preset.tracks.length;
  const known = selected && strips(state.preset).find((strip) => strip.part === selected.part && strip.index === selected.index);
  if (known) {
    panel.open(selected.part, selected.index);
    panel.draw(known);
  } else {
    panel.close();
  }
  if (document.activeElement !== by("amount")) by("amount").value = Math.round(100 * state.amount);
  by("amount-value").textContent = `${by("amount").value} %`;
  by("undo").disabled = !state.can_undo;
  by("redo").disabled = !state.can_redo;
  by("prediction").disabled = !state.predicted;
  const isBusy = state.job?.state === "busy";
  drawChoices();
  for (const id of ["predict", "predict-lanes", "write-session", "render", "make-plan", "undo-push"]) by(id).disabled = isBusy;
  for (const id of ["predict", "predict-lanes"]) by(id).disabled ||= !state.material.reference || !state.material.stems.length;
  for (const button of by("versions").children) {
    const is = button.dataset.version;
    button.textContent = say(is);
    button.setAttribute("aria-checked", String(is === version));
    button.tabIndex = is === version ? 0 : -1;
    button.disabled = !state.material.stems.length || (is === "predicted" && !state.predicted) || (is === "reference" && !state.material.reference);
  }
  by("play").disabled = !state.material.stems.length;
  for (const id of ["render", "write-session"]) by(id).disabled ||= !state.material.stems.length;
  by("play").textContent = say(player.isPlaying ? "stop" : "play");
  by("play").setAttribute("aria-pressed", String(player.isPlaying));
}

function showJob(job) {
  if (!job) return;
  if (job.state === "busy") return tellUser(`${say("working")} ${say(`job_${job.name}`)}${job.share ? `, ${Math.round(100 * job.share)} %` : ""}. ${job.text}`);
  if (job.state === "error") return tellUser(job.text, true);
  tellUser(`${say("done")} ${say(`job_${job.name}`)}. ${job.text}`);
  if (job.name === "session") {
    const link = Object.assign(document.createElement("a"), { href: `/api/session/${encodeURIComponent(job.result.file)}`, textContent: job.result.file, download: job.result.file });
    by("message").append(" ", link);
  }
  if (job.name === "plan") showPlan(job.result);
  if (job.name === "push" || job.name === "undo push") by("do-push").disabled = true;
  if (job.name === "render") {
    const links = ["mix.wav", "report.html"].map((file) => {
      const link = document.createElement("a");
      link.href = `/api/mix/${file}`;
      link.textContent = file;
      link.download = file;
      return link;
    });
    by("message").replaceChildren(`${say("rendered")} ${written(job.result.loudness_lufs, "LUFS")} `, links[0], " ", links[1]);
  }
  return undefined;
}

function showPlan(plan) {
  const rows = plan.strips.flatMap((strip) => strip.changes.map((change) => [strip.track ?? strip.label, change]));
  const list = document.createElement("ul");
  for (const words of plan.summary) list.append(Object.assign(document.createElement("li"), { textContent: words }));
  const out = document.createElement("table");
  const head = out.createTHead().insertRow();
  for (const word of [say("strip"), say("setting"), say("now"), say("then")]) head.append(Object.assign(document.createElement("th"), { textContent: word }));
  const body = out.createTBody();
  for (const [name, setting] of rows) {
    const row = body.insertRow();
    for (const cell of [name, setting.key, setting.now ?? "", setting.then ?? ""]) row.insertCell().textContent = typeof cell === "number" ? String(Number(cell.toFixed(3))) : String(cell);
  }
  by("plan").replaceChildren(list, out);
  by("do-push").disabled = false;
}

let shownJob = "";
let shownEngine = null;

function take(next) {
  if (next.revision < told) return;
  const isOther = !state || state.revision !== next.revision;
  const material = JSON.stringify(next.material);
  const wasOther = material !== JSON.stringify(state?.material);
  const wasMoved = !state || JSON.stringify(next.preset) !== JSON.stringify(state.preset);
  // Moves that are not told yet stay as the hand has them.
  state = next;
  for (const edit of [...onTheWay, ...pending.values()]) {
    if (edit.points) putLane(state.preset, edit);
    else if (edit.path === "mute") state.preset.tracks[edit.index].mute = Boolean(edit.value);
    else put(partOf(state.preset, edit.part, edit.index), edit.path, edit.value);
  }
  showEngine(shownEngine, next.engine);
  shownEngine = next.engine;
  const job = JSON.stringify(next.job);
  if (job !== shownJob) showJob(next.job);
  shownJob = job;
  if (wasOther) {
    by("loop-start").value = state.material.loop.start_s;
    by("loop-length").value = state.material.loop.length_s;
    soloed.clear();
  }
  by("snapshot-list").replaceChildren(...state.snapshots.map((name) => {
    const item = document.createElement("li");
    const [recall, forget] = ["recall", "forget"].map((what) => {
      const button = Object.assign(document.createElement("button"), { textContent: say(what) });
      button.addEventListener("click", () => act(what, { name }));
      return button;
    });
    item.append(`${name} `, recall, forget);
    return item;
  }));
  if (selected?.part === "track" && selected.index >= state.preset.tracks.length) selected = null;
  selected ??= state.preset.tracks.length ? { part: "track", index: 0 } : null;
  draw();
  if (isOther && (wasOther || wasMoved)) refreshSound();
}

async function refreshState() {
  told = 0;
  take(await ask("/api/state"));
}

// --- What is heard -------------------------------------------------------------------------------------------------

let asked = null;

async function refreshSound() {
  if (!state?.material.stems.length) { await refreshPictures(); return; }
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  const parameters = new URLSearchParams();
  for (const name of soloed) parameters.append("solo", name);
  for (const key of bypassed) parameters.append("bypass", key);
  try {
    await player.take(await sound(version, parameters, signal));
    document.documentElement.dataset.heard = String(Number(document.documentElement.dataset.heard ?? 0) + 1);
    meters = await ask("/api/meters", signal);
    await refreshPictures(signal);
  } catch (error) {
    tellError(error);
  }
}

// The meters of a live engine that is followed.
let engine = null;

async function listen() {
  for (;;) {
    if (!state?.engine?.is_there) engine = null;
    else {
      try {
        engine = await ask("/api/engine");
      } catch {
        engine = null;
      }
    }
    if (state && !state.engine) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function showEngine(before, now) {
  if (!now || before?.is_there === now.is_there) return;
  if (now.is_there) tellUser(`${say("engine_there")} ${now.where}`);
  else if (before) tellUser(`${say("engine_away")} ${now.where}`, true);
  else tellUser(`${say("engine_wait")} ${now.where}`);
}

async function refreshPictures(signal) {
  if (!selected) return;
  const { part, index } = selected;
  try {
    if (!state.material.stems.length) {
      const curves = await ask(`/api/curves/${part}/${index}`, signal);
      if (selected.part === part && selected.index === index) panel.drawCurves(curves);
      return;
    }
    const wave = `${part}/${index}/${JSON.stringify(state.material)}`;
    if (desk.movable(part).length && panel.lanes.wave?.key !== wave) {
      const drawn = await ask(`/api/wave/${part}/${index}`, signal);
      if (selected.part === part && selected.index === index) panel.lanes.drawWave(drawn, wave);
    }
    const pictures = await ask(`/api/strip/${part}/${index}`, signal);
    if (selected.part === part && selected.index === index) panel.drawPictures(pictures);
  } catch (error) {
    tellError(error);
  }
}

function hear(chosen) {
  version = chosen;
  draw();
  refreshSound();
}

async function playOrStop() {
  if (player.isPlaying) player.stop();
  else {
    if (!player.buffer) await refreshSound();
    await player.play();
  }
  draw();
}

function tick() {
  panel.lanes.play(player.isPlaying && version !== "reference" ? desk.playingAt() : null);
  if (state?.engine) mixer.live(engine?.is_there ? engine : null);
  else mixer.level(player.isPlaying && version === "mix" ? meters : null, player.position);
  requestAnimationFrame(tick);
}

// --- Files ---------------------------------------------------------------------------------------------------------

async function give(files, kind) {
  for (const file of files) {
    tellUser(`${say("working")} ${file.name}`);
    try {
      take(await tell(`/api/${kind}?name=${encodeURIComponent(file.name)}`, file));
      tellUser(`${say("loaded")} ${file.name}`);
    } catch (error) {
      tellError(error);
      return;
    }
  }
}

async function givePreset(file) {
  try {
    take(await tell("/api/preset", await file.text(), "PUT"));
  } catch (error) {
    tellError(error);
  }
}

function blend() {
  return act("blend", { name: by("blend-one").value, other: by("blend-other").value, value: Number(by("blend-position").value) / 100 });
}

// A choice that keeps what is chosen; `options` are pairs of value and text.
function offer(select, options, isLastChosen = false) {
  const key = JSON.stringify(options);
  if (select.dataset.key === key) return;
  const chosen = select.dataset.key ? select.value : options.at(isLastChosen ? -1 : 0)?.[0];
  select.dataset.key = key;
  select.replaceChildren(...options.map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })));
  select.value = options.some(([value]) => value === chosen) ? chosen : options[0]?.[0] ?? "";
}

function drawChoices() {
  const ends = [...(state.predicted ? [["", say("predicted")]] : []), ...state.snapshots.map((name) => [name, name])];
  offer(by("blend-one"), ends);
  offer(by("blend-other"), ends, true);
  for (const id of ["blend-one", "blend-other", "blend-position"]) by(id).disabled = ends.length < 2;
  offer(by("session-format"), Object.entries(state.session_formats));
}

// --- What can be pressed -------------------------------------------------------------------------------------------

function wire() {
  for (const name of VERSIONS) {
    const button = Object.assign(document.createElement("button"), { type: "button", disabled: true });
    button.dataset.version = name;
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => hear(name));
    by("versions").append(button);
  }
  by("versions").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const open = [...by("versions").children].filter((button) => !button.disabled);
    const next = open[(open.findIndex((button) => button.dataset.version === version) + step + open.length) % open.length];
    hear(next.dataset.version);
    next.focus();
  });
  by("play").addEventListener("click", playOrStop);
  for (const what of ["undo", "redo", "predict", "render", "prediction"]) by(what).addEventListener("click", () => act(what));
  by("predict-lanes").addEventListener("click", () => act("predict over time", { value: Number(by("lane-hop").value) }));
  by("amount").addEventListener("input", () => { by("amount-value").textContent = `${by("amount").value} %`; });
  by("amount").addEventListener("change", () => act("amount", { value: Number(by("amount").value) / 100 }));
  by("save").addEventListener("click", async () => {
    await settled();
    const link = Object.assign(document.createElement("a"), { href: "/api/preset", download: "preset.json" });
    link.click();
  });
  for (const [button, section] of [["open-more", "more"], ["open-push", "push"]]) {
    by(button).addEventListener("click", () => {
      by(section).hidden = !by(section).hidden;
      by(button).setAttribute("aria-expanded", String(!by(section).hidden));
    });
  }
  by("stem-files").addEventListener("change", (event) => give(event.target.files, "stems"));
  by("reference-file").addEventListener("change", (event) => give(event.target.files, "reference"));
  by("preset-file").addEventListener("change", (event) => event.target.files[0] && givePreset(event.target.files[0]));
  by("set-loop").addEventListener("click", () => act("loop", { value: Number(by("loop-start").value), length_s: Number(by("loop-length").value) }));
  by("blend-position").addEventListener("input", () => { by("blend-value").textContent = `${by("blend-position").value} %`; });
  by("blend-position").addEventListener("change", blend);
  by("write-session").addEventListener("click", () => act("session", { name: by("session-format").value }));
  by("remember").addEventListener("click", () => act("remember", { name: by("snapshot-name").value }));
  by("make-plan").addEventListener("click", () => act("plan", { name: by("desk").value.trim(), faders: by("push-faders").checked }));
  by("do-push").addEventListener("click", () => act("push"));
  by("undo-push").addEventListener("click", () => act("undo push"));
  by("language").addEventListener("change", (event) => {
    localStorage.setItem("mixbridge-language", speak(event.target.value));
    mixer.key = "";
    panel.rebuild();
    draw();
    showJob(state?.job);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input:not([type=range]), select")) return;
    if (event.key === " " && !event.target.matches("button")) { event.preventDefault(); playOrStop(); }
    if ("1234".includes(event.key) && !by("versions").children[event.key - 1].disabled) hear(VERSIONS[event.key - 1]);
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") { event.preventDefault(); act(event.shiftKey ? "redo" : "undo"); }
  });
  addEventListener("dragover", (event) => { event.preventDefault(); by("drop").hidden = false; });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) by("drop").hidden = true; });
  addEventListener("drop", (event) => {
    event.preventDefault();
    by("drop").hidden = true;
    give(event.dataTransfer.files, "stems");
  });
}

async function begin() {
  const known = localStorage.getItem("mixbridge-language") ?? navigator.language.slice(0, 2);
  by("language").value = speak(known);
  wire();
  table = await ask("/api/table");
  tick();
  listen();
  await follow(take, (error) => tellUser(`${say("away")} ${error instanceof ServerError ? error.message : ""}`, true), () => {
    told = 0; // a server that was started again counts anew
    tellUser(say("back"));
  });
}

begin();
