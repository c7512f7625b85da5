import { $, element, follow, plural, showHour } from "./room.js";

const ORDER = ["stuck", "red", "silent", "busy", "green"];
const WORDS = { stuck: "bloqué", red: "un but rouge", silent: "muet", busy: "en cours", green: "vert" };
// Au-delà, une personne tient sur une ligne.
const DENSE = 40;
const SORTED_SECONDS = 3;
// Ceux qui ne sont pas prêts, que l'on nomme.
const NAMED = 12;

// Ce que l'on sait de chacun, et sa ligne dans la page.
const people = new Map();
const list = $("#rows");
let ready = new Set();
// L'horloge du tableau, par rapport à celle d'ici.
let ahead = 0;

const now = () => Date.now() / 1000 + ahead;
const minutes = (since) => `${Math.max(0, Math.floor((now() - since) / 60))} min`;

function receive({ whole, rows, gone, room }) {
  ahead = room.now - Date.now() / 1000;
  if (whole) people.clear();
  for (const id of gone) people.delete(id);
  for (const row of rows) {
    const item = people.get(row.id)?.item ?? makeItem();
    people.set(row.id, { ...row, item });
    item.dataset.verdicts = row.verdicts;
  }
  ready = new Set(room.boundary?.ids);
  showHour(room.schedule);
  showRoom(room);
  list.classList.toggle("dense", people.size > DENSE);
  people.forEach(draw);
  if (whole || gone.length || list.children.length !== people.size) sort();
}

function makeItem() {
  const item = document.createElement("li");
  item.append(
    element("b", "", ""), element("span", "what", ""), element("span", "track", ""),
    element("span", "where", ""), element("span", "more", ""),
  );
  item.children[2].ariaHidden = "true";
  return item;
}

function draw(row) {
  const [name, what, track, where, more] = row.item.children;
  row.item.className = row.state;
  set(name, row.name);
  set(track, [...row.done].map((done, place) => (place === row.here ? "◉" : done === "d" ? "●" : "○")).join(""));
  const green = [...row.goals].filter((goal) => goal === "p").length;
  const parts = [row.step];
  if (row.goals) parts.push(`${green}/${row.goals.length}`);
  if (row.began) parts.push(minutes(row.began));
  set(where, parts.join(" · "));
  set(what, said(row).join(" · "));
  set(more, [row.goal, row.cause].filter(Boolean).join(" → "));
}

// Ne touche qu'à ce qui change : deux cents lignes se redessinent dix fois par seconde.
function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function said(row) {
  const found = [];
  if (row.stuck) found.push(`bloqué ${minutes(row.stuck)}`);
  if (row.away) found.push(`muet ${minutes(row.away)}`);
  if (row.red) found.push(`rouge ${minutes(row.red)}`);
  if (row.finished) found.push("fini");
  if (!row.away && !row.finished && now() - row.heard > 600) found.push(`rien ${minutes(row.heard)}`);
  return found;
}

function sort() {
  const rank = (row) => [ORDER.indexOf(row.state), row.stuck ?? row.red ?? row.away ?? row.id];
  const sorted = [...people.values()].sort((one, other) => {
    const [a, b] = [rank(one), rank(other)];
    return a[0] - b[0] || a[1] - b[1];
  }).map((row) => row.item);
  if (sorted.length !== list.children.length || sorted.some((item, place) => item !== list.children[place])) {
    list.replaceChildren(...sorted);
  }
}

function showRoom({ causes, schedule, boundary }) {
  set($("#people"), String(people.size));
  const totals = ORDER.map((state) => {
    const count = [...people.values()].filter((row) => row.state === state).length;
    return `${WORDS[state]} : ${count}`;
  });
  set($("#totals"), totals.join(" · "));
  const late = Math.floor(schedule.late);
  const delay = late ? `Retard : ${late} min.` : "Pas de retard.";
  set($("#late"), `La moitié de la salle en est à : ${schedule.here}. ${delay}`);
  replace($("#cut"), schedule.cut, (one) => element("li", "", `On coupe : ${one}`));
  showBoundary(boundary);
  replace($("#causes"), causes, ({ step, title, goal, people: count, page }) => {
    const item = element("li", "", `${plural(count, "personne")} · ${step} · `);
    const link = element("a", "", title);
    link.href = page;
    link.target = "_blank";
    item.append(link, element("span", "more", ` ${goal}`));
    return item;
  });
}

function showBoundary(boundary) {
  const late = [...people.values()].filter((row) => !ready.has(row.id)).map((row) => row.name);
  const names = late.slice(0, NAMED).join(", ") + (late.length > NAMED ? `, et ${late.length - NAMED} de plus` : "");
  const rest = names ? ` Pas encore : ${names}.` : "";
  set($("#boundary"), boundary
    ? `Prêts à commencer ${boundary.step}, la prochaine frontière : ${boundary.ready} sur ${people.size}.${rest}`
    : "");
}

function replace(node, values, make) {
  const key = JSON.stringify(values);
  if (node.dataset.shown === key) return;
  node.dataset.shown = key;
  node.replaceChildren(...values.map(make));
}

setInterval(sort, SORTED_SECONDS * 1000);
follow(receive);
