// Les buts de l'étape en cours, à côté du chapitre ; voyez live.py.
"use strict";

const MARKS = { passed: "✔", failed: "✘", waiting: "·", skipped: "?" };
const SAID = { passed: "atteint", failed: "rouge", waiting: "en attente", skipped: "pas vérifié" };
const RETURN_MS = 1000;

const root = document.documentElement.dataset.content_root;
const area = document.querySelector("#live");
const summary = area.querySelector("summary");
const chapter = make("a");
const goals = make("ol");
const conclusion = make("p");
// Seule cette ligne se fait entendre : elle dit ce qui vient d'arriver.
const status = make("p", { className: "status" });
status.setAttribute("role", "status");
const check = make("button", { type: "button", textContent: "Vérifier" });
const next = make("button", { type: "button" });
const room = make("p", { className: "room" });
const stuck = make("button", { type: "button" });
const leave = make("button", { type: "button", textContent: "Quitter la salle" });
area.append(make("p", {}, chapter), goals, conclusion, status, check, next, room, stuck, leave);
area.hidden = false;
let socket;

function draw(picture) {
  const passed = picture.goals.filter(({ state }) => state === "passed").length;
  const count = picture.goals.length ? ` : ${passed} but${passed > 1 ? "s" : ""} sur ${picture.goals.length}` : "";
  summary.textContent = `Étape ${picture.title.slice(0, 2)}${count}`;
  chapter.textContent = `${picture.title} (${picture.remaining})`;
  chapter.href = root + picture.page;
  goals.replaceChildren(...picture.goals.map((goal) => drawGoal(goal, picture.cause)));
  conclusion.textContent = picture.conclusion;
  if (status.textContent !== picture.status) status.textContent = picture.status;
  for (const one of [room, stuck, leave]) one.hidden = !picture.room;
  room.textContent = picture.room;
  stuck.textContent = picture.stuck ? "Je ne suis plus bloqué" : "Je suis bloqué";
  next.hidden = !picture.next;
  next.textContent = "Étape suivante";
  next.onclick = () => {
    ask("next");
    location.href = root + picture.next;
  };
}

function drawGoal(goal, cause) {
  const mark = make("b", { textContent: MARKS[goal.state] });
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", SAID[goal.state]);
  const item = make("li", { className: goal.state }, mark, " ", ...spoken(goal.text));
  const why = goal.state === "failed" && cause ? cause : goal.reason;
  if (why) item.append(make("p", { className: "cause" }, ...spoken(why)));
  return item;
}

// Une phrase, où ce qui est entre accents graves est du code.
function spoken(words) {
  return words.split("`").map((part, rank) => (rank % 2 ? make("code", { textContent: part }) : part));
}

function ask(what) {
  if (socket.readyState === WebSocket.OPEN) socket.send(what);
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/marge/`);
  socket.onmessage = ({ data }) => draw(JSON.parse(data));
  socket.onclose = () => {
    status.textContent = "L'atelier ne suit plus votre projet : relancez « lire » dans son terminal.";
    setTimeout(connect, RETURN_MS);
  };
}

check.addEventListener("click", () => ask("check"));
stuck.addEventListener("click", () => ask("stuck"));
leave.addEventListener("click", () => ask("leave"));
connect();
