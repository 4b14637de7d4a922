// The boxes that open under the header: loop, snapshots, blends, session files; and a push to a desk.

import { by, make } from "../core/dom.js";
import { clock } from "../strip/lanes.js";
import { say } from "../core/texts.js";

const BOXES = [["open-more", "more"], ["open-push", "push"]];

export function wireBoxes() {
  for (const [opener, box] of BOXES) {
    by(opener).addEventListener("click", () => openOrClose(opener, box, by(box).hidden));
    // Escape closes a box from inside, and who closed it stands where it was opened.
    by(box).addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) openOrClose(opener, box, false);
    });
    by(opener).addEventListener("keydown", (event) => { if (event.key === "Escape") openOrClose(opener, box, false); });
  }
}

function openOrClose(opener, box, isOpen) {
  const hadFocus = by(box).contains(document.activeElement);
  by(box).hidden = !isOpen;
  by(opener).setAttribute("aria-expanded", String(isOpen));
  if (isOpen) by(box).querySelector("input, select, button")?.focus();
  else if (hadFocus) by(opener).focus();
}

// A choice that keeps what is chosen; `options` are pairs of value and text.
function offer(select, options, isLastChosen = false) {
  const key = JSON.stringify(options);
  if (select.dataset.key === key) return;
  const hadChoice = select.dataset.key && JSON.parse(select.dataset.key).length > 1;
  const chosen = hadChoice ? select.value : options.at(isLastChosen ? -1 : 0)?.[0];
  select.dataset.key = key;
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  select.value = options.some(([value]) => value === chosen) ? chosen : options[0]?.[0] ?? "";
}

export function wireMore(studio) {
  by("set-loop").addEventListener("click", () => studio.act("loop", { value: Number(by("loop-start").value.replace(",", ".")), length_s: Number(by("loop-length").value.replace(",", ".")) }));
  by("blend-position").addEventListener("input", () => sayBlend());
  by("blend-position").addEventListener("change", () => studio.act("blend", { name: by("blend-one").value, other: by("blend-other").value, value: Number(by("blend-position").value) / 100 }));
  by("write-session").addEventListener("click", () => studio.act("session", { name: by("session-format").value }));
  by("save-plugins").addEventListener("click", () => studio.act("plugins"));
  by("remember").addEventListener("click", async () => { if (await studio.act("remember", { name: by("snapshot-name").value })) by("snapshot-name").value = ""; });
  by("snapshot-name").addEventListener("keydown", (event) => { if (event.key === "Enter") by("remember").click(); });
  by("make-plan").addEventListener("click", () => studio.act("plan", { name: by("desk").value.trim(), faders: by("push-faders").checked }));
  by("desk").addEventListener("keydown", (event) => { if (event.key === "Enter") by("make-plan").click(); });
  by("do-push").addEventListener("click", () => studio.act("push"));
  by("undo-push").addEventListener("click", () => studio.act("undo push"));
}

function sayBlend() {
  by("blend-value").textContent = `${by("blend-position").value} %`;
  by("blend-position").setAttribute("aria-valuetext", by("blend-value").textContent);
}

export function drawMore(studio, isBusy) {
  const { state } = studio;
  const ends = [...(state.predicted ? [["", say("predicted")]] : []), ...state.snapshots.map((name) => [name, name])];
  offer(by("blend-one"), ends);
  offer(by("blend-other"), ends, true);
  for (const id of ["blend-one", "blend-other", "blend-position"]) by(id).disabled = ends.length < 2;
  sayBlend();
  offer(by("session-format"), Object.entries(state.session_formats));
  const { plugins } = state;
  by("save-plugins").disabled = isBusy || !plugins;
  by("plugins-words").textContent = plugins ? `${say("plugins_chosen")} ${plugins.join(", ")}` : say("plugins_none");
  drawSnapshots(studio);
}

function drawSnapshots(studio) {
  const key = JSON.stringify([studio.state.snapshots, say("recall")]);
  const list = by("snapshot-list");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...studio.state.snapshots.map((name) => snapshotItem(studio, name)));
}

function snapshotItem(studio, name) {
  const item = make("li");
  const shown = make("bdi", {}, name);
  const act = {
    recall: () => studio.act("recall", { name }),
    rename: () => rename(studio, name, shown, buttons.rename),
    forget: async () => {
      await studio.act("forget", { name });
      by("snapshot-name").focus();
    },
  };
  const buttons = Object.fromEntries(Object.keys(act).map((what) => {
    const button = make("button", { "aria-label": `${say(what)} ${name}` }, say(what));
    button.addEventListener("click", act[what]);
    return [what, button];
  }));
  item.append(shown, " ", ...Object.values(buttons));
  return item;
}

// The name becomes a field: Enter or leaving it takes the new one, Escape the old one.
function rename(studio, name, shown, opener) {
  const field = make("input", { "aria-label": `${say("new_name")} ${name}`, maxlength: 100, autocomplete: "off" });
  let isOver = false;
  const end = async (isTaken) => {
    if (isOver) return;
    isOver = true;
    const other = field.value.trim();
    const hadFocus = document.activeElement === field;
    field.replaceWith(shown);
    if (hadFocus) opener.focus();
    if (!isTaken || !other || other === name) return;
    const at = studio.state.snapshots.indexOf(name);
    if (await studio.act("rename", { name, other }) && hadFocus) by("snapshot-list").children[at]?.querySelectorAll("button")[1]?.focus();
  };
  field.value = name;
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault(); // Escape closes the field, not the box around it
    end(event.key === "Enter");
  });
  field.addEventListener("blur", () => end(true));
  shown.replaceWith(field);
  field.select();
}

export function drawLoop({ loop }) {
  by("loop-start").value = Number(loop.start_s.toFixed(2));
  by("loop-length").value = Number(loop.length_s.toFixed(2));
  by("loop-words").textContent = `${clock(loop.start_s)} – ${clock(loop.start_s + loop.length_s)}`;
}
