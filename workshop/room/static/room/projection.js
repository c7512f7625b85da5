import { $, element, follow, plural, showHour } from "./room.js";

const STATES = { busy: "en cours", red: "rouge", stuck: "bloqué", silent: "muet" };

function receive({ room }) {
  showHour(room.schedule);
  $("#people").textContent = plural(room.people, "personne");
  $("#steps").replaceChildren(...room.steps.map((step) => stepLine(step, room.people)));
  const causes = room.causes.slice(0, 5).map(({ step, title, people }) =>
    element("li", "", `${step} · ${title} (${people})`));
  $("#causes").replaceChildren(...(causes.length ? causes : [element("li", "", "Rien : aucun but n'est rouge.")]));
}

function stepLine(step, people) {
  const item = element("li", "", "");
  const counts = { done: step.done };
  for (const state in STATES) counts[state] = step[state] ?? 0;
  const bar = element("span", "bar", "");
  for (const [state, count] of Object.entries(counts)) {
    if (!count) continue;
    const part = element("i", state, "");
    part.style.flexGrow = count;
    bar.append(part);
  }
  const rest = element("i", "", "");
  rest.style.flexGrow = Math.max(0, people - Object.values(counts).reduce((sum, count) => sum + count, 0));
  bar.append(rest);
  bar.ariaHidden = "true";
  const words = Object.entries({ done: "fini", ...STATES })
    .filter(([state]) => counts[state])
    .map(([state, word]) => `${word} : ${counts[state]}`);
  item.append(element("b", "", step.step), element("span", "title", step.title), bar, element("span", "count", words.join(" · ")));
  return item;
}

follow(receive);
