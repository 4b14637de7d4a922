// What jobs say and leave: progress, links to files, the plan of a push and what came of it.

import { by, make, write } from "../core/dom.js";
import { written } from "../core/scale.js";
import { say } from "../core/texts.js";

export function tellUser(text, isError = false) {
  write(by("message"), text);
  by("message").classList.toggle("error", isError);
  by("message").hidden = by("close-message").hidden = !text;
  by("progress").hidden = true;
}

function linkTo(path, file) {
  return make("a", { href: path, download: file }, file);
}

export function showJob(job) {
  if (!job) return;
  if (job.state === "busy") {
    tellUser(`${say("working")} ${say(`job_${job.name}`)}${job.share ? `, ${Math.round(100 * job.share)} %` : ""}. ${job.text}`);
    by("progress").hidden = false;
    by("progress").value = job.share;
    return;
  }
  if (job.state === "error") { tellUser(job.text, true); return; }
  tellUser(`${say(`did_${job.name}`)} ${job.text}`);
  SHOWN[job.name]?.(job.result);
}

const SHOWN = {
  session: ({ file }) => by("message").append(" ", linkTo(`/api/session/${encodeURIComponent(file)}`, file)),
  plugins: ({ file, files }) => by("message").append(` ${files.length} ${say(files.length === 1 ? "file_count" : "files_count")}. `, linkTo(`/api/vstpresets/${encodeURIComponent(file)}`, file)),
  plan: showPlan,
  push: showPushed,
  "undo push": showPushed,
  render({ loudness_lufs: loudness }) {
    const links = ["mix.wav", "report.html"].map((file) => linkTo(`/api/mix/${file}`, file));
    by("message").replaceChildren(`${say("rendered")} ${written(loudness, "LUFS")} `, links[0], " ", links[1], ". ", say("rendered_hint"));
  },
};

function table(caption, heads, rows) {
  const out = make("table");
  out.append(make("caption", {}, caption));
  const head = out.createTHead().insertRow();
  for (const word of heads) head.append(make("th", { scope: "col" }, word));
  const body = out.createTBody();
  for (const values of rows) {
    const row = body.insertRow();
    for (const value of values) row.insertCell().append(make("bdi", {}, String(value)));
  }
  return out;
}

function showPlan(plan) {
  const list = make("ul");
  list.append(...plan.summary.map((words) => make("li", {}, words)));
  by("plan").replaceChildren(list, table(say("plan_caption"), [say("track"), say("desk_strip"), say("setting"), say("now"), say("then")], plan.rows));
  by("do-push").disabled = !plan.rows.length;
  by("do-push").focus();
}

// What became of the settings of each strip; and those that are not proven, one by one.
function showPushed(result) {
  const wasHere = document.activeElement === by("do-push");
  by("do-push").disabled = true;
  if (wasHere) by("plan").focus();
  const states = Object.keys(result.counts).filter((state) => result.counts[state]);
  const names = new Map(result.strips.map((strip) => [strip.kind === "master" ? "master" : `${strip.kind} ${strip.number}`, [strip.track ?? "", strip.label]]));
  const strips = new Map();
  for (const { strip, state } of result.results) {
    if (!strips.has(strip)) strips.set(strip, {});
    strips.get(strip)[state] = (strips.get(strip)[state] ?? 0) + 1;
  }
  const rows = [...strips].map(([strip, counts]) => [...(names.get(strip) ?? ["", strip]), ...states.map((state) => counts[state] ?? "")]);
  const list = make("ul");
  list.append(...result.problems.map((words) => make("li", {}, words)));
  by("plan").replaceChildren(table(say("pushed_caption"), [say("track"), say("desk_strip"), ...states.map((state) => say(`state_${state}`))], rows), list);
}
